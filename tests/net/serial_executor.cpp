// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/serial_executor.hpp>
#include <socoro/net/shard.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <vector>

namespace net = socoro::net;

namespace {

/// Gives what `ask` says on the executor, which another thread or this one runs.
bool ask_on(net::executor const& ex, asio::io_context& context, std::function<bool()> const& ask) {
    std::promise<bool> answer;
    asio::post(ex, [&] { answer.set_value(ask()); });
    context.restart();
    context.run();
    return answer.get_future().get();
}

/// One of a type that nobody knows.
net::executor unknown(asio::io_context& context) {
    return asio::require(context.get_executor(), asio::execution::allocator(std::allocator<int>()));
}

}  // namespace

TEST_CASE("net/serial_executor: an executor that runs one task at a time stays as it is") {
    asio::io_context context;
    asio::thread_pool pool(1);
    net::executor const plain = context.get_executor();
    for (net::executor const& ex :
         {plain,
          net::executor(asio::make_strand(context)),
          net::executor(asio::make_strand(plain)),
          net::executor(asio::make_strand(pool))}) {
        CHECK(net::here(ex).is_known());
        CHECK(net::serial(ex) == ex);
    }
    for (net::executor const& ex : {net::executor(pool.get_executor()), unknown(context)}) {
        CHECK_FALSE(net::here(ex).is_known());
        auto const made = net::serial(ex);
        CHECK(made != ex);
        CHECK(net::here(made).is_known());
        CHECK(net::serial(made) == made);
    }
}

TEST_CASE("net/serial_executor: one is here in a task of the executor, and nowhere else") {
    asio::io_context context;
    asio::thread_pool pool(1);
    net::executor const plain = context.get_executor();
    std::vector<net::executor> const all{
        plain,
        asio::make_strand(context),
        asio::make_strand(context),
        asio::make_strand(plain),
        asio::make_strand(pool),
        net::serial(pool.get_executor()),
        net::serial(unknown(context))};
    for (std::size_t asked = 0; asked < all.size(); ++asked) {
        net::here const is_here(all[asked]);
        CHECK_FALSE(is_here());
        for (std::size_t on = 0; on < all.size(); ++on) {
            CAPTURE(asked);
            CAPTURE(on);
            bool const is_thread_of_context = asked == 0 && on != 4 && on != 5;
            bool const expected = asked == on || is_thread_of_context;
            CHECK(ask_on(all[on], context, is_here) == expected);
        }
    }
    CHECK_FALSE(net::here()());
}

TEST_CASE("net/serial_executor: the tasks of a shard on a thread pool do not overlap") {
    asio::thread_pool pool(4);
    auto const shard = net::shard::make(pool.get_executor());
    std::atomic<int> inside = 0;
    std::atomic<int> most = 0;
    int ran = 0;
    for (int i = 0; i < 2000; ++i)
        asio::post(shard->get_executor(), [&] {
            most = std::max(most.load(), ++inside);
            ++ran;
            --inside;
        });
    pool.join();
    CHECK(most == 1);
    CHECK(ran == 2000);
}
