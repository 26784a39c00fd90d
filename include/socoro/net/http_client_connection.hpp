// SPDX-License-Identifier: BSL-1.0
// One HTTP/1.1 connection, client side: requests go out one after the other, each once the answer
// to the one before is whole (RFC 9112 section 9.3). Which request may go where is for http_client.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/response_parser.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/net/stream.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::net {

/// Writes requests to a stream and reads the answers. Held by a `shared_ptr` that outlives what
/// is awaited on it; one coroutine at a time uses it. `close` ends what is awaited with an error.
/// Not thread-safe; it lives on the executor of its shard.
class http_client_connection : public std::enable_shared_from_this<http_client_connection> {
public:
    /// How long it may wait for its next request. Servers close connections that wait (Node's after
    /// 5 s); a request that crosses that on its way is lost, and whether it was carried out is not
    /// known. So we stay far below, and a client that polls is back within milliseconds.
    static constexpr auto idle_limit = std::chrono::seconds(1);

    http_client_connection(
        std::shared_ptr<shard> owner,
        std::shared_ptr<stream> over,
        limits const& bounds = {});
    http_client_connection(http_client_connection const&) = delete;
    http_client_connection& operator=(http_client_connection const&) = delete;
    ~http_client_connection() { close(); }

    /// Sends a request, whose bytes must outlive the wait, and waits for the head of its answer,
    /// which may come before all bytes are taken. Errors: those of the room `http`, or of the
    /// stream; `eof` is its end before the first byte of an answer. Then it must be closed.
    [[nodiscard]] asio::awaitable<std::error_code> ask(
        std::string_view method,
        std::string_view bytes);

    /// The head of the answer that `ask` has waited for.
    [[nodiscard]] http::response const& head() const noexcept { return parser_.head(); }

    /// Waits for the rest of the answer; a body of more than `most` bytes is
    /// `errc::http_body_too_large`. Errors as of `ask`.
    [[nodiscard]] asio::awaitable<result<http::response>> read_answer(std::size_t most);

    /// Whether a byte has come since the last request was sent.
    [[nodiscard]] bool has_begun() const noexcept { return begun_; }

    /// Whether another request may follow the answer that was read.
    [[nodiscard]] bool is_reusable() const noexcept { return reusable_ && open_ && !writing_; }

    /// Waits for its next request, no longer than `idle_limit`. It keeps itself alive meanwhile,
    /// and ends itself if the server ends it or sends what nobody has asked for.
    void rest();

    /// Whether there may be a next request after `rest`; otherwise it has ended.
    [[nodiscard]] bool wake();

    /// Gives the stream away, to speak another protocol, after an answer that allows that; `rest`
    /// receives what was read behind the head.
    [[nodiscard]] std::shared_ptr<stream> release(std::string& rest);

    void close() noexcept;

private:
    using self_ptr = std::shared_ptr<http_client_connection>;
    using progress = bool (http::response_parser::*)() const;
    static constexpr std::size_t piece = 16 * 1024;

    void send(std::string_view bytes);
    [[nodiscard]] asio::awaitable<std::error_code> parse_until(progress reached);
    [[nodiscard]] asio::awaitable<std::error_code> fill();
    [[nodiscard]] asio::awaitable<std::error_code> read_piece();
    [[nodiscard]] static asio::awaitable<void> write_rest(self_ptr self, std::string bytes);
    [[nodiscard]] static asio::awaitable<void> watch(self_ptr self);

    std::shared_ptr<shard> shard_;
    std::shared_ptr<stream> stream_;
    http::response_parser parser_;
    std::string buffer_;
    std::error_code watched_error_;
    signal watched_;
    timer idle_timer_;
    time_point idle_until_{};
    bool open_ = true;
    bool watching_ = false;
    bool writing_ = false;
    bool begun_ = false;
    bool reusable_ = true;
};

/// A connection while somebody waits for an answer: it ends with them, and when `stop` says so,
/// unless it is kept.
class http_client_lease {
public:
    http_client_lease(std::shared_ptr<stop_source> stop, std::shared_ptr<http_client_connection> of)
        : connection_(of)
        , on_stop_(std::move(stop), [of] { of->close(); }) {}
    http_client_lease(http_client_lease const&) = delete;
    http_client_lease& operator=(http_client_lease const&) = delete;
    ~http_client_lease() {
        if (!kept_)
            connection_->close();
    }

    void keep() noexcept { kept_ = true; }

private:
    std::shared_ptr<http_client_connection> connection_;
    stop_callback on_stop_;
    bool kept_ = false;
};

