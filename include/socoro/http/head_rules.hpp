// SPDX-License-Identifier: BSL-1.0
// What RFC 9112 demands of a request head beyond its grammar: a target of a known form (3.2), one
// proper Host (3.2), and framing that no two readers can understand differently (6.1, 6.3, 11.2).
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

[[nodiscard]] inline std::error_code check_content_length(request const& head) {
    auto const length = head.headers.find("Content-Length");
    if (length && (head.headers.count("Content-Length") > 1 || !is_number(*length)))
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

[[nodiscard]] inline std::error_code check_transfer_encoding(request const& head) {
    auto const coding = head.headers.find("Transfer-Encoding");
    if (!coding)
        return {};
    bool const ambiguous = head.version < 11 || head.headers.contains("Content-Length") ||
                           head.headers.count("Transfer-Encoding") > 1;
    if (ambiguous || !ends_in_chunked(*coding))
        return errc::http_malformed;
    return same_name(*coding, "chunked") ? std::error_code() : errc::http_unsupported_coding;
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
    if (auto const error = detail::check_content_length(head))
        return error;
    return detail::check_transfer_encoding(head);
}

}  // namespace socoro::http
