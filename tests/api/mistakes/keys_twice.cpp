// SPDX-License-Identifier: BSL-1.0
// socoro: a map travels as an object, so its keys must be std::string, each once
#include <socoro/namespace.hpp>

using scores = socoro::event<"scores", std::multimap<std::string, int>>;

asio::awaitable<void> talk(socoro::socket socket) {
    co_await socket.recv<scores>();
}
