// SPDX-License-Identifier: BSL-1.0
// socoro beside a server on Boost.Beast, which runs in its own thread and on its own Asio:
//   attach_beast [--port N] [--client DIRECTORY]
#include "../support/program.hpp"
#include "beast_server.hpp"

#include <optional>

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::options options;
    options.client_directory = example::option(argc, argv, "--client", CHAT_CLIENT_DIRECTORY);
    socoro::server io(context, options);
    io.on_connection(shout::answer);

    std::optional<beast_server> host;
    // Until the host hands something over there may be nothing to do.
    auto work = asio::make_work_guard(context);
    auto const listen = [&] {
        host.emplace(io, example::port(argc, argv));
        return socoro::net::any_address(host->port());
    };
    auto const close = [&]() -> asio::awaitable<void> {
        co_await io.close(2s);
        work.reset();
    };
    return example::run(context, listen, close);
}
