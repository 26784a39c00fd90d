// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/status.hpp>
#include <socoro/net/http_server.hpp>
#include <socoro/net/tcp_connector.hpp>
#include <socoro/net/websocket_client.hpp>

#include "support/http_script.hpp"
#include "support/loopback.hpp"
#include "support/memory_connector.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using socoro::errc;
using socoro::message;
namespace net = socoro::net;
namespace http = socoro::http;
namespace ws = socoro::ws;

namespace {

using opened = socoro::result<std::shared_ptr<net::websocket>>;

[[nodiscard]] http::request request(std::string target = "/chat") {
    http::request made;
    made.method = "GET";
    made.target = std::move(target);
    made.headers.add("Host", "a");
    return made;
}

/// The value of a field in the text of a request.
[[nodiscard]] std::string field_in(std::string const& text, std::string const& name) {
    auto const at = text.find("\r\n" + name + ": ");
    if (at == std::string::npos)
        return {};
    auto const begin = at + 2 + name.size() + 2;
    return text.substr(begin, text.find("\r\n", begin) - begin);
}

struct one_opening : test::world {
    explicit one_opening(http::request r = request(), socoro::limits const& limits = {})
        : opening(spawn(net::open_websocket(client, std::move(r), limits, shard))) {
        if (!connector->peers.empty())
            asked = connector->peers[0].take();
    }

    /// An answer that is right but for what the test puts in the place of its fields.
    void accept(std::string const& fields = {}, std::string const& behind = {}) {
        auto const upgrade = fields.find("\r\nUpgrade:") == std::string::npos;
        auto const accept = fields.find("Sec-WebSocket-Accept:") == std::string::npos;
        reply(
            "HTTP/1.1 101 Switching Protocols\r\n" +
            std::string(
                upgrade ? "Upgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\n" : "") +
            (accept ? "Sec-WebSocket-Accept: " + right_key() + "\r\n" : "") + fields + "\r\n" +
            behind);
    }
    [[nodiscard]] std::string right_key() const {
        return ws::accept_key(field_in(asked, "Sec-WebSocket-Key"));
    }
    void reply(std::string_view bytes) {
        REQUIRE(connector->peers.size() == 1);
        connector->peers[0].send(bytes);
        run();
    }
    [[nodiscard]] std::error_code error() const {
        REQUIRE(opening->done());
        REQUIRE(opening->value);
        return opening->value->has_error() ? opening->value->error() : std::error_code();
    }

    std::shared_ptr<test::memory_connector> connector =
        std::make_shared<test::memory_connector>(shard);
    std::shared_ptr<net::http_client> client = std::make_shared<net::http_client>(
        shard,
        connector,
        net::remote{"a.server.with.a.long.name.example", 80, false});
    std::shared_ptr<test::outcome<opened>> opening;
    std::string asked;
};

/// Serves WebSockets that send everything back.
[[nodiscard]] net::http_mount echo(std::shared_ptr<net::shard> shard) {
    net::http_mount mount;
    mount.owns = [](http::request const& r) { return r.path() == "/echo"; };
    mount.serve = [shard](net::http_connection& connection) -> asio::awaitable<void> {
        auto const answer = net::accept_upgrade(connection.head());
        auto const ec = co_await connection.respond(answer);
        if (ec)
            co_return;
        std::string rest;
        auto over = connection.release(rest);
        auto const socket = std::make_shared<net::websocket>(
            shard,
            std::move(over),
            ws::role::server,
            socoro::limits{},
            std::move(rest));
        for (;;) {
            auto got = co_await socket->recv();
            if (!got)
                co_return;
            auto const failed = co_await socket->send(*got);
            if (failed)
                co_return;
        }
    };
    return mount;
}

}  // namespace

