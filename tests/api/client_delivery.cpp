// SPDX-License-Identifier: BSL-1.0
// What arrives although connections are lost: events that are retried, and sessions that recover.
#include <socoro/client.hpp>

#include "api/client_scene.hpp"

#include <doctest/doctest.h>

#include <string>
#include <thread>

using namespace std::chrono_literals;
using socoro::errc;

namespace {

using said = socoro::event<"said", std::string>;
using ordered = socoro::event<"ordered", int(int)>;

struct photo {
    static constexpr auto event_name = "photo";
    socoro::bytes data;
};
BOOST_DESCRIBE_STRUCT(photo, (), (data))

/// A server that acknowledges orders when the test lets it, and a client that retries.
struct ordering : test::client_scene {
    explicit ordering(std::size_t retries) : opts(options()) {
        opts.retries = retries;
        opts.ack_timeout = 1s;
        prepare = [this](socoro::server& io) {
            io.on_connection([this](socoro::socket socket) { return take_orders(socket); });
        };
        prepare(io());
    }
    ~ordering() {
        client.reset();
        world.run();
    }

    asio::awaitable<void> take_orders(socoro::socket socket) {
        for (;;) {
            auto const order = co_await socket.recv();
            orders.add(order.name + " " + socoro::json::serialize(order.args));
            if (acknowledges)
                order.reply(7);
        }
    }
    socoro::client_socket join() {
        client.emplace(world.shard, "http://server.test", opts);
        auto socket = client->socket();
        world.run();
        return socket;
    }
    std::string take() {
        world.run();
        return orders.take();
    }

    socoro::client_options opts;
    std::optional<socoro::client> client;
    test::notes orders;
    bool acknowledges = true;
};

/// A server with connection state recovery, whose sockets are in a room, and a client.
struct recovering : test::client_scene {
    recovering() : test::client_scene(with_recovery()) {
        prepare = [](socoro::server& io) {
            io.on_connection([](socoro::socket one) -> asio::awaitable<void> {
                one.join("room");
                for (;;) {
                    auto const text = co_await one.recv<said>();
                    one.emit(text);
                }
            });
        };
        prepare(io());
        client.emplace(world.shard, "http://server.test", options());
        socket = client->socket();
        world.spawn(listen());
    }
    ~recovering() {
        client.reset();
        world.run();
    }
    [[nodiscard]] static socoro::options with_recovery() {
        socoro::options opts;
        opts.connection_state_recovery.enabled = true;
        return opts;
    }
    asio::awaitable<void> listen() {
        auto const handlers = socoro::overloaded{
            [&](said const& s) { heard.add(std::get<0>(s)); },
            [&](photo const& p) { heard.add("photo of " + std::to_string(p.data.data.size())); },
            [&](socoro::on_connect const& e) {
                heard.add(e.recovered ? "recovered" : "connected");
            }};
        co_await socket.serve(handlers);
    }
    std::string take() {
        world.run();
        return heard.take();
    }

    std::optional<socoro::client> client;
    socoro::client_socket socket;
    test::notes heard;
};

}  // namespace

TEST_CASE("client/retries: an event is sent until it is acknowledged, the next one then") {
    ordering o(3);
    auto const socket = o.join();
    o.acknowledges = false;
    socket.emit<said>("a");
    socket.emit<said>("b");
    CHECK(o.take() == R"(said ["a"])");
    o.world.advance(999ms);
    CHECK(o.take().empty());
    o.world.advance(1ms);
    CHECK(o.take() == R"(said ["a"])");
    o.acknowledges = true;
    o.world.advance(1s);
    CHECK(o.take() == R"(said ["a"] | said ["b"])");
    o.world.advance(1min);
    CHECK(o.take().empty());
}

TEST_CASE("client/retries: what is never acknowledged is given up, told, and does not block") {
    ordering o(1);
    auto const socket = o.join();
    o.acknowledges = false;
    socket.emit<said>("a");
    o.world.run();
    socket.volatile_().emit<said>("careless");
    auto const called = o.world.spawn(socket.call<ordered>(1));
    o.world.advance(2s);
    CHECK(o.take() == R"(said ["a"] | said ["careless"] | said ["a"] | ordered [1])");
    CHECK(o.reports.take() == "dropped said: operation has timed out");
    o.world.advance(1s);
    CHECK_FALSE(called->done());
    o.world.advance(1s);
    REQUIRE(called->failure);
    CHECK_THROWS_WITH(std::rethrow_exception(called->failure), "operation has timed out");
}

TEST_CASE("client/retries: a lost connection makes the event under way go again, before others") {
    ordering o(5);
    auto const socket = o.join();
    o.acknowledges = false;
    socket.emit<said>("a");
    auto const called = o.world.spawn(socket.call<ordered>(1));
    CHECK(o.take() == R"(said ["a"])");
    o.cut();
    socket.emit<said>("b");
    o.acknowledges = true;
    o.world.advance(1s);
    CHECK(o.take() == R"(said ["a"] | ordered [1] | said ["b"])");
    CHECK(called->value == 7);
    auto const drained = o.world.spawn(socket.drain());
    CHECK(drained->done());
}

TEST_CASE("client/retries: the end of the socket ends what waits, and sends no more") {
    ordering o(5);
    auto const socket = o.join();
    o.acknowledges = false;
    auto const called = o.world.spawn(socket.call<ordered>(1));
    auto const queued = o.world.spawn(socket.call<ordered>(2));
    auto const drained = o.world.spawn(socket.drain());
    CHECK_FALSE(drained->done());
    socket.disconnect();
    o.world.run();
    CHECK(drained->done());
    for (auto const& each : {called, queued}) {
        REQUIRE(each->failure);
        CHECK_THROWS_WITH(std::rethrow_exception(each->failure), "io client disconnect");
    }
    o.world.advance(1min);
    CHECK(o.take() == "ordered [1]");
}

