// SPDX-License-Identifier: BSL-1.0
// The smallest server: whatever a client sends as `message` comes back to it.
#include <socoro.hpp>

#include "../support/program.hpp"

// [echo]
using message = socoro::event<"message", std::string>;

asio::awaitable<void> echo(socoro::socket socket) {
    for (;;) {
        auto said = co_await socket.recv<message>();  // the client leaves: recv throws, echo ends
        socket.emit(said);
    }
}
// [/echo]

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::server io(context);
    io.on_connection(echo);
    example::announce(io.listen(example::port(argc, argv)));
    example::run(context, [&] { io.close(); });
}
