// SPDX-License-Identifier: BSL-1.0
// Bytes in both directions: what a connection is made of, be it TCP, TLS or memory.
#pragma once

#include <socoro/net/certificate.hpp>
#include <socoro/net/descriptor.hpp>
#include <socoro/net/shard.hpp>

#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::net {

/// How far an operation came.
struct io_result {
    std::error_code error;
    std::size_t bytes = 0;
};

/// What a stream says at its end, `asio::error::eof`, or an error that comes to the same for who has
/// an end of his own to wait for: TLS says so when its peer is gone without a word.
[[nodiscard]] inline std::error_condition end_of_stream() noexcept {
    return {asio::error::eof, asio::error::get_misc_category()};
}

class stream;

/// A stream that has left its shard: makes it anew on another, whose thread calls this, once, and
/// throws `std::system_error` where that fails. What is never called ends the stream. Null: none.
using departure = std::function<std::shared_ptr<stream>(std::shared_ptr<shard> const& on)>;

/// A two-way stream of bytes. At most one read and one write are under way at a time; the stream
/// must outlive them. Not thread-safe; it lives on the executor of its shard.
class stream {
public:
    stream() = default;
    stream(stream const&) = delete;
    stream& operator=(stream const&) = delete;
    virtual ~stream() = default;

    /// Waits for at least one byte. An orderly end of the stream is `asio::error::eof`.
    [[nodiscard]] virtual asio::awaitable<io_result> read_some(asio::mutable_buffer into) = 0;

    /// Writes what can be taken without waiting: none, some or all of the bytes.
    [[nodiscard]] virtual io_result try_write(std::span<asio::const_buffer const> from) = 0;

    /// Waits until `try_write` is worth another try.
    [[nodiscard]] virtual asio::awaitable<std::error_code> wait_writable() = 0;

    /// Tells the peer that nothing follows; reading goes on.
    virtual void shutdown_send() noexcept = 0;

    /// Ends both directions; operations under way end with an error.
    virtual void close() noexcept = 0;

    /// Takes the stream off its shard, to go on on another: this one is of no use any more, though
    /// the peer notices nothing. Nobody may wait for it. Null if it cannot move: then it stays as it
    /// was.
    [[nodiscard]] virtual departure depart() { return nullptr; }

    /// The peer's address without port, as text; empty if there is none.
    [[nodiscard]] virtual std::string remote_address() const = 0;

    /// Whether the bytes are encrypted on their way, and nobody on it can change them.
    [[nodiscard]] virtual bool is_encrypted() const { return false; }

    /// The certificate that the peer presented and that was verified; null if there is none.
    [[nodiscard]] virtual std::shared_ptr<certificate const> peer_certificate() const {
        return nullptr;
    }
};

/// Writes all bytes, waiting for room when there is none. The bytes must outlive the wait.
[[nodiscard]] asio::awaitable<std::error_code> write(stream& to, std::string_view bytes);

/// Where a server listens or what it is connected to.
using endpoint = asio::ip::tcp::endpoint;

/// The endpoint if it is one of TCP; else one without address and port.
[[nodiscard]] endpoint tcp_endpoint(asio::generic::stream_protocol::endpoint const& from);

/// A TCP connection, or one of another family that the system has, such as a Unix domain socket.
class tcp_stream final : public stream {
public:
    /// Takes over a connected socket, also an `asio::ip::tcp::socket`; small writes leave at once
    /// (TCP_NODELAY).
    explicit tcp_stream(asio::generic::stream_protocol::socket socket);

    /// Gives the socket away; nothing may be under way. Throws `std::system_error` when closed.
    [[nodiscard]] descriptor release() { return descriptor(socket_.release()); }

    [[nodiscard]] asio::awaitable<io_result> read_some(asio::mutable_buffer into) override;
    [[nodiscard]] io_result try_write(std::span<asio::const_buffer const> from) override;
    [[nodiscard]] asio::awaitable<std::error_code> wait_writable() override;
    void shutdown_send() noexcept override;
    void close() noexcept override;
    [[nodiscard]] departure depart() override;
    [[nodiscard]] std::string remote_address() const override;

private:
    asio::generic::stream_protocol::socket socket_;
};

inline asio::awaitable<std::error_code> write(stream& to, std::string_view bytes) {
    while (!bytes.empty()) {
        std::array<asio::const_buffer, 1> const buffers{asio::buffer(bytes)};
        auto const [error, count] = to.try_write(buffers);
        if (error)
            co_return error;
        bytes.remove_prefix(count);
        if (bytes.empty())
            break;
        if (auto const ec = co_await to.wait_writable())
            co_return ec;
    }
    co_return std::error_code();
}

inline endpoint tcp_endpoint(asio::generic::stream_protocol::endpoint const& from) {
    endpoint to;
    auto const family = from.protocol().family();
    if (family == asio::ip::tcp::v4().family() || family == asio::ip::tcp::v6().family()) {
        std::memcpy(to.data(), from.data(), from.size());
        to.resize(from.size());
    }
    return to;
}

inline tcp_stream::tcp_stream(asio::generic::stream_protocol::socket socket)
    : socket_(std::move(socket)) {
    std::error_code ignored;
    socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
}

inline asio::awaitable<io_result> tcp_stream::read_some(asio::mutable_buffer into) {
    auto const [ec, count] = co_await socket_.async_read_some(into, as_tuple);
    co_return io_result{ec, count};
}

inline io_result tcp_stream::try_write(std::span<asio::const_buffer const> from) {
    io_result result;
    // One buffer is what a `send` takes; more cost a list of them.
    result.bytes = from.size() == 1
                       ? socket_.write_some(asio::const_buffers_1(from[0]), result.error)
                       : socket_.write_some(from, result.error);
    if (result.error == asio::error::would_block || result.error == asio::error::try_again)
        result.error.clear();
    return result;
}

inline asio::awaitable<std::error_code> tcp_stream::wait_writable() {
    auto const [ec] = co_await socket_.async_wait(asio::ip::tcp::socket::wait_write, as_tuple);
    co_return ec;
}

inline void tcp_stream::shutdown_send() noexcept {
    std::error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

inline void tcp_stream::close() noexcept {
    std::error_code ignored;
    socket_.close(ignored);
}

inline departure tcp_stream::depart() {
    std::error_code failed;
    auto const handle = socket_.release(failed);
    if (failed)
        return nullptr;
    auto const held = std::make_shared<descriptor>(handle);
    return [held](std::shared_ptr<shard> const& on) -> std::shared_ptr<stream> {
        return std::make_shared<tcp_stream>(to_stream_socket(on->get_executor(), std::move(*held)));
    };
}

inline std::string tcp_stream::remote_address() const {
    std::error_code ec;
    auto const peer = tcp_endpoint(socket_.remote_endpoint(ec));
    return ec || peer.port() == 0 ? std::string() : peer.address().to_string();
}

}  // namespace socoro::net
