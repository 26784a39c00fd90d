// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/signal.hpp>

#include "support/counting_executor.hpp"
#include "support/world.hpp"

#include <asio/bind_cancellation_slot.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/strand.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using socoro::errc;
namespace net = socoro::net;

TEST_CASE("net/signal: a notification resumes everybody who waits") {
    test::world world;
    net::signal s(*world.shard);
    auto const first = world.spawn(s.wait());
    auto const second = world.spawn(s.wait());
    CHECK(s.has_waiters());
    CHECK_FALSE(first->done());
    s.notify_all();
    CHECK_FALSE(s.has_waiters());
    world.run();
    CHECK(first->value == std::error_code());
    CHECK(second->value == std::error_code());
}

TEST_CASE("net/signal: it remembers nothing") {
    test::world world;
    net::signal s(*world.shard);
    s.notify_all();
    auto const waited = world.spawn(s.wait());
    CHECK_FALSE(waited->done());
    s.notify_all();
    world.run();
    CHECK(waited->done());
}

TEST_CASE("net/signal: it resumes before it returns; who waits again then waits for the next one") {
    test::world world;
    net::signal s(*world.shard);
    int rounds = 0;
    auto const loop = [](net::signal& on, int& count) -> asio::awaitable<void> {
        for (;;) {
            co_await on.wait();
            ++count;
        }
    };
    auto const waited = world.spawn(loop(s, rounds));
    s.notify_all();
    CHECK(rounds == 1);
    s.notify_all();
    CHECK(rounds == 2);
    CHECK_FALSE(waited->done());
}

TEST_CASE("net/signal: a wait ends at its deadline, and leaves no timer when it ends before") {
    test::world world;
    net::signal s(*world.shard);
    auto const late = world.spawn(s.wait(world.clock->now() + 3s));
    world.advance(2999ms);
    CHECK_FALSE(late->done());
    world.advance(1ms);
    CHECK(late->value == errc::timeout);
    CHECK_FALSE(s.has_waiters());

    auto const early = world.spawn(s.wait(world.clock->now() + 3s));
    CHECK(world.clock->armed() == 1);
    s.notify_all();
    world.run();
    CHECK(early->value == std::error_code());
    CHECK(world.clock->armed() == 0);
}

TEST_CASE("net/signal: the end of a signal ends the waits, once its owner is gone") {
    test::world world;
    auto s = std::make_unique<net::signal>(*world.shard);
    auto const waited = world.spawn(s->wait());
    s.reset();
    CHECK_FALSE(waited->done());
    world.run();
    CHECK(waited->value == asio::error::operation_aborted);
}

TEST_CASE("net/signal: a resumed coroutine may destroy the signal others wait for") {
    test::world world;
    auto s = std::make_unique<net::signal>(*world.shard);
    auto const destroy = [](std::unique_ptr<net::signal>& owned) -> asio::awaitable<void> {
        co_await owned->wait();
        owned.reset();
    };
    auto const destroying = world.spawn(destroy(s));
    auto const other = world.spawn(s->wait());
    s->notify_all();
    world.run();
    CHECK(destroying->done());
    CHECK(other->done());
}

TEST_CASE("net/signal: a cancellation slot ends a wait, later and once") {
    test::world world;
    net::signal s(*world.shard);
    asio::cancellation_signal cancel;
    std::error_code got;
    int calls = 0;
    auto const wait = [](net::signal& on, std::error_code& result) -> asio::awaitable<void> {
        result = co_await on.wait();
    };
    asio::co_spawn(
        *world.context,
        wait(s, got),
        asio::bind_cancellation_slot(cancel.slot(), [&](std::exception_ptr) { ++calls; }));
    world.run();
    CHECK(s.has_waiters());
    cancel.emit(asio::cancellation_type::terminal);
    CHECK(calls == 0);
    s.notify_all();
    world.run();
    CHECK(calls == 1);
    CHECK(got == asio::error::operation_aborted);
    cancel.emit(asio::cancellation_type::terminal);
    world.run();
    CHECK(calls == 1);
}

TEST_CASE("net/signal: it works on a strand, and for coroutines of another executor") {
    asio::io_context context;
    auto const strand = asio::make_strand(context);
    auto const clock = std::make_shared<socoro::net::manual_clock>();
    auto const shard = socoro::net::shard::make(strand, clock);
    net::signal s(*shard);
    int ended = 0;
    auto const wait = [](net::signal& on, int& count) -> asio::awaitable<void> {
        co_await on.wait();
        ++count;
    };
    asio::co_spawn(strand, wait(s, ended), asio::detached);
    asio::co_spawn(context, wait(s, ended), asio::detached);
    context.poll();
    asio::post(strand, [&] {
        s.notify_all();
        CHECK(ended == 1);
    });
    context.restart();
    context.poll();
    CHECK(ended == 2);
}

