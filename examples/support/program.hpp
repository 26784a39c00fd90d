// SPDX-License-Identifier: BSL-1.0
// What every example program needs beside socoro: numbers from its arguments, and an end.
#pragma once

#include <socoro.hpp>

#include <asio/signal_set.hpp>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <exception>
#include <functional>
#include <iostream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace example {

/// The value behind `name` on the command line.
inline std::string option(int argc, char** argv, std::string_view name, std::string otherwise) {
    for (int i = 1; i + 1 < argc; ++i)
        if (argv[i] == name)
            return argv[i + 1];
    return otherwise;
}

/// The number behind `name` on the command line.
inline unsigned short
number(int argc, char** argv, std::string_view name, unsigned short otherwise) {
    auto const text = option(argc, argv, name, std::to_string(otherwise));
    unsigned short found = 0;
    auto const end = text.data() + text.size();
    auto const parsed = std::from_chars(text.data(), end, found);
    if (parsed.ec != std::errc() || parsed.ptr != end)
        throw std::invalid_argument(std::string(name) + " wants a number up to 65535");
    return found;
}

/// The port behind `--port`, 3000 if there is none; 0 lets the system choose.
inline unsigned short port(int argc, char** argv) {
    return number(argc, argv, "--port", 3000);
}

/// How many shards are asked for with `--shards`, one for each core if there is none.
inline std::size_t shards(int argc, char** argv) {
    auto const cores = std::max(1U, std::min(std::thread::hardware_concurrency(), 1024U));
    auto const asked = number(argc, argv, "--shards", static_cast<unsigned short>(cores));
    if (asked == 0)
        throw std::invalid_argument("--shards wants at least 1");
    return asked;
}

using listen_step = std::function<socoro::net::endpoint()>;
using close_step = std::function<asio::awaitable<void>()>;

/// Listens, says where, and runs until the program is interrupted (Ctrl-C, or a polite kill).
/// Then `close` ends what `work` runs, which is left to run dry; nothing is cut short. A second
/// interruption ends the program at once. Gives the exit code of the program.
inline int run(
    asio::any_io_executor const& ex,
    std::function<void()> work,
    listen_step listen,
    close_step close,
    std::string_view scheme = "http") {
    auto const report = [](std::exception_ptr const& failure) {
        if (failure)
            std::rethrow_exception(failure);
    };
    asio::signal_set signals(ex, SIGINT, SIGTERM);
    signals.async_wait([&](std::error_code ec, int) {
        if (ec)
            return;
        signals.clear();  // the second one is the system's, which ends the program
        std::cout << "closing" << std::endl;
        asio::co_spawn(ex, close, report);
    });
    try {
        auto const at = listen();
        std::cout << "listening on " << scheme << "://127.0.0.1:" << at.port() << std::endl;
        work();
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

/// The same in one context.
inline int run(
    asio::io_context& context,
    listen_step listen,
    close_step close,
    std::string_view scheme = "http") {
    auto const work = [&] { context.run(); };
    return run(context.get_executor(), work, std::move(listen), std::move(close), scheme);
}

/// The same on the threads of a pool.
inline int run(asio::thread_pool& pool, listen_step listen, close_step close) {
    auto const work = [&] { pool.join(); };
    return run(pool.get_executor(), work, std::move(listen), std::move(close));
}

// [threads]
/// The same in several contexts, each in a thread of its own.
inline int run(std::deque<asio::io_context>& contexts, listen_step listen, close_step close) {
    auto& first = contexts.front();
    std::vector<std::jthread> threads;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> waiting;
    for (auto other = std::next(contexts.begin()); other != contexts.end(); ++other)
        waiting.emplace_back(other->get_executor());  // there is nothing to do in it yet

    auto const work = [&] {
        for (auto other = std::next(contexts.begin()); other != contexts.end(); ++other)
            threads.emplace_back([&context = *other] { context.run(); });
        first.run();
    };
    auto const end = [&]() -> asio::awaitable<void> {
        co_await close();
        waiting.clear();
    };
    return run(first.get_executor(), work, std::move(listen), end);
}
// [/threads]

}  // namespace example