inline http_client_connection::http_client_connection(
    std::shared_ptr<shard> owner,
    std::shared_ptr<stream> over,
    limits const& bounds)
    : shard_(std::move(owner))
    , stream_(std::move(over))
    , parser_(bounds)
    , watched_(*shard_)
    , idle_timer_(shard_->clock(), [this] { close(); }) {}

inline void http_client_connection::close() noexcept {
    open_ = false;
    idle_timer_.cancel();
    if (stream_)
        stream_->close();
}

inline asio::awaitable<std::error_code> http_client_connection::ask(
    std::string_view method,
    std::string_view bytes) {
    if (!open_)
        co_return asio::error::operation_aborted;
    begun_ = reusable_ = false;
    parser_.expect(method);
    send(bytes);
    co_return co_await parse_until(&http::response_parser::head_done);
}

/// What is not taken at once is written while the answer is read already: a server may refuse a
/// body before it has read it, and read no more. An error of writing shows in reading as well,
/// behind what the server has said before.
inline void http_client_connection::send(std::string_view bytes) {
    std::array<asio::const_buffer, 1> const buffers{asio::buffer(bytes)};
    auto const [error, count] = stream_->try_write(buffers);
    if (error || count == bytes.size()) {
        writing_ = static_cast<bool>(error);
        return;
    }
    writing_ = true;
    auto loop = write_rest(shared_from_this(), std::string(bytes.substr(count)));
    asio::co_spawn(shard_->get_executor(), std::move(loop), asio::detached);
}

inline asio::awaitable<void> http_client_connection::write_rest(self_ptr self, std::string bytes) {
    auto const over = self->stream_;
    auto const ec = co_await write(*over, bytes);
    // With an error it stays as if it were still writing: nothing may follow.
    if (!ec)
        self->writing_ = false;
}

inline asio::awaitable<result<http::response>> http_client_connection::read_answer(
    std::size_t most) {
    auto ec = parser_.body_limit(most);
    if (!ec)
        ec = co_await parse_until(&http::response_parser::done);
    if (ec)
        co_return ec;
    // What came behind the answer was not asked for, and is none to the next request.
    reusable_ = parser_.keep_alive() && buffer_.empty();
    co_return parser_.take();
}

inline asio::awaitable<std::error_code> http_client_connection::parse_until(progress reached) {
    while (!(parser_.*reached)()) {
        if (watching_ || buffer_.empty()) {
            auto const ec = co_await fill();
            // The end of the connection may be that of the body.
            auto const unfinished = ec == asio::error::eof && begun_ ? parser_.finish() : ec;
            if (unfinished)
                co_return unfinished;
            if (ec)
                continue;
        }
        auto const consumed = parser_.feed(buffer_);
        if (!consumed)
            co_return consumed.error();
        buffer_.erase(0, *consumed);
    }
    co_return std::error_code();
}

inline asio::awaitable<std::error_code> http_client_connection::fill() {
    std::error_code ec;
    if (watching_) {
        while (watching_ && !ec)
            ec = co_await watched_.wait();
        if (!ec)
            ec = watched_error_;
    } else {
        ec = co_await read_piece();
    }
    if (!open_)
        co_return asio::error::operation_aborted;
    begun_ = begun_ || !buffer_.empty();
    co_return ec;
}

inline asio::awaitable<std::error_code> http_client_connection::read_piece() {
    buffer_.resize(piece);
    auto const over = stream_;
    auto const read = co_await over->read_some(asio::buffer(buffer_));
    buffer_.resize(read.bytes);
    co_return read.error;
}

inline void http_client_connection::rest() {
    watching_ = true;
    idle_until_ = shard_->now() + idle_limit;
    idle_timer_.arm(idle_until_);
    asio::co_spawn(shard_->get_executor(), watch(shared_from_this()), asio::detached);
}

/// It goes on when the connection is used again: then it reads the beginning of the answer.
/// Otherwise this has the last share, and the connection ends with it.
inline asio::awaitable<void> http_client_connection::watch(self_ptr self) {
    auto const ec = co_await self->read_piece();
    self->watched_error_ = ec;
    self->watching_ = false;
    self->watched_.notify_all();
}

inline bool http_client_connection::wake() {
    // The timer may be late, after a handler that took long.
    if (!open_ || !watching_ || shard_->now() >= idle_until_) {
        close();
        return false;
    }
    idle_timer_.cancel();
    return true;
}

inline std::shared_ptr<stream> http_client_connection::release(std::string& rest) {
    rest = std::move(buffer_);
    open_ = false;
    return std::exchange(stream_, nullptr);
}

}  // namespace socoro::net
