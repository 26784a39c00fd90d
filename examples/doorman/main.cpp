// SPDX-License-Identifier: BSL-1.0
// Serves examples/doorman: doorman [--port N] [--page ORIGIN] [--ticket TEXT]
#include "../support/program.hpp"
#include "doorman.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) {
    asio::io_context context;
    auto const known = std::make_shared<doorman::book>();
    known->tickets.insert(example::option(argc, argv, "--ticket", "first"));
    auto const page = example::option(argc, argv, "--page", "https://example.com");

    socoro::server io(context, doorman::options(known, page));
    io.use_requests(doorman::tell_health(io, known));
    io.on_connection([&](socoro::socket socket) { return doorman::welcome(known, socket); });

    auto const listen = [&] { return io.listen(example::port(argc, argv)); };
    auto const close = [&] { return io.close(2s); };
    return example::run(context, listen, close);
}
