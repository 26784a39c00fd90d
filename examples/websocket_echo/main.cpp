// SPDX-License-Identifier: BSL-1.0
// RFC 6455 alone: the rooms `net`, `http` and `ws` without Engine.IO and Socket.IO above them.
#include <socoro/net/http_server.hpp>
#include <socoro/net/websocket.hpp>

#include "../support/program.hpp"

namespace net = socoro::net;

// [websocket_echo]
asio::awaitable<void> echo(std::shared_ptr<net::websocket> socket) {
    for (;;) {
        auto message = co_await socket->recv();
        if (!message)
            co_return;
        auto const failed = co_await socket->send(*message);
        if (failed)
            co_return;
    }
}

asio::awaitable<void> serve(std::shared_ptr<net::shard> shard, net::http_connection& connection) {
    auto const refused = net::check_upgrade(connection.head());
    auto const answer = refused ? socoro::http::text(400, refused.message())
                                : net::accept_upgrade(connection.head());
    auto const failed = co_await connection.respond(answer);
    if (refused || failed)
        co_return;
    std::string rest;
    auto stream = connection.release(rest);
    auto const socket = std::make_shared<net::websocket>(
        shard,
        std::move(stream),
        socoro::ws::role::server,
        socoro::limits(),
        std::move(rest));
    co_await echo(socket);
}
// [/websocket_echo]

int main(int argc, char** argv) {
    asio::io_context context;
    net::http_server http(context);
    net::http_mount everything;
    everything.owns = [](socoro::http::request const&) { return true; };
    everything.serve = [shard = http.owner()](net::http_connection& connection) {
        return serve(shard, connection);
    };
    http.core()->mount(std::move(everything));
    auto const listen = [&] { return http.listen(example::port(argc, argv)); };
    auto const close = [&] { return http.close(std::chrono::seconds(2)); };
    return example::run(context, listen, close);
}
