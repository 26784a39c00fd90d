// SPDX-License-Identifier: BSL-1.0
// A WebSocket connection (RFC 6455) over a stream: whole messages in and out, pings answered and
// the closing handshake done. The opening handshake comes before it (ws/handshake); what the
// messages mean comes above it.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/message.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/message.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/stream.hpp>
#include <socoro/ws/compression.hpp>
#include <socoro/ws/handshake.hpp>
#include <socoro/ws/reader.hpp>
#include <socoro/ws/writer.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::net {

/// Whether an HTTP request asks for a WebSocket and may have one (RFC 6455 section 4.2.1).
[[nodiscard]] std::error_code check_upgrade(http::request const& request);

/// What is agreed on with a client that sent this request, which asks for a WebSocket; nothing
/// without a negotiator. Error: `ws_bad_extensions`.
[[nodiscard]] result<ws::agreement> negotiate(http::request const& request, ws::negotiator* by);

/// The answer that accepts it: status 101. `extensions` is what was agreed on.
[[nodiscard]] http::response accept_upgrade(
    http::request const& request,
    std::string extensions = {});

/// One open WebSocket connection. One coroutine receives, another may send; the connection must
/// outlive both, or be closed first. Not thread-safe; it lives on the executor of its shard.
class websocket : public std::enable_shared_from_this<websocket> {
public:
    /// How long the peer may take to answer our close frame.
    static constexpr auto close_timeout = std::chrono::seconds(10);

    /// Speaks `self`'s side on a stream whose opening handshake is done; `already_read` are the
    /// bytes that were read behind it, and `compression` is what was agreed on.
    websocket(
        std::shared_ptr<shard> owner,
        std::shared_ptr<stream> over,
        ws::role self,
        limits const& limits = {},
        std::string already_read = {},
        ws::codecs compression = {});

    /// Waits for the next message. Errors: `asio::error::eof` when the peer closed or vanished in
    /// an orderly way, an error of the room `ws` when it broke the rules (it has been told so by
    /// a close frame), or that of the stream. Errors are final.
    [[nodiscard]] asio::awaitable<result<message>> recv();

    /// Whether `recv` could read a message, or the beginning of one, without waiting.
    [[nodiscard]] bool has_buffered() const noexcept { return taken_ < filled_; }

    /// Sends one message and waits until the system has taken it.
    [[nodiscard]] asio::awaitable<std::error_code> send(message const& m);

    /// Sends bytes that are whole frames already (see `append`), in one write if possible.
    /// Calls that overlap take turns, in their order; the bytes must outlive the call.
    [[nodiscard]] asio::awaitable<std::error_code> send_frames(std::string_view frames);

    /// Whether bytes are on their way that the system has not taken yet.
    [[nodiscard]] bool is_writing() const noexcept { return writing_; }

    /// Whether `send_now` may be called: nobody else sends.
    [[nodiscard]] bool sends_at_once() const noexcept {
        return !writing_ && !ended_ && !close_sent_;
    }

    /// As `send_frames`, but without waiting and without a coroutine if the system takes all at
    /// once; else one of its own writes the rest.
    [[nodiscard]] std::error_code send_now(std::string_view frames);

    /// Appends a frame with `prefix` and `payload` to bytes for `send_frames`.
    void append(std::string& frames, bool binary, std::string_view prefix, std::string_view payload)
        const;

    /// Whether a message of so many bytes is worth compressing, and the peer agrees.
    [[nodiscard]] bool compresses(std::size_t size) const noexcept {
        return compressor_ && size >= compressor_->threshold();
    }

    /// As `append`, compressed; only if `compresses` says so, and what is appended has to be sent.
    /// About `source` see `ws::compressor`.
    void append_compressed(
        std::string& frames,
        bool binary,
        std::string_view prefix,
        std::string_view payload,
        std::shared_ptr<void const> const& source = nullptr);

    /// Sends a close frame; without a code it has no status. `recv` goes on until the peer has
    /// answered, and not longer than `close_timeout`; a peer we failed is not waited for. After
    /// both frames a client leaves it to the server to end the stream, within the same time.
    void close(std::optional<ws::close_code> code = std::nullopt, std::string_view reason = {});

    /// Ends the connection without a word.
    void abort() noexcept;

    [[nodiscard]] std::string remote_address() const { return stream_->remote_address(); }

private:
    /// At most this much is asked of the stream at once.
    static constexpr std::size_t least_read = 2048;
    static constexpr std::size_t most_read = 65'536;
    /// Pongs that wait for the peer to read; more of them replace each other.
    static constexpr std::size_t most_control = 4096;

    [[nodiscard]] asio::awaitable<std::error_code> fill();
    [[nodiscard]] std::optional<ws::mask_key> make_key() const;
    [[nodiscard]] std::optional<result<message>> take(ws::event& event);
    [[nodiscard]] result<message> fail(std::error_code why);
    void end_stream();
    void await_end();
    void send_control(ws::opcode op, std::string_view payload);
    void flush_control();
    void write_rest(std::string rest);
    [[nodiscard]] asio::awaitable<std::error_code> write_all(std::string_view bytes);
    [[nodiscard]] static asio::awaitable<void> drain(
        std::shared_ptr<websocket> self,
        std::string begun);
    [[nodiscard]] static asio::awaitable<void> linger(std::shared_ptr<websocket> self);

