// SPDX-License-Identifier: BSL-1.0
// socoro: this type is not described
#include <socoro/namespace.hpp>

struct point {
    int x, y;
};

void talk(socoro::socket const& socket) {
    socket.emit<socoro::event<"point", point>>(point{1, 2});
}
