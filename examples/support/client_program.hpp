// SPDX-License-Identifier: BSL-1.0
// What every example that is a client needs beside socoro: its arguments, and an end.
#pragma once

#include "program.hpp"

#include <algorithm>
#include <exception>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>

namespace example {

/// The first argument that is neither an option nor the value of one.
inline std::string argument(int argc, char** argv, std::string otherwise) {
    for (int i = 1; i < argc; ++i) {
        if (argv[i][0] != '-')
            return argv[i];
        ++i;
    }
    return otherwise;
}

/// Whether this is on the command line.
inline bool has(int argc, char** argv, std::string_view name) {
    return std::find(argv, argv + argc, name) != argv + argc;
}

/// Runs `visit` until it has ended, and then `close`; interrupted (Ctrl-C, or a polite kill), it
/// runs `close` at once, which has to end `visit`. A second interruption ends the program at once.
/// Gives the exit code of the program.
inline int run_client(
    asio::io_context& context,
    std::function<asio::awaitable<void>()> visit,
    std::function<asio::awaitable<void>()> close) {
    std::exception_ptr failure;
    auto const note = [&](std::exception_ptr const& e) { failure = failure ? failure : e; };
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](std::error_code ec, int) {
        if (ec)
            return;
        signals.clear();
        std::cout << "closing" << std::endl;
        asio::co_spawn(context, close, note);
    });
    asio::co_spawn(context, visit, [&](std::exception_ptr const& e) {
        note(e);
        signals.cancel();
        asio::co_spawn(context, close, note);
    });
    context.run();
    if (!failure)
        return EXIT_SUCCESS;
    try {
        std::rethrow_exception(failure);
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
    }
    return EXIT_FAILURE;
}

}  // namespace example