    std::shared_ptr<shard> shard_;
    std::shared_ptr<stream> stream_;
    ws::role role_;
    ws::reader reader_;
    std::unique_ptr<ws::compressor> compressor_;
    std::string buffer_;
    std::size_t taken_ = 0;
    std::size_t filled_ = 0;
    std::string control_;
    signal written_;
    timer close_timer_;
    bool writing_ = false;
    bool close_sent_ = false;
    bool failed_ = false;    // the peer broke the rules
    bool finished_ = false;  // nothing more is received
    bool ended_ = false;
};

inline std::error_code check_upgrade(http::request const& request) {
    ws::upgrade_request facts;
    facts.method = request.method;
    facts.http_version = request.version;
    facts.upgrade = request.headers.get("upgrade");
    facts.connection = request.headers.get("connection");
    facts.key = request.headers.get("sec-websocket-key");
    facts.version = request.headers.get("sec-websocket-version");
    return ws::check(facts);
}

inline result<ws::agreement> negotiate(http::request const& request, ws::negotiator* by) {
    static constexpr std::string_view field = "Sec-WebSocket-Extensions";
    if (!by || !request.headers.contains(field))
        return ws::agreement();
    return by->accept_offer(request.headers.list(field));
}

inline http::response accept_upgrade(http::request const& request, std::string extensions) {
    http::response answer;
    answer.status = 101;
    answer.headers.add("Upgrade", "websocket");
    answer.headers.add("Connection", "Upgrade");
    answer.headers.add(
        "Sec-WebSocket-Accept",
        ws::accept_key(request.headers.get("sec-websocket-key")));
    if (!extensions.empty())
        answer.headers.add("Sec-WebSocket-Extensions", std::move(extensions));
    return answer;
}

inline websocket::websocket(
    std::shared_ptr<shard> owner,
    std::shared_ptr<stream> over,
    ws::role self,
    limits const& limits,
    std::string already_read,
    ws::codecs compression)
    : shard_(std::move(owner))
    , stream_(std::move(over))
    , role_(self)
    , reader_(self, limits, std::move(compression.in))
    , compressor_(std::move(compression.out))
    , buffer_(std::move(already_read))
    , filled_(buffer_.size())
    , written_(*shard_)
    , close_timer_(shard_->clock(), [this] { abort(); }) {}

inline asio::awaitable<result<message>> websocket::recv() {
    for (;;) {
        if (ended_ || finished_)
            co_return result<message>(asio::error::make_error_code(asio::error::eof));
        if (taken_ == filled_)
            if (auto const ec = co_await fill()) {
                abort();
                co_return result<message>(ec);
            }
        auto const rest = std::string_view(buffer_).substr(taken_, filled_ - taken_);
        auto const consumed = reader_.feed(rest);
        if (!consumed)
            co_return fail(consumed.error());
        taken_ += *consumed;
        if (auto event = reader_.next())
            if (auto done = take(*event))
                co_return std::move(*done);
    }
}

/// Reads a piece; the buffer grows while the peer fills it and is given back when it does not.
inline asio::awaitable<std::error_code> websocket::fill() {
    bool const was_full = filled_ == buffer_.size() && filled_ >= least_read;
    auto const size = was_full ? std::min(buffer_.size() * 2, most_read) : least_read;
    if (buffer_.size() < size || (buffer_.size() > least_read && !was_full)) {
        buffer_.resize(size);
        buffer_.shrink_to_fit();
    }
    taken_ = filled_ = 0;
    auto const read = co_await stream_->read_some(asio::buffer(buffer_));
    filled_ = read.bytes;
    co_return read.error;
}

inline std::optional<result<message>> websocket::take(ws::event& event) {
    switch (event.type) {
    case ws::event::kind::text: return result<message>(message{false, std::move(event.data)});
    case ws::event::kind::binary: return result<message>(message{true, std::move(event.data)});
    case ws::event::kind::ping: send_control(ws::opcode::pong, event.data); return std::nullopt;
    case ws::event::kind::pong: return std::nullopt;
    case ws::event::kind::close: break;
    }
    // RFC 6455 section 5.5.1: the close frame is answered with the same status.
    if (event.code == ws::close_code::no_status)
        close();
    else
        close(event.code);
    end_stream();
    return result<message>(asio::error::make_error_code(asio::error::eof));
}

/// RFC 6455 section 7.1.1: the server ends the stream first, and the client only if that takes
/// too long.
inline void websocket::end_stream() {
    if (role_ == ws::role::client)
        return await_end();
    stream_->shutdown_send();
    abort();
}

inline void websocket::await_end() {
    finished_ = true;
    asio::co_spawn(shard_->get_executor(), linger(shared_from_this()), asio::detached);
}

