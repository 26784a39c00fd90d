// SPDX-License-Identifier: BSL-1.0
// The smallest client, for the echo server beside it: hello [URL]
#include <socoro.hpp>

#include <iostream>

// [hello]
using message = socoro::event<"message", std::string>;

asio::awaitable<void> hello(socoro::client& io) {
    auto const socket = co_await io.connect();  // tries until there is a server
    socket.emit<message>("hello");
    auto const [text] = co_await socket.recv<message>();
    std::cout << text << '\n';
    io.close();
}

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::client io(context, argc > 1 ? argv[1] : "http://127.0.0.1:3000");
    asio::co_spawn(context, hello(io), asio::detached);
    context.run();
}
// [/hello]
