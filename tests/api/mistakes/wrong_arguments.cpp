// SPDX-License-Identifier: BSL-1.0
// socoro: these arguments do not fit the event
#include <socoro/namespace.hpp>

using joined = socoro::event<"joined", std::string, int>;

void talk(socoro::socket const& socket) {
    socket.emit<joined>(1, "me");
}
