// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/task_group.hpp>

#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using socoro::errc;
namespace net = socoro::net;

namespace {

std::string text_of(std::exception_ptr const& why) {
    if (!why)
        return "done";
    try {
        std::rethrow_exception(why);
    } catch (std::system_error const& e) {
        return e.code() == asio::error::operation_aborted ? "cancelled" : e.what();
    } catch (std::exception const& e) {
        return e.what();
    }
}

struct group_world : test::world {
    std::shared_ptr<net::task_group> group = std::make_shared<net::task_group>(shard);
    net::signal go{*shard};
    std::vector<std::string> log;

    net::task_group::on_end note(std::string name) {
        return [this, name](std::exception_ptr const& why) {
            log.push_back(name + ": " + text_of(why));
        };
    }
    void start(asio::awaitable<void> task, net::task_group::on_end ended = nullptr) {
        group->spawn(std::move(task), std::move(ended));
        run();
    }
};

asio::awaitable<void> wait_for(net::signal& on) {
    co_await on.wait();
}

asio::awaitable<void> fail_after(net::signal& on) {
    co_await on.wait();
    throw std::runtime_error("a bug");
}

asio::awaitable<void> nothing() {
    co_return;
}

/// Waits for as long as it is not cancelled, and ends within the very call that cancels it.
asio::awaitable<void> end_inline() {
    auto const initiate = [](auto handler) {
        auto slot = asio::get_associated_cancellation_slot(handler);
        auto const kept = std::make_shared<decltype(handler)>(std::move(handler));
        slot.assign([kept](asio::cancellation_type) {
            auto const own = kept;
            std::move (*own)();
        });
    };
    auto token = asio::use_awaitable;
    co_await asio::async_initiate<asio::use_awaitable_t<>, void()>(initiate, token);
}

/// Says that it was destroyed.
struct witness {
    explicit witness(int& count) : count_(&count) {}
    witness(witness const&) = delete;
    ~witness() { ++*count_; }
    int* count_;
};

asio::awaitable<void> wait_and_see(net::signal& on, int& destroyed) {
    witness const seen(destroyed);
    co_await on.wait();
}

}  // namespace

TEST_CASE("net/task_group: a task that has ended is out of the group when its end is told") {
    group_world w;
    std::size_t left = 99;
    w.start(wait_for(w.go), [&](std::exception_ptr const& why) {
        left = w.group->size();
        CHECK(!why);
    });
    w.start(wait_for(w.go));
    CHECK(w.group->size() == 2);
    CHECK(left == 99);
    w.go.notify_all();
    w.run();
    CHECK(left == 1);
    CHECK(w.group->size() == 0);
}

TEST_CASE("net/task_group: an exception is told, and costs its own task alone") {
    group_world w;
    w.start(fail_after(w.go), w.note("first"));
    w.start(wait_for(w.go), w.note("second"));
    w.start(fail_after(w.go));
    w.go.notify_all();
    w.run();
    CHECK(w.log == std::vector<std::string>{"first: a bug", "second: done"});
    CHECK(w.group->size() == 0);
}

TEST_CASE("net/task_group: the end of a task that never waits is told after `spawn`") {
    group_world w;
    asio::post(*w.context, [&] {
        w.group->spawn(nothing(), w.note("task"));
        CHECK(w.log.empty());
        CHECK(w.group->size() == 1);
    });
    w.run();
    CHECK(w.log == std::vector<std::string>{"task: done"});
}

TEST_CASE("net/task_group: cancelling reaches every task, whatever it waits for") {
    group_world w;
    asio::steady_timer timer(*w.context, 1h);
    auto const sleep = [](asio::steady_timer& on) -> asio::awaitable<void> {
        co_await on.async_wait(asio::use_awaitable);
    };
    auto const forgive = [](net::signal& on) -> asio::awaitable<void> {
        auto const ec = co_await on.wait();
        CHECK(ec == asio::error::operation_aborted);
    };
    w.start(sleep(timer), w.note("timer"));
    w.start(forgive(w.go), w.note("signal"));
    w.group->cancel_all();
    w.run();
    CHECK(w.log == std::vector<std::string>{"timer: cancelled", "signal: done"});
    CHECK(w.group->size() == 0);
    w.start(wait_for(w.go), w.note("later"));
    CHECK(w.group->size() == 1);
}

