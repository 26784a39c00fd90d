// SPDX-License-Identifier: BSL-1.0
// A transport without a network: what one end sends is given to the other. For tests of handlers.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/eio/packet.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/transport/transport.hpp>

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::test {

/// The server's end is a `packet_transport`; the client's end are `deliver`, `end` and two
/// functions that are called, later in the same turn, with what the server does.
class memory_link : public std::enable_shared_from_this<memory_link> {
public:
    using on_packet = std::function<void(eio::packet const&)>;
    using on_end = std::function<void()>;

    explicit memory_link(std::shared_ptr<net::shard> owner)
        : shard_(std::move(owner))
        , changed_(*shard_) {}

    // ----------------------------------------------------------------------- the client's end

    /// Whom to tell.
    void connect(on_packet received, on_end ended) {
        received_ = std::move(received);
        told_of_end_ = std::move(ended);
    }

    /// Sends a packet to the server.
    void deliver(eio::packet packet) {
        inbox_.push_back(std::move(packet));
        touch();
    }

    /// The connection is lost.
    void end() {
        if (std::exchange(ended_, true))
            return;
        touch();
        shard_->defer([self = shared_from_this()] {
            if (self->told_of_end_)
                self->told_of_end_();
        });
    }

    // ----------------------------------------------------------------------- the server's end

    [[nodiscard]] asio::awaitable<result<eio::packet>> recv() {
        auto const self = shared_from_this();
        while (inbox_.empty() && !ended_)
            std::ignore = co_await changed_.wait();
        if (inbox_.empty())
            co_return result<eio::packet>(make_error_code(errc::transport_close));
        auto first = std::move(inbox_.front());
        inbox_.pop_front();
        co_return result<eio::packet>(std::move(first));
    }
    [[nodiscard]] std::error_code failure() const { return {}; }
    [[nodiscard]] bool has_buffered() const { return !inbox_.empty(); }
    [[nodiscard]] bool is_writable() const { return !ended_; }
    [[nodiscard]] asio::awaitable<bool> writable() { co_return is_writable(); }
    [[nodiscard]] std::size_t batch_limit() const { return 64; }
    [[nodiscard]] asio::awaitable<std::error_code> send(
        std::span<transport::packet_ptr const> packets) {
        for (auto const& packet : packets)
            shard_->defer([self = shared_from_this(), packet] {
                if (self->received_)
                    self->received_(*packet);
            });
        co_return std::error_code();
    }
    [[nodiscard]] bool close(transport::ending) {
        end();
        return true;
    }
    [[nodiscard]] std::string_view name() const { return "websocket"; }

private:
    void touch() {
        shard_->defer([self = shared_from_this()] { self->changed_.notify_all(); });
    }

    std::shared_ptr<net::shard> shard_;
    net::signal changed_;
    std::deque<eio::packet> inbox_;
    bool ended_ = false;
    on_packet received_;
    on_end told_of_end_;
};

static_assert(transport::packet_transport<memory_link>);

}  // namespace socoro::test
