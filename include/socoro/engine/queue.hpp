// SPDX-License-Identifier: BSL-1.0
// Packets that wait for a session's transport, in order, with their bytes counted.
#pragma once

#include <socoro/transport/transport.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace socoro::engine {

using transport::packet_ptr;

/// What it costs to keep a packet, in bytes: empty ones are not free either.
[[nodiscard]] inline std::size_t cost_of(eio::packet const& packet) noexcept {
    return packet.data.size() + sizeof(packet);
}

[[nodiscard]] inline std::size_t cost_of(std::span<packet_ptr const> packets) noexcept {
    std::size_t sum = 0;
    for (auto const& packet : packets)
        sum += cost_of(*packet);
    return sum;
}

/// A first-in first-out queue of packets. The owner enforces limits; this counts.
class queue {
public:
    void push(std::span<packet_ptr const> packets) {
        for (auto const& packet : packets)
            push(packet);
    }

    void push(packet_ptr const& packet) {
        bytes_ += cost_of(*packet);
        packets_.push_back(packet);
    }

    /// Takes all packets into an empty vector, whose memory it keeps for the next ones.
    void take_all(std::vector<packet_ptr>& into) {
        into.swap(packets_);
        into.erase(into.begin(), into.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
        bytes_ = 0;
    }

    /// Takes the first packets, at most `most`.
    [[nodiscard]] std::vector<packet_ptr> take(std::size_t most) {
        if (first_ == 0 && packets_.size() <= most) {
            bytes_ = 0;
            return std::exchange(packets_, {});
        }
        auto const end = first_ + std::min(most, size());
        std::vector<packet_ptr> taken;
        taken.reserve(end - first_);
        for (; first_ < end; ++first_) {
            bytes_ -= cost_of(*packets_[first_]);
            taken.push_back(std::move(packets_[first_]));
        }
        close_gap();
        return taken;
    }

    void clear() noexcept {
        packets_.clear();
        first_ = 0;
        bytes_ = 0;
    }

    [[nodiscard]] bool empty() const noexcept { return first_ == packets_.size(); }
    [[nodiscard]] std::size_t size() const noexcept { return packets_.size() - first_; }
    /// What waits, in bytes: payloads, and what it costs to keep them.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    /// What was taken is removed from the vector only when it is half of it, so that taking a long
    /// queue in small batches stays linear.
    void close_gap() {
        if (2 * first_ < packets_.size())
            return;
        packets_.erase(packets_.begin(), packets_.begin() + static_cast<std::ptrdiff_t>(first_));
        first_ = 0;
    }

    std::vector<packet_ptr> packets_;
    std::size_t first_ = 0;
    std::size_t bytes_ = 0;
};

}  // namespace socoro::engine
