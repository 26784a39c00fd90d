// SPDX-License-Identifier: BSL-1.0
// Names with values in their order, as query strings and cookies have them. Names are
// case-sensitive here; header fields are another list (fields.hpp).
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::http {

/// One name with its value.
struct name_value {
    std::string name, value;

    [[nodiscard]] friend bool operator==(name_value const&, name_value const&) = default;
};

/// An ordered list of names with values. A look-up is linear in the list, by design: a hash table
/// could be made slow by the peer. Views it returns last as long as the list does.
class name_values {
public:
    using const_iterator = std::vector<name_value>::const_iterator;

    /// The first value of that name, or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

    /// The first value of that name, or the empty string.
    [[nodiscard]] std::string_view get(std::string_view name) const {
        return find(name).value_or(std::string_view());
    }

    [[nodiscard]] bool contains(std::string_view name) const { return find(name).has_value(); }

    [[nodiscard]] const_iterator begin() const noexcept { return list_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return list_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

protected:
    ~name_values() = default;
    name_values() = default;
    name_values(name_values const&) = default;
    name_values(name_values&&) = default;
    name_values& operator=(name_values const&) = default;
    name_values& operator=(name_values&&) = default;

    void add(std::string name, std::string value) {
        list_.push_back({std::move(name), std::move(value)});
    }

private:
    std::vector<name_value> list_;
};

inline std::optional<std::string_view> name_values::find(std::string_view name) const {
    auto const first = std::find_if(list_.begin(), list_.end(), [name](name_value const& entry) {
        return entry.name == name;
    });
    if (first == list_.end())
        return std::nullopt;
    return first->value;
}

}  // namespace socoro::http
