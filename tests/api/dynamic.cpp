// SPDX-License-Identifier: BSL-1.0
// Namespaces that come into being when clients ask for them, and packet middleware.
#include <socoro/test.hpp>

#include "api/scene.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <regex>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using number = socoro::event<"number", int>;
using question = socoro::event<"question", int(int)>;
using never = socoro::event<"never">;
using lines = std::vector<std::string>;

asio::awaitable<void> stay(socoro::socket socket) {
    std::ignore = co_await socket.recv<never>();
}

}  // namespace

// ---------------------------------------------------------------------- dynamic namespaces

TEST_CASE("api/family: a regular expression lets namespaces into being, with its rules") {
    lines log;
    socoro::test::server server;
    auto const rooms = server.io().of(std::regex("/room-\\d+"));
    rooms
        .use([&](socoro::socket& s) -> asio::awaitable<void> {
            log.push_back("use " + s.nsp());
            co_return;
        })
        .on_connection([&](socoro::socket s) -> asio::awaitable<void> {
            log.push_back("connected " + s.nsp());
            co_await stay(s);
        });
    auto const one = server.connect("/room-1"), two = server.connect("/room-22");
    CHECK(one.connected());
    CHECK(two.connected());
    CHECK(log == lines{"use /room-1", "connected /room-1", "use /room-22", "connected /room-22"});
    CHECK(rooms.members().size() == 2);
    for (auto const* const name : {"/room-", "/room-1x", "/xroom-1", "/room"}) {
        CAPTURE(name);
        auto const refused = server.connect(name);
        REQUIRE(refused.refusal());
        CHECK(refused.refusal()->what() == std::string("Invalid namespace"));
    }
    CHECK(rooms.members().size() == 2);
}

TEST_CASE("api/family: a broadcast to it reaches all its namespaces, and no others") {
    socoro::test::server server;
    auto const rooms = server.io().of(std::regex("/room-\\d+"));
    rooms.on_connection(stay);
    server.io().of("/room").on_connection(stay);
    auto const one = server.connect("/room-1"), two = server.connect("/room-2"),
               other = server.connect("/room");
    rooms.emit<number>(7);
    rooms.emit(number(8));
    rooms.emit("number", 9);
    for (auto const& member : {one, two}) {
        CHECK(member.take<number>() == number(7));
        CHECK(member.take<number>() == number(8));
        CHECK(member.take<number>() == number(9));
    }
    CHECK(!other.take());
    // In one of them there is nobody of the other.
    server.io().of("/room-1").emit<number>(1);
    CHECK(one.take<number>() == number(1));
    CHECK(!two.take());
}

TEST_CASE("api/family: a namespace goes with its last socket, and comes back for the next") {
    socoro::test::server server;
    auto const rooms = server.io().of(std::regex("/room-\\d+"));
    auto const first = server.connect("/room-1"), second = server.connect("/room-1");
    CHECK(rooms.members().size() == 1);
    first.disconnect();
    server.run();
    CHECK(rooms.members().size() == 1);
    second.vanish();
    server.run();
    CHECK(rooms.members().empty());
    CHECK(server.connect("/room-1").connected());
    CHECK(rooms.members().size() == 1);

    SUBCASE("also when a middleware refused the only one") {
        rooms.use([](socoro::socket&) -> asio::awaitable<void> {
            throw socoro::refused("full");
            co_return;
        });
        CHECK(server.connect("/room-2").refusal());
        CHECK(rooms.members().size() == 1);
    }
    SUBCASE("but not once the program has named it") {
        auto const kept = server.io().of("/room-3");
        server.connect("/room-3").vanish();
        server.run();
        auto const again = server.connect("/room-3");
        kept.emit<number>(1);
        CHECK(again.take<number>() == number(1));
    }
}

TEST_CASE("api/family: a namespace stays, as in the reference, where the option says so") {
    socoro::options opts;
    opts.cleanup_empty_child_namespaces = false;
    socoro::test::server server(opts);
    auto const rooms = server.io().of(std::regex("/room-\\d+"));
    server.connect("/room-1").vanish();
    server.run();
    CHECK(rooms.members().size() == 1);
    rooms.use([](socoro::socket&) -> asio::awaitable<void> {
        throw socoro::refused("full");
        co_return;
    });
    CHECK(server.connect("/room-2").refusal());
    CHECK(rooms.members().size() == 2);
    CHECK(server.connect("/room-1").connected());
    CHECK(rooms.members().size() == 2);
}

