// SPDX-License-Identifier: BSL-1.0
// What every example program needs beside socoro: a port from its arguments, and an end.
#pragma once

#include <socoro.hpp>

#include <asio/signal_set.hpp>

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
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
    auto const number = std::stoul(option(argc, argv, "--port", "3000"));
    if (number > std::numeric_limits<unsigned short>::max())
        throw std::out_of_range("a port is a number up to 65535");
    return static_cast<unsigned short>(number);
}

/// Runs until the program is interrupted (Ctrl-C, or a polite kill). Then `close` tells the
/// clients; those that have not gone after two seconds are left behind.
inline void run(asio::io_context& context, std::function<void()> close) {
    asio::signal_set signals(context, SIGINT, SIGTERM);
    signals.async_wait([&](std::error_code ec, int) {
        if (ec)
            return;
        close();
        context.stop();
    });
    context.run();
    context.restart();
    context.run_for(std::chrono::seconds(2));
}

/// Says where the server can be reached.
inline void announce(socoro::net::endpoint const& at) {
    std::cout << "listening on http://127.0.0.1:" << at.port() << std::endl;
}

}  // namespace example
