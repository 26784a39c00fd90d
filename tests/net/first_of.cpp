// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/first_of.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/task_group.hpp>

#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
using socoro::errc;
using socoro::first_of;
namespace net = socoro::net;

namespace {

/// Things that can be taken one by one, and waited for.
struct box {
    explicit box(net::shard& owner) : changed(owner) {}
    void put(int value) {
        values.push_back(value);
        changed.notify_all();
    }
    [[nodiscard]] asio::awaitable<int> take() {
        ++takers;
        while (values.empty()) {
            auto const ec = co_await changed.wait();
            if (ec) {
                ++cancelled;
                throw std::system_error(ec);
            }
        }
        auto const value = values.front();
        values.erase(values.begin());
        co_return value;
    }

    std::vector<int> values;
    net::signal changed;
    int takers = 0;
    int cancelled = 0;
};

struct contest_world : test::world {
    box a{*shard};
    box b{*shard};
    std::shared_ptr<net::task_group> group = std::make_shared<net::task_group>(shard);

    [[nodiscard]] asio::awaitable<void> sleep(net::duration time) {
        net::signal never(*shard);
        auto const ec = co_await never.wait(clock->now() + time);
        if (ec != errc::timeout)
            throw std::system_error(ec);
    }
    [[nodiscard]] asio::awaitable<int> fail(std::string why, box& until) {
        std::ignore = co_await until.take();
        throw std::runtime_error(why);
    }
    [[nodiscard]] asio::awaitable<int> fail_now(std::string why) {
        throw std::runtime_error(why);
        co_return 0;
    }
};

std::string what(std::exception_ptr const& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (std::exception const& e) {
        return e.what();
    }
}

bool is_cancelled(std::exception_ptr const& failure) {
    try {
        std::rethrow_exception(failure);
    } catch (std::system_error const& e) {
        return e.code() == asio::error::operation_aborted;
    }
}

using either = std::variant<int, int>;
either first(int value) {
    return either(std::in_place_index<0>, value);
}
either second(int value) {
    return either(std::in_place_index<1>, value);
}

}  // namespace

TEST_CASE("net/first_of: gives what ends first, and by its index tells what it was") {
    contest_world w;
    auto const won = w.spawn(first_of(w.a.take(), w.b.take()));
    CHECK_FALSE(won->done());
    w.b.put(7);
    w.run();
    CHECK(won->value == second(7));
    CHECK(w.a.cancelled == 1);
    CHECK_FALSE(w.a.changed.has_waiters());

    auto const other = w.spawn(first_of(w.a.take(), w.b.take()));
    w.a.put(8);
    w.run();
    CHECK(other->value == first(8));
    CHECK(w.b.cancelled == 1);
}

TEST_CASE("net/first_of: one that is ready keeps those behind it from starting") {
    contest_world w;
    w.a.put(1);
    w.b.put(2);
    auto const won = w.spawn(first_of(w.a.take(), w.b.take()));
    CHECK(won->value == first(1));
    CHECK(w.b.takers == 0);
    CHECK(w.b.values == std::vector<int>{2});

    auto const behind = w.spawn(first_of(w.a.take(), w.b.take()));
    CHECK(behind->value == second(2));
    CHECK(w.a.cancelled == 1);
}

TEST_CASE("net/first_of: of two that become ready at once, one takes nothing") {
    contest_world w;
    auto const from_a = w.spawn(first_of(w.a.take(), w.a.take()));
    w.a.values = {1, 2};
    w.a.changed.notify_all();
    w.run();
    CHECK(from_a->value == first(1));
    CHECK(w.a.values == std::vector<int>{2});

    w.a.values.clear();
    auto const from_both = w.spawn(first_of(w.a.take(), w.b.take()));
    asio::post(*w.context, [&] {
        w.b.put(3);
        w.a.put(4);
    });
    w.run();
    CHECK(from_both->value == second(3));
    CHECK(w.a.values == std::vector<int>{4});
}

