// SPDX-License-Identifier: BSL-1.0
// socoro: an event needs a name
#include <socoro/namespace.hpp>

struct message {
    int number;
};
BOOST_DESCRIBE_STRUCT(message, (), (number))

asio::awaitable<void> talk(socoro::socket socket) {
    co_await socket.recv<message>();
}
