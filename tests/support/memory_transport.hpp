// SPDX-License-Identifier: BSL-1.0
// Two transports in memory, each the other's peer: sessions are tested with them without HTTP or
// WebSocket. Their operations can be made to fail.
#pragma once

#include <socoro/net/signal.hpp>
#include <socoro/transport/transport.hpp>

#include "support/memory_stream.hpp"

#include <deque>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

namespace test {

namespace eio = socoro::eio;
namespace transport = socoro::transport;

/// A `packet_transport`. What it is given arrives at its peer at once, if it is writable.
class memory_transport : public std::enable_shared_from_this<memory_transport> {
public:
    explicit memory_transport(
        std::shared_ptr<net::shard> owner,
        std::string_view name = "websocket",
        std::shared_ptr<faults> plan = std::make_shared<faults>())
        : changed_(*owner)
        , shard_(std::move(owner))
        , name_(name)
        , plan_(std::move(plan)) {}

    [[nodiscard]] asio::awaitable<socoro::result<eio::packet>> recv() {
        auto const self = shared_from_this();
        fail_if_planned();
        while (inbox_.empty() && !ended_)
            co_await changed_.wait();
        if (inbox_.empty())
            co_return socoro::result<eio::packet>(make_error_code(*ended_));
        auto first = std::move(inbox_.front());
        inbox_.pop_front();
        co_return socoro::result<eio::packet>(std::move(first));
    }
    [[nodiscard]] std::error_code failure() const { return {}; }
    [[nodiscard]] bool has_buffered() const { return !inbox_.empty(); }
    [[nodiscard]] bool is_writable() const { return !blocked_ && !ended_; }
    [[nodiscard]] asio::awaitable<bool> writable() {
        auto const self = shared_from_this();
        while (blocked_ && !ended_)
            co_await changed_.wait();
        co_return is_writable();
    }
    [[nodiscard]] std::size_t batch_limit() const { return 4; }
    [[nodiscard]] asio::awaitable<std::error_code> send(
        std::span<transport::packet_ptr const> packets) {
        fail_if_planned();
        auto const peer = peer_.lock();
        if (!is_writable() || !peer)
            co_return asio::error::make_error_code(asio::error::broken_pipe);
        for (auto const& packet : packets)
            peer->inbox_.push_back(*packet);
        peer->touch();
        co_return std::error_code();
    }
    [[nodiscard]] bool close(transport::ending) {
        end(socoro::errc::transport_close);
        if (auto const peer = peer_.lock())
            peer->end(socoro::errc::transport_close);
        return true;
    }
    [[nodiscard]] std::string_view name() const { return name_; }

    /// What the test does: lets nothing out for a while, or again; or ends it.
    void block(bool on = true) {
        blocked_ = on;
        touch();
    }
    void end(socoro::errc why) {
        if (!ended_)
            ended_ = why;
        touch();
    }
    void connect(std::shared_ptr<memory_transport> const& peer) { peer_ = peer; }

private:
    void touch() {
        shard_->defer([self = shared_from_this()] { self->changed_.notify_all(); });
    }
    void fail_if_planned() {
        if (!plan_->hit())
            return;
        end(socoro::errc::transport_error);
        if (auto const peer = peer_.lock())
            peer->end(socoro::errc::transport_close);
    }

    std::weak_ptr<memory_transport> peer_;
    std::deque<eio::packet> inbox_;
    std::optional<socoro::errc> ended_;
    bool blocked_ = false;
    net::signal changed_;
    std::shared_ptr<net::shard> shard_;
    std::string_view name_;
    std::shared_ptr<faults> plan_;
};

static_assert(transport::packet_transport<memory_transport>);

struct memory_transport_pair {
    explicit memory_transport_pair(
        std::shared_ptr<net::shard> const& owner,
        std::string_view name = "websocket",
        std::shared_ptr<faults> plan = std::make_shared<faults>())
        : first(std::make_shared<memory_transport>(owner, name, std::move(plan)))
        , second(std::make_shared<memory_transport>(owner, name)) {
        first->connect(second);
        second->connect(first);
    }
    std::shared_ptr<memory_transport> first;
    std::shared_ptr<memory_transport> second;
};

}  // namespace test