TEST_CASE("net/first_of: a deadline is one of the awaitables, and leaves no timer") {
    contest_world w;
    auto const late = w.spawn(first_of(w.a.take(), w.sleep(3s)));
    w.advance(2999ms);
    CHECK_FALSE(late->done());
    w.advance(1ms);
    REQUIRE(late->value);
    CHECK(late->value->index() == 1);
    CHECK(w.a.cancelled == 1);

    auto const early = w.spawn(first_of(w.sleep(3s), w.a.take(), w.sleep(4s)));
    CHECK(w.clock->armed() == 2);
    w.a.put(1);
    w.run();
    REQUIRE(early->value);
    CHECK(std::get<1>(*early->value) == 1);
    CHECK(w.clock->armed() == 0);
}

TEST_CASE("net/first_of: an exception wins like a value") {
    contest_world w;
    auto const won = w.spawn(first_of(w.a.take(), w.fail("b failed", w.b)));
    w.b.put(1);
    w.run();
    REQUIRE(won->failure);
    CHECK(what(won->failure) == "b failed");
    CHECK(w.a.cancelled == 1);

    auto const at_once = w.spawn(first_of(w.fail_now("at once"), w.a.take()));
    REQUIRE(at_once->failure);
    CHECK(what(at_once->failure) == "at once");
    CHECK(w.a.takers == 1);
}

TEST_CASE("net/first_of: the others have ended when it returns, and what they end with is lost") {
    contest_world w;
    net::signal permission(*w.shard);
    auto const reluctant = [](box& from, net::signal& on) -> asio::awaitable<int> {
        std::exception_ptr failure;
        try {
            co_return co_await from.take();
        } catch (std::system_error const&) {
            failure = std::current_exception();
        }
        co_await asio::this_coro::reset_cancellation_state(asio::disable_cancellation());
        co_await on.wait();
        throw std::runtime_error("too late");
    };
    auto const won = w.spawn(first_of(reluctant(w.a, permission), w.b.take()));
    w.b.put(1);
    w.run();
    CHECK(w.a.cancelled == 1);
    CHECK_FALSE(won->done());
    permission.notify_all();
    w.run();
    CHECK(won->value == second(1));
}

TEST_CASE("net/first_of: cancelling it cancels all") {
    contest_world w;
    std::exception_ptr failure;
    auto const compete = [](contest_world& in) -> asio::awaitable<void> {
        std::ignore = co_await first_of(in.a.take(), in.b.take(), in.sleep(1h));
    };
    w.group->spawn(compete(w), [&](std::exception_ptr const& why) { failure = why; });
    w.run();
    CHECK(w.clock->armed() == 1);
    w.group->cancel_all();
    w.run();
    REQUIRE(failure);
    CHECK(is_cancelled(failure));
    CHECK(w.a.cancelled == 1);
    CHECK(w.b.cancelled == 1);
    CHECK(w.clock->armed() == 0);
    CHECK(w.group->size() == 0);
}

TEST_CASE("net/first_of: it can be one of its own awaitables") {
    contest_world w;
    box c(*w.shard);
    auto const inner = w.spawn(first_of(first_of(w.a.take(), w.b.take()), c.take()));
    w.b.put(1);
    w.run();
    REQUIRE(inner->value);
    CHECK(std::get<0>(*inner->value) == second(1));
    CHECK(c.cancelled == 1);

    auto const outer = w.spawn(first_of(first_of(w.a.take(), w.b.take()), c.take()));
    c.put(2);
    w.run();
    REQUIRE(outer->value);
    CHECK(std::get<1>(*outer->value) == 2);
    CHECK(w.a.cancelled == 2);
    CHECK(w.b.cancelled == 1);
}

TEST_CASE("net/first_of: what is given needs no default and no copy") {
    struct thing {
        explicit thing(int of) : value(std::make_unique<int>(of)) {}
        std::unique_ptr<int> value;
    };
    contest_world w;
    auto const make = [](int of) -> asio::awaitable<thing> { co_return thing(of); };
    int got = 0;
    auto const compete = [&]() -> asio::awaitable<void> {
        auto won = co_await first_of(make(3), w.sleep(1s));
        got = *std::get<0>(won).value;
    };
    auto const ended = w.spawn(compete());
    CHECK(ended->done());
    CHECK(got == 3);
}

