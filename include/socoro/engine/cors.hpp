// SPDX-License-Identifier: BSL-1.0
// Cross-origin resource sharing (Fetch standard, section 3.2), with the header fields of the
// package that the reference uses, in its order. It decides; nothing here is sent. Whom to refuse
// for its origin is another question: origin_policy.hpp.
#pragma once

#include <socoro/http/grammar.hpp>
#include <socoro/http/message.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::engine {

/// Which pages of other origins may talk to the server from a browser. Without `origins` and
/// `allows_origin` no page of another origin may, and no CORS field is sent.
struct cors_options {
    /// The allowed origins, such as `https://example.com`; `*` allows every origin.
    std::vector<std::string> origins;
    /// Says whether an origin that is not among `origins` is allowed. Whoever agrees to every
    /// origin together with `credentials` lets any page act as the user.
    std::function<bool(std::string_view origin)> allows_origin;
    /// Whether browsers may send cookies along; never together with `*`.
    bool credentials = false;
    /// The methods that a page may use, beside those that need no leave.
    std::vector<std::string> methods{"GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"};
    /// The header fields that a page may send; empty: those that it asks for.
    std::vector<std::string> allowed_headers;
    /// The header fields of answers that a page may see, beside those that need no leave.
    std::vector<std::string> exposed_headers;
    /// How long a browser may remember what it was allowed; without a time it decides itself.
    std::optional<std::chrono::seconds> max_age;

    [[nodiscard]] bool is_enabled() const { return !origins.empty() || allows_origin; }
    [[nodiscard]] bool allows_every() const {
        return std::find(origins.begin(), origins.end(), "*") != origins.end();
    }
    /// Whether a page of this origin may see the answers.
    [[nodiscard]] bool allows(std::string_view origin) const {
        return allows_every() ||
               std::find(origins.begin(), origins.end(), origin) != origins.end() ||
               (allows_origin && allows_origin(origin));
    }
};

/// Throws `std::invalid_argument` for what no browser would take, or no header field holds.
void check(cors_options const& options);

/// The header fields that every answer to `request` carries; none without allowed origins.
[[nodiscard]] http::fields cors_fields(cors_options const& options, http::request const& request);

/// Whether the request only asks what would be allowed.
[[nodiscard]] inline bool is_preflight(cors_options const& options, http::request const& request) {
    return options.is_enabled() && request.method == "OPTIONS";
}

/// The answer to a preflight: status 204.
[[nodiscard]] http::response preflight(cors_options const& options, http::request const& request);

namespace detail {

[[nodiscard]] inline std::string joined(std::vector<std::string> const& list) {
    std::string text;
    for (auto const& item : list)
        text.append(text.empty() ? "" : ",").append(item);
    return text;
}

inline void vary_by(http::fields& fields, std::string_view name) {
    std::string vary(fields.get("Vary"));
    vary.append(vary.empty() ? "" : ", ").append(name);
    fields.set("Vary", std::move(vary));
}

/// What the origin of a request decides.
[[nodiscard]] inline http::fields origin_fields(
    cors_options const& options,
    http::request const& request) {
    http::fields fields;
    if (options.allows_every()) {
        fields.add("Access-Control-Allow-Origin", "*");
        return fields;
    }
    auto const origin = request.headers.find("origin");
    if (origin && options.allows(*origin))
        fields.add("Access-Control-Allow-Origin", std::string(*origin));
    fields.add("Vary", "Origin");
    if (options.credentials)
        fields.add("Access-Control-Allow-Credentials", "true");
    return fields;
}

inline void add_exposed(http::fields& fields, cors_options const& options) {
    if (!options.exposed_headers.empty())
        fields.add("Access-Control-Expose-Headers", joined(options.exposed_headers));
}

inline void
add_allowed(http::fields& fields, cors_options const& options, http::request const& request) {
    auto allowed = joined(options.allowed_headers);
    if (allowed.empty()) {
        vary_by(fields, "Access-Control-Request-Headers");
        allowed = request.headers.get("access-control-request-headers");
    }
    if (!allowed.empty())
        fields.add("Access-Control-Allow-Headers", std::move(allowed));
}

inline void require_writable(std::vector<std::string> const& list) {
    for (auto const& item : list)
        if (item.empty() || std::any_of(item.begin(), item.end(), http::is_control))
            throw std::invalid_argument("socoro: an option of CORS is not fit for a header field");
}

}  // namespace detail

inline void check(cors_options const& options) {
    if (options.credentials && options.allows_every())
        throw std::invalid_argument(
            "socoro: CORS allows no credentials together with every origin");
    for (auto const* list :
         {&options.origins, &options.methods, &options.allowed_headers, &options.exposed_headers})
        detail::require_writable(*list);
}

inline http::fields cors_fields(cors_options const& options, http::request const& request) {
    if (!options.is_enabled())
        return {};
    auto fields = detail::origin_fields(options, request);
    detail::add_exposed(fields, options);
    return fields;
}

inline http::response preflight(cors_options const& options, http::request const& request) {
    http::response answer;
    answer.status = 204;
    answer.headers = detail::origin_fields(options, request);
    answer.headers.add("Access-Control-Allow-Methods", detail::joined(options.methods));
    detail::add_allowed(answer.headers, options, request);
    if (options.max_age)
        answer.headers.add("Access-Control-Max-Age", std::to_string(options.max_age->count()));
    detail::add_exposed(answer.headers, options);
    answer.headers.add("Content-Length", "0");
    return answer;
}

}  // namespace socoro::engine
