// SPDX-License-Identifier: BSL-1.0
// The one place of a shard that reads the time and arms timers. All timers of a shard share one
// queue ordered by deadline, so a thousand sessions cost one timer of the operating system.
// `system_clock` runs on Asio; tests use `manual_clock`, which never reads real time.
#pragma once

#include <socoro/net/asio.hpp>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>

namespace socoro::net {

/// A point in time; the epoch has no meaning.
using time_point = std::chrono::steady_clock::time_point;
/// The distance between two points in time.
using duration = std::chrono::steady_clock::duration;

class timer;

/// Tells the time and calls timers when they are due. Not thread-safe: it belongs to its shard.
class clock {
public:
    clock() = default;
    clock(clock const&) = delete;
    clock& operator=(clock const&) = delete;
    virtual ~clock() = default;

    /// The time now.
    [[nodiscard]] virtual time_point now() const noexcept = 0;

    /// The date and time now, to be shown; nothing is timed by it.
    [[nodiscard]] virtual std::chrono::system_clock::time_point date() const noexcept = 0;

    /// How many timers are armed.
    [[nodiscard]] std::size_t armed() const noexcept { return queue_.size(); }

    /// Forgets what it asked the operating system to do; no timer is called any more.
    virtual void shutdown() noexcept {}

protected:
    /// Asks to be woken at the given time (`run_due`), or not at all.
    virtual void wake_at(std::optional<time_point> when) = 0;

    /// The earliest deadline.
    [[nodiscard]] std::optional<time_point> next() const {
        return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->first);
    }

    /// Calls every timer whose deadline is not after `now`, in order of their deadlines.
    void run_due(time_point now);

private:
    friend class timer;
    using queue = std::multimap<time_point, timer*>;

    queue queue_;
};

/// One callback at one time. Arming it again moves it; destroying it cancels it.
/// The clock must outlive it, which `shared_ptr` sees to.
class timer {
public:
    timer(std::shared_ptr<clock> clock, std::function<void()> on_expiry)
        : clock_(std::move(clock))
        , on_expiry_(std::move(on_expiry)) {}
    timer(timer const&) = delete;
    timer& operator=(timer const&) = delete;
    ~timer() { cancel(); }

    /// Calls back once at `when`, or as soon as possible if that has passed.
    void arm(time_point when);

    /// Calls back once `after` from now.
    void arm_after(duration after) { arm(clock_->now() + after); }

    /// Does not call back.
    void cancel() noexcept;

    [[nodiscard]] bool armed() const noexcept { return place_.has_value(); }

private:
    friend class clock;

    std::shared_ptr<clock> clock_;
    std::function<void()> on_expiry_;
    std::optional<clock::queue::iterator> place_;
};

/// The clock of the operating system, on one Asio timer.
class system_clock final : public clock, public std::enable_shared_from_this<system_clock> {
public:
    explicit system_clock(executor ex) : timer_(std::in_place, std::move(ex)) {}

    [[nodiscard]] time_point now() const noexcept override {
        return std::chrono::steady_clock::now();
    }

    [[nodiscard]] std::chrono::system_clock::time_point date() const noexcept override {
        return std::chrono::system_clock::now();
    }

    void shutdown() noexcept override { timer_.reset(); }

protected:
    void wake_at(std::optional<time_point> when) override;

private:
    void wait(time_point when);

    std::optional<asio::steady_timer> timer_;
    std::optional<time_point> waking_at_;
};

inline void clock::run_due(time_point now) {
    // Also when a callback throws: the others still want to be called.
    struct rearm {
        clock* self;
        ~rearm() { self->wake_at(self->next()); }
    } const at_end{this};
    while (!queue_.empty() && queue_.begin()->first <= now) {
        timer* const due = queue_.begin()->second;
        due->place_.reset();
        queue_.erase(queue_.begin());
        // The callback may destroy the timer, and so itself, while it runs.
        auto const on_expiry = due->on_expiry_;
        on_expiry();
    }
}

inline void timer::arm(time_point when) {
    auto& queue = clock_->queue_;
    if (place_) {
        auto node = queue.extract(*place_);
        node.key() = when;
        place_ = queue.insert(std::move(node));
    } else {
        place_ = queue.emplace(when, this);
    }
    clock_->wake_at(clock_->next());
}

inline void timer::cancel() noexcept {
    if (!place_)
        return;
    clock_->queue_.erase(*place_);
    place_.reset();
    // A wake-up that comes too early is harmless; only an empty queue must let the program end.
    if (clock_->queue_.empty())
        clock_->wake_at(std::nullopt);
}

inline void system_clock::wake_at(std::optional<time_point> when) {
    if (!timer_)
        return;
    if (!when) {
        waking_at_.reset();
        timer_->cancel();
    } else if (!waking_at_ || *when < *waking_at_) {
        wait(*when);
    }
}

inline void system_clock::wait(time_point when) {
    waking_at_ = when;
    timer_->expires_at(when);
    timer_->async_wait([weak = weak_from_this()](std::error_code ec) {
        auto const self = weak.lock();
        if (ec || !self)
            return;
        self->waking_at_.reset();
        self->run_due(self->now());
    });
}

}  // namespace socoro::net
