// SPDX-License-Identifier: BSL-1.0
// socoro: only a client's socket tells this
#include <socoro.hpp>

asio::awaitable<void> talk(socoro::socket socket) {
    auto const why = co_await socket.recv<socoro::on_disconnect>();
}
