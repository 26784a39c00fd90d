// SPDX-License-Identifier: BSL-1.0
#include <socoro/server.hpp>

#include "support/http_script.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <asio/experimental/awaitable_operators.hpp>

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using number = socoro::event<"number", int>;
using word = socoro::event<"word", std::string>;

/// The text frames that have arrived at a client, separated by ` | `.
std::string take(test::world& world, test::websocket_peer& client) {
    world.run();
    std::string all;
    for (auto const& frame : client.take())
        all += (all.empty() ? "" : " | ") + frame.substr(frame.find(':') + 1);
    return all;
}

/// Sends a request over a connection of its own.
test::http_answer ask(test::world& world, socoro::server& io, std::string const& request) {
    test::memory_connection connection(world.shard);
    io.serve(connection.stream, std::string());
    connection.peer.send(request);
    world.run();
    auto bytes = connection.peer.take();
    return test::take_answer(bytes);
}

/// A WebSocket that has joined `/`.
test::websocket_peer join(test::world& world, socoro::server& io) {
    test::memory_connection connection(world.shard);
    io.serve(connection.stream, std::string());
    connection.peer.send(test::get("/socket.io/?EIO=4&transport=websocket", test::upgrade_fields));
    world.run();
    REQUIRE(connection.peer.take().starts_with("HTTP/1.1 101 "));
    test::websocket_peer client(connection.peer);
    client.text("40");
    REQUIRE(take(world, client).starts_with("40{\"sid\":\""));
    return client;
}

socoro::options quiet() {
    socoro::options opts;
    opts.hooks.connection_error = nullptr;
    opts.hooks.handler_failed = nullptr;
    return opts;
}

}  // namespace

TEST_CASE("api/server: it sends to the sockets of the namespace `/`, and to its rooms") {
    test::world world;
    socoro::server io(*world.context, quiet());
    std::vector<socoro::socket> sockets;
    io.use([](socoro::socket& socket) -> asio::awaitable<void> {
        socket.join("all");
        co_return;
    });
    io.on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        sockets.push_back(socket);
        co_await socket.recv<word>();
    });
    auto first = join(world, io), second = join(world, io);
    CHECK(io.clients_count() == 2);
    sockets.at(0).join("x");
    io.emit<number>(1);
    io.emit(number(2));
    io.emit("number", 3);
    io.to("x").emit<number>(4);
    io.in("all").emit<number>(5);
    io.except("x").emit<number>(6);
    std::string const both = R"(42["number",1] | 42["number",2] | 42["number",3] | )";
    CHECK(take(world, first) == both + R"(42["number",4] | 42["number",5])");
    CHECK(take(world, second) == both + R"(42["number",5] | 42["number",6])");
    CHECK_THROWS_AS(io.emit("connect"), std::system_error);
}

TEST_CASE("api/server: the script is served under the path, whatever the query") {
    auto const folder = std::filesystem::temp_directory_path() / "socoro-server-XXXXXX";
    std::string name = folder;
    REQUIRE(mkdtemp(name.data()) != nullptr);
    std::ofstream(std::filesystem::path(name) / "socket.io.js") << "script";
    test::world world;
    auto opts = quiet();
    opts.client_directory = name;
    opts.cors.origins = {"http://page.example"};
    socoro::server io(*world.context, opts);
    auto const origin = "Origin: http://page.example\r\n";
    auto const found = ask(world, io, test::get("/socket.io/socket.io.js?EIO=4&x", origin));
    CHECK(found.status == 200);
    CHECK(found.body == "script");
    CHECK(found.has("Access-Control-Allow-Origin: http://page.example"));
    auto const known =
        ask(world, io, test::get("/socket.io/socket.io.js", "If-None-Match: W/\"0\"\r\n"));
    CHECK(known.status == 304);
    CHECK(known.body.empty());
    test::memory_connection connection(world.shard);
    io.serve(connection.stream, std::string());
    connection.peer.send("HEAD /socket.io/socket.io.js HTTP/1.1\r\nHost: a\r\n\r\n");
    world.run();
    auto const head = connection.peer.take();
    CHECK(head.starts_with("HTTP/1.1 200 "));
    CHECK(head.find("\r\nContent-Length: 6\r\n") != std::string::npos);
    CHECK(head.ends_with("\r\n\r\n"));
    auto const unknown = ask(world, io, test::get("/socket.io/other.js"));
    CHECK(unknown.status == 400);
    CHECK(unknown.body == R"({"code":0,"message":"Transport unknown"})");
    CHECK(ask(world, io, test::get("/other/socket.io.js")).status == 404);
    std::filesystem::remove_all(name);

    opts.serve_client = false;
    socoro::server without(*world.context, opts);
    CHECK(ask(world, without, test::get("/socket.io/socket.io.js")).status == 400);
}

TEST_CASE("api/server: steps see the requests under the path, and options are checked at once") {
    test::world world;
    auto opts = quiet();
    opts.allow_request = [](socoro::pending_request& asked) -> asio::awaitable<void> {
        if (!asked.request.headers.contains("X-Key"))
            throw socoro::refused("no key");
        co_return;
    };
    socoro::server io(*world.context, opts);
    int seen = 0;
    io.use_requests([&](socoro::pending_request& asked) -> asio::awaitable<void> {
        ++seen;
        asked.headers.set("X-Seen", std::to_string(seen));
        co_return;
    });
    auto const target = "/socket.io/?EIO=4&transport=polling";
    auto const refused = ask(world, io, test::get(target));
    CHECK(refused.status == 403);
    CHECK(refused.body == R"({"code":4,"message":"no key"})");
    CHECK(refused.has("X-Seen: 1"));
    CHECK(ask(world, io, test::get(target, "X-Key: 1\r\n")).has("X-Seen: 2"));
    CHECK(io.clients_count() == 1);
    CHECK(ask(world, io, test::get("/elsewhere")).status == 404);
    CHECK(seen == 2);
    opts.cors.origins = {"*"};
    opts.cors.credentials = true;
    CHECK_THROWS_AS(socoro::server(*world.context, opts), std::invalid_argument);
}

