// SPDX-License-Identifier: BSL-1.0
// The server that run.mjs compares with Node's: node_server.mjs has the same two events.
//   versus_server [--port N] [--shards N]
#include <socoro.hpp>

#include "../../examples/support/program.hpp"

#include <chrono>
#include <cstddef>
#include <deque>
#include <exception>
#include <iostream>
#include <string>
#include <tuple>
#include <variant>
#include <vector>

namespace {

using echo = socoro::event<"echo", std::string(std::string)>;
using say = socoro::event<"say", std::string>;
using news = socoro::event<"news", std::string>;

asio::awaitable<void> serve(socoro::server& io, socoro::socket socket) {
    for (;;) {
        auto const received = co_await socket.recv<echo, say>();
        if (auto const* const ask = std::get_if<socoro::request<echo>>(&received))
            ask->reply(ask->args);
        else
            io.emit<news>(std::get<0>(std::get<say>(received)));
    }
}

}  // namespace

int main(int argc, char** argv) try {
    auto const count = example::number(argc, argv, "--shards", 1);
    std::deque<asio::io_context> contexts(1);
    while (contexts.size() < count)
        contexts.emplace_back();
    std::vector<asio::any_io_executor> executors;
    for (auto& context : contexts)
        executors.push_back(context.get_executor());
    socoro::server io(executors);
    io.on_connection([&io](socoro::socket socket) { return serve(io, socket); });
    return example::run(
        contexts,
        [&] { return io.listen(example::port(argc, argv)); },
        [&] { return io.close(std::chrono::seconds(2)); });
} catch (std::exception const& e) {
    std::cerr << e.what() << '\n';
    return EXIT_FAILURE;
}
