// SPDX-License-Identifier: BSL-1.0
// When a client tries to connect again. It decides; waiting and connecting are the caller's.
#pragma once

#include <socoro/backoff.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace socoro {

/// Counts the attempts to connect, and says how long to wait before the next.
class reconnection {
public:
    /// At most `most` attempts in a row, if there is a number.
    reconnection(backoff const& times, std::optional<std::size_t> most) noexcept
        : times_(times)
        , most_(most) {}

    /// There is a connection, or none is wanted: attempts are counted anew, and the next may be made
    /// at once.
    void reset() noexcept {
        attempts_ = 0;
        failed_ = false;
    }

    /// An attempt has failed, or the connection is lost.
    void on_failure() noexcept { failed_ = true; }

    /// Whether the next attempt has to wait, or is one too many.
    [[nodiscard]] bool is_delayed() const noexcept { return failed_; }

    /// The time before the next attempt, which counts from now on; none if that is one too many.
    /// `random` is a number from 0 up to, but not including, 1.
    [[nodiscard]] std::optional<std::chrono::milliseconds> next(double random) {
        if (most_ && attempts_ >= *most_)
            return std::nullopt;
        return backoff_delay(times_, attempts_++, random);
    }

    /// Which attempt it is, from 1.
    [[nodiscard]] std::size_t attempt() const noexcept { return attempts_; }

private:
    backoff times_;
    std::optional<std::size_t> most_;
    std::size_t attempts_ = 0;
    bool failed_ = false;
};

}  // namespace socoro
