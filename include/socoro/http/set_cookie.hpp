// SPDX-License-Identifier: BSL-1.0
// One cookie as a server sets it, in the value of a `Set-Cookie` field (RFC 6265 section 5.2), read
// by a client. Whether the server may set it is the jar's to say.
#pragma once

#include <socoro/http/date.hpp>
#include <socoro/http/grammar.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace socoro::http {

/// A cookie with what was said about it.
struct set_cookie {
    /// How long a cookie is kept at most, whatever the server says; browsers do so, too.
    static constexpr std::chrono::days max_age{400};

    std::string name, value;  ///< as sent, quotes included
    std::string domain;       ///< in lower case without a dot before it; empty: the server alone
    std::string path = "/";   ///< begins with a slash; `/` where the server does not say
    std::optional<std::chrono::sys_seconds> expiry;  ///< none: it lasts as long as the client
    bool secure = false;                             ///< for TLS only

    [[nodiscard]] friend bool operator==(set_cookie const&, set_cookie const&) = default;
};

/// Reads a cookie that was set at `now`; nothing if it has no name, or any control character but
/// the tab. Attributes that make no sense, or are not known, are passed over; of several the last
/// counts, and `Max-Age` more than `Expires`.
[[nodiscard]] std::optional<set_cookie> parse_set_cookie(
    std::string_view text,
    std::chrono::system_clock::time_point now);

namespace detail {

/// The attributes of a cookie as they are read.
struct cookie_attributes {
    set_cookie& cookie;
    std::chrono::sys_seconds now;
    std::optional<std::chrono::sys_seconds> expires, aged;

    void read(std::string_view name, std::string_view value);
    void read_age(std::string_view value);
};

inline void cookie_attributes::read_age(std::string_view value) {
    bool const negative = value.starts_with('-');
    if (!is_number(value.substr(negative ? 1 : 0)))
        return;
    long long seconds = 0;
    auto const error = std::from_chars(value.data(), value.data() + value.size(), seconds).ec;
    std::chrono::seconds const most = set_cookie::max_age;
    auto const age = error == std::errc() ? std::min(std::chrono::seconds(seconds), most) : most;
    aged = negative ? now : now + age;
}

inline void cookie_attributes::read(std::string_view name, std::string_view value) {
    if (same_name(name, "Expires")) {
        if (auto const date = parse_cookie_date(value))
            expires = date;
    } else if (same_name(name, "Max-Age")) {
        read_age(value);
    } else if (same_name(name, "Domain")) {
        cookie.domain = lower_case(value.substr(value.starts_with('.') ? 1 : 0));
    } else if (same_name(name, "Path")) {
        cookie.path = value.starts_with('/') ? value : "/";
    } else if (same_name(name, "Secure")) {
        cookie.secure = true;
    }
}

}  // namespace detail

inline std::optional<set_cookie> parse_set_cookie(
    std::string_view text,
    std::chrono::system_clock::time_point now) {
    if (std::any_of(text.begin(), text.end(), is_control))
        return std::nullopt;
    auto pair = detail::take_until(text, ';');
    bool const named = pair.find('=') != std::string_view::npos;
    set_cookie cookie;
    cookie.name = detail::trimmed(detail::take_until(pair, '='));
    cookie.value = detail::trimmed(pair);
    if (!named || cookie.name.empty())
        return std::nullopt;
    detail::cookie_attributes attributes{
        cookie,
        std::chrono::floor<std::chrono::seconds>(now),
        std::nullopt,
        std::nullopt};
    while (!text.empty()) {
        auto attribute = detail::take_until(text, ';');
        auto const name = detail::trimmed(detail::take_until(attribute, '='));
        attributes.read(name, detail::trimmed(attribute));
    }
    cookie.expiry = attributes.aged ? attributes.aged : attributes.expires;
    if (cookie.expiry)
        cookie.expiry = std::min(*cookie.expiry, attributes.now + set_cookie::max_age);
    return cookie;
}

}  // namespace socoro::http