inline result<message> websocket::fail(std::error_code why) {
    failed_ = true;
    close(ws::close_code_for(why));
    await_end();
    return why;
}

/// Ending at once would discard our close frame if the peer's bytes are still on their way.
inline asio::awaitable<void> websocket::linger(std::shared_ptr<websocket> self) {
    while (self->writing_ && !self->ended_)
        co_await self->written_.wait();
    if (self->failed_)
        self->stream_->shutdown_send();
    std::error_code stopped;
    while (!self->ended_ && !stopped)
        stopped = co_await self->fill();
    self->abort();
}

inline asio::awaitable<std::error_code> websocket::send(message const& m) {
    std::string frames;
    if (compresses(m.data.size()))
        append_compressed(frames, m.binary, {}, m.data);
    else
        append(frames, m.binary, {}, m.data);
    co_return co_await send_frames(frames);
}

inline void websocket::append(
    std::string& frames,
    bool binary,
    std::string_view prefix,
    std::string_view payload) const {
    auto const op = binary ? ws::opcode::binary : ws::opcode::text;
    auto const key = make_key();
    ws::append_message_header(frames, op, prefix.size() + payload.size(), key);
    auto const start = frames.size();
    frames.append(prefix).append(payload);
    if (key)
        ws::apply_mask(std::span(frames).subspan(start), *key);
}

inline void websocket::append_compressed(
    std::string& frames,
    bool binary,
    std::string_view prefix,
    std::string_view payload,
    std::shared_ptr<void const> const& source) {
    auto const deflated = compressor_->compress(prefix, payload, source);
    auto const op = binary ? ws::opcode::binary : ws::opcode::text;
    auto const key = make_key();
    ws::append_message_header(frames, op, deflated.size(), key, ws::compressed_bit);
    auto const start = frames.size();
    frames.append(deflated);
    if (key)
        ws::apply_mask(std::span(frames).subspan(start), *key);
}

/// Clients mask each frame with a key of its own.
inline std::optional<ws::mask_key> websocket::make_key() const {
    return role_ == ws::role::client ? std::optional(ws::make_mask_key()) : std::nullopt;
}

inline asio::awaitable<std::error_code> websocket::send_frames(std::string_view frames) {
    while (writing_ && !ended_)
        co_await written_.wait();
    if (ended_ || close_sent_)
        co_return asio::error::make_error_code(asio::error::broken_pipe);
    writing_ = true;
    auto const ec = co_await write_all(frames);
    writing_ = false;
    if (ec)
        abort();
    else
        flush_control();
    written_.notify_all();
    co_return ec;
}

inline std::error_code websocket::send_now(std::string_view frames) {
    std::array<asio::const_buffer, 1> const buffers{asio::buffer(frames)};
    auto const [error, count] = stream_->try_write(buffers);
    if (error)
        abort();
    else if (count == frames.size())
        flush_control();
    else
        write_rest(std::string(frames.substr(count)));
    return error;
}

/// What was begun must be finished, by a coroutine of its own.
inline void websocket::write_rest(std::string rest) {
    writing_ = true;
    auto loop = drain(shared_from_this(), std::move(rest));
    asio::co_spawn(shard_->get_executor(), std::move(loop), asio::detached);
}

inline asio::awaitable<std::error_code> websocket::write_all(std::string_view bytes) {
    auto const over = stream_;
    co_return co_await write(*over, bytes);
}

inline void websocket::send_control(ws::opcode op, std::string_view payload) {
    if (close_sent_ || ended_)
        return;
    if (control_.size() > most_control)
        control_.clear();
    ws::append_frame(control_, op, payload, make_key());
    flush_control();
}

/// Control frames go between two writes of the sender; what the system does not take at once is
/// written by a coroutine of its own.
inline void websocket::flush_control() {
    if (writing_ || control_.empty())
        return;
    std::array<asio::const_buffer, 1> const buffers{asio::buffer(control_)};
    auto const [error, count] = stream_->try_write(buffers);
    if (error)
        return abort();
    auto rest = std::exchange(control_, {});
    rest.erase(0, count);
    if (rest.empty())
        return;
    // A frame that was begun no longer is among those that may be dropped.
    write_rest(std::move(rest));
}

inline asio::awaitable<void> websocket::drain(std::shared_ptr<websocket> self, std::string begun) {
    while (!begun.empty() && !self->ended_) {
        auto const ec = co_await self->write_all(begun);
        if (ec)
            self->abort();
        begun = std::exchange(self->control_, {});
    }
    self->writing_ = false;
    self->written_.notify_all();
}

inline void websocket::close(std::optional<ws::close_code> code, std::string_view reason) {
    if (close_sent_ || ended_)
        return;
    send_control(ws::opcode::close, code ? ws::encode_close(*code, reason) : std::string());
    close_sent_ = true;
    if (!ended_)
        close_timer_.arm_after(close_timeout);
}

inline void websocket::abort() noexcept {
    if (std::exchange(ended_, true))
        return;
    close_timer_.cancel();
    stream_->close();
    written_.notify_all();
}

}  // namespace socoro::net
