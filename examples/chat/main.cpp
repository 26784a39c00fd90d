// SPDX-License-Identifier: BSL-1.0
// The chat server: the page, the browser's script and the sockets on one port.
//   chat [--port N] [--page DIRECTORY] [--client DIRECTORY] [--certificate FILE --key FILE]
// With a certificate it is at https: tools/certificate makes one for a try on this machine.
#include "../support/program.hpp"
#include "../support/tls.hpp"
#include "chat.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) try {
    auto const certificate = example::option(argc, argv, "--certificate", "");
    auto const key = example::option(argc, argv, "--key", "");

    // [main]
    asio::io_context context;

    socoro::options options;
    options.client_directory = example::option(argc, argv, "--client", CHAT_CLIENT_DIRECTORY);
    socoro::server io(context, options);
    chat::open(io);

    socoro::http_server_options web;
    web.tls = example::tls(certificate, key);
    socoro::static_files page(example::option(argc, argv, "--page", CHAT_PAGE_DIRECTORY));
    socoro::http_server http(context, page, web);
    io.attach(http);
    // [/main]

    auto const listen = [&] { return http.listen(example::port(argc, argv)); };
    auto const close = [&]() -> asio::awaitable<void> {
        http.stop_listening();
        co_await io.close(2s);
        co_await http.close(2s);
    };
    return example::run(context, listen, close, web.tls ? "https" : "http");
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return EXIT_FAILURE;
}
