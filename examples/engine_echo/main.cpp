// SPDX-License-Identifier: BSL-1.0
// Engine.IO without Socket.IO: every message comes back, over whatever transport the client has.
#include <socoro/engine/server.hpp>

#include "../support/program.hpp"

// [engine_echo]
asio::awaitable<void> echo(socoro::engine::session session) {
    for (;;) {
        auto message = co_await session.recv();  // the client leaves: recv throws, the echo ends
        session.send(std::move(message));
    }
}
// [/engine_echo]

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::engine::server server(context, echo);
    auto const listen = [&] { return server.listen(example::port(argc, argv)); };
    auto const close = [&] { return server.close(std::chrono::seconds(2)); };
    return example::run(context, listen, close);
}
