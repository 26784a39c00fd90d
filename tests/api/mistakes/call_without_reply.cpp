// SPDX-License-Identifier: BSL-1.0
// socoro: this event has no reply
#include <socoro/namespace.hpp>

using joined = socoro::event<"joined", int>;

asio::awaitable<void> talk(socoro::socket socket) {
    co_await socket.call<joined>(1);
}
