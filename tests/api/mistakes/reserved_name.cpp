// SPDX-License-Identifier: BSL-1.0
// socoro: this event name is reserved
#include <socoro/namespace.hpp>

asio::awaitable<void> talk(socoro::socket socket) {
    co_await socket.recv<socoro::event<"disconnect">>();
}
