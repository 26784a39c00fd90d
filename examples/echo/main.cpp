// SPDX-License-Identifier: BSL-1.0
// The smallest server: whatever a client sends as `message` comes back to it.
// [echo]
#include <socoro.hpp>
#include <socoro/src.hpp>  // in exactly one source file: compiles Boost.JSON

using message = socoro::event<"message", std::string>;

asio::awaitable<void> echo(socoro::socket socket) {
    for (;;) {
        auto said = co_await socket.recv<message>();  // the client leaves: recv throws, echo ends
        socket.emit(said);
    }
}

int main() {
    asio::io_context context;
    socoro::server io(context);
    io.on_connection(echo);
    io.listen(3000);
    context.run();
}
// [/echo]
