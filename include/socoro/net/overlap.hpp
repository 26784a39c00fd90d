// SPDX-License-Identifier: BSL-1.0
// Finds two threads that run tasks of one shard at once, which no executor of ours does: somebody
// runs an `io_context` with several threads. It finds what it happens to see, and is no lock.
#pragma once

#include <atomic>
#include <cstdio>
#include <exception>
#include <thread>
#include <utility>

namespace socoro::net {

/// Which thread runs tasks, if one does. Costs a few loads and stores that nobody waits for.
class overlap {
public:
    /// Ends the program if another thread runs tasks: what it shares with this one is broken then.
    void check() const noexcept {
        auto const other = runs_in_.load(std::memory_order_relaxed);
        if (other != std::thread::id() && other != std::this_thread::get_id())
            fail();
    }

    /// Runs tasks in this thread, which may call this again.
    template <typename Tasks>
    void run(Tasks&& tasks) {
        check();
        stay const here(runs_in_);
        std::forward<Tasks>(tasks)();
    }

private:
    using place = std::atomic<std::thread::id>;

    /// Says that tasks run in this thread, as long as it is there.
    class stay {
    public:
        explicit stay(place& in) : in_(in), before_(in.load(std::memory_order_relaxed)) {
            in_.store(std::this_thread::get_id(), std::memory_order_relaxed);
        }
        stay(stay const&) = delete;
        stay& operator=(stay const&) = delete;
        ~stay() { in_.store(before_, std::memory_order_relaxed); }

    private:
        place& in_;
        std::thread::id before_;
    };

    [[noreturn]] static void fail() noexcept {
        std::fputs(
            "socoro: two threads run what belongs on one executor. An io_context that a server or "
            "a client lives on is run by one thread; for several, give socoro::server an "
            "asio::thread_pool, or one io_context for each.\n",
            stderr);
        std::terminate();
    }

    place runs_in_{};
};

}  // namespace socoro::net
