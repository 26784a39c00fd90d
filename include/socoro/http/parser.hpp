// SPDX-License-Identifier: BSL-1.0
// Incremental parser of HTTP/1.1 requests (RFC 9112), the server's side: what is particular to
// requests. What they share with responses is message_parser.hpp's.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/grammar.hpp>
#include <socoro/http/head_rules.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/message_parser.hpp>

#include <cstddef>
#include <string_view>
#include <system_error>

namespace socoro::http {

namespace detail {

/// Empty lines let pass before a request line: some clients end a body with CRLF that does not
/// belong to it (RFC 9112 section 2.2).
inline constexpr std::size_t max_blank_lines = 2;

/// The role of message_parser that reads requests.
class request_role {
public:
    using message = request;

    [[nodiscard]] std::error_code on_blank_line() {
        return ++blank_lines_ > max_blank_lines ? errc::http_malformed : std::error_code();
    }

    [[nodiscard]] static constexpr std::string_view version_in(std::string_view line) {
        (void)take_until(line, ' ');
        (void)take_until(line, ' ');
        return line;
    }

    [[nodiscard]] static result<head_end> on_head(request const& head, unsigned) {
        if (auto const broken = check_head(head))
            return broken;
        return head_end::body_if_framed;
    }

    [[nodiscard]] static constexpr bool is_fresh() noexcept { return true; }

private:
    std::size_t blank_lines_ = 0;
};

}  // namespace detail

/// Reads the requests of one connection, one after the other: `feed` bytes, and `take` what is
/// `done`; see `message_parser` for both. An error is final: answer `status_of(error)`, then close.
/// The end of the connection never completes a request.
class request_parser : public detail::message_parser<detail::request_role> {
public:
    explicit request_parser(limits const& bounds = {}) : message_parser(bounds) {}
};

}  // namespace socoro::http
