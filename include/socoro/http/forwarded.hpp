// SPDX-License-Identifier: BSL-1.0
// Whose request a reverse proxy passes on: `X-Forwarded-For`, which no standard describes and every
// proxy writes. Each appends the address that it got the request from. What stands before that came
// with the request, and anybody may have made it up.
#pragma once

#include <socoro/http/address.hpp>
#include <socoro/http/fields.hpp>
#include <socoro/http/grammar.hpp>

#include <cstddef>
#include <optional>
#include <string_view>

namespace socoro::http {

/// The address, without port, that the outermost of so many proxies has got the request from: the
/// last entry but `proxies - 1`. None if there are fewer entries, since then the request has not
/// come through all of them, or if that one is no address.
[[nodiscard]] std::optional<std::string_view> forwarded_for(
    fields const& headers,
    std::size_t proxies);

namespace detail {

/// The address of `1.2.3.4`, `1.2.3.4:5`, `::1`, `[::1]` or `[::1]:5`.
[[nodiscard]] inline std::optional<std::string_view> address_in(std::string_view entry) {
    auto address = entry;
    if (entry.starts_with('[')) {
        address.remove_prefix(1);
        address = take_until(address, ']');
    } else if (entry.find(':') == entry.rfind(':')) {
        address = take_until(address, ':');
    }
    if (is_ipv4(address) || is_ipv6(address))
        return address;
    return std::nullopt;
}

}  // namespace detail

inline std::optional<std::string_view> forwarded_for(fields const& headers, std::size_t proxies) {
    std::size_t entries = 0;
    for (auto const& field : headers)
        if (detail::same_name(field.name, "X-Forwarded-For"))
            for (std::string_view rest = field.value; !rest.empty(); ++entries)
                (void)detail::take_until(rest, ',');
    if (proxies == 0 || entries < proxies)
        return std::nullopt;
    auto before = entries - proxies;
    for (auto const& field : headers)
        if (detail::same_name(field.name, "X-Forwarded-For"))
            for (std::string_view rest = field.value; !rest.empty();) {
                auto const entry = detail::trimmed(detail::take_until(rest, ','));
                if (before-- == 0)
                    return detail::address_in(entry);
            }
    return std::nullopt;
}

}  // namespace socoro::http
