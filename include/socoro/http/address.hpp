// SPDX-License-Identifier: BSL-1.0
// Addresses of IPv4 and IPv6 as text (RFC 3986 section 3.2.2), for this room alone: whether a host
// is one, and a proper one. What they stand for is the system's business.
#pragma once

#include <socoro/http/grammar.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace socoro::http::detail {

/// IPv4address.
[[nodiscard]] constexpr bool is_ipv4(std::string_view text) {
    int count = 0;
    for (bool more = true; more; ++count) {
        more = text.find('.') != std::string_view::npos;
        auto const part = take_until(text, '.');
        bool const padded = part.size() > 1 && part.front() == '0';
        if (!is_number(part) || part.size() > 3 || padded || (part.size() == 3 && part > "255"))
            return false;
    }
    return count == 4;
}

/// How many groups of 16 bits `text` has, whose last may be an address of IPv4 if that is allowed.
[[nodiscard]] constexpr std::optional<std::size_t> count_groups(
    std::string_view text,
    bool allow_v4) {
    std::size_t count = 0;
    for (bool more = !text.empty(); more; ++count) {
        more = text.find(':') != std::string_view::npos;
        auto const group = take_until(text, ':');
        if (!more && allow_v4 && is_ipv4(group))
            return count + 2;
        if (group.empty() || group.size() > 4 || !is_made_of(group, "0123456789abcdefABCDEF"))
            return std::nullopt;
    }
    return count;
}

/// IPv6address, whose `::` stands for one group or more.
[[nodiscard]] constexpr bool is_ipv6(std::string_view text) {
    auto const gap = text.find("::");
    if (gap == std::string_view::npos)
        return count_groups(text, true) == 8;
    auto const before = count_groups(text.substr(0, gap), false);
    auto const behind = count_groups(text.substr(gap + 2), true);
    return before && behind && *before + *behind < 8;
}

}  // namespace socoro::http::detail