TEST_CASE("api/server: a server that is destroyed says goodbye to its handlers, not to clients") {
    test::world world;
    std::string reason;
    auto io = std::make_unique<socoro::server>(*world.context, quiet());
    auto* const ending = io.get();
    io->on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        try {
            co_await socket.recv<word>();
        } catch (std::system_error const& e) {
            reason = e.code().message();
            // The server is in the middle of its end, and can still be asked for things.
            ending->emit<number>(1);
            socket.broadcast().emit<number>(2);
            socket.disconnect(true);
        }
    });
    auto client = join(world, *io);
    asio::post(*world.context, [&] { io.reset(); });
    world.run();
    CHECK(reason == "server shutting down");
    CHECK(take(world, client) == "1005");
}

TEST_CASE("api/server: a handler may outlive its server, and end when its own wait ends") {
    test::world world;
    auto const token = std::make_shared<int>(0);
    auto const later = std::make_shared<socoro::net::signal>(*world.shard);
    bool ended = false;
    auto io = std::make_unique<socoro::server>(*world.context, quiet());
    io->on_connection([&ended, token, later](socoro::socket socket) -> asio::awaitable<void> {
        socket.join("room");
        std::ignore = co_await later->wait();
        socket.to("room").emit<number>(1);
        socket.emit<number>(2);
        ended = !socket.connected();
    });
    auto client = join(world, *io);
    io.reset();
    world.run();
    CHECK(token.use_count() == 2);
    CHECK_FALSE(ended);
    later->notify_all();
    world.run();
    CHECK(ended);
    CHECK(token.use_count() == 1);
    CHECK(take(world, client) == "1005");
}

TEST_CASE("api/server: a handler that is told of the end may destroy the server") {
    test::world world;
    auto io = std::make_unique<socoro::server>(*world.context, quiet());
    io->on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        try {
            co_await socket.recv<number>();
        } catch (std::system_error const& e) {
            CHECK(e.code() == socoro::errc::server_shutting_down);
            io.reset();
        }
    });
    auto one = join(world, *io);
    auto two = join(world, *io);
    io->close();
    world.run();
    CHECK_FALSE(io);
    CHECK(take(world, one) == "1005");
    CHECK(take(world, two) == "1005");
}

TEST_CASE("api/server: of two events that are awaited together exactly one is taken") {
    using namespace asio::experimental::awaitable_operators;
    test::world world;
    socoro::server io(*world.context, quiet());
    std::string seen;
    io.on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        co_await socket.recv<socoro::event<"ready">>();
        auto const either = co_await (socket.recv<number>() || socket.recv<word>());
        seen += either.index() == 0 ? "number" : "word";
        auto const any = co_await socket.recv();
        seen += " then " + any.name;
    });
    SUBCASE("both there before") {
        auto client = join(world, io);
        client.raw.send(
            client.frame(test::ws::opcode::text, R"(42["number",1])") +
            client.frame(test::ws::opcode::text, R"(42["word","x"])") +
            client.frame(test::ws::opcode::text, R"(42["ready"])"));
        world.run();
        CHECK(seen == "number then word");
    }
    SUBCASE("both arriving at once") {
        auto client = join(world, io);
        client.text(R"(42["ready"])");
        world.run();
        client.raw.send(
            client.frame(test::ws::opcode::text, R"(42["word","x"])") +
            client.frame(test::ws::opcode::text, R"(42["number",1])"));
        world.run();
        CHECK(seen == "word then number");
    }
}

TEST_CASE("api/server: the handshake tells whether the stream is encrypted, and whose it is") {
    test::world world;
    socoro::server io(*world.context, quiet());
    auto const shown = std::make_shared<socoro::net::certificate>();
    shown->subject = "CN=Ann";
    std::string seen;
    auto const look = [&](socoro::socket& socket) -> asio::awaitable<void> {
        auto const& brought = socket.handshake();
        seen += brought.secure ? " secure" : " plain";
        seen += brought.certificate ? ':' + brought.certificate->subject : "";
        co_return;
    };
    io.use(look);
    io.of("/other").use(look);
    auto const connect = [&](bool encrypted, bool polls) {
        test::memory_connection connection(world.shard);
        connection.stream->encrypted = encrypted;
        connection.stream->certificate = encrypted ? shown : nullptr;
        io.serve(connection.stream, std::string());
        if (polls) {
            connection.peer.send(test::get("/socket.io/?EIO=4&transport=polling"));
            world.run();
            auto const opened = connection.peer.take();
            auto const sid = opened.substr(opened.find("sid\":\"") + 6, 20);
            auto const target = "/socket.io/?EIO=4&transport=polling&sid=" + sid;
            // What another connection of the same client is like makes no difference.
            std::ignore = ask(world, io, test::post(target, std::string("40\x1e") + "40/other,"));
        } else {
            connection.peer.send(
                test::get("/socket.io/?EIO=4&transport=websocket", test::upgrade_fields));
            world.run();
            test::websocket_peer client(connection.peer);
            client.text("40");
            client.text("40/other,");
        }
        world.run();
        return std::exchange(seen, {});
    };
    CHECK(connect(false, false) == " plain plain");
    CHECK(connect(true, false) == " secure:CN=Ann secure:CN=Ann");
    CHECK(connect(false, true) == " plain plain");
    CHECK(connect(true, true) == " secure:CN=Ann secure:CN=Ann");
}