TEST_CASE("api/family: a predicate may wait and look at the credentials; the oldest rule wins") {
    test::scene scene;
    socoro::net::signal decided(*scene.world.shard);
    auto const tenants = scene.family(
        [&](std::string const& name, json::value const& auth) -> asio::awaitable<bool> {
            auto const allowed = name == "/tenant" && auth.as_object().contains("key");
            std::ignore = co_await decided.wait();
            co_return allowed;
        });
    auto const anything =
        scene.family([](std::string const& name, json::value const&) -> asio::awaitable<bool> {
            co_return name == "/any";
        });
    auto client = scene.connect();
    client.send(R"(0/tenant,{"key":1})");
    CHECK(client.take().empty());
    decided.notify_all();
    CHECK(client.take() == R"(0/tenant,{"sid":"ID"})");
    CHECK(tenants.members().size() == 1);

    SUBCASE("refused by the first, taken by the second") {
        client.send("0/any,");
        decided.notify_all();
        CHECK(client.take() == R"(0/any,{"sid":"ID"})");
        CHECK(anything.members().size() == 1);
    }
    SUBCASE("who is refused stays outside, though another was let in meanwhile") {
        auto bad = scene.connect(), good = scene.connect();
        client.send("1/tenant,");
        REQUIRE(tenants.members().empty());
        good.send(R"(0/tenant,{"key":1})");
        bad.send("0/tenant,");
        decided.notify_all();
        CHECK(good.take() == R"(0/tenant,{"sid":"ID"})");
        CHECK(bad.take() == R"(4/tenant,{"message":"Invalid namespace"})");
    }
    SUBCASE("refused by all") {
        auto other = scene.connect();
        other.send("0/tenant2,");
        decided.notify_all();
        CHECK(other.take() == R"(4/tenant2,{"message":"Invalid namespace"})");
        CHECK(other.join("/"));
    }
    SUBCASE("who asks twice meanwhile breaks the rules") {
        client.send("0/any,");
        client.send("0/any,");
        CHECK(client.take() == "closed");
        decided.notify_all();
        scene.world.run();
        CHECK(anything.members().empty());
    }
    SUBCASE("who leaves meanwhile leaves nothing") {
        client.send("0/any,");
        client.vanish();
        decided.notify_all();
        scene.world.run();
        CHECK(anything.members().empty());
        CHECK(tenants.members().empty());
    }
}

TEST_CASE("api/family: a rule that fails refuses and is reported; long names match nothing") {
    socoro::test::server server;
    auto const broken =
        server.io().of([](std::string const& name, json::value const&) -> asio::awaitable<bool> {
            if (name == "/broken")
                throw std::runtime_error("no database");
            co_return false;
        });
    auto const all = server.io().of(std::regex("/.*"));
    REQUIRE(server.connect("/broken").refusal());
    CHECK(server.reports() == lines{"/broken failed: no database"});
    CHECK(server.connect("/" + std::string(255, 'a')).connected());
    CHECK(!server.connect("/" + std::string(256, 'a')).connected());
    CHECK(!server.connect("/" + std::string(500'000, 'a')).connected());
    CHECK(broken.members().empty());
}

TEST_CASE("api/family: one client cannot be in more namespaces than the limit") {
    socoro::options opts;
    opts.limits.sio_namespaces = 3;
    test::scene scene(opts);
    auto const all = scene.family(
        [](std::string const&, json::value const&) -> asio::awaitable<bool> { co_return true; });
    auto client = scene.connect();
    for (auto const* const name : {"/a", "/b", "/c"})
        CHECK(client.join(name));
    client.send("0/d,");
    CHECK(client.take() == R"(4/d,{"message":"Too many namespaces"})");
    client.send("1/a,");
    CHECK(client.join("/d"));
    CHECK(scene.joined("/a").id != client.id);
}

// ------------------------------------------------------------------------ packet middleware

TEST_CASE("api/use_packets: it sees every event first, and may wait, change, answer or refuse") {
    lines log;
    socoro::test::server server;
    auto const gate = std::make_shared<socoro::net::signal>(*server.shard());
    server.io().use_packets(
        [gate, &log](socoro::socket& s, socoro::any_event& e) -> asio::awaitable<void> {
            log.push_back(e.name + (s.connected() ? "" : " late"));
            if (e.name == "slow")
                std::ignore = co_await gate->wait();
            if (e.name == "secret")
                throw socoro::refused("not for you");
            if (e.name == "old")
                e.name = "number";
            if (e.name == "question" && e.get<int>(0) == 0)
                e.reply(-1);
            if (e.name == "number")
                e.args[0] = e.get<int>(0) + 1;
        });
    server.io().on_connection([&log](socoro::socket s) -> asio::awaitable<void> {
        auto const handlers = socoro::overloaded{
            [&log](number n) { log.push_back("got " + std::to_string(std::get<0>(n))); },
            [&log](socoro::request<question> q) {
                log.push_back("asked");
                q.reply(q.args);
            },
            [&log](socoro::any_event const& e) { log.push_back("any " + e.name); }};
        auto const why = co_await s.serve(handlers);
        log.push_back(why.message());
    });
    auto const client = server.connect();
    client.emit<number>(1);
    client.emit("secret");
    client.emit("old", 5);
    server.run();
    CHECK(log == lines{"number", "got 2", "secret", "old", "got 6"});
    CHECK(server.reports() == lines{"refused secret: not for you"});
    CHECK(client.ask<question>(0) == -1);
    CHECK(client.ask<question>(3) == 3);
    log.clear();
    // In order, also behind one that waits; and all before the disconnect.
    client.emit("slow");
    client.emit<number>(8);
    client.disconnect();
    server.run();
    CHECK(log == lines{"slow"});
    asio::post(server.get_executor(), [gate] { gate->notify_all(); });
    server.run();
    CHECK(log == lines{"slow", "any slow", "number late", "got 9", "client namespace disconnect"});
}
