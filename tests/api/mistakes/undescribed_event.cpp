// SPDX-License-Identifier: BSL-1.0
// socoro: this event is not described
#include <socoro/namespace.hpp>

struct message {
    static constexpr auto event_name = "message";
    int number;
};

void talk(socoro::socket const& socket) {
    socket.emit(message{1});
}
