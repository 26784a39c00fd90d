// SPDX-License-Identifier: BSL-1.0
// HTTP requests and responses as values (RFC 9110), whole, with the body decoded.
// Turning bytes into a request is parser.hpp, into a response response_parser.hpp, and either into
// bytes serializer.hpp.
#pragma once

#include <socoro/http/fields.hpp>
#include <socoro/http/status.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::http {

/// A request. Views it returns last until the target is changed.
struct request {
    std::string method, target;  ///< as sent; methods are case-sensitive
    unsigned version = 11;       ///< 10 or 11
    fields headers;
    std::string body;

    /// The path of the target, still percent-encoded. Of the absolute form (RFC 9112 section
    /// 3.2.2) it is what follows the authority, `/` if nothing does; other forms are their own path.
    [[nodiscard]] std::string_view path() const;

    /// What follows the first `?` of the target, or nothing.
    [[nodiscard]] std::string_view query() const;

    /// Whether the connection may go on to another request (RFC 9112 section 9.3).
    [[nodiscard]] bool keep_alive() const;

    /// Whether the client asks for another protocol (RFC 9110 section 7.8), never so on HTTP/1.0.
    [[nodiscard]] bool wants_upgrade() const;

    /// Whether the client waits for 100 (Continue) before it sends the body (RFC 9110 section
    /// 10.1.1), never so on HTTP/1.0.
    [[nodiscard]] bool expects_continue() const;

    [[nodiscard]] friend bool operator==(request const&, request const&) = default;

private:
    [[nodiscard]] bool is_absolute() const;
    [[nodiscard]] std::string_view path_and_query() const;
};

/// A response. Framing fields (`Content-Length`, `Connection`) are the serializer's business.
struct response {
    unsigned status = 200;
    fields headers;
    std::string body;

    [[nodiscard]] friend bool operator==(response const&, response const&) = default;
};

/// A response with a body of the given type.
[[nodiscard]] response
text(unsigned status, std::string body, std::string content_type = "text/plain; charset=UTF-8");

inline bool request::is_absolute() const {
    return !target.starts_with('/') && target.find("://") != std::string::npos;
}

inline std::string_view request::path_and_query() const {
    std::string_view const whole = target;
    if (!is_absolute())
        return whole;
    auto const authority = whole.find("://") + 3;
    return whole.substr(std::min(whole.find_first_of("/?", authority), whole.size()));
}

inline std::string_view request::path() const {
    auto const whole = path_and_query();
    auto const path = whole.substr(0, whole.find('?'));
    return path.empty() && is_absolute() ? "/" : path;
}

inline std::string_view request::query() const {
    auto const whole = path_and_query();
    auto const mark = whole.find('?');
    return mark == std::string_view::npos ? std::string_view() : whole.substr(mark + 1);
}

namespace detail {

/// Whether a message of that version with these fields lets the connection go on.
[[nodiscard]] inline bool keeps_alive(fields const& headers, unsigned version) {
    if (headers.has_token("Connection", "close"))
        return false;
    return version >= 11 || headers.has_token("Connection", "keep-alive");
}

}  // namespace detail

inline bool request::keep_alive() const {
    return detail::keeps_alive(headers, version);
}

inline bool request::wants_upgrade() const {
    return version >= 11 && headers.contains("Upgrade") &&
           headers.has_token("Connection", "upgrade");
}

inline bool request::expects_continue() const {
    return version >= 11 && headers.has_token("Expect", "100-continue");
}

inline response text(unsigned status, std::string body, std::string content_type) {
    return {status, {{"Content-Type", std::move(content_type)}}, std::move(body)};
}

}  // namespace socoro::http
