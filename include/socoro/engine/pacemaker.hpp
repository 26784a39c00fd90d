// SPDX-License-Identifier: BSL-1.0
// The heartbeat of a session, with the timer it needs. `eio/heartbeat` decides; what is sent, and
// what the end of it means, is the session's business.
#pragma once

#include <socoro/eio/heartbeat.hpp>
#include <socoro/engine/options.hpp>
#include <socoro/net/shard.hpp>

#include <functional>
#include <utility>

namespace socoro::engine {

/// Says when to ping, and when a silent client is gone. Not thread-safe; it lives on the executor
/// of its shard, which must outlive it.
class pacemaker {
public:
    /// `ping` must not destroy the pacemaker, `give_up` may.
    pacemaker(
        net::shard& owner,
        options const& opts,
        std::function<void()> ping,
        std::function<void()> give_up)
        : shard_(&owner)
        , machine_(owner.now(), opts.ping_interval, opts.ping_timeout)
        , ping_(std::move(ping))
        , give_up_(std::move(give_up))
        , timer_(owner.clock(), [this] { on_timer(); }) {}

    void start() { arm(); }

    /// The client answered.
    void on_pong() {
        machine_.on_pong(shard_->now());
        arm();
    }

    /// Pongs cannot reach us for now: their deadline waits as well.
    void suspend() {
        machine_.suspend();
        arm();
    }

    /// They can again.
    void resume() {
        machine_.resume(shard_->now());
        arm();
    }

    /// Calls nobody any more.
    void stop() noexcept {
        stopped_ = true;
        timer_.cancel();
    }

private:
    void arm() {
        if (!stopped_)
            timer_.arm(machine_.deadline());
    }
    void on_timer();

    net::shard* shard_;
    eio::heartbeat machine_;
    std::function<void()> ping_;
    std::function<void()> give_up_;
    net::timer timer_;
    bool stopped_ = false;
};

inline void pacemaker::on_timer() {
    switch (machine_.on_timer(shard_->now())) {
    case eio::heartbeat::action::send_ping: ping_(); break;
    case eio::heartbeat::action::timed_out: {
        auto const give_up = give_up_;
        return give_up();
    }
    case eio::heartbeat::action::none: break;
    }
    arm();
}

}  // namespace socoro::engine
