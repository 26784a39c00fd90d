// SPDX-License-Identifier: BSL-1.0
// Orders that take their time, each confirmed when it is done: what a restart must neither lose nor
// do twice.
#pragma once

#include <socoro.hpp>

#include <chrono>
#include <iostream>
#include <string>

namespace restart {

/// Gives the number of the order, once it has been carried out.
using order = socoro::event<"order", std::string(std::string)>;

inline asio::awaitable<void> take_orders(socoro::socket socket) {
    asio::steady_timer work(co_await asio::this_coro::executor);
    for (;;) {
        auto const next = co_await socket.recv<order>();
        work.expires_after(std::chrono::milliseconds(5));
        co_await work.async_wait(asio::use_awaitable);
        std::cout << "order " << next.args << std::endl;
        next.reply(next.args);
    }
}

}  // namespace restart
