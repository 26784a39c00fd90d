// SPDX-License-Identifier: BSL-1.0
// What every example program needs beside socoro: a port from its arguments, and an end.
#pragma once

#include <socoro.hpp>

#include <asio/signal_set.hpp>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace example {

/// The value behind `name` on the command line.
inline std::string option(int argc, char** argv, std::string_view name, std::string otherwise) {
    for (int i = 1; i + 1 < argc; ++i)
        if (argv[i] == name)
            return argv[i + 1];
    return otherwise;
}

/// The port behind `--port`, 3000 if there is none; 0 lets the system choose.
inline unsigned short port(int argc, char** argv) {
    auto const text = option(argc, argv, "--port", "3000");
    unsigned short number = 0;
    auto const end = text.data() + text.size();
    auto const parsed = std::from_chars(text.data(), end, number);
    if (parsed.ec != std::errc() || parsed.ptr != end)
        throw std::invalid_argument("--port wants a number up to 65535");
    return number;
}

/// Listens, says where, and runs until the program is interrupted (Ctrl-C, or a polite kill).
/// Then `close` ends what runs in the context, which is left to run dry; nothing is cut short. A
/// second interruption ends the program at once. Gives the exit code of the program.
inline int run(
    asio::io_context& context,
    std::function<socoro::net::endpoint()> listen,
    std::function<asio::awaitable<void>()> close,
    std::string_view scheme = "http") {
    auto const report = [](std::exception_ptr const& failure) {
        if (failure)
            std::rethrow_exception(failure);
    };
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](std::error_code ec, int) {
        if (ec)
            return;
        signals.clear();  // the second one is the system's, which ends the program
        std::cout << "closing" << std::endl;
        asio::co_spawn(context, close, report);
    });
    try {
        auto const at = listen();
        std::cout << "listening on " << scheme << "://127.0.0.1:" << at.port() << std::endl;
        context.run();
    } catch (std::exception const& e) {
        std::cerr << e.what() << '\n';
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

}  // namespace example
