// SPDX-License-Identifier: BSL-1.0
// Writes responses and requests (RFC 9112 sections 3 and 4), with the framing fields they need, the
// body whole: no transfer coding is ever used.
#pragma once

#include <socoro/http/grammar.hpp>
#include <socoro/http/message.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

namespace socoro::http {

/// What of the request, and of what becomes of the connection, a response must be written by.
struct exchange {
    unsigned version = 11;   ///< of the request
    bool head = false;       ///< the request's method was HEAD: no body is written
    bool keep_alive = true;  ///< the connection goes on after this response
    std::string date{};      ///< when the response was made (see date.hpp); empty if not known
};

/// The facts of one request.
[[nodiscard]] exchange exchange_of(request const& head);

/// The head of a response, as bytes: the fields in their order, then `Date` where it is known and
/// the status is no interim one, `Content-Length` (but not for 1xx, 204 and 304) and `Connection`
/// where it says something, unless the response has them.
/// Throws std::invalid_argument for what would be more or less than this one response: a name
/// that is no token, a control character in a value (header injection), a status that has not
/// three digits, Transfer-Encoding, a Content-Length that is not the body's.
[[nodiscard]] std::string serialize_head(response const& answer, exchange const& facts);

/// Whether the body follows the head: not for HEAD, 1xx, 204 and 304.
[[nodiscard]] bool writes_body(response const& answer, exchange const& facts);

/// The head of a request, as bytes, every field as it is: what a parser took apart, another can
/// read again. Throws std::invalid_argument for a method, a target or a field that could not have
/// been in a request.
[[nodiscard]] std::string serialize_head(request const& head);

/// The whole response. Throws as `serialize_head` does.
[[nodiscard]] std::string serialize(response const& answer, exchange const& facts = {});

/// The whole request: `Content-Length` is added behind its fields, unless they have it, where there
/// is a body or the method is one that has a meaning for it. Throws std::invalid_argument as
/// `serialize_head` does, and unless there is exactly one `Host`, no Transfer-Encoding, and no
/// Content-Length that is not the body's.
[[nodiscard]] std::string serialize(request const& whole);

namespace detail {

inline void require(bool met, char const* what) {
    if (!met)
        throw std::invalid_argument(what);
}

/// The length that a Content-Length field may state.
[[nodiscard]] inline std::string length_of(response const& answer) {
    return std::to_string(is_bodiless(answer.status) ? 0 : answer.body.size());
}

/// What no message that is written may say, whatever its body.
inline void check_uncoded(fields const& headers) {
    require(!headers.contains("Transfer-Encoding"), "a body is written without coding");
    require(headers.count("Content-Length") <= 1, "Content-Length is given twice");
}

inline void check_framing(request const& whole) {
    check_uncoded(whole.headers);
    auto const given = whole.headers.find("Content-Length");
    require(
        !given || *given == std::to_string(whole.body.size()),
        "Content-Length is not the body's");
    require(whole.headers.count("Host") == 1, "a request has exactly one Host");
}

/// Whether a request says how long its body is even if it is empty (RFC 9110 section 8.6).
[[nodiscard]] inline bool states_length(request const& whole) {
    auto const& method = whole.method;
    return !whole.body.empty() || method == "POST" || method == "PUT" || method == "PATCH";
}

inline void check_framing(response const& answer, exchange const& facts) {
    require(answer.status >= 100 && answer.status <= 999, "a status has three digits");
    check_uncoded(answer.headers);
    auto const given = answer.headers.find("Content-Length");
    // Without a body it may tell the length of the one that GET or 200 would have had.
    bool const free = (facts.head || answer.status == 304) && answer.body.empty();
    if (given)
        require(
            free ? is_number(*given) : *given == length_of(answer),
            "Content-Length is not the body's");
}

inline void append_field(std::string& out, std::string_view name, std::string_view value) {
    require(is_token(name), "a header field's name is not a token");
    require(
        std::none_of(value.begin(), value.end(), is_control),
        "a header field's value has a control character");
    out.append(name).append(": ").append(value).append("\r\n");
}

/// What a Connection field has to say: HTTP/1.1 goes on unless told otherwise, HTTP/1.0 ends.
[[nodiscard]] inline std::string_view connection_option(exchange const& facts) {
    if (!facts.keep_alive)
        return "close";
    return facts.version < 11 ? "keep-alive" : "";
}

}  // namespace detail

inline exchange exchange_of(request const& head) {
    return {head.version, head.method == "HEAD", head.keep_alive()};
}

inline bool writes_body(response const& answer, exchange const& facts) {
    return !facts.head && !is_bodiless(answer.status);
}

inline std::string serialize_head(response const& answer, exchange const& facts) {
    detail::check_framing(answer, facts);
    std::string out = "HTTP/1.1 " + std::to_string(answer.status) + ' ';
    out.append(reason_phrase(answer.status)).append("\r\n");
    for (auto const& [name, value] : answer.headers)
        detail::append_field(out, name, value);
    if (!facts.date.empty() && answer.status >= 200 && !answer.headers.contains("Date"))
        detail::append_field(out, "Date", facts.date);
    if (!is_bodiless(answer.status) && !answer.headers.contains("Content-Length"))
        detail::append_field(out, "Content-Length", detail::length_of(answer));
    auto const option = detail::connection_option(facts);
    if (!option.empty() && !answer.headers.contains("Connection"))
        detail::append_field(out, "Connection", option);
    return out.append("\r\n");
}

namespace detail {

/// The head of a request but for the empty line that ends it.
[[nodiscard]] inline std::string lines_of(request const& head) {
    require(is_token(head.method), "a method is not a token");
    auto const breaks_line = [](char c) { return is_control(c) || c == '\t' || c == ' '; };
    require(
        !head.target.empty() && std::none_of(head.target.begin(), head.target.end(), breaks_line),
        "a target has a space or a control character");
    std::string out = head.method + ' ' + head.target;
    out.append(head.version < 11 ? " HTTP/1.0\r\n" : " HTTP/1.1\r\n");
    for (auto const& [name, value] : head.headers)
        append_field(out, name, value);
    return out;
}

}  // namespace detail

inline std::string serialize_head(request const& head) {
    return detail::lines_of(head) + "\r\n";
}

inline std::string serialize(request const& whole) {
    detail::check_framing(whole);
    auto out = detail::lines_of(whole);
    if (detail::states_length(whole) && !whole.headers.contains("Content-Length"))
        detail::append_field(out, "Content-Length", std::to_string(whole.body.size()));
    return out.append("\r\n").append(whole.body);
}

inline std::string serialize(response const& answer, exchange const& facts) {
    auto out = serialize_head(answer, facts);
    if (writes_body(answer, facts))
        out.append(answer.body);
    return out;
}

}  // namespace socoro::http
