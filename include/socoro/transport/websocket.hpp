// SPDX-License-Identifier: BSL-1.0
// Engine.IO packets over a WebSocket (Engine.IO protocol v4, "WebSocket"): one packet is one
// message; text begins with the packet's type, binary is a message packet as it is.
#pragma once

#include <socoro/transport/transport.hpp>

#include <socoro/net/signal.hpp>
#include <socoro/net/websocket.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::transport {

/// A `packet_transport` over an open WebSocket connection.
class websocket {
public:
    explicit websocket(std::shared_ptr<net::websocket> over) : over_(std::move(over)) {}

    [[nodiscard]] asio::awaitable<result<eio::packet>> recv();
    [[nodiscard]] bool has_buffered() const { return over_->has_buffered(); }
    [[nodiscard]] bool is_writable() const { return !sending_ && !closing_; }
    [[nodiscard]] asio::awaitable<bool> writable();
    [[nodiscard]] std::size_t batch_limit() const { return 1024; }
    [[nodiscard]] asio::awaitable<std::error_code> send(std::span<packet_ptr const> packets);
    [[nodiscard]] bool close(ending);
    [[nodiscard]] std::string_view name() const { return "websocket"; }

private:
    [[nodiscard]] static errc reason_of(std::error_code why) noexcept;

    std::shared_ptr<net::websocket> over_;
    bool sending_ = false;
    bool closing_ = false;
};

inline asio::awaitable<result<eio::packet>> websocket::recv() {
    auto received = co_await over_->recv();
    if (!received)
        co_return result<eio::packet>(make_error_code(reason_of(received.error())));
    auto decoded = eio::decode(std::move(*received));
    if (!decoded)
        co_return result<eio::packet>(make_error_code(errc::parse_error));
    // Over WebSocket a close packet has no meaning: the connection itself is closed.
    co_return std::move(*decoded);
}

/// A connection that just ends is closed, as for the reference: only a reset is an error.
inline errc websocket::reason_of(std::error_code why) noexcept {
    bool const orderly = why == asio::error::eof || why == asio::error::operation_aborted;
    return orderly ? errc::transport_close : errc::transport_error;
}

inline asio::awaitable<bool> websocket::writable() {
    co_return !closing_;
}

inline asio::awaitable<std::error_code> websocket::send(std::span<packet_ptr const> packets) {
    std::string frames;
    for (auto const& packet : packets) {
        char const type = static_cast<char>(packet->type);
        auto const prefix = packet->binary ? std::string_view() : std::string_view(&type, 1);
        over_->append(frames, packet->binary, prefix, packet->data);
    }
    sending_ = true;
    auto const ec = co_await over_->send_frames(frames);
    sending_ = false;
    co_return ec;
}

inline bool websocket::close(ending) {
    closing_ = true;
    over_->close();
    return true;
}

static_assert(packet_transport<websocket>);

}  // namespace socoro::transport
