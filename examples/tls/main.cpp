// SPDX-License-Identifier: BSL-1.0
// Both ends over TLS; needs OpenSSL.
//   tls URL --name NAME [--ca FILE] [--certificate FILE --key FILE] [--server-name HOST]
//   tls --serve --certificate FILE --key FILE [--ca FILE] [--host NAME --host-certificate FILE
//       --host-key FILE] [--port N]
// The server asks for the certificates of its clients if it is told whom to trust (--ca). It reads
// its files again when it is told to (kill -HUP), and nobody who is connected notices.
#include <socoro/tls.hpp>

#include "../support/client_program.hpp"

using namespace std::chrono_literals;

using greet = socoro::event<"greet", std::string(std::string)>;

/// Who shows a certificate is greeted by what that says.
asio::awaitable<void> welcome(socoro::socket socket) {
    auto const certificate = socket.handshake().certificate;
    for (;;) {
        auto const asked = co_await socket.recv<greet>();
        asked.reply("hello " + (certificate ? certificate->subject : asked.args));
    }
}

// [reload]
asio::awaitable<void> renew(
    asio::signal_set& hangups,
    std::shared_ptr<socoro::tls_server_layer> tls) {
    for (;;) {
        auto const [ec, signal] = co_await hangups.async_wait(socoro::as_tuple);
        if (ec)
            co_return;
        try {
            tls->reload();
            std::cout << "reloaded" << std::endl;
        } catch (std::system_error const& e) {  // all stays as it was
            std::cout << "not reloaded: " << e.what() << std::endl;
        }
    }
}
// [/reload]

int serve(int argc, char** argv) {
    // [server]
    socoro::tls_server_options speech;
    speech.certificate_file = example::option(argc, argv, "--certificate", "");
    speech.private_key_file = example::option(argc, argv, "--key", "");
    speech.client_ca_file = example::option(argc, argv, "--ca", "");
    if (example::has(argc, argv, "--host")) {
        socoro::tls_host other;  // a certificate for those who ask for this host
        other.name = example::option(argc, argv, "--host", "");
        other.certificate_file = example::option(argc, argv, "--host-certificate", "");
        other.private_key_file = example::option(argc, argv, "--host-key", "");
        speech.hosts.push_back(other);
    }

    // [tls]
    auto const tls = socoro::tls_server(speech);  // its certificate and private key

    asio::io_context context;
    socoro::options options;
    options.tls = tls;
    socoro::server io(context, options);
    // [/tls]
    // [/server]
    io.on_connection(welcome);
    asio::signal_set hangups(context, SIGHUP);
    asio::co_spawn(context, renew(hangups, tls), asio::detached);
    auto const listen = [&] { return io.listen(example::port(argc, argv)); };
    auto const close = [&] {
        hangups.cancel();
        return io.close(2s);
    };
    return example::run(context, listen, close, "https");
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
