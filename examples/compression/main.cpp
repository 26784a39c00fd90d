// SPDX-License-Identifier: BSL-1.0
// Both ends with compression; needs zlib.
//   compression --serve [--port N] [--client DIRECTORY] [parameters]
//   compression URL [--count N] [parameters]
// Parameters: [--threshold BYTES] [--server-window BITS] [--client-window BITS] [--forget END],
// where END is `server`, `client` or `both`: what forgets each message before the next.
#include <socoro/deflate.hpp>

#include "../support/client_program.hpp"

using namespace std::chrono_literals;

using say = socoro::event<"say", std::string>;
using shout = socoro::event<"shout", std::string>;
using secret = socoro::event<"secret", std::string>;
using measure = socoro::event<"measure", std::string(std::string)>;

asio::awaitable<void> talk(socoro::server& io, socoro::socket socket) {
    co_await socket.serve(socoro::overloaded{
        [&](say const& said) { socket.emit(said); },
        [&](shout const& said) { io.emit(said); },
        // Its length tells nothing.
        [&](secret const& said) { socket.compress(false).emit(said); },
        [](socoro::request<measure> const& asked) { asked.reply(asked.args); },
    });
}

std::optional<int> bits(int argc, char** argv, std::string_view name) {
    auto const text = example::option(argc, argv, name, "");
    return text.empty() ? std::nullopt : std::optional(std::stoi(text));
}

socoro::per_message_deflate_options parameters(int argc, char** argv) {
    auto const who = example::option(argc, argv, "--forget", "");
    socoro::per_message_deflate_options wished;
    wished.threshold = std::stoul(example::option(argc, argv, "--threshold", "1024"));
    wished.server_no_context_takeover = who == "server" || who == "both";
    wished.client_no_context_takeover = who == "client" || who == "both";
    wished.server_max_window_bits = bits(argc, argv, "--server-window");
    wished.client_max_window_bits = bits(argc, argv, "--client-window");
    return wished;
}

int serve(int argc, char** argv) {
    // [server]
    socoro::options options;
    options.per_message_deflate = socoro::per_message_deflate(parameters(argc, argv));
    options.http_compression = socoro::http_compression();
    // [/server]
    options.client_directory = example::option(argc, argv, "--client", "");

    asio::io_context context;
    socoro::server io(context, options);
    io.on_connection([&io](socoro::socket socket) { return talk(io, socket); });
    auto const listen = [&] { return io.listen(example::port(argc, argv)); };
    auto const close = [&] { return io.close(2s); };
    return example::run(context, listen, close);
}

int visit(int argc, char** argv) {
    // [client]
    socoro::client_options options;
    options.per_message_deflate = socoro::per_message_deflate(parameters(argc, argv));
    // [/client]
    options.transports = {"websocket"};
    options.reconnection = false;

    asio::io_context context;
    socoro::client io(context, example::argument(argc, argv, "http://127.0.0.1:3000"), options);
    auto const count = std::stoi(example::option(argc, argv, "--count", "3"));
    auto const visit = [&]() -> asio::awaitable<void> {
        auto const socket = co_await io.connect(10s);
        socket.compress(false).emit<secret>(std::string(2000, '*'));
        for (int i = 0; i < count; ++i) {
            std::string text;
            for (int line = 0; line < 500; ++line)
                text += "line " + std::to_string(line * i) + '\n';
            auto const same = co_await socket.call<measure>(text);
            std::cout << (same == text ? "the same " : "another ") << same.size() << std::endl;
        }
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