TEST_CASE("client/retries: other threads may emit, and their order is kept") {
    ordering o(1);
    auto const socket = o.join();
    std::thread other([&] {
        for (int i = 0; i < 5; ++i)
            socket.emit<said>(std::to_string(i));
    });
    other.join();
    CHECK(o.take() == R"(said ["0"] | said ["1"] | said ["2"] | said ["3"] | said ["4"])");
}

TEST_CASE("client/recovery: what was missed is received, in order, and the id stays") {
    recovering r;
    CHECK(r.take() == "connected");
    auto const id = r.socket.id();
    r.io().emit<said>("first");
    CHECK(r.take() == "first");
    r.cut();
    r.io().to("room").emit<said>("missed");
    r.io().emit(photo{{std::string(3, 'x')}});
    r.socket.emit<said>("mine");
    CHECK(r.take().empty());
    r.world.advance(1s);
    CHECK(r.take() == "missed | photo of 3 | recovered | mine");
    CHECK(r.socket.recovered());
    CHECK(r.socket.id() == id);
    r.io().to("room").emit<said>("after");
    CHECK(r.take() == "after");
    // And once more, which nothing was missed for.
    r.cut();
    r.world.advance(1s);
    CHECK(r.take() == "recovered");
}

TEST_CASE("client/recovery: after too long a time, or with another server, everything is new") {
    recovering r;
    r.io().emit<said>("first");
    CHECK(r.take() == "connected | first");
    auto const id = r.socket.id();
    auto const accept = std::exchange(r.between->accept, nullptr);
    r.cut();
    r.world.advance(121s);
    r.io().emit<said>("missed");
    r.between->accept = accept;
    r.world.advance(5s);
    CHECK(r.take() == "connected");
    CHECK_FALSE(r.socket.recovered());
    CHECK(r.socket.id() != id);
    r.io().emit<said>("second");
    CHECK(r.take() == "second");
    r.stop_server();
    r.start_server();
    r.world.advance(1s);
    CHECK(r.take() == "connected");
    r.io().emit<said>("third");
    CHECK(r.take() == "third");
    r.cut();
    r.world.advance(1s);
    CHECK(r.take() == "recovered");
}

TEST_CASE("client/recovery: who leaves on purpose comes back as somebody else") {
    recovering r;
    r.io().emit<said>("first");
    CHECK(r.take() == "connected | first");
    auto const id = r.socket.id();
    r.socket.disconnect();
    r.world.run();
    r.socket = r.client->socket();
    r.world.spawn(r.listen());
    CHECK(r.take() == "connected");
    CHECK(r.socket.id() != id);
}

TEST_CASE("client/kept: more than the outbox takes leaves over several connections, or is told") {
    for (bool const drops : {false, true}) {
        CAPTURE(drops);
        test::client_scene scene;
        test::notes heard;
        int count = 0;
        scene.io().on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
            for (;; ++count)
                static_cast<void>(co_await socket.recv<said>());
        });
        auto opts = scene.options();
        opts.outbox_bytes = 10'000;
        opts.hooks.violated = nullptr;
        if (drops)
            opts.when_outbox_full = socoro::engine::outbox_policy::drop_newest;
        socoro::client client(scene.world.shard, "http://server.test", opts);
        socoro::client_socket socket;
        auto const send = [&]() -> asio::awaitable<void> {
            socket = client.socket();
            for (int i = 0; i < 30; ++i)
                socket.emit<said>(std::string(1000, 'x'));
            co_return;
        };
        scene.world.spawn(send());
        scene.world.advance(1min);
        CHECK(socket.connected());
        auto const told = scene.reports.take();
        auto const last = told.find("dropped said");
        CHECK((last != std::string::npos) == drops);
        // What overflowed the outbox went down with its connection; nothing went twice.
        CHECK(count > 0);
        CHECK(count < 30);
        client.close();
        scene.world.settle();
    }
}

TEST_CASE("client/retries: what other threads send counts at once") {
    ordering o(1);
    o.opts.outbox_bytes = 1000;
    auto const socket = o.join();
    std::thread other([&] {
        for (int i = 0; i < 100; ++i)
            socket.emit<said>(std::string(500, 'x'));
    });
    other.join();
    o.world.run();
    auto const told = o.reports.take();
    CHECK(told.find("the peer does not read") != std::string::npos);
}

TEST_CASE("client/kept: a hook that is told of what is dropped may end the socket") {
    test::client_scene scene;
    auto opts = scene.options();
    opts.outbox_bytes = 3000;
    opts.when_outbox_full = socoro::engine::outbox_policy::drop_newest;
    socoro::client_socket socket;
    opts.hooks.dropped = [&](auto const&) { socket.disconnect(); };
    socoro::client client(scene.world.shard, "http://server.test", opts);
    auto const send = [&]() -> asio::awaitable<void> {
        socket = client.socket();
        for (int i = 0; i < 10; ++i)
            socket.emit<said>(std::string(1000, 'x'));
        co_return;
    };
    scene.world.spawn(send());
    CHECK_FALSE(socket.active());
    scene.world.settle();
}

TEST_CASE("client/retries: a request behind more than other threads may send is waited for still") {
    ordering o(1);
    o.opts.outbox_bytes = 1000;
    auto const socket = o.join();
    std::thread other([&] {
        for (int i = 0; i < 100; ++i)
            socket.emit<said>(std::string(500, 'x'));
    });
    other.join();
    auto const called = o.world.spawn(socket.call<ordered>(1));
    o.world.advance(10s);
    CHECK(called->done());
}
