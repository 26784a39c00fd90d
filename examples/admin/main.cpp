// SPDX-License-Identifier: BSL-1.0
// The rooms of examples/shards with a namespace for those who look after them, and their console:
//   admin --serve [--port N] [--shards N]
//   admin [URL]
// The password of both is in the environment: ADMIN_PASSWORD.
#include "../shards/shards.hpp"
#include "../support/client_program.hpp"
#include "../support/lines.hpp"
#include "admin.hpp"
#include "console.hpp"

using namespace std::chrono_literals;

std::string password() {
    auto const* const given = std::getenv("ADMIN_PASSWORD");
    if (!given || !*given)
        throw std::invalid_argument("ADMIN_PASSWORD is not set");
    return given;
}

int serve(int argc, char** argv) {
    std::deque<asio::io_context> contexts;
    std::vector<asio::any_io_executor> executors;
    while (executors.size() < example::shards(argc, argv))
        executors.push_back(contexts.emplace_back(1).get_executor());

    socoro::server io(executors);
    shards::open(io);
    admin::open(io, password());
    auto const listen = [&] { return io.listen(example::port(argc, argv)); };
    auto const close = [&] { return io.close(2s); };
    return example::run(contexts, listen, close);
}

int look_after(int argc, char** argv) {
    socoro::client_options options;
    options.auth = {{"password", password()}};

    asio::io_context context;
    socoro::client io(context, example::argument(argc, argv, "http://127.0.0.1:3000"), options);
    example::lines input(context);
    auto const visit = [&]() -> asio::awaitable<void> {
        auto const socket = co_await io.connect(10s, "/admin");
        admin::console console(socket, example::print);
        admin::line_source const typed = [&] { return input.next(); };
        // Whichever ends first ends the other.
        co_await socoro::first_of(console.listen(), console.work(typed));
    };
    auto const close = [&] { return io.close(2s); };
    return example::run_client(context, visit, close);
}

int main(int argc, char** argv) try {
    return example::has(argc, argv, "--serve") ? serve(argc, argv) : look_after(argc, argv);
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return EXIT_FAILURE;
}
