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

/// A first-in first-out queue of packets. The owner enforces limits; this counts.
class queue {
public:
    void push(packet_ptr packet) {
        bytes_ += packet->data.size() + 1;
        packets_.push_back(std::move(packet));
    }

    /// Takes the first packets, at most `most`.
    [[nodiscard]] std::vector<packet_ptr> take(std::size_t most) {
        if (packets_.size() <= most) {
            bytes_ = 0;
            return std::exchange(packets_, {});
        }
        auto const middle = packets_.begin() + static_cast<std::ptrdiff_t>(most);
        std::vector<packet_ptr> first(
            std::make_move_iterator(packets_.begin()),
            std::make_move_iterator(middle));
        packets_.erase(packets_.begin(), middle);
        for (auto const& packet : first)
            bytes_ -= packet->data.size() + 1;
        return first;
    }

    void clear() noexcept {
        packets_.clear();
        bytes_ = 0;
    }

    [[nodiscard]] bool empty() const noexcept { return packets_.empty(); }
    [[nodiscard]] std::size_t size() const noexcept { return packets_.size(); }
    /// Payload bytes that wait, the packet types included.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    std::vector<packet_ptr> packets_;
    std::size_t bytes_ = 0;
};

}  // namespace socoro::engine
