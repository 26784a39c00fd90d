// SPDX-License-Identifier: BSL-1.0
// Both ends over TLS; needs OpenSSL.
//   tls URL --name NAME [--ca FILE] [--certificate FILE --key FILE] [--server-name HOST]
//   tls --serve --certificate FILE --key FILE [--ca FILE] [--port N]
// The server asks for the certificates of its clients if it is told whom to trust (--ca).
#include "../support/client_program.hpp"
#include "gate.hpp"

using namespace std::chrono_literals;

using greet = socoro::event<"greet", std::string(std::string)>;

asio::awaitable<void> welcome(socoro::socket socket) {
    for (;;) {
        auto const asked = co_await socket.recv<greet>();
        asked.reply("hello " + asked.args);
    }
}

int serve(int argc, char** argv) {
    socoro::tls_server_options speech;
    speech.certificate_file = example::option(argc, argv, "--certificate", "");
    speech.private_key_file = example::option(argc, argv, "--key", "");
    speech.client_ca_file = example::option(argc, argv, "--ca", "");

    asio::io_context context;
    socoro::server io(context);
    io.on_connection(welcome);
    example::tls_gate gate(context, io, speech);
    auto const listen = [&] { return gate.listen(example::port(argc, argv)); };
    auto const close = [&] {
        gate.close();
        return io.close(2s);
    };
    return example::run(context, listen, close);
}

int visit(int argc, char** argv) {
    // [client]
    socoro::tls_options trust;  // the authorities of the system, unless there is one of our own
    trust.ca_file = example::option(argc, argv, "--ca", "");
    trust.certificate_file = example::option(argc, argv, "--certificate", "");
    trust.private_key_file = example::option(argc, argv, "--key", "");
    trust.server_name = example::option(argc, argv, "--server-name", "");

    socoro::client_options options;
    options.tls = socoro::tls(trust);
    options.reconnection = false;

    asio::io_context context;
    socoro::client io(context, example::argument(argc, argv, "https://127.0.0.1:3000"), options);
    // [/client]
    auto const name = example::option(argc, argv, "--name", "you");
    auto const visit = [&]() -> asio::awaitable<void> {
        auto const socket = co_await io.connect(10s);
        auto const answer = co_await socket.call<greet>(name);
        std::cout << answer << std::endl;
    };
    auto const close = [&] { return io.close(2s); };
    return example::run_client(context, visit, close);
}

int main(int argc, char** argv) try {
    return example::has(argc, argv, "--serve") ? serve(argc, argv) : visit(argc, argv);
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return EXIT_FAILURE;
}
