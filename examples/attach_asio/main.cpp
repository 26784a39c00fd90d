// SPDX-License-Identifier: BSL-1.0
// socoro beside the HTTP server of a program that has one already, in the same `io_context`:
//   attach_asio [--port N] [--client DIRECTORY] [--back yes|no]
#include "../support/program.hpp"
#include "page_server.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::options options;
    options.client_directory = example::option(argc, argv, "--client", CHAT_CLIENT_DIRECTORY);
    socoro::server io(context, options);
    io.on_connection(shout::answer);
    page_server host(context, io, example::option(argc, argv, "--back", "yes") == "yes");

    auto const listen = [&] { return host.listen(example::port(argc, argv)); };
    auto const close = [&]() -> asio::awaitable<void> {
        host.close();
        co_await io.close(2s);
    };
    return example::run(context, listen, close);
}
