// SPDX-License-Identifier: BSL-1.0
// A server on several shards, strands of one context that the test runs, with clients in memory.
#pragma once

#include <socoro/test.hpp>

#include "support/world.hpp"

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace test {

/// Waits for what no client sends.
using never = socoro::event<"never">;

class shards {
public:
    explicit shards(std::size_t count, socoro::options opts = {})
        : io(made(count), socoro::test::detail::reporting(std::move(opts), reports)) {
        io.on_connection(stay);
    }
    shards(shards const&) = delete;
    shards& operator=(shards const&) = delete;
    ~shards() {
        io.close();
        run();
    }

    void run() {
        do
            context.restart();
        while (context.poll() > 0);
    }
    void advance(net::duration by) {
        run();
        clock->advance(by);
        run();
    }

    /// Runs it on a shard.
    template <typename Function>
    void on(std::size_t index, Function function) {
        asio::post(owners.at(index)->get_executor(), std::move(function));
        run();
    }
    /// Starts a coroutine on a shard, or on an executor that is none.
    template <typename T>
    std::shared_ptr<outcome<T>> start(std::size_t index, asio::awaitable<T> task) {
        return start(owners.at(index)->get_executor(), std::move(task));
    }
    template <typename T>
    std::shared_ptr<outcome<T>> start(asio::any_io_executor ex, asio::awaitable<T> task) {
        auto const result = std::make_shared<outcome<T>>();
        asio::co_spawn(ex, std::move(task), [result](std::exception_ptr failure, T value) {
            result->failure = failure;
            if (!failure)
                result->value.emplace(std::move(value));
        });
        run();
        return result;
    }
    /// What an awaitable gives that a function makes on a shard; it does not wait for anything else.
    template <typename Make>
    auto get(std::size_t index, Make make) {
        auto const ex = owners.at(index)->get_executor();
        auto task = [](Make of) -> decltype(make()) { co_return co_await of(); };
        auto const result = start(ex, task(make));
        return std::move(result->value);
    }

    socoro::test::client connect(
        std::size_t index,
        std::string const& nsp = "/",
        socoro::json::value const& auth = socoro::json::object()) {
        auto const link = std::make_shared<socoro::test::memory_link>(owners.at(index));
        auto const core = std::make_shared<socoro::test::detail::client_core>(
            nsp,
            owners.at(index),
            tasks.at(index),
            std::make_shared<socoro::options const>(),
            link);
        core->start(auth);
        on(index, [&] {
            socoro::http::request request;
            request.target = "/socket.io/?EIO=4&transport=websocket&a=1&a=2";
            request.headers.add("Origin", "http://example.org");
            request.headers.add("X-Tag", "one");
            request.headers.add("x-tag", "two");
            io.adopt(socoro::transport::any_transport(link), std::move(request), "in memory");
        });
        socoro::test::client client(core, [this] { run(); });
        run();
        return client;
    }

    asio::io_context context;
    std::shared_ptr<net::manual_clock> clock = std::make_shared<net::manual_clock>();
    std::vector<std::shared_ptr<net::shard>> owners;
    std::vector<std::shared_ptr<net::task_group>> tasks;
    std::shared_ptr<std::vector<std::string>> reports =
        std::make_shared<std::vector<std::string>>();
    socoro::server io;

private:
    static asio::awaitable<void> stay(socoro::socket socket) {
        std::ignore = co_await socket.recv<never>();
    }
    std::vector<std::shared_ptr<net::shard>> const& made(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            owners.push_back(net::shard::make(asio::make_strand(context), clock));
            tasks.push_back(std::make_shared<net::task_group>(owners.back()));
        }
        return owners;
    }
};

}  // namespace test
