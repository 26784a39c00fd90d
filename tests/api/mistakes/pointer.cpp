// SPDX-License-Identifier: BSL-1.0
// socoro: a pointer cannot be sent; send what it points to
#include <socoro/namespace.hpp>

void talk(socoro::socket const& socket, int const* number) {
    socket.emit("number", number);
}
