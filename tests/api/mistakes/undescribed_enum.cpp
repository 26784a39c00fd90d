// SPDX-License-Identifier: BSL-1.0
// socoro: this enumeration is not described
#include <socoro/namespace.hpp>

enum class colour { red };

asio::awaitable<void> talk(socoro::socket socket) {
    co_await socket.recv<socoro::event<"colour", colour>>();
}
