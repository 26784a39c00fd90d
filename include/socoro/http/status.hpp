// SPDX-License-Identifier: BSL-1.0
// HTTP status codes (RFC 9110 section 15): their phrases, which one answers an error,
// and the error that one of them is.
#pragma once

#include <socoro/base/error.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace socoro::http {

/// The phrase that goes with a status, `Unknown` for one without a registered phrase.
[[nodiscard]] constexpr std::string_view reason_phrase(unsigned status) noexcept;

/// The status that answers a request which failed with `error`, after which the connection is to
/// be closed (RFC 9112 section 11): 413, 431, 501 or 505 where one of them fits, 400 for whatever
/// else is the peer's fault, 500 for the rest.
[[nodiscard]] unsigned status_of(std::error_code error) noexcept;

/// Whether a response of this status never has a body (RFC 9110 section 6.4.1).
[[nodiscard]] constexpr bool is_bodiless(unsigned status) noexcept {
    return status < 200 || status == 204 || status == 304;
}

/// The category of codes that are HTTP statuses, such as `HTTP status 403 Forbidden`.
[[nodiscard]] std::error_category const& status_category() noexcept;

/// The error that an answer of this status is to who needed another.
[[nodiscard]] std::error_code status_error(unsigned status) noexcept;

constexpr std::string_view reason_phrase(unsigned status) noexcept {
    switch (status) {
    case 100: return "Continue";
    case 101: return "Switching Protocols";
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 407: return "Proxy Authentication Required";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 416: return "Range Not Satisfiable";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Entity";
    case 426: return "Upgrade Required";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
    }
}

inline unsigned status_of(std::error_code error) noexcept {
    if (error == errc::http_body_too_large)
        return 413;
    if (error == errc::http_head_too_large || error == errc::http_too_many_fields)
        return 431;
    if (error == errc::http_unsupported_coding)
        return 501;
    if (error == errc::http_unsupported_version)
        return 505;
    return error == condition::remote ? 400 : 500;
}

namespace detail {

class status_category_impl final : public std::error_category {
public:
    [[nodiscard]] char const* name() const noexcept override { return "HTTP status"; }
    [[nodiscard]] std::string message(int code) const override {
        auto const phrase = reason_phrase(static_cast<unsigned>(code));
        return "HTTP status " + std::to_string(code) + ' ' + std::string(phrase);
    }
};

}  // namespace detail

inline std::error_category const& status_category() noexcept {
    static detail::status_category_impl const instance;
    return instance;
}

inline std::error_code status_error(unsigned status) noexcept {
    return {static_cast<int>(status), status_category()};
}

}  // namespace socoro::http
