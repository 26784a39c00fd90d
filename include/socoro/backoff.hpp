// SPDX-License-Identifier: BSL-1.0
// How long a client waits before it tries to connect again, as the reference computes it.
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>

namespace socoro {

/// Times between attempts: they double, up to a maximum, and vary at random so that clients which
/// have lost one server do not all come back at once.
struct backoff {
    std::chrono::milliseconds delay{1'000};
    std::chrono::milliseconds delay_max{5'000};
    /// How much a time may differ from that, up or down: 0 to 1, else 0 is taken.
    double randomization_factor = 0.5;
};

/// The time before attempt number `attempt`, counted from 0, for a random number from 0 up to, but
/// not including, 1.
[[nodiscard]] inline std::chrono::milliseconds
backoff_delay(backoff const& times, std::size_t attempt, double random) {
    auto const longest = static_cast<double>(times.delay_max.count());
    auto wait = static_cast<double>(times.delay.count()) * std::exp2(static_cast<double>(attempt));
    auto const factor = times.randomization_factor;
    if (factor > 0 && factor <= 1) {
        auto const deviation = std::floor(random * factor * wait);
        bool const shorter = (static_cast<int>(random * 10) & 1) == 0;
        wait += shorter ? -deviation : deviation;
    }
    // Not a number, which infinity minus infinity is, is too long as well.
    return std::chrono::milliseconds(
        static_cast<std::chrono::milliseconds::rep>(wait < longest ? wait : longest));
}

}  // namespace socoro
