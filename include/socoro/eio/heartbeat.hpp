// SPDX-License-Identifier: BSL-1.0
// When to ping, and when a silent peer is gone (Engine.IO protocol v4, "Heartbeat"): one machine
// for the server, which pings, and one for the client, which waits for pings.
// They decide; sending, timers and the clock are the caller's, so time is an argument.
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <chrono>

namespace socoro::eio {

using time_point = std::chrono::steady_clock::time_point;

/// The server's side: a ping one interval after the opening or the last pong, and one absolute
/// deadline for the answer, interval + timeout after the same moment. A late timer thus never
/// makes the peer's time longer, and nothing but a pong counts as a sign of life.
class heartbeat {
public:
    enum class action {
        none,       ///< the timer was early: wait until `deadline()`
        send_ping,  ///< send a ping, then wait until `deadline()`
        timed_out,  ///< no pong in time: end the session with errc::ping_timeout
    };

    /// Starts at the opening of the session.
    heartbeat(
        time_point now,
        std::chrono::milliseconds interval,
        std::chrono::milliseconds timeout) noexcept;

    /// When `on_timer` is to be called next. It changes with every other call.
    [[nodiscard]] time_point deadline() const noexcept;

    /// Time has passed.
    [[nodiscard]] action on_timer(time_point now) noexcept;

    /// A pong arrived, asked for or not: everything starts anew.
    void on_pong(time_point now) noexcept;

    /// We stop reading, so no pong can reach us: the deadline of the answer is suspended. Pings go
    /// on, one each interval, because the client counts on them; also when we read again, until
    /// the answer has come that may be behind what we have not read.
    void suspend() noexcept;

    /// We read again: an answer that is still owed has the whole timeout from now.
    void resume(time_point now) noexcept;

private:
    std::chrono::milliseconds interval_;
    std::chrono::milliseconds timeout_;
    time_point ping_at_;
    time_point pong_by_;
    bool pinged_ = false;
    bool suspended_ = false;
    bool delayed_ = false;
};

/// The client's side: the server is gone when no ping came for interval + timeout, both as the
/// server announced them. Only a ping counts.
class ping_watch {
public:
    enum class action {
        none,       ///< the timer was early: wait until `deadline()`
        timed_out,  ///< no ping in time: the connection is dead
    };

    /// Starts at the opening of the session.
    ping_watch(
        time_point now,
        std::chrono::milliseconds interval,
        std::chrono::milliseconds timeout) noexcept;

    /// When `on_timer` is to be called next.
    [[nodiscard]] time_point deadline() const noexcept { return ping_by_; }

    /// Time has passed. Also to be asked before a write: a computer that slept must not write
    /// into a dead connection.
    [[nodiscard]] action on_timer(time_point now) const noexcept;

    /// A ping arrived (the caller answers it).
    void on_ping(time_point now) noexcept { ping_by_ = now + patience_; }

private:
    std::chrono::milliseconds patience_;
    time_point ping_by_;
};

inline heartbeat::heartbeat(
    time_point now,
    std::chrono::milliseconds interval,
    std::chrono::milliseconds timeout) noexcept
    : interval_(interval)
    , timeout_(timeout)
    , ping_at_(now + interval)
    , pong_by_(now + interval + timeout) {}

inline time_point heartbeat::deadline() const noexcept {
    if (!pinged_ || suspended_)
        return ping_at_;
    return delayed_ ? std::min(ping_at_, pong_by_) : pong_by_;
}

inline heartbeat::action heartbeat::on_timer(time_point now) noexcept {
    // Checked even if the ping is still to be sent: the peer, too, gave up waiting for it.
    if (!suspended_ && now >= pong_by_)
        return action::timed_out;
    if (now < ping_at_ || (pinged_ && !delayed_))
        return action::none;
    pinged_ = true;
    ping_at_ = now + interval_;
    return action::send_ping;
}

inline void heartbeat::on_pong(time_point now) noexcept {
    pinged_ = false;
    delayed_ = suspended_;
    ping_at_ = now + interval_;
    pong_by_ = ping_at_ + timeout_;
}

inline void heartbeat::suspend() noexcept {
    suspended_ = true;
    delayed_ = true;
}

inline void heartbeat::resume(time_point now) noexcept {
    suspended_ = false;
    delayed_ = pinged_;
    pong_by_ = std::max(pong_by_, now + timeout_);
}

inline ping_watch::ping_watch(
    time_point now,
    std::chrono::milliseconds interval,
    std::chrono::milliseconds timeout) noexcept
    : patience_(interval + timeout)
    , ping_by_(now + patience_) {}

inline ping_watch::action ping_watch::on_timer(time_point now) const noexcept {
    return now >= ping_by_ ? action::timed_out : action::none;
}

}  // namespace socoro::eio
