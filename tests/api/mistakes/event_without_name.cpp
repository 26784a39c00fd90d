// SPDX-License-Identifier: BSL-1.0
// socoro: an event needs a name
#include <socoro/namespace.hpp>

struct message {
    int number;
};
BOOST_DESCRIBE_STRUCT(message, (), (number))

void talk(socoro::socket const& socket) {
    socket.emit(message{1});
}
