// SPDX-License-Identifier: BSL-1.0
// What a client has sent while it was not connected: kept in order, up to a limit.
#pragma once

#include <socoro/engine/outbox.hpp>
#include <socoro/frames.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::detail {

/// A bounded queue of events and requests.
class kept_events {
public:
    /// An event, or a request if there is an id.
    struct event {
        frame_list frames;
        std::string name;
        std::optional<std::uint64_t> id;
        std::size_t size = 0;
    };

    explicit kept_events(std::size_t most_bytes) noexcept : most_bytes_(most_bytes) {}

    /// Keeps an event, or a request that is waited for under an id; false if there is no room.
    [[nodiscard]] bool
    push(frame_list const& frames, std::string_view name, std::optional<std::uint64_t> id) {
        auto const size = engine::cost_of(frames);
        if (bytes_ + size > most_bytes_)
            return false;
        bytes_ += size;
        events_.push_back({frames, std::string(name), id, size});
        return true;
    }

    /// Takes the oldest.
    [[nodiscard]] event pop() {
        event first = std::move(events_.front());
        events_.pop_front();
        bytes_ -= first.size;
        return first;
    }

    /// Puts back what was taken.
    void put_back(event&& first) {
        bytes_ += first.size;
        events_.push_front(std::move(first));
    }

    /// Nobody waits for the reply any more.
    void forget(std::uint64_t id) {
        auto const found = std::find_if(events_.begin(), events_.end(), [id](event const& e) {
            return e.id == id;
        });
        if (found == events_.end())
            return;
        bytes_ -= found->size;
        events_.erase(found);
    }

    void clear() noexcept {
        events_.clear();
        bytes_ = 0;
    }

    [[nodiscard]] bool empty() const noexcept { return events_.empty(); }

private:
    std::deque<event> events_;
    std::size_t bytes_ = 0;
    std::size_t most_bytes_;
};

}  // namespace socoro::detail
