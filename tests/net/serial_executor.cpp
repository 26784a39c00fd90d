// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/serial_executor.hpp>
#include <socoro/net/shard.hpp>

#include "support/counting_executor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <functional>
#include <future>
#include <memory>
#include <type_traits>
#include <utility>
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

TEST_CASE("net/serial_executor: what runs one task at a time is known by its type") {
    using pool_executor = asio::thread_pool::executor_type;
    static_assert(net::serial_executor<asio::io_context::executor_type>);
    static_assert(net::serial_executor<asio::strand<pool_executor>>);
    static_assert(net::serial_executor<test::counting_executor<>>);
    // Its tasks overlap, also where it is asked to behave otherwise.
    static_assert(!net::serial_executor<pool_executor>);
    static_assert(!net::serial_executor<std::decay_t<decltype(asio::prefer(
                      std::declval<pool_executor>(),
                      asio::execution::outstanding_work.tracked))>>);
    // It cannot tell.
    static_assert(!net::serial_executor<asio::system_executor>);
    static_assert(!net::serial_executor<net::executor>);
}

TEST_CASE(
    "net/serial_executor: one of a type of the program stays as it is if it is written down") {
    asio::io_context context;
    test::counting_executor const own(context.get_executor());
    net::executor const ex = own;
    CHECK_FALSE(net::here(ex).is_known());
    CHECK(net::here::on<net::executor>(context.get_executor()).is_known());
    CHECK_FALSE(net::here::on<asio::strand<net::executor>>(ex).is_known());
    auto const is_here = net::here::on<test::counting_executor<>>(ex);
    CHECK(is_here.is_known());
    CHECK_FALSE(is_here());
    CHECK(ask_on(ex, context, is_here));
}

TEST_CASE("net/serial_executor: a shard knows the type of the executor that it was made on") {
    asio::io_context context;
    using own_type = test::counting_executor<>;
    own_type const own(context.get_executor());
    auto const shard = net::shard::make<own_type>(own);
    CHECK(shard->get_executor() == net::executor(own));
    REQUIRE(shard->executor_as<own_type>());
    CHECK(*shard->executor_as<own_type>() == own);
    REQUIRE(shard->executor_as<net::executor>());
    CHECK_FALSE(shard->executor_as<asio::io_context::executor_type>());
    CHECK_FALSE(shard->is_here());
    CHECK(ask_on(shard->get_executor(), context, [&] { return shard->is_here(); }));

    // Of a type that nobody has written down a strand is made.
    auto const guarded = net::shard::make(own);
    CHECK_FALSE(guarded->executor_as<own_type>());
    auto const plain = net::shard::make<net::executor>(own);
    CHECK_FALSE(plain->executor_as<own_type>());
    auto const counted = own.count();
    CHECK(ask_on(guarded->get_executor(), context, [&] { return guarded->is_here(); }));
    CHECK(own.count() > counted);
}

TEST_CASE("net/serial_executor: a shard has no executor any more once its context has ended") {
    auto context = std::make_unique<asio::io_context>();
    auto const shard = net::shard::make<test::counting_executor<>>(
        test::counting_executor<>(context->get_executor()));
    context.reset();
    CHECK_FALSE(shard->executor_as<test::counting_executor<>>());
    CHECK_FALSE(shard->executor_as<net::executor>());
    CHECK_FALSE(shard->is_here());
}