TEST_CASE("net/websocket_client: asks as RFC 6455 has it, with a key of its own") {
    auto r = request("/chat?a=b");
    r.headers.add("Cookie", "c=d");
    one_opening const o(r);
    auto const key = field_in(o.asked, "Sec-WebSocket-Key");
    CHECK(
        o.asked ==
        "GET /chat?a=b HTTP/1.1\r\nHost: a\r\nCookie: c=d\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: " +
            key + "\r\nSec-WebSocket-Version: 13\r\n\r\n");
    CHECK(key.size() == 24);
    CHECK(field_in(one_opening().asked, "Sec-WebSocket-Key") != key);
}

TEST_CASE("net/websocket_client: gives a WebSocket of a client, with what came behind the answer") {
    socoro::limits limits;
    limits.max_http_buffer_size = 10;
    one_opening o(request(), limits);
    CHECK_FALSE(o.opening->done());
    test::websocket_peer peer(o.connector->peers[0], ws::role::server);
    o.accept({}, peer.frame(ws::opcode::text, "first"));
    REQUIRE(o.error() == std::error_code());
    auto const socket = **o.opening->value;
    // The client has no further part in it.
    o.client->close();
    o.client.reset();
    auto const first = o.spawn(socket->recv());
    REQUIRE(first->done());
    CHECK(first->value->value().data == "first");
    message const hello{false, "hello"};
    CHECK(o.spawn(socket->send(hello))->value == std::error_code());
    CHECK(peer.take() == std::vector<std::string>{"text:hello"});
    peer.text("more than the limit");
    auto const second = o.spawn(socket->recv());
    REQUIRE(second->done());
    CHECK(second->value->error() == errc::ws_message_too_large);
}

TEST_CASE("net/websocket_client: refuses an answer that is not the one to its request") {
    auto const wrong = ws::accept_key("dGhlIHNhbXBsZSBub25jZQ==");
    std::vector<std::string> const fields{
        "Sec-WebSocket-Accept: " + wrong + "\r\n",
        "Sec-WebSocket-Accept: \r\n",
        "Sec-WebSocket-Accept: TWICE\r\nSec-WebSocket-Accept: TWICE\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate\r\n",
        "Sec-WebSocket-Extensions: \r\nSec-WebSocket-Extensions: permessage-deflate\r\n",
        "Sec-WebSocket-Protocol: unasked\r\n",
        "X: y\r\nUpgrade: other\r\nConnection: Upgrade\r\n",
        "X: y\r\nUpgrade: websocket\r\nConnection: keep-alive\r\n",
    };
    for (auto text : fields) {
        CAPTURE(text);
        one_opening o;
        for (auto at = text.find("TWICE"); at != std::string::npos; at = text.find("TWICE"))
            text.replace(at, 5, o.right_key());
        o.accept(text);
        CHECK(o.error() == errc::ws_bad_handshake);
        CHECK(o.connector->peers[0].closed());
    }
}

TEST_CASE("net/websocket_client: a subprotocol may be one of those that were offered") {
    auto r = request();
    r.headers.add("Sec-WebSocket-Protocol", "chat, superchat");
    one_opening chosen(r);
    chosen.accept("Sec-WebSocket-Protocol: superchat\r\n");
    CHECK(chosen.error() == std::error_code());
    one_opening other(r);
    other.accept("Sec-WebSocket-Protocol: megachat\r\n");
    CHECK(other.error() == errc::ws_bad_handshake);
}

