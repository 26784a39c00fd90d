// SPDX-License-Identifier: BSL-1.0
// The cookies of a request (RFC 6265 section 5.4), read as leniently as servers do.
// Setting cookies is a header field like any other, and not here.
#pragma once

#include <socoro/http/grammar.hpp>

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::http {

/// The cookies of one `Cookie` field in their order. Of several with one name the first is found:
/// browsers send the one with the most specific path first. Names are case-sensitive. A look-up is
/// linear in the list, by design: a hash table could be made slow by the peer.
class cookies {
public:
    /// One cookie, the value without the quotes it may have had, not percent-decoded.
    struct cookie {
        std::string name, value;

        [[nodiscard]] friend bool operator==(cookie const&, cookie const&) = default;
    };
    using const_iterator = std::vector<cookie>::const_iterator;

    cookies() = default;

    /// Parses the value of a `Cookie` field; parts without a name are passed over. Never fails.
    explicit cookies(std::string_view header);

    /// The value of the first cookie of that name, or nothing.
    [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;

    /// The value of the first cookie of that name, or the empty string.
    [[nodiscard]] std::string_view get(std::string_view name) const;

    [[nodiscard]] bool contains(std::string_view name) const;

    [[nodiscard]] const_iterator begin() const noexcept { return list_.begin(); }
    [[nodiscard]] const_iterator end() const noexcept { return list_.end(); }
    [[nodiscard]] std::size_t size() const noexcept { return list_.size(); }
    [[nodiscard]] bool empty() const noexcept { return list_.empty(); }

private:
    std::vector<cookie> list_;
};

namespace detail {

[[nodiscard]] inline std::string_view unquoted(std::string_view text) {
    bool const quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace detail

inline cookies::cookies(std::string_view header) {
    while (!header.empty()) {
        auto const pair = detail::take_until(header, ';');
        auto const equals = pair.find('=');
        auto const name = detail::trimmed(pair.substr(0, equals));
        if (equals == std::string_view::npos || name.empty())
            continue;
        auto const value = detail::unquoted(detail::trimmed(pair.substr(equals + 1)));
        list_.push_back({std::string(name), std::string(value)});
    }
}

inline std::optional<std::string_view> cookies::find(std::string_view name) const {
    auto const first = std::find_if(list_.begin(), list_.end(), [name](cookie const& c) {
        return c.name == name;
    });
    if (first == list_.end())
        return std::nullopt;
    return first->value;
}

inline std::string_view cookies::get(std::string_view name) const {
    return find(name).value_or(std::string_view());
}

inline bool cookies::contains(std::string_view name) const {
    return find(name).has_value();
}

}  // namespace socoro::http
