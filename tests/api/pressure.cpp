// SPDX-License-Identifier: BSL-1.0
// Back-pressure where several things come together: packet middleware, calls to many, comings and
// goings.
#include "api/scene.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

using wanted = socoro::event<"wanted">;
using question = socoro::event<"question", int(int)>;
using never = socoro::event<"never">;

[[nodiscard]] socoro::options small_inbox() {
    socoro::options opts;
    opts.inbox_events = 4;
    return opts;
}

/// What handlers and middleware wait for, until the test opens it.
using gate = std::shared_ptr<socoro::net::signal>;
[[nodiscard]] gate make_gate(test::scene& in) {
    return std::make_shared<socoro::net::signal>(*in.world.shard);
}

asio::awaitable<void> pass(gate through) {
    std::ignore = co_await through->wait();
}

}  // namespace

TEST_CASE("api/pressure: packet middleware that waits makes the client wait") {
    test::scene scene(small_inbox());
    auto const open = make_gate(scene);
    int seen = 0, received = 0;
    scene.of("/")
        .use_packets([&seen, open](socoro::socket&, socoro::any_event&) {
            ++seen;
            return pass(open);
        })
        .on_connection([&received](socoro::socket s) -> asio::awaitable<void> {
            std::ignore = co_await s.serve([&received](wanted const&) { ++received; });
        });
    auto client = scene.joined();
    for (int i = 0; i < 40; ++i)
        client.send(R"(2["wanted"])");
    scene.world.advance(10s);
    CHECK(client.take().empty());
    CHECK(seen == 1);
    for (int i = 0; i < 40; ++i) {
        open->notify_all();
        scene.world.run();
    }
    CHECK(received == 40);
    CHECK(scene.reports().empty());
}

TEST_CASE(
    "api/pressure: reading goes on when what filled the inbox was dropped behind middleware") {
    test::scene scene(small_inbox());
    auto const open = make_gate(scene), busy = make_gate(scene);
    bool received = false;
    scene.of("/")
        .use_packets([open](socoro::socket&, socoro::any_event&) { return pass(open); })
        .on_connection([&received, busy](socoro::socket s) -> asio::awaitable<void> {
            co_await pass(busy);
            std::ignore = co_await s.recv<wanted>();
            received = true;
            std::ignore = co_await s.recv<never>();
        });
    auto client = scene.joined();
    for (int i = 0; i < 7; ++i)
        client.send(R"(2["noise"])");
    client.send(R"(2["wanted"])");
    for (int i = 0; i < 8; ++i) {
        open->notify_all();
        scene.world.run();
    }
    busy->notify_all();
    scene.world.run();
    CHECK(received);
}

TEST_CASE("api/pressure: a call to many reaches the reply of a client that was not read any more") {
    test::scene scene(small_inbox());
    auto const busy = make_gate(scene);
    std::vector<int> replies;
    scene.of("/").on_connection([&, busy](socoro::socket s) -> asio::awaitable<void> {
        std::ignore = co_await s.recv<wanted>();
        co_await pass(busy);
        auto const all = co_await scene.of("/").call<question>(1);
        replies = all.values;
        std::ignore = co_await s.recv<never>();
    });
    auto client = scene.joined();
    for (int i = 0; i < 6; ++i)
        client.send(R"(2["wanted"])");
    client.send("30[7]");
    busy->notify_all();
    scene.world.run();
    CHECK(client.take() == R"(20["question",1])");
    // It was on its way behind what filled the inbox.
    CHECK(replies == std::vector{7});
}

TEST_CASE("api/pressure: what waits in namespaces that a client has left counts as well") {
    test::scene scene(small_inbox());
    auto const busy = make_gate(scene);
    int running = 0;
    scene.of("/").on_connection([&running, busy](socoro::socket s) -> asio::awaitable<void> {
        ++running;
        std::ignore = co_await s.recv<wanted>();
        co_await pass(busy);
        --running;
    });
    auto client = scene.connect();
    for (int i = 0; i < 100; ++i) {
        client.send("0");
        client.send(R"(2["wanted"])");
        client.send(R"(2["wanted"])");
        client.send("1");
    }
    // It is not read any more, long before a hundred handlers run.
    CHECK(running < 10);
    for (int i = 0; i < 100; ++i) {
        busy->notify_all();
        scene.world.run();
    }
    CHECK(running == 0);
    CHECK(client.join());
}

TEST_CASE(
    "api/pressure: handlers that outlive their sockets count as namespaces the client is in") {
    socoro::options opts;
    opts.limits.sio_namespaces = 3;
    test::scene scene(opts);
    auto const busy = make_gate(scene);
    scene.of("/").on_connection([busy](socoro::socket) { return pass(busy); });
    auto client = scene.connect();
    for (int i = 0; i < 3; ++i) {
        CHECK(client.join());
        client.send("1");
    }
    client.send("0");
    CHECK(client.take() == R"(4{"message":"Too many namespaces"})");
    busy->notify_all();
    scene.world.run();
    CHECK(client.join());
}
