// SPDX-License-Identifier: BSL-1.0
// socoro: this event is acknowledged: its handler takes a socoro::request of it
#include <socoro/namespace.hpp>

using question = socoro::event<"question", int(int)>;

asio::awaitable<void> talk(socoro::socket socket) {
    co_await socket.serve([](question) {});
}
