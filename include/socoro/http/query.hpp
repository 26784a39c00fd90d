// SPDX-License-Identifier: BSL-1.0
// The parameters of a query string, decoded as the URL standard does (urlencoded, section 5.1).
// Names are only names: there are no nested or repeated structures, and none is special.
#pragma once

#include <socoro/http/grammar.hpp>
#include <socoro/http/percent.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::http {

/// An ordered list of decoded parameters. A look-up is linear in the list, by design: a hash table
/// could be made slow by the peer. Views it returns last as long as the query does.
class query {
public:
    /// One parameter, decoded; bytes, not necessarily UTF-8.
    struct parameter {
        std::string name, value;

        [[nodiscard]] friend bool operator==(parameter const&, parameter const&) = default;
    };
    using const_iterator = std::vector<parameter>::const_iterator;

    query() = default;

    /// Parses what follows the `?`, which `request::query()` returns. Never fails.
    explicit query(std::string_view raw);

    /// The first value of that name, or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

    /// The first value of that name, or the empty string.
    [[nodiscard]] std::string_view get(std::string_view name) const;

    [[nodiscard]] bool contains(std::string_view name) const;

    [[nodiscard]] const_iterator begin() const noexcept { return list_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return list_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

private:
    std::vector<parameter> list_;
};

inline query::query(std::string_view raw) {
    while (!raw.empty()) {
        auto pair = detail::take_until(raw, '&');
        if (pair.empty())
            continue;
        auto const name = detail::take_until(pair, '=');
        list_.push_back({decode_form(name), decode_form(pair)});
    }
}

inline std::optional<std::string_view> query::find(std::string_view name) const {
    auto const first = std::find_if(list_.begin(), list_.end(), [name](parameter const& p) {
        return p.name == name;
    });
    if (first == list_.end())
        return std::nullopt;
    return first->value;
}

inline std::string_view query::get(std::string_view name) const {
    return find(name).value_or(std::string_view());
}

inline bool query::contains(std::string_view name) const {
    return find(name).has_value();
}

}  // namespace socoro::http
