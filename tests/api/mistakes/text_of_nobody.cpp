// SPDX-License-Identifier: BSL-1.0
// socoro: text is received as std::string, since somebody has to own it
#include <socoro/namespace.hpp>

using greeting = socoro::event<"greeting", std::string_view>;

asio::awaitable<void> talk(socoro::socket socket) {
    co_await socket.recv<greeting>();
}
