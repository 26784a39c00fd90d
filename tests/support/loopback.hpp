// SPDX-License-Identifier: BSL-1.0
// What tests with real sockets need: ports of this machine, and a way to wait for what the system
// does in its own time.
#pragma once

#include <socoro/net/asio.hpp>

#include <chrono>

namespace test {

/// This machine, at a port that the system chooses.
[[nodiscard]] inline asio::ip::tcp::endpoint loopback(unsigned short port = 0) {
    return {asio::ip::address_v4::loopback(), port};
}

/// Runs until `done`; the guard is far away and not waited for.
template <typename Done>
[[nodiscard]] bool run_until(asio::io_context& context, Done done) {
    auto const give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done() && std::chrono::steady_clock::now() < give_up) {
        context.restart();
        context.run_one_for(std::chrono::seconds(1));
    }
    return done();
}

}  // namespace test
