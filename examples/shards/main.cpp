// SPDX-License-Identifier: BSL-1.0
// Serves examples/shards on all cores:
//   shards [--port N] [--shards N] [--pool]
// With --pool on the threads of an asio::thread_pool, otherwise in contexts with a thread each.
#include "../support/client_program.hpp"
#include "shards.hpp"

using namespace std::chrono_literals;

int serve_in_contexts(std::size_t count, unsigned short port) {
    // [contexts]
    std::deque<asio::io_context> contexts;  // one for each core
    std::vector<asio::any_io_executor> executors;
    while (executors.size() < count)
        executors.push_back(contexts.emplace_back(1).get_executor());  // 1: one thread runs it

    socoro::server io(executors);
    shards::open(io);
    // [/contexts]
    auto const listen = [&] { return io.listen(port); };
    auto const close = [&] { return io.close(2s); };
    return example::run(contexts, listen, close);
}

int serve_in_pool(std::size_t count, unsigned short port) {
    // [pool]
    asio::thread_pool pool(count);

    socoro::server io(pool);
    shards::open(io);
    // [/pool]
    auto const listen = [&] { return io.listen(port); };
    auto const close = [&] { return io.close(2s); };
    return example::run(pool, listen, close);
}

int main(int argc, char** argv) try {
    auto const count = example::shards(argc, argv);
    auto const port = example::port(argc, argv);
    return example::has(argc, argv, "--pool") ? serve_in_pool(count, port)
                                              : serve_in_contexts(count, port);
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return EXIT_FAILURE;
}
