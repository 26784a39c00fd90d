// SPDX-License-Identifier: BSL-1.0
// Engine.IO packets over a WebSocket (Engine.IO protocol v4, "WebSocket"): one packet is one
// message; text begins with the packet's type, binary is a message packet as it is.
#pragma once

#include <socoro/net/signal.hpp>
#include <socoro/net/websocket.hpp>
#include <socoro/transport/transport.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::transport {

/// A `packet_transport` over an open WebSocket connection.
class websocket {
public:
    explicit websocket(std::shared_ptr<net::websocket> over) : over_(std::move(over)) {}

    [[nodiscard]] asio::awaitable<result<eio::packet>> recv();
    [[nodiscard]] std::error_code failure() const { return failure_; }
    [[nodiscard]] bool has_buffered() const { return over_->has_buffered(); }
    [[nodiscard]] bool is_writable() const {
        return !sending_ && !closing_ && !ended_ && !over_->is_writing();
    }
    [[nodiscard]] asio::awaitable<bool> writable();
    [[nodiscard]] std::size_t batch_limit() const { return 1024; }
    [[nodiscard]] asio::awaitable<std::error_code> send(std::span<packet_ptr const> packets);
    /// Whether `send_now` may be called in place of `send`.
    [[nodiscard]] bool sends_at_once() const { return is_writable() && over_->sends_at_once(); }
    /// As `send`, but without waiting: afterwards `is_writable` says whether all has left.
    [[nodiscard]] std::error_code send_now(std::span<packet_ptr const> packets);
    [[nodiscard]] bool close(ending);
    [[nodiscard]] std::string_view name() const { return "websocket"; }

private:
    void append(std::string& frames, std::span<packet_ptr const> packets) const {
        for (auto const& packet : packets) {
            char const type = static_cast<char>(packet->type);
            auto const prefix = packet->binary ? std::string_view() : std::string_view(&type, 1);
            if (packet->compress && over_->compresses(prefix.size() + packet->data.size()))
                over_->append_compressed(frames, packet->binary, prefix, packet->data, packet);
            else
                over_->append(frames, packet->binary, prefix, packet->data);
        }
    }
    [[nodiscard]] static errc reason_of(std::error_code why) noexcept;
    [[nodiscard]] result<eio::packet> end(errc reason);
    void fail(std::error_code why) {
        if (!failure_ && why == condition::remote)
            failure_ = why;
    }

    std::shared_ptr<net::websocket> over_;
    bool sending_ = false;
    bool closing_ = false;
    std::optional<errc> ended_;
    std::error_code failure_;
};

inline asio::awaitable<result<eio::packet>> websocket::recv() {
    if (ended_ && !closing_)
        co_return end(*ended_);
    auto received = co_await over_->recv();
    // After an undecodable packet the connection is still there, until it is closed.
    while (received && ended_)
        received = co_await over_->recv();
    if (!received) {
        fail(received.error());
        co_return end(reason_of(received.error()));
    }
    auto decoded = eio::decode(std::move(*received));
    if (!decoded) {
        fail(decoded.error());
        co_return end(errc::parse_error);
    }
    // Over WebSocket a close packet has no meaning: the connection itself is closed.
    co_return std::move(*decoded);
}

/// The first reason stays.
inline result<eio::packet> websocket::end(errc reason) {
    if (!ended_)
        ended_ = reason;
    return make_error_code(*ended_);
}

/// A connection that just ends is closed, as for the reference: only a reset is an error.
inline errc websocket::reason_of(std::error_code why) noexcept {
    bool const orderly = why == net::end_of_stream() || why == asio::error::operation_aborted;
    return orderly ? errc::transport_close : errc::transport_error;
}

inline asio::awaitable<bool> websocket::writable() {
    co_return !closing_ && !ended_;
}

inline asio::awaitable<std::error_code> websocket::send(std::span<packet_ptr const> packets) {
    if (closing_ || ended_)
        co_return asio::error::make_error_code(asio::error::broken_pipe);
    std::string frames;
    append(frames, packets);
    sending_ = true;
    auto const ec = co_await over_->send_frames(frames);
    sending_ = false;
    co_return ec;
}

inline std::error_code websocket::send_now(std::span<packet_ptr const> packets) {
    // Memory is kept from one call to the next, but not that of the largest ever.
    constexpr std::size_t most_spare = 64 * 1024;
    thread_local std::string spare;
    auto frames = std::exchange(spare, {});
    append(frames, packets);
    auto const ec = over_->send_now(frames);
    frames.clear();
    if (frames.capacity() <= most_spare)
        spare = std::move(frames);
    return ec;
}

inline bool websocket::close(ending) {
    closing_ = true;
    over_->close();
    return true;
}

static_assert(packet_transport<websocket>);

}  // namespace socoro::transport
