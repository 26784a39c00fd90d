// SPDX-License-Identifier: BSL-1.0
// Whom a server refuses for the page that it comes from. Browsers let any page open a WebSocket to
// any server, with the user's cookies, and ask nobody for leave: CORS is about answers to HTTP
// alone. So a server that trusts cookies has to look at `Origin` itself (RFC 6455 section 10.2).
#pragma once

#include <socoro/engine/cors.hpp>
#include <socoro/http/message.hpp>

#include <string>
#include <string_view>

namespace socoro::engine {

/// When requests that open a session or a WebSocket are refused for their origin. One without
/// `Origin` never is, for it is no page's; nor that of a page of this very server.
enum class origin_check {
    never,             ///< as the reference
    with_credentials,  ///< when cookies matter: with `cors.credentials`, or the option `cookie`
    always,
};

/// Whether the request comes from a page of the same host and port. The scheme is not looked at,
/// for TLS may end at a proxy; one that changes `Host` makes its own pages foreign.
[[nodiscard]] bool is_same_origin(http::request const& request);

/// Whether the request comes from a page that is neither of this server nor allowed.
[[nodiscard]] bool is_foreign(cors_options const& allowed, http::request const& request);

namespace detail {

/// A host with its port, unless that is the usual one of the scheme.
[[nodiscard]] inline std::string usual_authority(
    std::string_view scheme,
    std::string_view authority) {
    std::string_view const usual = scheme == "https" ? ":443" : ":80";
    if (authority.ends_with(usual))
        authority.remove_suffix(usual.size());
    std::string lower(authority);
    for (char& c : lower)
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    return lower;
}

}  // namespace detail

inline bool is_same_origin(http::request const& request) {
    auto const origin = request.headers.get("origin");
    auto const end = origin.find("://");
    if (end == std::string_view::npos)
        return false;
    auto const scheme = origin.substr(0, end);
    auto const own = detail::usual_authority(scheme, request.headers.get("host"));
    return !own.empty() && detail::usual_authority(scheme, origin.substr(end + 3)) == own;
}

inline bool is_foreign(cors_options const& allowed, http::request const& request) {
    auto const count = request.headers.count("origin");
    if (count != 1)
        return count > 1;
    return !is_same_origin(request) && !allowed.allows(request.headers.get("origin"));
}

}  // namespace socoro::engine
