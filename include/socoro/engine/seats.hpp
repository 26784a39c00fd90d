// SPDX-License-Identifier: BSL-1.0
// How many sessions a server has and may have, on all of its shards together.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <optional>
#include <utility>

namespace socoro::engine {

/// Counts sessions, those that are about to begin included. Thread-safe; held by a `shared_ptr`.
class seats : public std::enable_shared_from_this<seats> {
public:
    /// One session, from before its beginning to its end.
    class seat {
    public:
        seat(seat&& other) noexcept : in_(std::move(other.in_)), begun_(other.begun_) {}
        seat& operator=(seat&&) = delete;
        ~seat() {
            if (!in_)
                return;
            in_->taken_.fetch_sub(1, std::memory_order_relaxed);
            if (begun_)
                in_->begun_.fetch_sub(1, std::memory_order_relaxed);
        }
        /// The session has begun.
        void begin() noexcept {
            begun_ = true;
            in_->begun_.fetch_add(1, std::memory_order_relaxed);
        }

    private:
        friend class seats;
        explicit seat(std::shared_ptr<seats> in) : in_(std::move(in)) {}

        std::shared_ptr<seats> in_;
        bool begun_ = false;
    };

    /// There is no limit without `most`.
    explicit seats(std::optional<std::size_t> most) : most_(most) {}

    /// A seat for one more; none if there are as many as there may be.
    [[nodiscard]] std::optional<seat> take();

    /// How many sessions have begun and not ended.
    [[nodiscard]] std::size_t begun() const noexcept {
        return begun_.load(std::memory_order_relaxed);
    }

private:
    std::optional<std::size_t> const most_;
    std::atomic<std::size_t> taken_ = 0;
    std::atomic<std::size_t> begun_ = 0;
};

inline std::optional<seats::seat> seats::take() {
    auto now = taken_.load(std::memory_order_relaxed);
    do
        if (most_ && now >= *most_)
            return std::nullopt;
    while (!taken_.compare_exchange_weak(now, now + 1, std::memory_order_relaxed));
    return seat(shared_from_this());
}

}  // namespace socoro::engine
