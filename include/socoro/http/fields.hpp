// SPDX-License-Identifier: BSL-1.0
// The header fields of one HTTP message (RFC 9110 section 5), in the order they came or shall go.
// It does not judge names and values: the parser and the serializer do.
#pragma once

#include <socoro/http/grammar.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::http {

/// One header field.
struct field {
    std::string name, value;

    [[nodiscard]] friend bool operator==(field const&, field const&) = default;
};

/// An ordered list of header fields; names are compared without regard to ASCII case.
/// Views it returns last until the list is changed. A look-up is linear in the list.
class fields {
public:
    using const_iterator = std::vector<field>::const_iterator;

    fields() = default;
    fields(std::initializer_list<field> list) : list_(list) {}

    /// Appends a field, whatever else has that name.
    void add(std::string name, std::string value);

    /// Makes this the only field of that name; it takes the place of the first.
    void set(std::string_view name, std::string value);

    /// Removes every field of that name and returns how many there were.
    std::size_t erase(std::string_view name);

    /// The value of the first field of that name, or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

    /// The value of the first field of that name, or the empty string.
    [[nodiscard]] std::string_view get(std::string_view name) const;

    [[nodiscard]] bool contains(std::string_view name) const;

    /// How many fields have that name.
    [[nodiscard]] std::size_t count(std::string_view name) const;

    /// The values of all fields of that name, as the comma-separated list that they make up.
    [[nodiscard]] std::string list(std::string_view name) const;

    /// Whether the comma-separated list that all fields of that name make up together (RFC 9110
    /// section 5.6.1) has `token` as a member, ASCII case ignored.
    [[nodiscard]] bool has_token(std::string_view name, std::string_view token) const;

    [[nodiscard]] const_iterator begin() const noexcept { return list_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return list_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

    [[nodiscard]] friend bool operator==(fields const&, fields const&) = default;

private:
    [[nodiscard]] static auto named(std::string_view name);

    std::vector<field> list_;
};

inline auto fields::named(std::string_view name) {
    return [name](field const& f) { return detail::same_name(f.name, name); };
}

inline void fields::add(std::string name, std::string value) {
    list_.push_back({std::move(name), std::move(value)});
}

inline void fields::set(std::string_view name, std::string value) {
    auto const first = std::find_if(list_.begin(), list_.end(), named(name));
    if (first == list_.end())
        return add(std::string(name), std::move(value));
    first->value = std::move(value);
    list_.erase(std::remove_if(first + 1, list_.end(), named(name)), list_.end());
}

inline std::size_t fields::erase(std::string_view name) {
    return std::erase_if(list_, named(name));
}

inline std::optional<std::string_view> fields::find(std::string_view name) const {
    auto const first = std::find_if(list_.begin(), list_.end(), named(name));
    if (first == list_.end())
        return std::nullopt;
    return first->value;
}

inline std::string_view fields::get(std::string_view name) const {
    return find(name).value_or(std::string_view());
}

inline bool fields::contains(std::string_view name) const {
    return find(name).has_value();
}

inline std::size_t fields::count(std::string_view name) const {
    return static_cast<std::size_t>(std::count_if(list_.begin(), list_.end(), named(name)));
}

inline std::string fields::list(std::string_view name) const {
    std::string all;
    for (auto const& f : list_)
        if (detail::same_name(f.name, name))
            all.append(all.empty() ? "" : ", ").append(f.value);
    return all;
}

inline bool fields::has_token(std::string_view name, std::string_view token) const {
    for (auto const& f : list_) {
        if (!detail::same_name(f.name, name))
            continue;
        for (std::string_view rest = f.value; !rest.empty();)
            if (detail::same_name(detail::trimmed(detail::take_until(rest, ',')), token))
                return true;
    }
    return false;
}

}  // namespace socoro::http