TEST_CASE("net/task_group: a task that is cancelled goes on to no further wait") {
    group_world w;
    auto const twice = [](net::signal& on, int& waits) -> asio::awaitable<void> {
        for (; waits < 10; ++waits)
            co_await on.wait();
    };
    int waits = 0;
    w.start(twice(w.go, waits), w.note("task"));
    w.group->cancel_all();
    w.run();
    CHECK(waits == 1);
    CHECK(w.log == std::vector<std::string>{"task: cancelled"});
}

TEST_CASE("net/task_group: a task that is cancelled before it starts never does") {
    group_world w;
    auto const start = [](bool& flag) -> asio::awaitable<void> {
        flag = true;
        co_return;
    };
    bool cancelled_one = false;
    bool other = false;
    w.group->spawn(start(cancelled_one), w.note("first"));
    w.group->cancel_all();
    w.group->spawn(start(other), w.note("second"));
    w.run();
    CHECK_FALSE(cancelled_one);
    CHECK(other);
    CHECK(w.log == std::vector<std::string>{"first: cancelled", "second: done"});
}

TEST_CASE("net/task_group: while it cancels, tasks may end and others may start") {
    group_world w;
    net::signal other(*w.shard);
    w.start(end_inline(), [&](std::exception_ptr const&) {
        w.note("first")(nullptr);
        w.group->spawn(wait_for(other), w.note("new"));
        // Another one that would be cancelled next ends before its turn.
        w.go.notify_all();
    });
    w.start(wait_for(w.go), w.note("second"));
    w.start(end_inline(), w.note("third"));
    asio::post(*w.context, [&] {
        w.group->cancel_all();
        CHECK(w.log == std::vector<std::string>{"first: done", "second: done", "third: done"});
        CHECK(w.group->size() == 1);
    });
    w.run();
    CHECK(w.group->size() == 1);
    other.notify_all();
    w.run();
    CHECK(w.log.back() == "new: done");
}

TEST_CASE("net/task_group: a task that is cancelled may destroy the group") {
    group_world w;
    w.start(end_inline(), [&](std::exception_ptr const&) { w.group.reset(); });
    w.start(wait_for(w.go), w.note("second"));
    w.start(end_inline(), w.note("third"));
    asio::post(*w.context, [&] {
        w.group->cancel_all();
        CHECK(w.group == nullptr);
    });
    w.run();
    CHECK(w.log == std::vector<std::string>{"third: done", "second: done"});
}

TEST_CASE("net/task_group: tasks outlive their group, and their ends are told") {
    group_world w;
    w.start(wait_for(w.go), w.note("first"));
    w.start(fail_after(w.go), w.note("second"));
    w.group.reset();
    w.run();
    CHECK(w.log.empty());
    w.go.notify_all();
    w.run();
    CHECK(w.log == std::vector<std::string>{"first: done", "second: a bug"});
}

TEST_CASE("net/task_group: waiting ends when the last task has ended and that was told") {
    group_world w;
    auto const idle = w.spawn(w.group->wait());
    CHECK(idle->value == std::error_code());

    net::signal other(*w.shard);
    w.start(wait_for(w.go), w.note("first"));
    w.start(wait_for(other), [&](std::exception_ptr const&) {
        // There is another one before the last is gone.
        w.group->spawn(nothing(), w.note("third"));
    });
    auto const wait = [](group_world& in) -> asio::awaitable<void> {
        auto const ec = co_await in.group->wait(in.clock->now() + 1s);
        in.log.push_back(ec ? ec.message() : "waited");
    };
    auto const waited = w.spawn(wait(w));
    w.go.notify_all();
    w.run();
    CHECK_FALSE(waited->done());
    other.notify_all();
    w.run();
    CHECK(w.log == std::vector<std::string>{"first: done", "third: done", "waited"});
    CHECK(w.clock->armed() == 0);
}

