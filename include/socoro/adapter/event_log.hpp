// SPDX-License-Identifier: BSL-1.0
// The events that clients may have missed while they were away. Each namespace has a log; the logs
// of one server share a memory, which is bounded, so that the oldest event of all goes first.
#pragma once

#include <socoro/adapter/memory.hpp>
#include <socoro/adapter/offset.hpp>
#include <socoro/engine/queue.hpp>
#include <socoro/frames.hpp>
#include <socoro/net/clock.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <iterator>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace socoro::adapter {

class event_log;

/// What is different about an event that was sent on one shard, and is sent again on another to the
/// one client that moved there.
struct sent_again {
    std::string sid;
    /// The place that its frames tell.
    event_place shown;
};

/// An event as it was sent, and whom it was for.
struct sent_event {
    event_place place;
    socoro::detail::frame_list frames;
    broadcast_target target;
    std::shared_ptr<sent_again const> again = nullptr;

    /// The place by which a client tells that it got the event.
    [[nodiscard]] event_place const& shown() const noexcept { return again ? again->shown : place; }
};

/// An event that is kept.
struct kept_event : sent_event {
    net::time_point at;
    std::size_t bytes = 0;
    event_log* log = nullptr;
};

/// What the logs of one server keep, oldest first. It must outlive them.
class event_memory {
public:
    explicit event_memory(std::size_t most_bytes) : most_bytes_(most_bytes) {}
    event_memory(event_memory const&) = delete;
    event_memory& operator=(event_memory const&) = delete;

    /// Drops what was sent at `last` or before.
    void drop_until(net::time_point last);

    /// Drops everything.
    void clear() {
        while (!events_.empty())
            drop_oldest();
    }

    /// When the oldest was sent.
    [[nodiscard]] std::optional<net::time_point> oldest() const {
        return events_.empty() ? std::nullopt : std::optional(events_.front().at);
    }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    [[nodiscard]] std::size_t size() const noexcept { return events_.size(); }

private:
    friend class event_log;
    using events = std::list<kept_event>;

    [[nodiscard]] events::iterator add(kept_event&& event);
    void drop_oldest();

    std::size_t most_bytes_;
    std::size_t bytes_ = 0;
    events events_;
};

/// The events of one namespace, in the order of sending.
class event_log {
public:
    explicit event_log(event_memory& in) : memory_(&in) {}
    event_log(event_log const&) = delete;
    event_log& operator=(event_log const&) = delete;
    ~event_log();

    /// `shares` is how many logs share its frames, each of which answers for a part of them.
    void append(sent_event event, std::size_t shares, net::time_point now);

    /// The place of the newest event, whether it is still kept or not; none if there was none.
    [[nodiscard]] event_place const& newest() const noexcept { return newest_; }
    [[nodiscard]] bool contains(event_place const& place) const;
    [[nodiscard]] std::size_t size() const noexcept { return mine_.size(); }

    /// Calls `visit(event)` with every event after this place, in order. False, without any call,
    /// if one of them is gone.
    template <typename Visit>
    [[nodiscard]] bool for_each_after(event_place const& last, Visit visit) const;

private:
    friend class event_memory;
    using places = std::deque<event_memory::events::iterator>;

    [[nodiscard]] places::const_iterator first_after(event_place const& last) const {
        return std::upper_bound(
            mine_.begin(),
            mine_.end(),
            last,
            [](event_place const& place, auto const& event) { return place < event->place; });
    }

    event_memory* memory_;
    places mine_;
    event_place newest_;
    /// The newest that was dropped.
    event_place dropped_;
};

inline event_memory::events::iterator event_memory::add(kept_event&& event) {
    bytes_ += event.bytes;
    return events_.insert(events_.end(), std::move(event));
}

/// The oldest of all is the oldest of its own log.
inline void event_memory::drop_oldest() {
    auto const& oldest = events_.front();
    oldest.log->mine_.pop_front();
    oldest.log->dropped_ = oldest.place;
    bytes_ -= oldest.bytes;
    events_.pop_front();
}

inline void event_memory::drop_until(net::time_point last) {
    while (!events_.empty() && events_.front().at <= last)
        drop_oldest();
}

inline event_log::~event_log() {
    for (auto const& place : mine_) {
        memory_->bytes_ -= place->bytes;
        memory_->events_.erase(place);
    }
}

/// What it costs to keep an event, in bytes.
[[nodiscard]] inline std::size_t cost_of(sent_event const& event, std::size_t shares) noexcept {
    auto sum = sizeof(kept_event) + engine::cost_of(event.frames) / shares;
    for (auto const* const rooms : {&event.target.rooms, &event.target.except})
        for (auto const& room : *rooms)
            sum += sizeof(room) + room.size();
    return sum;
}

inline void event_log::append(sent_event event, std::size_t shares, net::time_point now) {
    auto const bytes = cost_of(event, shares);
    newest_ = event.place;
    mine_.push_back(memory_->add({std::move(event), now, bytes, this}));
    while (memory_->bytes_ > memory_->most_bytes_)
        memory_->drop_oldest();
}

inline bool event_log::contains(event_place const& place) const {
    auto const after = first_after(place);
    return after != mine_.begin() && (*std::prev(after))->place == place;
}

template <typename Visit>
bool event_log::for_each_after(event_place const& last, Visit visit) const {
    if (dropped_ > last)
        return false;
    for (auto place = first_after(last); place != mine_.end(); ++place)
        visit(std::as_const(**place));
    return true;
}

}  // namespace socoro::adapter
