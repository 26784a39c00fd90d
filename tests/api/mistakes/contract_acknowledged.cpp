// SPDX-License-Identifier: BSL-1.0
// socoro: by the contract this event is acknowledged: use call
#include <socoro/namespace.hpp>

using said = socoro::event<"said", std::string>;
using joined = socoro::event<"joined", int>;
using question = socoro::event<"question", int(int)>;
using stranger = socoro::event<"stranger">;
using chat = socoro::contract<socoro::receives<said>, socoro::sends<joined, question>>;

void talk(chat::socket const& socket) {
    socket.to("room").emit<question>(1);
}
