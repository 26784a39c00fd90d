// SPDX-License-Identifier: BSL-1.0
// What requests and responses have in common when they are parsed incrementally (RFC 9112): the
// grammar is Boost.Beast's; this finds the ends of heads and of chunk framing itself, so that Beast
// sees each whole, and refuses what Beast would let pass. Which of the two is read is a role, in
// parser.hpp and response_parser.hpp. It does no input, and never resynchronises.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/chunk_scanner.hpp>
#include <socoro/http/grammar.hpp>
#include <socoro/http/head_scanner.hpp>
#include <socoro/http/message_sink.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::http::detail {

/// What follows a head.
enum class head_end {
    body_if_framed,  ///< the body that its fields announce
    message_end,     ///< nothing, whatever its fields say
    another_head,    ///< the head of the message proper: this one was none
};

/// Reads the messages of one connection, one after the other. The result does not depend on the
/// pieces in which bytes arrive. A `Role` is made anew for each message and knows
///   `message`               what is read, a request or a response,
///   `on_blank_line()`       the error that an empty line instead of a head is, if any,
///   `version_in(line)`      where the start line has the version,
///   `on_head(head, version)` what follows this head, or which rule it breaks,
///   `is_fresh()`            whether nothing was passed over that belongs to the message.
template <typename Role>
class message_parser {
public:
    using message_type = typename Role::message;

    /// Takes bytes up to the end of the head, or, once the head is done, up to the end of the
    /// body, and returns how many they were; the others are the caller's to keep and feed later.
    /// Takes nothing when the message is done.
    /// Errors: the `http_` ones but `http_truncated`, again and again once there was one.
    [[nodiscard]] result<std::size_t> feed(std::string_view bytes);

    /// Whether no byte of a message has come since the last one: the connection may end here.
    [[nodiscard]] bool idle() const noexcept;

    /// Whether `head()` is complete.
    [[nodiscard]] bool head_done() const noexcept;

    /// Whether the message is complete, which one without a body is as soon as its head is.
    [[nodiscard]] bool done() const noexcept { return phase_ == phase::done; }

    /// The message: all but its body when the head is done. Lasts until `take()`.
    [[nodiscard]] message_type const& head() const noexcept { return sink_.message(); }

    /// Limits the body of this message, once its head is done and before any of the body is fed;
    /// without it the limit is `limits::max_http_buffer_size`. Fails at once, for good, with
    /// `http_body_too_large` when Content-Length says more; other bodies are counted as they come.
    /// Throws std::invalid_argument when called at another time.
    std::error_code body_limit(std::size_t bytes);

    /// The end of the connection: nothing between two messages, or where it is what ends a body,
    /// which is done then; `http_truncated` anywhere else.
    [[nodiscard]] std::error_code finish();

    /// Hands out the message that is done and makes ready for the next on this connection.
    /// Throws std::invalid_argument when none is done.
    [[nodiscard]] message_type take();

protected:
    explicit message_parser(limits const& bounds);
    message_parser(message_parser&&) = default;
    message_parser& operator=(message_parser&&) = default;
    ~message_parser() = default;

    [[nodiscard]] Role& role() noexcept { return role_; }
    [[nodiscard]] Role const& role() const noexcept { return role_; }
    [[nodiscard]] message_sink<message_type> const& sink() const noexcept { return sink_; }

private:
    enum class phase { head, body_unlimited, body, done, failed };

    [[nodiscard]] result<std::size_t> feed_head(std::string_view bytes);
    [[nodiscard]] result<std::size_t> feed_body(std::string_view bytes);
    [[nodiscard]] result<std::size_t> feed_data(std::string_view bytes);
    [[nodiscard]] result<std::size_t> feed_framing(std::string_view bytes);
    [[nodiscard]] std::error_code collect_head(std::string_view piece);
    [[nodiscard]] std::error_code parse_head(std::string_view text);
    [[nodiscard]] std::error_code end_head();
    [[nodiscard]] std::error_code skip_blank_line();
    std::error_code fail(std::error_code error);
    void await_head();

    limits bounds_;
    phase phase_ = phase::head;
    std::error_code error_;
    Role role_;
    head_scanner head_scanner_{0};
    chunk_scanner chunk_scanner_{0};
    std::string pending_;  // the part of the head that came before, when it comes in pieces
    message_sink<message_type> sink_{0};
};

