// SPDX-License-Identifier: BSL-1.0
// socoro: this event's reply has a value
#include <socoro/namespace.hpp>

using question = socoro::event<"question", int()>;

asio::awaitable<void> talk(socoro::socket socket) {
    auto const asked = co_await socket.recv<question>();
    asked.reply();
}