TEST_CASE("net/task_group: waiting ends at the deadline, and cancels nothing") {
    group_world w;
    w.start(wait_for(w.go));
    auto const waited = w.spawn(w.group->wait(w.clock->now() + 1s));
    w.advance(999ms);
    CHECK_FALSE(waited->done());
    w.advance(1ms);
    CHECK(waited->value == errc::timeout);
    CHECK(w.group->size() == 1);
}

TEST_CASE("net/task_group: waiting can be cancelled, and keeps the group alive") {
    group_world w;
    auto const others = std::make_shared<net::task_group>(w.shard);
    std::error_code got;
    auto const wait = [](std::shared_ptr<net::task_group> on,
                         std::error_code& result) -> asio::awaitable<void> {
        auto waiting = on->wait();
        on.reset();
        result = co_await std::move(waiting);
    };
    w.start(wait_for(w.go));
    others->spawn(wait(std::move(w.group), got));
    w.run();
    others->cancel_all();
    w.run();
    CHECK(got == asio::error::operation_aborted);
    CHECK(others->size() == 0);
}

TEST_CASE("net/task_group: the end of the context destroys the tasks, and tells nobody") {
    for (bool const group_goes_first : {false, true}) {
        CAPTURE(group_goes_first);
        int destroyed = 0;
        group_world w;
        w.start(wait_and_see(w.go, destroyed), w.note("first"));
        w.start(wait_and_see(w.go, destroyed), w.note("second"));
        std::ignore = w.spawn(w.group->wait(w.clock->now() + 1s));
        w.group->spawn(wait_and_see(w.go, destroyed), w.note("not started"));
        if (group_goes_first)
            w.group.reset();
        w.context.reset();
        CHECK(destroyed == 2);
        CHECK(w.clock->armed() == 0);
        if (w.group) {
            CHECK(w.group->size() == 0);
            w.group->spawn(wait_and_see(w.go, destroyed), w.note("too late"));
            w.group->cancel_all();
            CHECK(w.group->size() == 0);
        }
        CHECK(w.log.empty());
    }
}

TEST_CASE("net/task_group: a cancelled task may still be on its way when the context ends") {
    int destroyed = 0;
    group_world w;
    w.start(wait_and_see(w.go, destroyed), w.note("task"));
    w.group->cancel_all();
    w.context.reset();
    CHECK(destroyed == 1);
    CHECK(w.log.empty());
}

TEST_CASE("net/task_group: runs tasks on any type of executor, side by side") {
    using executor_type = asio::io_context::executor_type;
    group_world w;
    auto const wait = [](net::signal& on) -> asio::awaitable<void, executor_type> {
        co_await on.wait<executor_type>();
    };
    w.group->spawn(wait(w.go), w.note("typed"));
    w.group->spawn(wait_for(w.go), w.note("erased"));
    w.run();
    CHECK(w.group->size() == 2);
    auto const idle = [](net::task_group& of, bool& ended) -> asio::awaitable<void, executor_type> {
        auto const ec = co_await of.wait<executor_type>();
        ended = !ec;
    };
    bool ended = false;
    asio::co_spawn(w.context->get_executor(), idle(*w.group, ended), asio::detached);
    w.run();
    CHECK_FALSE(ended);
    w.go.notify_all();
    w.run();
    CHECK(w.log == std::vector<std::string>{"typed: done", "erased: done"});
    CHECK(ended);

    net::signal never(*w.shard);
    w.group->spawn(wait(never), w.note("typed"));
    w.run();
    w.group->cancel_all();
    w.run();
    CHECK(w.log.size() == 3);
    CHECK(w.group->size() == 0);
}
