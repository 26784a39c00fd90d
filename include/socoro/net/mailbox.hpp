// SPDX-License-Identifier: BSL-1.0
// Tasks that other threads leave for one that runs them. It knows no executor: whoever owns it
// sees to it that somebody looks inside.
#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

namespace socoro::net {

/// A queue with many writers and one reader. `put` is thread-safe; all else is for the reader.
class mailbox {
public:
    using task = std::function<void()>;

    /// Takes a task over; once closed, leaves it where it is. True if the reader has to be told:
    /// it must call `run_announced` then, soon.
    [[nodiscard]] bool put(task& added);

    /// Runs what was put in so far, in order. A task may call this again, which then goes on
    /// where this was.
    void run();

    /// The same, for the call that `put` asked for.
    void run_announced();

    /// Whether there is nothing to run; costs one atomic load.
    [[nodiscard]] bool is_empty() const noexcept {
        return next_ == batch_.size() && !waiting_.load(std::memory_order_acquire);
    }

    /// Takes nothing any more, and gives what has not run.
    [[nodiscard]] std::vector<task> close() noexcept;

private:
    void run_batch();

    std::mutex mutex_;
    std::vector<task> incoming_;
    std::atomic<bool> waiting_ = false;
    bool announced_ = false;
    bool closed_ = false;
    // What the reader has taken out, and how much of that has begun.
    std::vector<task> batch_;
    std::size_t next_ = 0;
};

inline bool mailbox::put(task& added) {
    std::lock_guard const lock(mutex_);
    if (closed_)
        return false;
    incoming_.push_back(std::move(added));
    waiting_.store(true, std::memory_order_release);
    return !std::exchange(announced_, true);
}

inline void mailbox::run() {
    run_batch();
    {
        std::lock_guard const lock(mutex_);
        batch_.swap(incoming_);
        waiting_.store(false, std::memory_order_relaxed);
    }
    run_batch();
}

inline void mailbox::run_announced() {
    {
        std::lock_guard const lock(mutex_);
        announced_ = false;
    }
    if (!is_empty())
        run();
}

inline void mailbox::run_batch() {
    while (next_ < batch_.size()) {
        auto const each = std::move(batch_[next_++]);
        each();
    }
    batch_.clear();
    next_ = 0;
}

inline std::vector<mailbox::task> mailbox::close() noexcept {
    std::lock_guard const lock(mutex_);
    closed_ = true;
    return std::exchange(incoming_, {});
}

}  // namespace socoro::net
