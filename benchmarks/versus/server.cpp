// SPDX-License-Identifier: BSL-1.0
// The server that run.mjs compares with Node's: node_server.mjs has the same two events.
//   versus_server [--port N]
#include <socoro.hpp>

#include "../../examples/support/program.hpp"

#include <chrono>
#include <string>
#include <tuple>
#include <variant>

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

int main(int argc, char** argv) {
    asio::io_context context;
    socoro::server io(context);
    io.on_connection([&io](socoro::socket socket) { return serve(io, socket); });
    return example::run(
        context,
        [&] { return io.listen(example::port(argc, argv)); },
        [&] { return io.close(std::chrono::seconds(2)); });
}
