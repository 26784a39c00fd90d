// SPDX-License-Identifier: BSL-1.0
// The scheduler that the load runs on: an executor type of a test's own, which is all that a shard
// needs.
#include "support/random_scheduler.hpp"

#include <socoro/net/manual_clock.hpp>
#include <socoro/net/signal.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>

namespace {

namespace net = socoro::net;

/// Who came in which order, of several lanes that each have several tasks.
[[nodiscard]] std::string order_of(std::uint64_t seed) {
    test::random_scheduler scheduler(seed);
    std::string order;
    for (std::size_t lane = 0; lane < 3; ++lane)
        for (int i = 0; i < 5; ++i)
            asio::post(scheduler.get_executor(lane), [&order, lane] {
                order += static_cast<char>('a' + lane);
            });
    while (scheduler.run_one()) {
    }
    return order;
}

[[nodiscard]] std::shared_ptr<net::shard> make_shard(test::random_scheduler& on, std::size_t lane) {
    return net::shard::make(on.get_executor(lane), std::make_shared<net::manual_clock>());
}

}  // namespace

TEST_CASE("load/random_scheduler: the same seed gives the same order, another mostly another") {
    auto const first = order_of(1);
    CHECK(first.size() == 15);
    CHECK(order_of(1) == first);
    CHECK(order_of(2) != first);
    CHECK(order_of(3) != order_of(2));
}

TEST_CASE(
    "load/random_scheduler: a shard on it runs what it is given in order, and knows its own") {
    test::random_scheduler scheduler(5);
    auto const shard = make_shard(scheduler, 0);
    auto const other = make_shard(scheduler, 1);
    std::string order;
    for (char each = 'a'; each <= 'z'; ++each) {
        shard->submit([&, each] {
            order += each;
            CHECK(shard->is_here());
            CHECK_FALSE(other->is_here());
        });
        other->submit([&] { CHECK(other->is_here()); });
    }
    CHECK_FALSE(shard->is_here());
    while (scheduler.run_one()) {
    }
    CHECK(order == "abcdefghijklmnopqrstuvwxyz");
}

TEST_CASE("load/random_scheduler: coroutines wait on it for signals and times") {
    test::random_scheduler scheduler(7);
    auto const clock = std::make_shared<net::manual_clock>();
    auto const shard = net::shard::make(scheduler.get_executor(), clock);
    net::signal signal(*shard);
    std::string seen;
    auto const wait = [&]() -> asio::awaitable<void> {
        auto const notified = co_await signal.wait();
        seen += notified ? "error" : "signal";
        auto const late = co_await signal.wait(shard->now() + std::chrono::seconds(1));
        seen += late == socoro::errc::timeout ? ", timeout" : ", error";
    };
    asio::co_spawn(shard->get_executor(), wait(), asio::detached);
    while (scheduler.run_one()) {
    }
    shard->submit([&] { signal.notify_all(); });
    while (scheduler.run_one()) {
    }
    shard->submit([&] { clock->advance(std::chrono::seconds(1)); });
    while (scheduler.run_one()) {
    }
    CHECK(seen == "signal, timeout");
}

TEST_CASE("load/random_scheduler: what has not run is destroyed with it") {
    auto const held = std::make_shared<int>();
    {
        test::random_scheduler scheduler(9);
        auto const shard = make_shard(scheduler, 0);
        shard->submit([held] {});
        asio::post(scheduler.get_executor(1), [held] {});
        auto const wait = [](std::shared_ptr<net::shard> on,
                             std::shared_ptr<int>) -> asio::awaitable<void> {
            net::signal never(*on);
            std::ignore = co_await never.wait();
        };
        asio::co_spawn(shard->get_executor(), wait(shard, held), asio::detached);
        scheduler.run_one();
        CHECK(held.use_count() > 1);
    }
    CHECK(held.use_count() == 1);
}
