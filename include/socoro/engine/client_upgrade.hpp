// SPDX-License-Identifier: BSL-1.0
// The client's side of an upgrade (Engine.IO protocol v4, "Upgrade"): the WebSocket is probed while
// polling goes on; then polling rests, and what it had under way is waited for, so that nothing is
// lost or overtaken; then the session goes over.
#pragma once

#include <socoro/base/hooks.hpp>
#include <socoro/engine/upgrade_attempt.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/transport/any_transport.hpp>
#include <socoro/transport/polling_client.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace socoro::engine {

/// An upgrade that we have begun. Not thread-safe; it lives on the executor of its shard.
class client_upgrade final : public upgrade_attempt,
                             public std::enable_shared_from_this<client_upgrade> {
public:
    /// Opens the other transport; gives none once it is asked to stop.
    using opener = std::function<asio::awaitable<result<transport::any_transport>>(
        std::shared_ptr<net::stop_source>)>;

    client_upgrade(
        net::shard& owner,
        std::shared_ptr<transport::polling_client> from,
        opener open,
        std::chrono::milliseconds timeout,
        std::function<void(direction, eio::packet const&)> show)
        : from_(std::move(from))
        , open_(std::move(open))
        , show_(std::move(show))
        , timer_(owner.clock(), [this] { abandon(); }) {
        timer_.arm_after(timeout);
    }

    [[nodiscard]] asio::awaitable<transport::any_transport> run() override;
    void abandon() override;
    [[nodiscard]] bool is_abandoned() const noexcept override { return abandoned_; }

private:
    [[nodiscard]] asio::awaitable<bool> probe();
    [[nodiscard]] asio::awaitable<bool> send(eio::packet_type type, std::string data = {});

    std::shared_ptr<transport::polling_client> from_;
    opener open_;
    std::function<void(direction, eio::packet const&)> show_;
    net::timer timer_;
    std::shared_ptr<net::stop_source> stop_ = std::make_shared<net::stop_source>();
    transport::any_transport candidate_;
    bool abandoned_ = false;
};

inline asio::awaitable<transport::any_transport> client_upgrade::run() {
    auto const self = shared_from_this();
    bool ready = co_await probe();
    if (ready)
        ready = co_await from_->pause();
    if (ready && !abandoned_)
        ready = co_await send(eio::packet_type::upgrade);
    if (ready && !abandoned_) {
        timer_.cancel();
        co_return std::exchange(candidate_, {});
    }
    abandon();
    if (candidate_)
        co_await transport::linger(candidate_);
    co_return transport::any_transport();
}

/// Whether the server answers over the WebSocket.
inline asio::awaitable<bool> client_upgrade::probe() {
    auto opened = co_await open_(stop_);
    if (!opened)
        co_return false;
    candidate_ = std::move(*opened);
    if (abandoned_) {
        std::ignore = candidate_.close(transport::ending::discard);
        co_return false;
    }
    bool const asked = co_await send(eio::packet_type::ping, "probe");
    if (!asked)
        co_return false;
    auto const answer = co_await candidate_.recv();
    if (!answer)
        co_return false;
    show_(direction::received, *answer);
    co_return !abandoned_ && answer->type == eio::packet_type::pong && answer->data == "probe";
}

inline asio::awaitable<bool> client_upgrade::send(eio::packet_type type, std::string data) {
    std::array<transport::packet_ptr, 1> const only{
        std::make_shared<eio::packet const>(eio::packet::of(type, std::move(data)))};
    show_(direction::sent, *only.front());
    auto const failed = co_await candidate_.send(only);
    co_return !failed;
}

inline void client_upgrade::abandon() {
    if (std::exchange(abandoned_, true))
        return;
    auto const self = shared_from_this();
    timer_.cancel();
    if (candidate_)
        std::ignore = candidate_.close(transport::ending::discard);
    from_->resume();
    stop_->request_stop();
}

}  // namespace socoro::engine