TEST_CASE("net/signal: who waits on the executor of the shard is resumed at once") {
    asio::io_context context;
    using executor_type = test::counting_executor<>;
    executor_type const ex(context.get_executor());
    auto const shard = net::shard::make<executor_type>(ex);
    net::signal s(*shard);
    int resumed = 0;
    auto const wait = [](net::signal& on, int& count) -> asio::awaitable<void, executor_type> {
        for (;; ++count)
            std::ignore = co_await on.wait<executor_type>();
    };
    auto const wait_erased = [](net::signal& on, int& count) -> asio::awaitable<void> {
        for (;; ++count)
            std::ignore = co_await on.wait();
    };
    executor_type const other(context.get_executor());
    asio::co_spawn(ex, wait(s, resumed), asio::detached);
    asio::co_spawn(ex, wait_erased(s, resumed), asio::detached);
    asio::co_spawn(other, wait(s, resumed), asio::detached);
    context.poll();
    auto const before = ex.count();
    asio::post(ex, [&] {
        auto const counted = ex.count();
        s.notify_all();
        CHECK(resumed == 2);
        CHECK(ex.count() == counted);
    });
    CHECK(ex.count() == before + 1);
    context.restart();
    context.poll();
    CHECK(resumed == 3);
}

TEST_CASE("net/signal: on any type of executor one can be late, and be cancelled") {
    test::world world;
    using executor_type = asio::io_context::executor_type;
    auto const ex = world.context->get_executor();
    net::signal s(*world.shard);
    asio::cancellation_signal cancel;
    std::vector<std::error_code> got;
    auto const wait = [&](net::duration within) -> asio::awaitable<void, executor_type> {
        got.push_back(co_await s.wait<executor_type>(world.clock->now() + within));
    };
    asio::co_spawn(
        ex,
        wait(1h),
        asio::bind_cancellation_slot(cancel.slot(), [](std::exception_ptr const&) {}));
    asio::co_spawn(ex, wait(1s), asio::detached);
    world.advance(1s);
    cancel.emit(asio::cancellation_type::terminal);
    world.run();
    REQUIRE(got.size() == 2);
    CHECK(got[0] == errc::timeout);
    CHECK(got[1] == asio::error::operation_aborted);
    CHECK_FALSE(s.has_waiters());
}

namespace {

/// Says that it was destroyed.
struct witness {
    explicit witness(int& count) : count_(&count) {}
    witness(witness const&) = delete;
    ~witness() { ++*count_; }
    int* count_;
};

/// Waits for a signal that only its own frame keeps alive.
asio::awaitable<void> wait_for_own(std::shared_ptr<socoro::net::shard> shard, int& destroyed) {
    witness const seen(destroyed);
    auto const own = std::make_shared<net::signal>(*shard);
    co_await own->wait(shard->now() + 1h);
}

}  // namespace

TEST_CASE("net/signal: the end of the execution context destroys the coroutines that wait") {
    int destroyed = 0;
    {
        test::world world;
        auto shared = std::make_shared<net::signal>(*world.shard);
        auto const wait = [](std::shared_ptr<net::signal> on, int& count) -> asio::awaitable<void> {
            witness const seen(count);
            co_await on->wait();
        };
        for (int i = 0; i < 3; ++i) {
            std::ignore = world.spawn(wait(shared, destroyed));
            std::ignore = world.spawn(wait_for_own(world.shard, destroyed));
        }
        shared.reset();
        CHECK(destroyed == 0);
        world.context.reset();
        CHECK(destroyed == 6);
        CHECK(world.clock->armed() == 0);
    }
    CHECK(destroyed == 6);
}

TEST_CASE("net/signal: coroutines may be all that keeps a shard alive when the context ends") {
    int destroyed = 0;
    {
        test::world world;
        for (int i = 0; i < 3; ++i)
            std::ignore = world.spawn(wait_for_own(world.shard, destroyed));
        world.shard.reset();
    }
    CHECK(destroyed == 3);
}

TEST_CASE("net/shard: what is deferred runs after the present turn, in order, in one go") {
    test::world world;
    std::string calls;
    asio::post(*world.context, [&] {
        world.shard->defer([&] {
            calls += "1";
            world.shard->defer([&] { calls += "4"; });
        });
        world.shard->defer([&] { calls += "2"; });
        asio::post(*world.context, [&] { calls += "3"; });
        calls += "0";
    });
    world.run();
    CHECK(calls == "01234");
}

TEST_CASE("net/shard: what is deferred when the context ends, or later, never runs") {
    test::world world;
    bool ran = false;
    world.shard->defer([&] { ran = true; });
    world.context.reset();
    world.shard->defer([&] { ran = true; });
    CHECK_FALSE(ran);
}
