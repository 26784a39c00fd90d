// SPDX-License-Identifier: BSL-1.0
// One HTTP/1.1 connection, server side: requests come in one after the other, and each is
// answered before the next is read (RFC 9112 section 9.3). It decides nothing about content.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/date.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/parser.hpp>
#include <socoro/http/serializer.hpp>
#include <socoro/net/http_exchange.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/stream.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace socoro::net {

/// How long a peer may take, counted by the shard's clock. Past a deadline the connection is
/// closed: a slow peer costs one connection, for a known time.
struct http_deadlines {
    /// From the beginning of a connection to the end of its TLS handshake, if it has one. That is
    /// two round trips and a signature; the rest is for networks that lose packets.
    std::chrono::milliseconds handshake{10'000};
    /// From the first byte of a request to the end of its head.
    std::chrono::milliseconds head{10'000};
    /// From the first byte of a request to the end of its body.
    std::chrono::milliseconds request{30'000};
    /// Between two requests of one connection, and before the first.
    std::chrono::milliseconds idle{10'000};
    /// To take one answer.
    std::chrono::milliseconds answer{30'000};
    /// To end the connection after we did.
    std::chrono::milliseconds linger{2'000};
};

/// Reads requests from a stream and writes the answers. One coroutine at a time uses it, and it
/// must outlive what that coroutine awaits; `close` ends all of that early.
class http_connection : public http_exchange {
public:
    /// How long a connection that is to finish may take to begin its first request. Its client has
    /// not been told that there is nobody, so that request is worth waiting for; but browsers open
    /// connections in case they need them.
    static constexpr auto first_request = std::chrono::seconds(1);

    /// `already_read` holds what somebody else has read from the stream: the next bytes.
    http_connection(
        std::shared_ptr<shard> owner,
        std::shared_ptr<stream> from,
        std::string already_read = {},
        limits const& limits = {},
        http_deadlines const& deadlines = {});
    ~http_connection() override;

    /// Waits for the head of the next request. False when there is none, because the peer is
    /// gone or too slow, or because its request was refused (which has been answered then).
    [[nodiscard]] asio::awaitable<bool> read_head();

    /// The head of the request that is being answered.
    [[nodiscard]] http::request const& head() const override {
        return complete_ ? request_ : parser_.head();
    }

    [[nodiscard]] asio::awaitable<result<std::string>> read_body(std::size_t limit) override;
    [[nodiscard]] asio::awaitable<std::error_code> respond(http::response const& answer) override;
    void watch(std::function<void()> on_gone) override;

    /// What was wrong with a request, if one was refused.
    [[nodiscard]] std::error_code failure() const noexcept { return failure_; }

    /// Whether an answer to the request whose head was read last has been begun.
    [[nodiscard]] bool is_answered() const noexcept { return answered_; }

    [[nodiscard]] bool is_open() const noexcept override { return open_; }
    [[nodiscard]] std::shared_ptr<stream> release(std::string& rest) override;
    [[nodiscard]] std::string const& remote_address() const noexcept override {
        return remote_address_;
    }
    [[nodiscard]] stream const* over() const noexcept override { return stream_.get(); }

    /// Moves the connection to the shard of another executor, whose part of the same HTTP server
    /// answers this request as if it had arrived there. Nothing comes of it here then, and no other
    /// request. False if it cannot: then nothing has changed. Not once `watch` was called for this
    /// request.
    [[nodiscard]] virtual bool move_to(shard const& there) {
        std::ignore = there;
        return false;
    }

    /// The answer to this request, or to the next if none is being answered, says that it is the
    /// last, and the connection ends with it.
    void end_after_answer() noexcept { is_last_ = true; }

    /// Lets no further request in: what is being answered, or has begun to arrive, is answered, and
    /// the answer says that it is the last. A connection between two requests ends at once; one
    /// that has brought none has `first_request` to do so.
    void finish();

    void close() noexcept override;

protected:
    /// Takes the stream off its shard: see `stream::depart`.
    [[nodiscard]] departure depart() { return stream_ ? stream_->depart() : nullptr; }

private:
    using progress = bool (http::request_parser::*)() const;

    /// A read that goes on while a request is answered, to notice that the peer is gone.
    /// It owns what it needs, since the connection may end before it.
    struct read_ahead {
        read_ahead(shard& owner, std::shared_ptr<stream> from, std::function<void()> gone)
            : source(std::move(from))
            , on_gone(std::move(gone))
            , finished(owner) {}

        std::shared_ptr<stream> source;
        std::function<void()> on_gone;
        signal finished;
        std::string bytes;
        std::error_code error;
        bool done = false;
    };
    [[nodiscard]] static asio::awaitable<void> run(std::shared_ptr<read_ahead> ahead);

    [[nodiscard]] asio::awaitable<std::error_code> parse_until(progress reached);
    [[nodiscard]] asio::awaitable<std::error_code> fill();
    [[nodiscard]] asio::awaitable<std::error_code> take_read_ahead();
    [[nodiscard]] asio::awaitable<void> refuse(std::error_code why);
    [[nodiscard]] asio::awaitable<void> linger();
    void complete();
    void on_deadline();

    std::shared_ptr<shard> shard_;
    std::shared_ptr<stream> stream_;
    http_deadlines deadlines_;
    http::request_parser parser_;
    http::request request_;
    std::string buffer_;
    std::string remote_address_;
    std::shared_ptr<read_ahead> ahead_;
    timer deadline_;
    time_point started_{};
    bool in_request_ = false;
    bool complete_ = false;
    bool answered_ = false;
    bool is_first_ = true;
    bool is_last_ = false;
    bool open_ = true;
    std::error_code failure_;
};

inline http_connection::http_connection(
    std::shared_ptr<shard> owner,
    std::shared_ptr<stream> from,
    std::string already_read,
    limits const& limits,
    http_deadlines const& deadlines)
    : shard_(std::move(owner))
    , stream_(std::move(from))
    , deadlines_(deadlines)
    , parser_(limits)
    , buffer_(std::move(already_read))
    , remote_address_(stream_->remote_address())
    , deadline_(shard_->clock(), [this] { on_deadline(); }) {}

inline http_connection::~http_connection() {
    if (ahead_)
        ahead_->on_gone = nullptr;
    close();
}

inline void http_connection::close() noexcept {
    open_ = false;
    deadline_.cancel();
    if (stream_)
        stream_->close();
}

inline void http_connection::finish() {
    is_last_ = true;
    if (in_request_)
        return;
    if (is_first_)
        deadline_.arm_after(first_request);
    else
        close();
}

inline asio::awaitable<bool> http_connection::read_head() {
    // A request that nobody answered has no next one: the answers would be taken for others.
    if (in_request_ && !answered_)
        close();
    is_first_ = is_first_ && !in_request_;
    in_request_ = false;
    if (is_last_ && !is_first_)
        close();
    if (!open_)
        co_return false;
    complete_ = answered_ = false;
    deadline_.arm_after(
        is_last_ ? std::min<duration>(first_request, deadlines_.idle) : deadlines_.idle);
    auto const ec = co_await parse_until(&http::request_parser::head_done);
    // What the system had read may come after `close`.
    if (!ec && open_) {
        deadline_.arm(started_ + deadlines_.request);
        if (parser_.done())
            complete();
        co_return true;
    }
    if (ec.category() == errc_category() && open_)
        co_await refuse(ec);
    close();
    co_return false;
}

inline asio::awaitable<result<std::string>> http_connection::read_body(std::size_t limit) {
    if (complete_)
        co_return result<std::string>(std::move(request_.body));
    std::error_code ec = failure_ = parser_.body_limit(limit);
    if (!ec && buffer_.empty() && parser_.head().expects_continue())
        ec = co_await write(*stream_, "HTTP/1.1 100 Continue\r\n\r\n");
    if (!ec)
        ec = co_await parse_until(&http::request_parser::done);
    if (!ec && !open_)
        ec = asio::error::operation_aborted;
    if (ec)
        co_return result<std::string>(ec);
    complete();
    co_return result<std::string>(std::move(request_.body));
}

inline void http_connection::complete() {
    request_ = parser_.take();
    complete_ = true;
    deadline_.cancel();
}

inline asio::awaitable<std::error_code> http_connection::parse_until(progress reached) {
    while (!(parser_.*reached)()) {
        if (buffer_.empty())
            if (auto const ec = co_await fill())
                co_return in_request_&& ec == end_of_stream()
                    ? make_error_code(errc::http_truncated)
                    : ec;
        if (!in_request_) {
            in_request_ = true;
            started_ = shard_->now();
            deadline_.arm(started_ + deadlines_.head);
        }
        auto const consumed = parser_.feed(buffer_);
        if (!consumed)
            co_return failure_ = consumed.error();
        buffer_.erase(0, *consumed);
    }
    co_return std::error_code();
}

inline asio::awaitable<std::error_code> http_connection::fill() {
    if (ahead_)
        co_return co_await take_read_ahead();
    static constexpr std::size_t piece = 4096;
    auto const size = buffer_.size();
    buffer_.resize(size + piece);
    auto const read = co_await stream_->read_some(asio::buffer(buffer_.data() + size, piece));
    buffer_.resize(size + read.bytes);
    co_return read.error;
}

inline asio::awaitable<std::error_code> http_connection::take_read_ahead() {
    auto const ahead = ahead_;
    if (!ahead->done)
        co_await ahead->finished.wait();
    if (ahead_ == ahead)
        ahead_ = nullptr;
    buffer_ += ahead->bytes;
    co_return ahead->error;
}

inline void http_connection::watch(std::function<void()> on_gone) {
    if (!open_ || !buffer_.empty())
        return;
    if (ahead_) {
        ahead_->on_gone = std::move(on_gone);
        return;
    }
    ahead_ = std::make_shared<read_ahead>(*shard_, stream_, std::move(on_gone));
    asio::co_spawn(shard_->get_executor(), run(ahead_), asio::detached);
}

inline asio::awaitable<void> http_connection::run(std::shared_ptr<read_ahead> ahead) {
    ahead->bytes.resize(4096);
    auto const read = co_await ahead->source->read_some(asio::buffer(ahead->bytes));
    ahead->bytes.resize(read.bytes);
    ahead->error = read.error;
    ahead->done = true;
    auto const on_gone = std::move(ahead->on_gone);
    if (read.error && on_gone)
        on_gone();
    ahead->finished.notify_all();
}

inline asio::awaitable<std::error_code> http_connection::respond(http::response const& answer) {
    if (ahead_)
        ahead_->on_gone = nullptr;
    if (!open_)
        co_return asio::error::operation_aborted;
    auto facts = http::exchange_of(head());
    facts.keep_alive = facts.keep_alive && complete_ && !is_last_ &&
                       !answer.headers.has_token("Connection", "close");
    // A refused upgrade is answered as the reference does, which leaves the date out there.
    if (!head().wants_upgrade())
        facts.date = http::format_date(shard_->clock()->date());
    auto const bytes = http::serialize(answer, facts);
    answered_ = true;
    deadline_.arm_after(deadlines_.answer);
    auto const ec = co_await write(*stream_, bytes);
    deadline_.cancel();
    if (ec)
        close();
    else if (!facts.keep_alive && answer.status != 101)
        co_await linger();
    co_return ec;
}

inline asio::awaitable<void> http_connection::refuse(std::error_code why) {
    http::response answer;
    answer.status = http::status_of(why);
    http::exchange facts;
    facts.keep_alive = false;
    auto const bytes = http::serialize(answer, facts);
    answered_ = true;
    deadline_.arm_after(deadlines_.answer);
    auto const ec = co_await write(*stream_, bytes);
    if (!ec)
        co_await linger();
}

/// Closing at once would discard the answer if the peer's bytes are still on their way.
inline asio::awaitable<void> http_connection::linger() {
    stream_->shutdown_send();
    deadline_.arm_after(deadlines_.linger);
    std::error_code ended;
    while (!ended) {
        buffer_.clear();
        ended = co_await fill();
    }
    close();
}

inline void http_connection::on_deadline() {
    // Not in the middle of another answer.
    if (open_ && in_request_ && !complete_ && !answered_) {
        static constexpr std::string_view answer =
            "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
        std::array<asio::const_buffer, 1> const buffers{asio::buffer(answer)};
        std::ignore = stream_->try_write(buffers);
    }
    close();
}

inline std::shared_ptr<stream> http_connection::release(std::string& rest) {
    rest = std::move(buffer_);
    open_ = false;
    deadline_.cancel();
    return std::exchange(stream_, nullptr);
}

}  // namespace socoro::net
