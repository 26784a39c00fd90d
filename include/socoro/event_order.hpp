// SPDX-License-Identifier: BSL-1.0
// The one order of all events that the shards of a server send together, so that a client that comes
// back to another shard can be told from where it has to go on.
#pragma once

#include <socoro/adapter/offset.hpp>
#include <socoro/adapter/session_directory.hpp>

#include <chrono>
#include <memory>
#include <mutex>
#include <utility>

namespace socoro::detail {

/// What the shards of a server share that lets clients come back, if there are several. Thread-safe.
///
/// Whoever sends to all shards gives the event its number and submits it to every one of them before
/// anybody else does. So each shard sees those events in the order of their numbers, and what one
/// shard asks or answers another in its turn comes there behind all that it had seen itself.
class event_order {
public:
    /// Calls `send(number)`, which submits the event of that number, or sees to it that it is sent
    /// in order where the caller runs, and calls nothing of the program.
    template <typename Send>
    void send(std::chrono::system_clock::time_point date, Send send) {
        std::lock_guard const lock(mutex_);
        send(numbers_.next(date));
    }

    /// Calls `submit`, which submits something to a shard, in turn with events.
    template <typename Submit>
    void in_turn(Submit submit) {
        std::lock_guard const lock(mutex_);
        submit();
    }

    [[nodiscard]] std::shared_ptr<adapter::session_directory> const& sessions() const noexcept {
        return sessions_;
    }

private:
    std::mutex mutex_;
    adapter::event_numbers numbers_;
    std::shared_ptr<adapter::session_directory> sessions_ =
        std::make_shared<adapter::session_directory>();
};

}  // namespace socoro::detail
