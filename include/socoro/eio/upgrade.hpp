// SPDX-License-Identifier: BSL-1.0
// The server's side of an upgrade from polling to WebSocket (Engine.IO protocol v4, "Upgrade"):
// what each packet from the new transport, and the passing of time, ask of the session.
// It decides; sending, timers and the two transports are the caller's, so time is an argument.
#pragma once

#include <socoro/eio/packet.hpp>

#include <algorithm>
#include <chrono>

namespace socoro::eio {

using time_point = std::chrono::steady_clock::time_point;

/// One attempt to upgrade, from the opening of the new transport until it is taken or given up.
/// Whatever happens, the session stays on its old transport until `switch_transport`.
class upgrade {
public:
    enum class action {
        none,              ///< nothing to do
        answer_probe,      ///< send a pong with `probe` on the new transport
        release_poll,      ///< if a poll is waiting, answer it with a noop, so that it pauses
        switch_transport,  ///< the new transport is the session's from here on
        abandon,           ///< close the new transport; the session stays where it is
    };

    /// Between the probe and the switch, waiting polls are released this often.
    static constexpr std::chrono::milliseconds release_interval{100};

    /// Starts when the new transport opens; the client has `timeout` to finish.
    upgrade(time_point now, std::chrono::milliseconds timeout = std::chrono::seconds(10)) noexcept;

    /// When `on_timer` is to be called next. Of no meaning once `done()`.
    [[nodiscard]] time_point deadline() const noexcept;

    /// A packet arrived on the new transport. `5` switches even without a probe before it, as
    /// in the reference; anything but `5` and `2probe` abandons.
    [[nodiscard]] action on_packet(packet const& p, time_point now) noexcept;

    /// Time has passed.
    [[nodiscard]] action on_timer(time_point now) noexcept;

    /// Whether the attempt has ended; from then on every action is `none`.
    [[nodiscard]] bool done() const noexcept { return done_; }

private:
    [[nodiscard]] action end_with(action last) noexcept;

    time_point give_up_at_;
    time_point release_at_ = time_point::max();
    bool done_ = false;
};

inline upgrade::upgrade(time_point now, std::chrono::milliseconds timeout) noexcept
    : give_up_at_(now + timeout) {}

inline time_point upgrade::deadline() const noexcept {
    return std::min(give_up_at_, release_at_);
}

inline upgrade::action upgrade::on_packet(packet const& p, time_point now) noexcept {
    if (done_)
        return action::none;
    if (p.type == packet_type::upgrade)
        return end_with(action::switch_transport);
    if (p.type != packet_type::ping || p.data != "probe")
        return end_with(action::abandon);
    release_at_ = now + release_interval;
    return action::answer_probe;
}

inline upgrade::action upgrade::on_timer(time_point now) noexcept {
    if (done_ || now < deadline())
        return action::none;
    if (now >= give_up_at_)
        return end_with(action::abandon);
    release_at_ = now + release_interval;
    return action::release_poll;
}

inline upgrade::action upgrade::end_with(action last) noexcept {
    done_ = true;
    return last;
}

}  // namespace socoro::eio
