// SPDX-License-Identifier: BSL-1.0
// A client that is closed, destroyed, cut off or failed at any moment.
#include <socoro/client.hpp>

#include "api/client_scene.hpp"

#include <doctest/doctest.h>

#include <atomic>
#include <string>
#include <thread>

using namespace std::chrono_literals;
using socoro::errc;

namespace {

using said = socoro::event<"said", std::string>;
using doubled = socoro::event<"doubled", int(int)>;

asio::awaitable<void> echo(socoro::socket socket) {
    auto const handlers = socoro::overloaded{
        [socket](said const& s) { socket.emit(s); },
        [](socoro::request<doubled> const& n) { n.reply(2 * n.args); }};
    co_await socket.serve(handlers);
}

/// Talks until the end of its socket; `rounds` counts what went well.
asio::awaitable<void> talk(socoro::client_socket socket, int& rounds) {
    for (;;) {
        socket.emit<said>("x");
        // What was on its way when the connection was lost does not come any more.
        auto const heard = co_await socket.recv<said, socoro::on_connect>();
        if (heard.index() == 1)
            continue;
        auto [ec, twice] = co_await socket.call<doubled>(21, socoro::net::as_tuple);
        if (!ec && twice == 42)
            ++rounds;
        if (ec && !socket.active())
            throw std::system_error(ec);
    }
}

std::vector<std::vector<std::string>> const ways{
    {"polling"},
    {"websocket"},
    {"polling", "websocket"}};

/// A client that talks in two namespaces.
struct busy : test::client_scene {
    explicit busy(std::vector<std::string> transports) : opts(options(std::move(transports))) {
        prepare = [](socoro::server& io) {
            io.on_connection(echo);
            io.of("/other").on_connection(echo);
        };
        prepare(io());
    }
    ~busy() {
        client.reset();
        if (world.context)
            world.settle();
    }

    void start() {
        client.emplace(world.shard, "http://server.test", opts);
        for (auto const* const nsp : {"/", "/other"}) {
            auto const socket = client->socket(nsp);
            asio::co_spawn(*world.context, talk(socket, rounds), [this](std::exception_ptr) {
                ++ended;
            });
        }
    }
    /// Runs `count` steps of whatever can run. False when there was less to do.
    bool step(int count) {
        for (int i = 0; i < count; ++i) {
            world.context->restart();
            if (world.context->poll_one() == 0)
                return false;
        }
        return true;
    }
    [[nodiscard]] bool is_at_rest() {
        world.settle();
        return ended == 2 && io().clients_count() == 0 && world.clock->armed() == 0;
    }

    socoro::client_options opts;
    std::optional<socoro::client> client;
    int rounds = 0;
    int ended = 0;
};

/// How many steps a client takes until it is in the middle of talking.
constexpr int many = 150;

/// Where to begin, so that different ways are stopped at different steps.
int first(std::vector<std::string> const& way) {
    return static_cast<int>(way.size() + way.front().size()) % 3;
}

}  // namespace

TEST_CASE("client/lifetimes: closed at any moment it ends, and leaves nothing") {
    for (auto const& way : ways)
        for (int n = first(way); n < many; n += 3) {
            CAPTURE(way.front());
            CAPTURE(n);
            busy b(way);
            b.start();
            b.step(n);
            b.client->close();
            CHECK(b.is_at_rest());
        }
}

TEST_CASE("client/lifetimes: closed for good in a given time, whatever it does") {
    for (auto const& way : ways)
        for (int n = first(way); n < many; n += 12) {
            CAPTURE(way.front());
            CAPTURE(n);
            busy b(way);
            b.start();
            b.step(n);
            auto const closing = b.world.spawn(b.client->close(1s));
            b.world.advance(5s);
            CHECK(closing->done());
            CHECK(b.is_at_rest());
        }
}

TEST_CASE("client/lifetimes: destroyed at any moment it closes") {
    for (auto const& way : ways)
        for (int n = first(way); n < many; n += 3) {
            CAPTURE(way.front());
            CAPTURE(n);
            busy b(way);
            b.start();
            b.step(n);
            b.client.reset();
            CHECK(b.is_at_rest());
        }
}

TEST_CASE("client/lifetimes: a context that ends at any moment takes the client along") {
    for (auto const& way : ways)
        for (int n = first(way); n < many; n += 6) {
            busy b(way);
            b.start();
            b.step(n);
            b.between->accept = nullptr;
            b.world.context.reset();
            b.between->cut();
        }
}

