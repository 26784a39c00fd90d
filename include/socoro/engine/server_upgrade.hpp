// SPDX-License-Identifier: BSL-1.0
// The server's side of an upgrade: it speaks with the candidate until the client takes it or the
// try is given up. `eio/upgrade` decides; what the session does with a candidate that was taken is
// its own business.
#pragma once

#include <socoro/base/hooks.hpp>
#include <socoro/eio/upgrade.hpp>
#include <socoro/engine/upgrade_attempt.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/transport/any_transport.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace socoro::engine {

/// An upgrade that a client has begun. Not thread-safe; it lives on the executor of its shard.
class server_upgrade final : public upgrade_attempt,
                             public std::enable_shared_from_this<server_upgrade> {
public:
    /// `release_poll` is called whenever a waiting poll should be answered, so that the client
    /// stops polling; not after the attempt was given up. `show` is called for every packet.
    server_upgrade(
        net::shard& owner,
        transport::any_transport candidate,
        std::chrono::milliseconds timeout,
        std::function<void()> release_poll,
        std::function<void(direction, eio::packet const&)> show)
        : shard_(&owner)
        , candidate_(std::move(candidate))
        , machine_(owner.now(), timeout)
        , release_poll_(std::move(release_poll))
        , show_(std::move(show))
        , timer_(owner.clock(), [this] { on_timer(); }) {
        timer_.arm(machine_.deadline());
    }

    /// Waits until the client takes the candidate. One that was not taken has been closed then.
    /// The shard must outlive the wait.
    [[nodiscard]] asio::awaitable<transport::any_transport> run() override;

    void abandon() override;
    [[nodiscard]] bool is_abandoned() const noexcept override { return abandoned_; }

private:
    [[nodiscard]] asio::awaitable<void> answer_probe();
    void on_timer();

    net::shard* shard_;
    transport::any_transport candidate_;
    eio::upgrade machine_;
    std::function<void()> release_poll_;
    std::function<void(direction, eio::packet const&)> show_;
    net::timer timer_;
    bool abandoned_ = false;
};

inline asio::awaitable<transport::any_transport> server_upgrade::run() {
    using action = eio::upgrade::action;
    auto const self = shared_from_this();
    while (!abandoned_) {
        auto const received = co_await candidate_.recv();
        if (abandoned_ || !received)
            break;
        show_(direction::received, *received);
        auto const next = machine_.on_packet(*received, shard_->now());
        if (next == action::switch_transport) {
            timer_.cancel();
            co_return candidate_;
        }
        if (next != action::answer_probe)
            break;
        co_await answer_probe();
    }
    abandon();
    co_await transport::linger(candidate_);
    co_return transport::any_transport();
}

inline asio::awaitable<void> server_upgrade::answer_probe() {
    std::vector<transport::packet_ptr> const answer{
        std::make_shared<eio::packet const>(eio::packet::of(eio::packet_type::pong, "probe"))};
    show_(direction::sent, *answer.front());
    auto const ec = co_await candidate_.send(answer);
    if (!ec && !abandoned_)
        timer_.arm(machine_.deadline());
}

inline void server_upgrade::abandon() {
    if (std::exchange(abandoned_, true))
        return;
    timer_.cancel();
    std::ignore = candidate_.close(transport::ending::discard);
}

inline void server_upgrade::on_timer() {
    auto const self = shared_from_this();
    auto const next = machine_.on_timer(shard_->now());
    if (next == eio::upgrade::action::abandon)
        return abandon();
    if (next == eio::upgrade::action::release_poll)
        release_poll_();
    if (!abandoned_)
        timer_.arm(machine_.deadline());
}

}  // namespace socoro::engine
