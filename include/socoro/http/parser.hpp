// SPDX-License-Identifier: BSL-1.0
// Incremental parser of HTTP/1.1 requests (RFC 9112), the server's side. The grammar is
// Boost.Beast's; this finds the ends of heads and of chunk framing itself, so that Beast sees each
// whole, and refuses what Beast would let pass. It does no input, and never resynchronises.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/chunk_scanner.hpp>
#include <socoro/http/grammar.hpp>
#include <socoro/http/head_rules.hpp>
#include <socoro/http/head_scanner.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/request_sink.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::http {

/// Reads the requests of one connection, one after the other. The result does not depend on the
/// pieces in which bytes arrive. An error is final: answer `status_of(error)`, then close.
class request_parser {
public:
    explicit request_parser(limits const& bounds = {});

    /// Takes bytes up to the end of the head, or, once the head is done, up to the end of the
    /// body, and returns how many they were; the others are the caller's to keep and feed later.
    /// Takes nothing when the request is done.
    /// Errors: the `http_` ones but `http_truncated`, again and again once there was one.
    [[nodiscard]] result<std::size_t> feed(std::string_view bytes);

    /// Whether no byte of a request has come since the last one: the connection may end here.
    [[nodiscard]] bool idle() const noexcept;

    /// Whether `head()` is complete.
    [[nodiscard]] bool head_done() const noexcept;

    /// Whether the request is complete, which one without a body is as soon as its head is.
    [[nodiscard]] bool done() const noexcept { return phase_ == phase::done; }

    /// The request: all but its body when the head is done. Lasts until `take()`.
    [[nodiscard]] request const& head() const noexcept { return sink_.message(); }

    /// Limits the body of this request, once its head is done and before any of the body is fed;
    /// without it the limit is `limits::max_http_buffer_size`. Fails at once, for good, with
    /// `http_body_too_large` when Content-Length says more; chunks are counted as they come.
    /// Throws std::invalid_argument when called at another time.
    std::error_code body_limit(std::size_t bytes);

    /// The end of the connection: `http_truncated` inside a request, nothing between two.
    [[nodiscard]] std::error_code finish() const noexcept;

    /// Hands out the request that is done and makes ready for the next on this connection.
    /// Throws std::invalid_argument when none is done.
    [[nodiscard]] request take();

private:
    enum class phase { head, body_unlimited, body, done, failed };

    [[nodiscard]] result<std::size_t> feed_head(std::string_view bytes);
    [[nodiscard]] result<std::size_t> feed_body(std::string_view bytes);
    [[nodiscard]] result<std::size_t> feed_data(std::string_view bytes);
    [[nodiscard]] result<std::size_t> feed_framing(std::string_view bytes);
    [[nodiscard]] std::error_code collect_head(std::string_view piece);
    [[nodiscard]] std::error_code parse_head(std::string_view text);
    [[nodiscard]] std::error_code skip_blank_line();
    std::error_code fail(std::error_code error);
    void restart();

    limits bounds_;
    phase phase_ = phase::head;
    std::error_code error_;
    std::size_t blank_lines_ = 0;
    head_scanner head_scanner_{0};
    chunk_scanner chunk_scanner_{0};
    std::string pending_;  // the part of the head that came before, when it comes in pieces
    detail::request_sink sink_{0};
};

namespace detail {

/// Empty lines let pass before a request line: some clients end a body with CRLF that does not
/// belong to it (RFC 9112 section 2.2).
inline constexpr std::size_t max_blank_lines = 2;

/// Whether the request line is proper but for the number of the version.
[[nodiscard]] inline bool has_foreign_version(std::string_view head) {
    auto line = take_until(head, '\r');
    (void)take_until(line, ' ');
    (void)take_until(line, ' ');
    return line.size() == 8 && line.starts_with("HTTP/") && is_number(line.substr(5, 1)) &&
           line[6] == '.' && is_number(line.substr(7)) && line != "HTTP/1.0" && line != "HTTP/1.1";
}

}  // namespace detail

inline request_parser::request_parser(limits const& bounds) : bounds_(bounds) {
    restart();
}

inline void request_parser::restart() {
    phase_ = phase::head;
    blank_lines_ = 0;
    head_scanner_ = head_scanner(bounds_.http_head);
    chunk_scanner_ = chunk_scanner(bounds_.http_chunk_overhead);
    sink_ = detail::request_sink(bounds_.http_fields);
}

