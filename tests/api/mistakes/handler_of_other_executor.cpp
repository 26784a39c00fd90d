// SPDX-License-Identifier: BSL-1.0
// socoro: a connection handler is
#include <socoro/server.hpp>

asio::awaitable<void> talk(socoro::socket socket) {
    socket.emit("hello");
    co_return;
}

void open(socoro::basic_server<asio::io_context::executor_type> const& io) {
    io.on_connection(talk);
}
