// SPDX-License-Identifier: BSL-1.0
// socoro: a map travels as an object, so its keys must be std::string, each once
#include <socoro/namespace.hpp>

using scores = socoro::event<"scores", std::map<int, std::string>>;

void talk(socoro::socket const& socket) {
    socket.emit<scores>(std::map<int, std::string>{{1, "one"}});
}
