// SPDX-License-Identifier: BSL-1.0
// socoro: a handler given to serve takes one event, whose type is written down
#include <socoro/namespace.hpp>

asio::awaitable<void> talk(socoro::socket socket) {
    co_await socket.serve([](auto) {});
}
