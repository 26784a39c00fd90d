// SPDX-License-Identifier: BSL-1.0
// What happens when a server comes and goes. Start both, then stop one of them and start it again:
//   reconnect --serve [--port N] [--every MILLISECONDS]
//   reconnect [URL] [--every MILLISECONDS]
#include "../support/client_program.hpp"
#include "station.hpp"

#include <charconv>
#include <stdexcept>
#include <system_error>

using namespace std::chrono_literals;

void print(std::string const& line) {
    std::cout << line << std::endl;
}

std::chrono::milliseconds pace(int argc, char** argv) {
    auto const text = example::option(argc, argv, "--every", "1000");
    int number = 0;
    auto const parsed = std::from_chars(text.data(), text.data() + text.size(), number);
    if (parsed.ec != std::errc() || number <= 0)
        throw std::invalid_argument("--every wants a number of milliseconds");
    return std::chrono::milliseconds(number);
}

int serve(int argc, char** argv) {
    auto const every = pace(argc, argv);
    asio::io_context context;
    socoro::server io(context, station::forgiving());
    station::open(io, print);
    asio::steady_timer timer(context);
    asio::co_spawn(context, station::swell(io, timer, every), asio::detached);
    auto const listen = [&] { return io.listen(example::port(argc, argv)); };
    auto const close = [&] {
        timer.cancel();
        return io.close(2s);
    };
    return example::run(context, listen, close);
}

int visit(int argc, char** argv) {
    auto const url = example::argument(argc, argv, "http://127.0.0.1:3000");
    auto const every = pace(argc, argv);
    asio::io_context context;
    socoro::client io(context, url, station::patient());
    socoro::client reliable(context, url, station::persistent());

    auto const visit = [&]() -> asio::awaitable<void> {
        auto const socket = io.socket();
        socket.spawn(station::ask(socket, print));
        auto report = station::report(socket, reliable.socket(), every, print);
        co_await socoro::first_of(station::tell(socket, print), std::move(report));
    };
    auto const close = [&]() -> asio::awaitable<void> {
        co_await io.close(2s);
        co_await reliable.close(2s);
    };
    return example::run_client(context, visit, close);
}

int main(int argc, char** argv) try {
    return example::has(argc, argv, "--serve") ? serve(argc, argv) : visit(argc, argv);
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return EXIT_FAILURE;
}
