// SPDX-License-Identifier: BSL-1.0
// socoro: wrong direction: by its contract this socket sends the event
#include <socoro/namespace.hpp>

using said = socoro::event<"said", std::string>;
using arrived = socoro::event<"arrived", int>;
using question = socoro::event<"question", int(int)>;
using stranger = socoro::event<"stranger">;
using chat = socoro::contract<socoro::receives<said>, socoro::sends<arrived, question>>;

asio::awaitable<void> talk(chat::socket socket) {
    co_await socket.recv<arrived>();
}
