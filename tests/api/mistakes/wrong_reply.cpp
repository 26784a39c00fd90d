// SPDX-License-Identifier: BSL-1.0
// socoro: this is not the reply that the event declares
#include <socoro/namespace.hpp>

using question = socoro::event<"question", int()>;

asio::awaitable<void> talk(socoro::socket socket) {
    auto const asked = co_await socket.recv<question>();
    asked.reply(std::string("one"));
}
