// SPDX-License-Identifier: BSL-1.0
// Incremental parser of HTTP/1.1 responses (RFC 9112), the client's side: what is particular to
// responses. What they share with requests is message_parser.hpp's.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/grammar.hpp>
#include <socoro/http/head_rules.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/message_parser.hpp>

#include <cstddef>
#include <stdexcept>
#include <string_view>
#include <system_error>

namespace socoro::http {

namespace detail {

/// Interim responses passed over before one response: a server sends one or two, and with an
/// endless number it would keep us reading for ever.
inline constexpr std::size_t max_interim_responses = 16;

/// The role of message_parser that reads responses.
class response_role {
public:
    using message = response;

    void expect(std::string_view method);

    /// Only a server has reason to be patient with empty lines (RFC 9112 section 2.2).
    [[nodiscard]] static std::error_code on_blank_line() { return errc::http_malformed; }

    [[nodiscard]] static constexpr std::string_view version_in(std::string_view line) {
        return take_until(line, ' ');
    }

    [[nodiscard]] result<head_end> on_head(response const& head, unsigned version);

    [[nodiscard]] bool is_fresh() const noexcept { return interim_responses_ == 0; }

    [[nodiscard]] bool is_to_head() const noexcept { return to_head_; }

    /// Whether the bytes behind a response of this status are another protocol's.
    [[nodiscard]] bool switches(unsigned status) const noexcept {
        return status == 101 || (to_connect_ && status / 100 == 2);
    }

private:
    bool to_head_ = false;
    bool to_connect_ = false;
    std::size_t interim_responses_ = 0;
};

}  // namespace detail

/// Reads the responses of one connection, one after the other: say what you `expect`, `feed`
/// bytes, and `take` what is `done`; see `message_parser` for all but what is here. Interim
/// responses (1xx) are passed over but for 101, which is done at the end of its head; the bytes
/// behind it are the other protocol's. An error is final: close the connection.
class response_parser : public detail::message_parser<detail::response_role> {
public:
    explicit response_parser(limits const& bounds = {}) : message_parser(bounds) {}

    /// Tells the method of the request that the next response answers: responses to HEAD, and
    /// those of 2xx to CONNECT, have no body whatever they say. Without it, it was another method.
    /// Throws std::invalid_argument once a byte of the response was fed.
    void expect(std::string_view method);

    /// Of HTTP, as the head says that is done: 10 or 11.
    [[nodiscard]] unsigned version() const noexcept { return sink().version(); }

    /// Whether the connection may go on to another request after this response, as its head says
    /// that is done: not when the end of the connection ends the body, nor into another protocol.
    [[nodiscard]] bool keep_alive() const;
};

inline void detail::response_role::expect(std::string_view method) {
    to_head_ = method == "HEAD";
    to_connect_ = method == "CONNECT";
}

inline result<detail::head_end> detail::response_role::on_head(
    response const& head,
    unsigned version) {
    if (auto const broken = check_head(head, version))
        return broken;
    if (switches(head.status))
        return head_end::message_end;
    if (head.status >= 200)
        return to_head_ ? head_end::message_end : head_end::body_if_framed;
    if (++interim_responses_ > max_interim_responses)
        return std::error_code(errc::http_malformed);
    return head_end::another_head;
}

inline void response_parser::expect(std::string_view method) {
    if (!idle())
        throw std::invalid_argument("a response is expected before its first byte");
    role().expect(method);
}

inline bool response_parser::keep_alive() const {
    if (!head_done() || role().switches(head().status))
        return false;
    bool const to_the_end = sink().need_eof() && !role().is_to_head();
    return !to_the_end && detail::keeps_alive(head().headers, version());
}

}  // namespace socoro::http