inline bool request_parser::idle() const noexcept {
    return phase_ == phase::head && head_scanner_.size() == 0;
}

inline bool request_parser::head_done() const noexcept {
    return phase_ != phase::head && phase_ != phase::failed;
}

inline std::error_code request_parser::finish() const noexcept {
    if (error_)
        return error_;
    return idle() || done() ? std::error_code() : errc::http_truncated;
}

inline std::error_code request_parser::fail(std::error_code error) {
    phase_ = phase::failed;
    return error_ = error;
}

inline request request_parser::take() {
    if (!done())
        throw std::invalid_argument("no request is done");
    auto finished = std::move(sink_.message());
    restart();
    return finished;
}

inline std::error_code request_parser::body_limit(std::size_t bytes) {
    if (phase_ == phase::done)
        return {};
    if (phase_ != phase::body_unlimited)
        throw std::invalid_argument("a body is limited between its head and its first byte");
    if (sink_.content_length().value_or(0) > bytes)
        return fail(errc::http_body_too_large);
    sink_.body_limit(bytes);
    phase_ = phase::body;
    return {};
}

inline result<std::size_t> request_parser::feed(std::string_view bytes) {
    if (error_)
        return error_;
    if (done() || bytes.empty())
        return 0;
    auto const consumed = phase_ == phase::head ? feed_head(bytes) : feed_body(bytes);
    if (!consumed)
        return fail(consumed.error());
    return consumed;
}

inline result<std::size_t> request_parser::feed_head(std::string_view bytes) {
    std::size_t consumed = 0;
    while (consumed < bytes.size() && phase_ == phase::head) {
        auto const rest = bytes.substr(consumed);
        auto const taken = head_scanner_.feed(rest);
        if (!taken)
            return taken;
        consumed += *taken;
        auto const error =
            head_scanner_.blank() ? skip_blank_line() : collect_head(rest.substr(0, *taken));
        if (error)
            return error;
    }
    return consumed;
}

inline std::error_code request_parser::skip_blank_line() {
    if (++blank_lines_ > detail::max_blank_lines)
        return errc::http_malformed;
    pending_.clear();
    head_scanner_ = head_scanner(bounds_.http_head);
    return {};
}

inline std::error_code request_parser::collect_head(std::string_view piece) {
    if (head_scanner_.done() && pending_.empty())
        return parse_head(piece);
    pending_.append(piece);
    if (!head_scanner_.done())
        return {};
    auto const head = std::exchange(pending_, std::string());
    return parse_head(head);
}

inline std::error_code request_parser::parse_head(std::string_view text) {
    std::error_code error;
    auto const taken = sink_.put_whole(text, error);
    if (error == errc::http_malformed && detail::has_foreign_version(text))
        return errc::http_unsupported_version;
    if (error)
        return error;
    if (taken != text.size())
        return errc::http_malformed;
    if (auto const broken = check_head(sink_.message()))
        return broken;
    phase_ = sink_.is_done() ? phase::done : phase::body_unlimited;
    return {};
}

inline result<std::size_t> request_parser::feed_body(std::string_view bytes) {
    if (phase_ == phase::body_unlimited)
        if (auto const error = body_limit(bounds_.max_http_buffer_size))
            return error;
    std::size_t consumed = 0;
    while (consumed < bytes.size() && phase_ == phase::body) {
        auto const rest = bytes.substr(consumed);
        auto const taken = sink_.awaits_framing() ? feed_framing(rest) : feed_data(rest);
        if (!taken)
            return taken;
        consumed += *taken;
        if (sink_.is_done())
            phase_ = phase::done;
    }
    return consumed;
}

inline result<std::size_t> request_parser::feed_data(std::string_view bytes) {
    std::error_code error;
    auto const taken = sink_.put_whole(bytes, error);
    if (error)
        return error;
    return taken;
}

inline result<std::size_t> request_parser::feed_framing(std::string_view bytes) {
    auto const taken = chunk_scanner_.feed(bytes);
    if (!taken || !chunk_scanner_.done())
        return taken;
    auto const used = feed_data(chunk_scanner_.text());
    if (!used)
        return used;
    if (*used != chunk_scanner_.text().size())
        return std::error_code(errc::http_malformed);
    chunk_scanner_.next();
    return taken;
}

}  // namespace socoro::http
