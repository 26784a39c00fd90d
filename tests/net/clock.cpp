// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/clock.hpp>

#include "support/world.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace std::chrono_literals;
using socoro::net::manual_clock;
using socoro::net::timer;

TEST_CASE("net/clock: timers are called in the order of their deadlines, equal ones as armed") {
    auto const clock = std::make_shared<manual_clock>();
    std::string calls;
    timer a(clock, [&] { calls += 'a'; });
    timer b(clock, [&] { calls += 'b'; });
    timer c(clock, [&] { calls += 'c'; });
    c.arm_after(2s);
    a.arm_after(3s);
    b.arm_after(2s);
    CHECK(clock->armed() == 3);
    clock->advance(1999ms);
    CHECK(calls.empty());
    clock->advance(1ms);
    CHECK(calls == "cb");
    clock->advance(1h);
    CHECK(calls == "cba");
    CHECK(clock->armed() == 0);
}

TEST_CASE("net/clock: each timer on the way sees exactly its own deadline") {
    auto const clock = std::make_shared<manual_clock>();
    auto const start = clock->now();
    std::vector<socoro::net::duration> seen;
    timer tick(clock, [&] {
        seen.push_back(clock->now() - start);
        if (seen.size() < 3)
            tick.arm_after(10s);
    });
    tick.arm_after(10s);
    clock->advance(1h);
    CHECK(seen == std::vector<socoro::net::duration>{10s, 20s, 30s});
    CHECK(clock->now() - start == 1h);
}

TEST_CASE("net/clock: arming again moves a timer, later and sooner") {
    auto const clock = std::make_shared<manual_clock>();
    int calls = 0;
    timer t(clock, [&] { ++calls; });
    t.arm_after(1s);
    t.arm_after(5s);
    clock->advance(4s);
    CHECK(calls == 0);
    CHECK(clock->armed() == 1);
    t.arm_after(1ms);
    clock->advance(1ms);
    CHECK(calls == 1);
    CHECK_FALSE(t.armed());
    clock->advance(1h);
    CHECK(calls == 1);
}

TEST_CASE("net/clock: a cancelled or destroyed timer is not called") {
    auto const clock = std::make_shared<manual_clock>();
    int calls = 0;
    timer cancelled(clock, [&] { ++calls; });
    cancelled.arm_after(1s);
    cancelled.cancel();
    cancelled.cancel();
    auto destroyed = std::make_unique<timer>(clock, [&] { ++calls; });
    destroyed->arm_after(1s);
    destroyed.reset();
    CHECK(clock->armed() == 0);
    clock->advance(1h);
    CHECK(calls == 0);
    cancelled.arm_after(1s);
    clock->advance(1s);
    CHECK(calls == 1);
}

TEST_CASE("net/clock: a timer may destroy itself, and others, when it is called") {
    auto const clock = std::make_shared<manual_clock>();
    std::string calls;
    std::unique_ptr<timer> self;
    std::unique_ptr<timer> other;
    std::string const captured(100, 'x');
    self = std::make_unique<timer>(clock, [&, captured] {
        self.reset();
        other.reset();
        calls += captured;
    });
    other = std::make_unique<timer>(clock, [&] { calls += "other"; });
    self->arm_after(1s);
    other->arm_after(1s);
    clock->advance(1s);
    CHECK(calls == captured);
    CHECK(clock->armed() == 0);
}

TEST_CASE("net/clock: a timer that throws does not stop the others") {
    asio::io_context context;
    auto const clock = std::make_shared<socoro::net::system_clock>(context.get_executor());
    int calls = 0;
    timer bad(clock, [] { throw std::runtime_error("bad"); });
    timer good(clock, [&] { ++calls; });
    bad.arm(clock->now());
    good.arm(clock->now() + 1ms);
    CHECK_THROWS_AS(context.run(), std::runtime_error);
    context.restart();
    context.run();
    CHECK(calls == 1);
}

TEST_CASE("net/clock: the system's clock calls timers, and lets the program end without any") {
    asio::io_context context;
    auto const clock = std::make_shared<socoro::net::system_clock>(context.get_executor());
    std::string calls;
    timer late(clock, [&] { calls += "late"; });
    timer soon(clock, [&] {
        calls += "soon ";
        late.arm_after(1ms);
    });
    late.arm_after(24h);
    soon.arm_after(2ms);
    context.run();
    CHECK(calls == "soon late");

    timer never(clock, [&] { calls += "never"; });
    never.arm_after(24h);
    never.cancel();
    context.restart();
    context.run();
    CHECK(calls == "soon late");
}

TEST_CASE("net/clock: a stopped clock keeps quiet") {
    asio::io_context context;
    auto const clock = std::make_shared<socoro::net::system_clock>(context.get_executor());
    int calls = 0;
    timer t(clock, [&] { ++calls; });
    t.arm_after(0s);
    clock->shutdown();
    timer u(clock, [&] { ++calls; });
    u.arm_after(0s);
    context.run();
    CHECK(calls == 0);
}
