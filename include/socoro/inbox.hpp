// SPDX-License-Identifier: BSL-1.0
// The events that a socket has received and no handler has taken yet: in order, bounded, and
// awaited by name. Among them is what a client's socket tells itself.
#pragma once

#include <socoro/incoming.hpp>
#include <socoro/net/signal.hpp>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace socoro::detail {

/// A bounded queue of events. When it is full, events that nobody ever asked for make room; if
/// all are wanted, the owner stops reading until a handler has caught up.
class inbox {
public:
    /// Among names: any event of the peer. It is no UTF-8, which the names of events are.
    static constexpr std::string_view any_name = "\xff";
    /// How much of what the socket tells may wait; beyond, the oldest goes.
    static constexpr std::size_t most_told = 64;

    inbox(net::shard& owner, std::size_t most_events, std::size_t most_bytes)
        : most_events_(most_events)
        , most_bytes_(most_bytes)
        , changed_(owner) {}

    /// Adds an event. Gives the names of those that were dropped for it, if any.
    [[nodiscard]] std::vector<std::string> push(incoming event);

    /// Adds what the socket itself tells, and resumes nobody yet. Of what nobody ever asked for, the
    /// last is kept.
    void tell(incoming event);

    /// Whether there is an event with one of the names; no names mean any of the peer.
    [[nodiscard]] bool contains(std::span<std::string_view const> names) const {
        return std::any_of(events_.begin(), events_.end(), one_of{names});
    }

    /// Takes the oldest event with one of the names; no names mean any.
    [[nodiscard]] std::optional<incoming> take(std::span<std::string_view const> names);

    /// Counts an event that is on its way here, and no more.
    void hold(std::size_t size) noexcept {
        ++held_events_;
        held_bytes_ += size;
    }
    void release(std::size_t size) noexcept {
        --held_events_;
        held_bytes_ -= size;
    }
    [[nodiscard]] bool is_holding() const noexcept { return held_events_ > 0; }

    /// Remembers that these names are received here; no names mean all. The text must be static.
    void ask_for(std::span<std::string_view const> names);

    /// Waits for the next change. Gives `errc::timeout` at the deadline.
    template <typename Executor>
    [[nodiscard]] auto wait(std::optional<net::time_point> deadline) {
        return changed_.wait<Executor>(deadline);
    }

    /// Resumes those who wait.
    void notify() { changed_.notify_all(); }

    [[nodiscard]] bool is_full() const noexcept { return exceeds(1); }
    /// Twice as full as it should ever be. One event alone never is too much: the limits of the
    /// packet have let it through.
    [[nodiscard]] bool is_overfull() const noexcept {
        return size() + held_events_ > 1 && exceeds(2);
    }
    [[nodiscard]] bool has_waiters() const noexcept { return changed_.has_waiters(); }
    /// Events of the peer.
    [[nodiscard]] std::size_t size() const noexcept { return events_.size() - told_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }
    void clear() noexcept;

private:
    /// Whether an event has one of the names; no names mean any.
    struct one_of {
        std::span<std::string_view const> names;
        [[nodiscard]] bool operator()(incoming const& event) const {
            if (!event.told && (names.empty() || has(any_name)))
                return true;
            return has(event.name);
        }
        [[nodiscard]] bool has(std::string_view name) const {
            return std::find(names.begin(), names.end(), name) != names.end();
        }
    };

    [[nodiscard]] bool exceeds(std::size_t times) const noexcept {
        return size() + held_events_ > times * most_events_ ||
               bytes_ + held_bytes_ > times * most_bytes_;
    }
    [[nodiscard]] bool is_wanted(std::string_view name) const {
        return wants_all_ || std::find(wanted_.begin(), wanted_.end(), name) != wanted_.end();
    }
    [[nodiscard]] incoming remove(std::deque<incoming>::iterator at);

    std::size_t most_events_;
    std::size_t most_bytes_;
    std::deque<incoming> events_;
    std::size_t bytes_ = 0;
    /// How many of them the socket told.
    std::size_t told_ = 0;
    std::size_t held_events_ = 0;
    std::size_t held_bytes_ = 0;
    std::vector<std::string_view> wanted_;
    bool wants_all_ = false;
    net::signal changed_;
};

inline std::vector<std::string> inbox::push(incoming event) {
    std::vector<std::string> dropped;
    bytes_ += event.size;
    events_.push_back(std::move(event));
    auto const is_unwanted = [this](incoming const& e) { return !e.told && !is_wanted(e.name); };
    while (is_full()) {
        auto const unwanted = std::find_if(events_.begin(), events_.end(), is_unwanted);
        if (unwanted == events_.end())
            break;
        dropped.push_back(remove(unwanted).name);
    }
    notify();
    return dropped;
}

inline void inbox::tell(incoming event) {
    auto const is_same = [&](incoming const& e) { return e.told && e.name == event.name; };
    bool const is_asked_for =
        std::find(wanted_.begin(), wanted_.end(), event.name) != wanted_.end();
    auto const outdated = std::find_if(events_.begin(), events_.end(), is_same);
    if (!is_asked_for && outdated != events_.end())
        std::ignore = remove(outdated);
    auto const is_told = [](incoming const& e) { return e.told != nullptr; };
    if (told_ == most_told)
        std::ignore = remove(std::find_if(events_.begin(), events_.end(), is_told));
    events_.push_back(std::move(event));
    ++told_;
}

inline std::optional<incoming> inbox::take(std::span<std::string_view const> names) {
    auto const found = std::find_if(events_.begin(), events_.end(), one_of{names});
    if (found == events_.end())
        return std::nullopt;
    return remove(found);
}

inline void inbox::ask_for(std::span<std::string_view const> names) {
    wants_all_ = wants_all_ || names.empty() || one_of{names}.has(any_name);
    for (auto const name : names)
        if (std::find(wanted_.begin(), wanted_.end(), name) == wanted_.end())
            wanted_.push_back(name);
}

inline incoming inbox::remove(std::deque<incoming>::iterator at) {
    incoming event = std::move(*at);
    events_.erase(at);
    bytes_ -= event.size;
    told_ -= event.told ? 1 : 0;
    return event;
}

inline void inbox::clear() noexcept {
    events_.clear();
    bytes_ = told_ = 0;
}

}  // namespace socoro::detail