TEST_CASE("net/first_of: Asio's own operations are cancelled as well") {
    contest_world w;
    asio::steady_timer timer(*w.context, 1h);
    auto const wait = [](asio::steady_timer& on, std::error_code& got) -> asio::awaitable<void> {
        auto const [ec] = co_await on.async_wait(socoro::as_tuple);
        got = ec;
    };
    std::error_code got;
    auto const won = w.spawn(first_of(wait(timer, got), w.a.take()));
    w.a.put(1);
    w.run();
    REQUIRE(won->value);
    CHECK(won->value->index() == 1);
    CHECK(got == asio::error::operation_aborted);
}

TEST_CASE("net/first_of: an awaitable that ends another one is not interrupted") {
    contest_world w;
    auto const feed = [](box& to) -> asio::awaitable<int> {
        // Within this call the other one wins, and this one is cancelled.
        to.put(5);
        co_return 6;
    };
    auto const won = w.spawn(first_of(w.a.take(), feed(w.a)));
    CHECK(won->value == first(5));
}

TEST_CASE("net/first_of: works on a strand, time after time") {
    asio::io_context context;
    auto const strand = asio::make_strand(context);
    auto const shard = net::shard::make(strand);
    box a(*shard);
    box b(*shard);
    b.values = {2, 3};
    std::vector<either> won;
    auto const compete = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 2; ++i)
            won.push_back(co_await first_of(a.take(), b.take()));
    };
    asio::co_spawn(strand, compete(), asio::detached);
    context.run();
    CHECK(won == std::vector<either>{second(2), second(3)});
    CHECK(b.values.empty());
}

TEST_CASE("net/first_of: works for coroutines on any type of executor") {
    contest_world w;
    using executor_type = asio::io_context::executor_type;
    using timer_type = asio::basic_waitable_timer<
        std::chrono::steady_clock,
        asio::wait_traits<std::chrono::steady_clock>,
        executor_type>;
    auto const wait = [](net::signal& on) -> asio::awaitable<int, executor_type> {
        std::ignore = co_await on.wait<executor_type>();
        co_return 7;
    };
    auto const sleep = [](timer_type& on) -> asio::awaitable<void, executor_type> {
        co_await on.async_wait(asio::use_awaitable_t<executor_type>());
    };
    timer_type timer(w.context->get_executor(), 1h);
    std::variant<int, std::monostate> won;
    auto const compete = [&]() -> asio::awaitable<void, executor_type> {
        won = co_await first_of(wait(w.a.changed), sleep(timer));
    };
    bool ended = false;
    asio::co_spawn(w.context->get_executor(), compete(), [&](std::exception_ptr const& failure) {
        ended = !failure;
    });
    w.run();
    CHECK_FALSE(ended);
    w.a.changed.notify_all();
    w.run();
    CHECK(ended);
    CHECK(won.index() == 0);
    CHECK(std::get<0>(won) == 7);
    // Nothing waits for the timer any more.
    CHECK(timer.cancel() == 0);
}

TEST_CASE("net/first_of: the end of the context destroys all of them") {
    struct witness {
        explicit witness(int& count) : count_(&count) {}
        witness(witness const&) = delete;
        ~witness() { ++*count_; }
        int* count_;
    };
    int destroyed = 0;
    contest_world w;
    auto const wait = [&](net::duration time) -> asio::awaitable<void> {
        witness const seen(destroyed);
        co_await w.sleep(time);
    };
    auto const compete = [&]() -> asio::awaitable<void> {
        witness const seen(destroyed);
        std::ignore = co_await first_of(wait(1s), first_of(wait(2s), wait(3s)));
    };
    w.group->spawn(compete());
    std::ignore = w.spawn(compete());
    w.run();
    CHECK(w.clock->armed() == 6);
    w.context.reset();
    CHECK(destroyed == 8);
    CHECK(w.clock->armed() == 0);
}
