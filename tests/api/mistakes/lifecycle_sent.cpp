// SPDX-License-Identifier: BSL-1.0
// socoro: this is what a client's socket tells itself: it cannot be sent
#include <socoro/client.hpp>

void send(socoro::client_socket const& socket) {
    socket.emit(socoro::on_connect{});
}
