// SPDX-License-Identifier: BSL-1.0
// The parts of one HTTP server, each on a shard of its own, as they know each other, and how many
// connections each of them has.
#pragma once

#include <socoro/net/shard.hpp>

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace socoro::net {

class http_server_core;

/// What does not change once they know each other, but for the numbers. Thread-safe; held by a
/// `shared_ptr`.
class http_neighbours : public std::enable_shared_from_this<http_neighbours> {
public:
    struct part {
        std::shared_ptr<shard> on;
        std::weak_ptr<http_server_core> core;
    };

    /// A connection as it is counted, also on its way from one part to another.
    class place {
    public:
        place(place&& other) noexcept : in_(std::move(other.in_)), index_(other.index_) {}
        place& operator=(place&&) = delete;
        ~place() {
            if (in_)
                in_->taken_[index_].fetch_sub(1, std::memory_order_relaxed);
        }
        /// Whose connection it is.
        [[nodiscard]] std::size_t index() const noexcept { return index_; }
        [[nodiscard]] part const& of() const { return in_->parts_[index_]; }

    private:
        friend class http_neighbours;
        place(std::shared_ptr<http_neighbours> in, std::size_t index)
            : in_(std::move(in))
            , index_(index) {}

        std::shared_ptr<http_neighbours> in_;
        std::size_t index_;
    };

    explicit http_neighbours(std::vector<part> parts)
        : parts_(std::move(parts))
        , taken_(parts_.size()) {}

    [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }

    /// Counts a connection of this part.
    [[nodiscard]] place take(std::size_t index) {
        taken_[index].fetch_add(1, std::memory_order_relaxed);
        return {shared_from_this(), index};
    }

    /// The part with the fewest connections; those that have as few take turns.
    [[nodiscard]] std::size_t next();

    /// The part that runs on the executor of this shard, which may be another server's.
    [[nodiscard]] std::optional<std::size_t> find(shard const& where) const;

    /// How many connections they have together.
    [[nodiscard]] std::size_t connections() const;

private:
    std::vector<part> const parts_;
    // A deque, for these cannot move.
    std::deque<std::atomic<std::size_t>> taken_;
    std::atomic<std::size_t> turn_ = 0;
};

inline std::size_t http_neighbours::next() {
    auto const first = turn_.fetch_add(1, std::memory_order_relaxed) % size();
    auto best = first;
    auto fewest = taken_[first].load(std::memory_order_relaxed);
    for (std::size_t i = 1; i < size(); ++i) {
        auto const index = (first + i) % size();
        auto const has = taken_[index].load(std::memory_order_relaxed);
        if (has < fewest) {
            best = index;
            fewest = has;
        }
    }
    return best;
}

inline std::optional<std::size_t> http_neighbours::find(shard const& where) const {
    for (std::size_t i = 0; i < size(); ++i)
        if (parts_[i].on->get_executor() == where.get_executor())
            return i;
    return std::nullopt;
}

inline std::size_t http_neighbours::connections() const {
    std::size_t sum = 0;
    for (auto const& each : taken_)
        sum += each.load(std::memory_order_relaxed);
    return sum;
}

}  // namespace socoro::net
