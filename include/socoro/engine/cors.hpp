// SPDX-License-Identifier: BSL-1.0
// Cross-origin resource sharing (Fetch standard, section 3.2), with the header fields of the
// package that the reference uses. It decides; nothing here is sent.
#pragma once

#include <socoro/engine/options.hpp>
#include <socoro/http/message.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace socoro::engine {

/// The header fields that every answer to `request` carries; none without allowed origins.
[[nodiscard]] http::fields cors_fields(cors_options const& options, http::request const& request);

/// Whether the request only asks what would be allowed.
[[nodiscard]] inline bool is_preflight(cors_options const& options, http::request const& request) {
    return !options.origins.empty() && request.method == "OPTIONS";
}

/// The answer to a preflight: status 204.
[[nodiscard]] http::response preflight(cors_options const& options, http::request const& request);

namespace detail {

[[nodiscard]] inline bool contains(std::vector<std::string> const& list, std::string_view item) {
    return std::find(list.begin(), list.end(), item) != list.end();
}

}  // namespace detail

inline http::fields cors_fields(cors_options const& options, http::request const& request) {
    http::fields fields;
    if (options.origins.empty())
        return fields;
    // Credentials with `*` would let any page act as the user.
    if (detail::contains(options.origins, "*")) {
        fields.add("Access-Control-Allow-Origin", "*");
        return fields;
    }
    std::string const origin(request.headers.get("origin"));
    if (detail::contains(options.origins, origin))
        fields.add("Access-Control-Allow-Origin", origin);
    fields.add("Vary", "Origin");
    if (options.credentials)
        fields.add("Access-Control-Allow-Credentials", "true");
    return fields;
}

inline http::response preflight(cors_options const& options, http::request const& request) {
    http::response answer;
    answer.status = 204;
    answer.headers = cors_fields(options, request);
    std::string vary(answer.headers.get("vary"));
    vary += vary.empty() ? "Access-Control-Request-Headers" : ", Access-Control-Request-Headers";
    answer.headers.set("Vary", std::move(vary));
    answer.headers.add("Access-Control-Allow-Methods", "GET,HEAD,PUT,PATCH,POST,DELETE");
    if (auto const wanted = request.headers.find("access-control-request-headers"))
        answer.headers.add("Access-Control-Allow-Headers", std::string(*wanted));
    answer.headers.add("Content-Length", "0");
    return answer;
}

}  // namespace socoro::engine