/// Whether `text` is a version of HTTP that is not ours.
[[nodiscard]] constexpr bool is_foreign_version(std::string_view text) {
    return text.size() == 8 && text.starts_with("HTTP/") && is_number(text.substr(5, 1)) &&
           text[6] == '.' && is_number(text.substr(7)) && text != "HTTP/1.0" && text != "HTTP/1.1";
}

template <typename Role>
message_parser<Role>::message_parser(limits const& bounds) : bounds_(bounds) {
    await_head();
}

template <typename Role>
void message_parser<Role>::await_head() {
    phase_ = phase::head;
    pending_.clear();
    head_scanner_ = head_scanner(bounds_.http_head);
    chunk_scanner_ = chunk_scanner(bounds_.http_chunk_overhead);
    sink_ = message_sink<message_type>(bounds_.http_fields);
}

template <typename Role>
bool message_parser<Role>::idle() const noexcept {
    return phase_ == phase::head && head_scanner_.size() == 0 && role_.is_fresh();
}

template <typename Role>
bool message_parser<Role>::head_done() const noexcept {
    return phase_ != phase::head && phase_ != phase::failed;
}

template <typename Role>
std::error_code message_parser<Role>::finish() {
    if (error_)
        return error_;
    if (head_done() && sink_.need_eof())
        phase_ = phase::done;
    return idle() || done() ? std::error_code() : errc::http_truncated;
}

template <typename Role>
std::error_code message_parser<Role>::fail(std::error_code error) {
    phase_ = phase::failed;
    return error_ = error;
}

template <typename Role>
auto message_parser<Role>::take() -> message_type {
    if (!done())
        throw std::invalid_argument("no message is done");
    auto finished = std::move(sink_.message());
    role_ = Role();
    await_head();
    return finished;
}

template <typename Role>
std::error_code message_parser<Role>::body_limit(std::size_t bytes) {
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

template <typename Role>
result<std::size_t> message_parser<Role>::feed(std::string_view bytes) {
    if (error_)
        return error_;
    if (done() || bytes.empty())
        return 0;
    auto const consumed = phase_ == phase::head ? feed_head(bytes) : feed_body(bytes);
    if (!consumed)
        return fail(consumed.error());
    return consumed;
}

template <typename Role>
result<std::size_t> message_parser<Role>::feed_head(std::string_view bytes) {
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

template <typename Role>
std::error_code message_parser<Role>::skip_blank_line() {
    if (auto const error = role_.on_blank_line())
        return error;
    await_head();
    return {};
}

template <typename Role>
std::error_code message_parser<Role>::collect_head(std::string_view piece) {
    if (head_scanner_.done() && pending_.empty())
        return parse_head(piece);
    pending_.append(piece);
    if (!head_scanner_.done())
        return {};
    auto const head = std::exchange(pending_, std::string());
    return parse_head(head);
}

template <typename Role>
std::error_code message_parser<Role>::parse_head(std::string_view text) {
    std::error_code error;
    auto const taken = sink_.put_whole(text, error);
    auto line = text;
    if (error == errc::http_malformed &&
        is_foreign_version(Role::version_in(take_until(line, '\r'))))
        return errc::http_unsupported_version;
    if (error)
        return error;
    if (taken != text.size())
        return errc::http_malformed;
    return end_head();
}

template <typename Role>
std::error_code message_parser<Role>::end_head() {
    auto const next = role_.on_head(sink_.message(), sink_.version());
    if (!next)
        return next.error();
    if (*next == head_end::another_head)
        await_head();
    else
        phase_ =
            *next == head_end::message_end || sink_.is_done() ? phase::done : phase::body_unlimited;
    return {};
}

template <typename Role>
result<std::size_t> message_parser<Role>::feed_body(std::string_view bytes) {
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

template <typename Role>
result<std::size_t> message_parser<Role>::feed_data(std::string_view bytes) {
    std::error_code error;
    auto const taken = sink_.put_whole(bytes, error);
    if (error)
        return error;
    return taken;
}

template <typename Role>
result<std::size_t> message_parser<Role>::feed_framing(std::string_view bytes) {
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

}  // namespace socoro::http::detail
