// SPDX-License-Identifier: BSL-1.0
// A world of its own for a test: one shard whose time stands still until the test moves it.
// Nothing sleeps; a test asks for everything that can happen now to happen.
#pragma once

#include <socoro/net/manual_clock.hpp>
#include <socoro/net/shard.hpp>

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <utility>

namespace test {

namespace net = socoro::net;

/// What a coroutine gave, once it has ended.
template <typename T>
struct outcome {
    std::optional<T> value;
    std::exception_ptr failure;
    [[nodiscard]] bool done() const { return value || failure; }
};
template <>
struct outcome<void> {
    bool ended = false;
    std::exception_ptr failure;
    [[nodiscard]] bool done() const { return ended; }
};

struct world {
    std::unique_ptr<asio::io_context> context = std::make_unique<asio::io_context>();
    std::shared_ptr<net::manual_clock> clock = std::make_shared<net::manual_clock>();
    std::shared_ptr<net::shard> shard = net::shard::make(context->get_executor(), clock);

    /// Runs whatever can run now.
    void run() {
        do
            context->restart();
        while (context->poll() > 0);
    }

    /// Lets time pass; what happens on the way happens at its own time.
    void advance(net::duration by) {
        auto const target = clock->now() + by;
        for (run(); clock->next_deadline() && *clock->next_deadline() <= target; run())
            clock->advance(std::max(*clock->next_deadline() - clock->now(), net::duration{}));
        clock->advance(target - clock->now());
        run();
    }

    /// Runs until nobody waits for a time any more, and says how long that took.
    net::duration settle() {
        auto const start = clock->now();
        for (run(); clock->next_deadline(); run())
            clock->advance(std::max(*clock->next_deadline() - clock->now(), net::duration{}));
        return clock->now() - start;
    }

    /// Starts a coroutine and runs what can run.
    template <typename T>
    std::shared_ptr<outcome<T>> spawn(asio::awaitable<T> started) {
        auto const result = std::make_shared<outcome<T>>();
        asio::co_spawn(*context, std::move(started), [result](std::exception_ptr failure, T value) {
            result->failure = failure;
            if (!failure)
                result->value = std::move(value);
        });
        run();
        return result;
    }
    std::shared_ptr<outcome<void>> spawn(asio::awaitable<void> started) {
        auto const result = std::make_shared<outcome<void>>();
        asio::co_spawn(*context, std::move(started), [result](std::exception_ptr failure) {
            result->failure = failure;
            result->ended = true;
        });
        run();
        return result;
    }
};

}  // namespace test
