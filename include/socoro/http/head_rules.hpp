// SPDX-License-Identifier: BSL-1.0
// What RFC 9112 demands of a head beyond its grammar: framing that no two readers can understand
// differently (6.1, 6.3, 11.2), and of a request a target of a known form and one proper Host (3.2).
// Where the RFC lets a recipient repair or refuse, this refuses.
#pragma once

#include <socoro/http/grammar.hpp>
#include <socoro/http/message.hpp>

#include <algorithm>
#include <string_view>
#include <system_error>

namespace socoro::http {

/// Whether `text` is `uri-host [":" port]` (RFC 3986 section 3.2) with a host that is not empty.
[[nodiscard]] bool is_host(std::string_view text);

/// Whether `target` has a form that goes with `method` (RFC 9112 section 3.2). Bytes over 0x7f are
/// let pass, as Node does; a fragment is not.
[[nodiscard]] bool is_target(std::string_view method, std::string_view target);

/// The first rule that the head breaks, if any: `http_malformed`, or `http_unsupported_coding` for
/// a transfer coding under a proper final `chunked`.
[[nodiscard]] std::error_code check_head(request const& head);

/// The same of a response of that version of HTTP (10 or 11). One that never has a body must not
/// announce one either: a reader that believes it would take the next response for the body.
[[nodiscard]] std::error_code check_head(response const& head, unsigned version);

namespace detail {

[[nodiscard]] inline bool is_port(std::string_view text) {
    return text.empty() || (text.front() == ':' && is_made_of(text.substr(1), digits));
}

[[nodiscard]] inline bool is_registered_name(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) {
        return is_one_of(c, alphanumeric) || is_one_of(c, "-._~%!$&'()*+,;=");
    });
}

[[nodiscard]] inline bool is_address_literal(std::string_view text) {
    return !text.empty() && is_made_of(text, "0123456789abcdefABCDEF:.");
}

[[nodiscard]] inline bool is_absolute_target(std::string_view target) {
    auto const scheme = target.substr(0, target.find("://"));
    auto const rest = target.substr(std::min(target.size(), scheme.size() + 3));
    auto const authority = rest.substr(0, rest.find_first_of("/?"));
    return !scheme.empty() && is_made_of(scheme.substr(0, 1), alphanumeric.substr(10)) &&
           is_made_of(scheme.substr(1), alphanumeric) && is_host(authority);
}

[[nodiscard]] inline std::error_code check_host(request const& head) {
    auto const host = head.headers.find("Host");
    if (!host)
        return head.version >= 11 ? errc::http_malformed : std::error_code();
    if (head.headers.count("Host") > 1 || !is_host(*host))
        return errc::http_malformed;
    return {};
}

[[nodiscard]] inline std::error_code check_content_length(fields const& headers) {
    auto const length = headers.find("Content-Length");
    if (length && (headers.count("Content-Length") > 1 || !is_number(*length)))
        return errc::http_malformed;
    return {};
}

/// Whether `value` is a list of codings of which the last, and only the last, is chunked.
[[nodiscard]] inline bool ends_in_chunked(std::string_view value) {
    for (bool chunked = false; !chunked;) {
        if (value.empty())
            return false;
        chunked = same_name(trimmed(take_until(value, ',')), "chunked");
    }
    return value.empty();
}

[[nodiscard]] inline std::error_code check_transfer_encoding(
    fields const& headers,
    unsigned version) {
    auto const coding = headers.find("Transfer-Encoding");
    if (!coding)
        return {};
    bool const ambiguous = version < 11 || headers.contains("Content-Length") ||
                           headers.count("Transfer-Encoding") > 1;
    if (ambiguous || !ends_in_chunked(*coding))
        return errc::http_malformed;
    return same_name(*coding, "chunked") ? std::error_code() : errc::http_unsupported_coding;
}

/// The rules of framing that requests and responses share.
[[nodiscard]] inline std::error_code check_length_and_coding(
    fields const& headers,
    unsigned version) {
    if (auto const error = check_content_length(headers))
        return error;
    return check_transfer_encoding(headers, version);
}

/// Whether a body is announced that has at least one byte.
[[nodiscard]] inline bool announces_body(fields const& headers) {
    return headers.contains("Transfer-Encoding") || !is_made_of(headers.get("Content-Length"), "0");
}

}  // namespace detail

inline bool is_host(std::string_view text) {
    if (text.starts_with('[')) {
        auto const end = text.find(']');
        return end != std::string_view::npos &&
               detail::is_address_literal(text.substr(1, end - 1)) &&
               detail::is_port(text.substr(end + 1));
    }
    auto const name = text.substr(0, text.find(':'));
    return !name.empty() && detail::is_registered_name(name) &&
           detail::is_port(text.substr(name.size()));
}

inline bool is_target(std::string_view method, std::string_view target) {
    if (target.find('#') != std::string_view::npos)
        return false;
    if (method == "CONNECT")
        return is_host(target);
    if (target == "*")
        return method == "OPTIONS";
    return target.starts_with('/') || detail::is_absolute_target(target);
}

inline std::error_code check_head(request const& head) {
    if (!is_target(head.method, head.target))
        return errc::http_malformed;
    if (auto const error = detail::check_host(head))
        return error;
    return detail::check_length_and_coding(head.headers, head.version);
}

inline std::error_code check_head(response const& head, unsigned version) {
    if (head.status < 100)
        return errc::http_malformed;
    // But 304 may tell the length of what it stands for.
    bool const empty = is_bodiless(head.status) && head.status != 304;
    if (empty && detail::announces_body(head.headers))
        return errc::http_malformed;
    return detail::check_length_and_coding(head.headers, version);
}

}  // namespace socoro::http
