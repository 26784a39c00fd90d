// SPDX-License-Identifier: BSL-1.0
// socoro: this event has no reply
#include <socoro/namespace.hpp>

using said = socoro::event<"said", std::string>;
using departed = socoro::event<"departed", int>;
using question = socoro::event<"question", int(int)>;
using stranger = socoro::event<"stranger">;
using chat = socoro::contract<socoro::receives<said>, socoro::sends<departed, question>>;

asio::awaitable<void> talk(chat::socket socket) {
    co_await socket.call<departed>(1);
}