TEST_CASE("client/lifetimes: a connection that is cut at any moment is made again") {
    for (auto const& way : ways)
        for (int n = first(way); n < many; n += 3) {
            CAPTURE(way.front());
            CAPTURE(n);
            busy b(way);
            b.start();
            b.step(n);
            b.between->cut();
            // Talking never ends by itself, so what can run is not run to its end.
            b.step(50);
            int const before = b.rounds;
            for (int i = 0; i < 100 && b.rounds == before; ++i)
                b.world.clock->advance(100ms), b.step(100);
            CHECK(b.rounds > before);
        }
}

TEST_CASE(
    "client/lifetimes: whatever operation fails, it is connected again and loses nothing else") {
    for (auto const& way : ways)
        for (bool const bytewise : {false, true})
            for (std::size_t n = 0; n < 60; n += bytewise ? 12 : 2) {
                CAPTURE(way.front());
                CAPTURE(n);
                busy b(way);
                b.plan->nth = n;
                b.plan->bytewise = bytewise;
                b.start();
                for (int i = 0; i < 500 && b.rounds < 3; ++i)
                    b.world.clock->advance(100ms), b.step(100);
                CHECK(b.rounds >= 3);
            }
}

TEST_CASE("client/lifetimes: a server that is started a hundred times is found each time") {
    for (auto const& way : ways) {
        busy b(way);
        b.opts.backoff.delay_max = 1s;
        b.start();
        for (int i = 0; i < 34; ++i) {
            CAPTURE(i);
            b.step(3 * i);
            b.lose_server();
            if (i % 3 == 0)
                b.world.clock->advance(1500ms), b.step(100);
            b.start_server();
            int const before = b.rounds;
            for (int waited = 0; waited < 100 && b.rounds == before; ++waited)
                b.world.clock->advance(100ms), b.step(100);
            CHECK(b.rounds > before);
        }
        b.client->close();
        CHECK(b.is_at_rest());
    }
}

TEST_CASE(
    "client/lifetimes: a socket may be disconnected, and the client destroyed, by what it tells") {
    busy b({"websocket"});
    b.client.emplace(b.world.shard, "http://server.test", b.opts);
    auto const destroy = [&](socoro::client_socket socket) -> asio::awaitable<void> {
        static_cast<void>(co_await socket.recv<socoro::on_connect>());
        b.client.reset();
        CHECK_FALSE(socket.active());
    };
    b.world.spawn(destroy(b.client->socket()));
    CHECK_FALSE(b.client.has_value());
    b.world.settle();
    CHECK(b.world.clock->armed() == 0);
}

TEST_CASE(
    "client/lifetimes: what it spawns ends with its socket, and an exception ends the socket") {
    busy b({"websocket"});
    b.client.emplace(b.world.shard, "http://server.test", b.opts);
    auto const socket = b.client->socket();
    bool ended = false;
    socket.spawn([&]() -> asio::awaitable<void> {
        auto [ec, event] = co_await socket.recv<said>(socoro::net::as_tuple);
        ended = ec == socoro::closed;
    });
    b.world.run();
    CHECK_FALSE(ended);
    socket.spawn([]() -> asio::awaitable<void> {
        throw std::runtime_error("no more");
        co_return;
    });
    b.world.run();
    CHECK(ended);
    CHECK(b.reports.take() == "failed: no more");
    CHECK_FALSE(socket.active());
}

TEST_CASE("client/lifetimes: a slow receiver makes the server wait, and loses nothing") {
    busy b({"websocket"});
    b.opts.inbox_events = 10;
    b.io().of("/flood").on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        for (int i = 0; i < 500; ++i) {
            socket.emit<said>(std::to_string(i));
            co_await socket.drain();
        }
        static_cast<void>(co_await socket.recv());
    });
    b.client.emplace(b.world.shard, "http://server.test", b.opts);
    auto const socket = b.client->socket("/flood");
    auto const take = [&](int index) {
        auto const heard = b.world.spawn(socket.recv<said>());
        b.world.advance(1min);
        REQUIRE(heard->value);
        CHECK(std::get<0>(*heard->value) == std::to_string(index));
    };
    for (int i = 0; i < 500; ++i)
        take(i);
    CHECK(socket.connected());
    CHECK(b.reports.take().empty());
}

TEST_CASE("client/lifetimes: what a socket tells does not keep it from reading") {
    busy b({"websocket"});
    b.opts.inbox_events = 2;
    b.client.emplace(b.world.shard, "http://server.test", b.opts);
    auto const socket = b.client->socket();
    static_cast<void>(b.world.spawn(socket.recv<socoro::on_connect>()));
    static_cast<void>(b.world.spawn(
        socket.recv<socoro::on_disconnect, socoro::reconnect_attempt>(0s, socoro::net::as_tuple)));
    for (int i = 0; i < 10; ++i) {
        b.cut();
        CHECK_FALSE(socket.connected());
        b.world.advance(1s);
        CHECK(socket.connected());
    }
}
