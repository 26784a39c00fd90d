// SPDX-License-Identifier: BSL-1.0
// The chat in a terminal: client [URL] [--name NAME] [--room ROOM]
#include "../support/client_program.hpp"
#include "../support/lines.hpp"
#include "guest.hpp"

using namespace std::chrono_literals;

int main(int argc, char** argv) try {
    auto const* const user = std::getenv("USER");
    auto const name = example::option(argc, argv, "--name", user ? user : "guest");
    auto const room = example::option(argc, argv, "--room", "lobby");
    auto const show = [](std::string const& line) { example::print(line); };

    // [main]
    asio::io_context context;
    socoro::client io(context, example::argument(argc, argv, "http://127.0.0.1:3000"));
    chat::guest guest(context.get_executor(), io.socket(), name, room, show);
    example::lines input(context);

    auto const visit = [&]() -> asio::awaitable<void> {
        chat::line_source const typed = [&] { return input.next(); };
        // Whichever ends first ends the other.
        co_await socoro::first_of(guest.listen(), guest.talk(typed));
    };
    auto const close = [&] { return io.close(2s); };
    return example::run_client(context, visit, close);
    // [/main]
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return EXIT_FAILURE;
}
