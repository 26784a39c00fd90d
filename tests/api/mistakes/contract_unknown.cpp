// SPDX-License-Identifier: BSL-1.0
// socoro: this event is not in the contract of the socket
#include <socoro/namespace.hpp>

using said = socoro::event<"said", std::string>;
using joined = socoro::event<"joined", int>;
using question = socoro::event<"question", int(int)>;
using stranger = socoro::event<"stranger">;
using chat = socoro::contract<socoro::receives<said>, socoro::sends<joined, question>>;

void talk(chat::socket const& socket) {
    socket.broadcast().emit<stranger>();
}
