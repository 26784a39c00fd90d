// SPDX-License-Identifier: BSL-1.0
// HTTP status codes (RFC 9110 section 15): their phrases, and which one answers an error.
#pragma once

#include <socoro/base/error.hpp>

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

}  // namespace socoro::http
