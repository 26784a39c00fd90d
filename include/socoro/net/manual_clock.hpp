// SPDX-License-Identifier: BSL-1.0
// A clock that stands still until it is told to move: hours of heartbeats in microseconds.
#pragma once

#include <socoro/net/clock.hpp>

namespace socoro::net {

/// Time for tests. It never reads real time.
class manual_clock final : public clock {
public:
    [[nodiscard]] time_point now() const noexcept override { return now_; }

    [[nodiscard]] std::chrono::system_clock::time_point date() const noexcept override {
        using target = std::chrono::system_clock;
        return target::time_point(
            std::chrono::duration_cast<target::duration>(now_.time_since_epoch()));
    }

    /// The earliest deadline of an armed timer.
    [[nodiscard]] std::optional<time_point> next_deadline() const { return next(); }

    /// Moves on by `by`, calling each timer on the way at exactly its deadline.
    void advance(duration by) {
        auto const target = now_ + by;
        while (auto const deadline = next()) {
            if (*deadline > target)
                break;
            now_ = std::max(now_, *deadline);
            run_due(now_);
        }
        now_ = target;
    }

protected:
    void wake_at(std::optional<time_point>) override {}

private:
    time_point now_{};
};

}  // namespace socoro::net
