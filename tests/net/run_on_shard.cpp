// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/run_on_shard.hpp>
#include <socoro/net/signal.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <thread>

namespace net = socoro::net;

namespace {

/// A shard in a thread of its own.
struct elsewhere {
    ~elsewhere() {
        asio::post(context, [this] { context.stop(); });
    }
    asio::io_context context;
    std::shared_ptr<net::shard> shard = net::shard::make(context.get_executor());
    asio::executor_work_guard<asio::io_context::executor_type> work =
        asio::make_work_guard(context);
    std::jthread thread{[this] { context.run(); }};
};

/// How a task ended that this thread waited for.
struct outcome {
    void operator()(std::exception_ptr const& why) {
        *ended_in = std::this_thread::get_id();
        *failure = why;
    }
    std::shared_ptr<std::thread::id> ended_in = std::make_shared<std::thread::id>();
    std::shared_ptr<std::exception_ptr> failure = std::make_shared<std::exception_ptr>();
};

}  // namespace

TEST_CASE("net/run_on_shard: a task runs there, and ends here") {
    elsewhere there;
    asio::io_context here;
    outcome told;
    std::thread::id ran_in;
    bool fails = false;
    SUBCASE("well") {}
    SUBCASE("with an exception") {
        fails = true;
    }
    auto task = [](std::thread::id& ran, bool failing) -> asio::awaitable<void> {
        ran = std::this_thread::get_id();
        if (failing)
            throw std::runtime_error("a bug");
        co_return;
    }(ran_in, fails);
    asio::co_spawn(here, net::run_on_shard(there.shard, std::move(task)), told);
    here.run();
    CHECK(ran_in == there.thread.get_id());
    CHECK(*told.ended_in == std::this_thread::get_id());
    CHECK((*told.failure != nullptr) == fails);
}

TEST_CASE("net/run_on_shard: who is cancelled here has the task cancelled there") {
    elsewhere there;
    asio::io_context here;
    outcome told;
    asio::cancellation_signal impatience;
    std::thread::id cancelled_in;
    net::signal never(*there.shard);
    auto const wait = [&]() -> asio::awaitable<void> {
        asio::post(here, [&] { impatience.emit(asio::cancellation_type::all); });
        std::ignore = co_await never.wait();
        cancelled_in = std::this_thread::get_id();
    };
    asio::co_spawn(
        here,
        net::run_on_shard(there.shard, wait()),
        asio::bind_cancellation_slot(impatience.slot(), told));
    here.run();
    CHECK(cancelled_in == there.thread.get_id());
    CHECK(*told.ended_in == std::this_thread::get_id());
}

TEST_CASE("net/run_on_shard: who waits may be on an executor whose type is known") {
    elsewhere there;
    asio::io_context here;
    using executor_type = asio::strand<asio::io_context::executor_type>;
    auto const strand = asio::make_strand(here);
    std::thread::id ran_in;
    bool is_back = false;
    auto task = [](std::thread::id& ran) -> asio::awaitable<void> {
        ran = std::this_thread::get_id();
        co_return;
    }(ran_in);
    auto wait = [&](asio::awaitable<void> other) -> asio::awaitable<void, executor_type> {
        co_await net::run_on_shard<executor_type>(there.shard, std::move(other));
        is_back = strand.running_in_this_thread();
    };
    outcome told;
    asio::co_spawn(strand, wait(std::move(task)), told);
    here.run();
    CHECK(ran_in == there.thread.get_id());
    CHECK(is_back);
    CHECK_FALSE(*told.failure);
}