TEST_CASE("net/websocket_client: another status is told, and what else may go wrong") {
    one_opening refused;
    refused.reply("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    CHECK(refused.error() == http::status_error(403));
    one_opening redirected;
    redirected.reply("HTTP/1.1 301 There\r\nLocation: /\r\nContent-Length: 0\r\n\r\n");
    CHECK(redirected.error() == http::status_error(301));
    one_opening garbage;
    garbage.reply("\x81\x05hello\r\n\r\n");
    CHECK(garbage.error() == errc::http_malformed);
    one_opening gone;
    gone.connector->peers[0].vanish(asio::error::connection_reset);
    gone.run();
    CHECK(gone.error() == asio::error::connection_reset);
    one_opening closed;
    closed.client->close();
    closed.run();
    CHECK(closed.error() == asio::error::operation_aborted);
    CHECK(closed.connector->peers[0].closed());
}

TEST_CASE("net/websocket_client: the end of the context takes an opening along") {
    one_opening o;
    o.context.reset();
    CHECK_FALSE(o.opening->done());
}

TEST_CASE("net/websocket_client: whatever operation fails, it ends and nothing is left") {
    std::size_t nth = 0;
    for (bool failed = true; failed; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < 2000);
        test::world w;
        auto const plan = std::make_shared<test::faults>();
        plan->nth = nth;
        plan->bytewise = true;
        auto const server =
            std::make_shared<net::http_server_core>(w.shard, nullptr, net::http_server_options{});
        server->mount(echo(w.shard));
        auto const connector = std::make_shared<test::memory_connector>(w.shard, plan);
        connector->serve_by(server);
        auto const client = std::make_shared<net::http_client>(
            w.shard,
            connector,
            net::remote{"a.server.with.a.long.name.example", 80, false});
        auto const opening =
            w.spawn(net::open_websocket(client, request("/echo"), socoro::limits{}, w.shard));
        REQUIRE(opening->done());
        REQUIRE(opening->value);
        failed = plan->operations > nth;
        CHECK(opening->value->has_value() == !failed);
        plan->nth = test::faults::never;
        if (!failed) {
            auto const socket = **opening->value;
            message const hello{true, "hello"};
            CHECK(w.spawn(socket->send(hello))->value == std::error_code());
            auto const got = w.spawn(socket->recv());
            REQUIRE(got->done());
            CHECK(got->value->value() == hello);
            socket->close();
            auto const end = w.spawn(socket->recv());
            REQUIRE(end->done());
            CHECK(end->value->error() == asio::error::eof);
            // Our server ends the stream, so there is nothing to wait for.
            CHECK(w.clock->armed() == 0);
        }
        client->close();
        w.settle();
        CHECK(server->connections() == 0);
        CHECK(w.clock->armed() == 0);
    }
    CHECK(nth > 100);
}

TEST_CASE("net/websocket_client: talks to our own server over real sockets") {
    test::world w;
    auto const shard = net::shard::make(w.context->get_executor());
    net::http_server server(*w.context);
    server.core()->mount(echo(server.owner()));
    auto const at = server.listen(test::loopback());
    auto const connector = std::make_shared<net::tcp_connector>();
    auto const client = std::make_shared<net::http_client>(
        shard,
        connector,
        net::remote{"127.0.0.1", at.port(), false});
    auto const opening =
        w.spawn(net::open_websocket(client, request("/echo"), socoro::limits{}, shard));
    REQUIRE(test::run_until(*w.context, [&] { return opening->done(); }));
    auto socket = opening->value->value();
    message const large{true, std::string(900'000, 'x')};
    auto const sending = w.spawn(socket->send(large));
    auto const receiving = w.spawn(socket->recv());
    REQUIRE(test::run_until(*w.context, [&] { return sending->done() && receiving->done(); }));
    CHECK(receiving->value->value() == large);
    socket->close();
    auto const end = w.spawn(socket->recv());
    REQUIRE(test::run_until(*w.context, [&] { return end->done(); }));
    CHECK(end->value->error() == asio::error::eof);
    socket.reset();
    *opening->value = std::error_code(errc::timeout);
    // Long before the time that a client waits for the end of the stream, nothing is left to do.
    server.close();
    w.context->restart();
    auto const start = std::chrono::steady_clock::now();
    w.context->run();
    CHECK(std::chrono::steady_clock::now() - start < 5s);

    auto const missing =
        w.spawn(net::open_websocket(client, request("/none"), socoro::limits{}, shard));
    w.context->restart();
    w.context->run();
    CHECK(missing->value->error() == asio::error::connection_refused);
}
