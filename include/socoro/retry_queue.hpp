// SPDX-License-Identifier: BSL-1.0
// Events that are sent until they are acknowledged, one after the other. It decides what is sent
// and when it is given up; sending, ids and timers are the caller's.
#pragma once

#include <socoro/ack.hpp>
#include <socoro/event.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace socoro::detail {

/// A bounded queue, of which the first event is under way or about to be.
class retry_queue {
public:
    /// An event that has not been acknowledged.
    struct entry {
        encoded_event event;
        /// `event.name` belongs to whoever sent it.
        std::string name;
        /// Who waits for the reply; null if nobody does.
        std::shared_ptr<reply_sink> waiting;
        std::size_t tries = 0;
    };

    /// Each event is sent at most once more than `retries`.
    retry_queue(std::size_t retries, std::size_t most_bytes) noexcept
        : retries_(retries)
        , most_bytes_(most_bytes) {}

    /// What it costs to keep an event.
    [[nodiscard]] static std::size_t cost_of(encoded_event const& event) {
        auto size = sizeof(entry) + event.json.size();
        for (auto const& data : event.binary)
            size += data.size();
        return size;
    }

    /// Queues an event; false if there is no room.
    [[nodiscard]] bool push(encoded_event&& event, std::shared_ptr<reply_sink> waiting) {
        entry added{std::move(event), std::string(event.name), std::move(waiting)};
        auto const size = cost_of(added.event);
        if (bytes_ + size > most_bytes_)
            return false;
        bytes_ += size;
        entries_.push_back(std::move(added));
        return true;
    }

    /// The event to be sent now, if there is one; with `again` also if it is under way, because the
    /// connection is another. It is under way from then on.
    [[nodiscard]] entry const* next(bool again) {
        if (entries_.empty() || (under_way_ && !again))
            return nullptr;
        under_way_ = true;
        ++entries_.front().tries;
        return &entries_.front();
    }

    /// The event under way was acknowledged: it is taken out.
    [[nodiscard]] entry on_reply() { return take(); }

    /// It was not, in time. Gives the event if it has been tried often enough: it is taken out.
    [[nodiscard]] std::optional<entry> on_failure() {
        under_way_ = false;
        if (entries_.front().tries <= retries_)
            return std::nullopt;
        return take();
    }

    /// All that is left, taken out: there will be no connection any more.
    [[nodiscard]] std::deque<entry> take_all() {
        under_way_ = false;
        bytes_ = 0;
        return std::exchange(entries_, {});
    }

    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }

private:
    [[nodiscard]] entry take() {
        under_way_ = false;
        entry first = std::move(entries_.front());
        entries_.pop_front();
        bytes_ -= cost_of(first.event);
        return first;
    }

    std::deque<entry> entries_;
    std::size_t retries_;
    std::size_t bytes_ = 0;
    std::size_t most_bytes_;
    bool under_way_ = false;
};

}  // namespace socoro::detail
