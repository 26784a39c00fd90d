// SPDX-License-Identifier: BSL-1.0
// The chat server: the page, the browser's script and the sockets on one port.
//   chat [--port N] [--page DIRECTORY] [--client DIRECTORY]
#include "../support/program.hpp"
#include "chat.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    // [main]
    asio::io_context context;

    socoro::options options;
    options.client_directory = example::option(argc, argv, "--client", CHAT_CLIENT_DIRECTORY);
    socoro::server io(context, options);
    chat::open(io);

    socoro::static_files page(example::option(argc, argv, "--page", CHAT_PAGE_DIRECTORY));
    socoro::http_server http(context, page);
    io.attach(http);
    // [/main]

    auto const listen = [&] { return http.listen(example::port(argc, argv)); };
    auto const close = [&]() -> asio::awaitable<void> {
        co_await io.close(2s);
        co_await http.close(2s);
    };
    return example::run(context, listen, close);
}
