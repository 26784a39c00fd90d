// SPDX-License-Identifier: BSL-1.0
// The URL of a server, or of a proxy (RFC 3986), as a client is given it: without a scheme it is
// https, as for the reference. Nothing is repaired: what two readers of URLs could understand
// differently is refused. It is no URL for pages: nothing is relative, and fragments are dropped.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/http/address.hpp>
#include <socoro/http/grammar.hpp>
#include <socoro/http/head_rules.hpp>
#include <socoro/http/percent.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::http {

/// The parts of a URL.
struct url {
    std::string scheme;          ///< `http`, `https`, `ws` or `wss`
    std::string user, password;  ///< percent-decoded, so any bytes
    std::string host;            ///< in lower case, an address of IPv6 without brackets
    std::uint16_t port = 0;      ///< 80 or 443 where the URL does not say
    std::string path = "/";      ///< still percent-encoded; begins with a slash
    std::string query;           ///< what follows the first `?`, still percent-encoded

    /// Whether TLS is asked for.
    [[nodiscard]] bool is_secure() const { return scheme == "https" || scheme == "wss"; }

    /// What `Host` has to say: the host, and the port unless it is the scheme's.
    [[nodiscard]] std::string authority() const;

    [[nodiscard]] friend bool operator==(url const&, url const&) = default;
};

/// Takes a URL apart, such as `https://user:password@host:3000/path?query`, `//host` or
/// `localhost:3000`. Errors: `invalid_url`, also for schemes other than the four, for an empty
/// host, for port 0, and for anything but visible ASCII.
[[nodiscard]] result<url> parse_url(std::string_view text);

namespace detail {

[[nodiscard]] inline std::optional<std::uint16_t> port_of(std::string_view text) {
    std::uint16_t port = 0;
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (!is_number(text) || error != std::errc() || end != text.data() + text.size() || port == 0)
        return std::nullopt;
    return port;
}

[[nodiscard]] inline std::uint16_t default_port(url const& of) {
    return of.is_secure() ? 443 : 80;
}

/// Takes `scheme://` or `//` off the front of `text`.
[[nodiscard]] inline bool take_scheme(std::string_view& text, url& to) {
    to.scheme = "https";
    auto const mark = text.find("//");
    auto const before = text.substr(0, mark);
    // The slashes of `host:80/a//b` do not end a scheme.
    if (mark == std::string_view::npos || before.find_first_of("/?#@[") != before.npos)
        return true;
    text.remove_prefix(mark + 2);
    if (before.empty())
        return true;
    to.scheme = lower_case(before.substr(0, before.size() - 1));
    bool const known = to.is_secure() || to.scheme == "http" || to.scheme == "ws";
    return known && before.back() == ':';
}

/// Takes `user:password@` off the front of the authority.
[[nodiscard]] inline bool take_user(std::string_view& authority, url& to) {
    if (authority.find('@') == std::string_view::npos)
        return true;
    auto info = take_until(authority, '@');
    auto const user = take_until(info, ':');
    auto const decode = [](std::string_view text) {
        bool const proper = std::all_of(text.begin(), text.end(), [](char c) {
            return is_one_of(c, alphanumeric) || is_one_of(c, "-._~%!$&'()*+,;=:");
        });
        return proper ? percent_decode(text) : std::nullopt;
    };
    auto name = decode(user), word = decode(info);
    if (!name || !word)
        return false;
    to.user = std::move(*name);
    to.password = std::move(*word);
    return true;
}

[[nodiscard]] inline bool take_host(std::string_view authority, url& to) {
    if (!is_host(authority) || authority.find('%') != std::string_view::npos)
        return false;
    bool const literal = authority.starts_with('[');
    auto const size = literal ? authority.find(']') + 1 : authority.find(':');
    auto const host = authority.substr(0, size);
    to.host = lower_case(literal ? host.substr(1, host.size() - 2) : host);
    if (literal && !is_ipv6(to.host))
        return false;
    auto const port = authority.substr(host.size());
    auto const number = port.size() > 1 ? port_of(port.substr(1)) : default_port(to);
    to.port = number.value_or(0);
    return number.has_value();
}

}  // namespace detail

inline std::string url::authority() const {
    auto text = host.find(':') == std::string::npos ? host : '[' + host + ']';
    if (port != detail::default_port(*this))
        text += ':' + std::to_string(port);
    return text;
}

inline result<url> parse_url(std::string_view text) {
    bool const visible =
        std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
    text = text.substr(0, text.find('#'));
    url parts;
    if (!visible || !detail::take_scheme(text, parts))
        return std::error_code(errc::invalid_url);
    auto authority = text.substr(0, text.find_first_of("/?"));
    text.remove_prefix(authority.size());
    if (!detail::take_user(authority, parts) || !detail::take_host(authority, parts))
        return std::error_code(errc::invalid_url);
    auto const path = detail::take_until(text, '?');
    parts.path = path.empty() ? "/" : path;
    parts.query = text;
    return parts;
}

}  // namespace socoro::http
