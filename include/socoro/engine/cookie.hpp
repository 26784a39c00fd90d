// SPDX-License-Identifier: BSL-1.0
// The cookie that tells a load balancer to which of several servers a session belongs. The server
// itself never reads it.
#pragma once

#include <socoro/http/cookie_writer.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace socoro::engine {

/// With which requests that other sites bring about a browser sends a cookie.
enum class same_site {
    unspecified,  ///< the attribute is left out: up to the browser
    lax,          ///< only when the user follows a link
    strict,       ///< never
    none,         ///< always; browsers want `secure` for that
};

/// The cookie with the sid, which the answer that opens a session over long-polling sets. As in the
/// reference a session that begins with WebSocket sets none: it needs one connection only.
struct cookie_options {
    bool enabled = false;
    std::string name = "io";
    /// The path that browsers send it to, and below; empty: that of the request.
    std::string path = "/";
    /// Whether scripts of the page cannot read it.
    bool http_only = true;
    engine::same_site same_site = same_site::lax;
    /// Whether it is sent over TLS only.
    bool secure = false;
    /// Whether browsers keep it apart for each site that the page is embedded in.
    bool partitioned = false;
    /// The domain that it is sent to, with all below it; empty: this host alone.
    std::string domain;
    /// How long browsers keep it; without a time, as long as they run.
    std::optional<std::chrono::seconds> max_age;
};

/// The value of the field `Set-Cookie`, with the attributes in the reference's order. Throws
/// `std::invalid_argument` for options that are not fit for a header field.
[[nodiscard]] inline std::string sid_cookie(cookie_options const& options, std::string_view sid) {
    http::cookie_writer cookie(options.name, sid);
    if (options.max_age)
        cookie.add("Max-Age", std::to_string(options.max_age->count()));
    if (!options.domain.empty())
        cookie.add("Domain", options.domain);
    if (!options.path.empty())
        cookie.add("Path", options.path);
    if (options.http_only)
        cookie.add("HttpOnly");
    if (options.secure)
        cookie.add("Secure");
    if (options.partitioned)
        cookie.add("Partitioned");
    switch (options.same_site) {
    case same_site::unspecified: break;
    case same_site::lax: cookie.add("SameSite", "Lax"); break;
    case same_site::strict: cookie.add("SameSite", "Strict"); break;
    case same_site::none: cookie.add("SameSite", "None"); break;
    }
    return cookie.text();
}

}  // namespace socoro::engine
