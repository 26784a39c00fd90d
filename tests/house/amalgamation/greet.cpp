// SPDX-License-Identifier: BSL-1.0
// The second translation unit with the one header: whatever the header defines twice does not link.
#include "greet.hpp"

#include <socoro.hpp>

asio::awaitable<void> greet(socoro::socket socket) {
    socket.emit("hello", "from the other translation unit");
    co_return;
}
