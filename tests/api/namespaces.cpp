// SPDX-License-Identifier: BSL-1.0
#include "api/scene.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using number = socoro::event<"number", int>;
using never = socoro::event<"never">;

asio::awaitable<void> stay(socoro::socket socket) {
    co_await socket.recv<never>();
}

/// A handler that writes down how it ended.
auto noting(std::string& into) {
    return [&into](socoro::socket socket) -> asio::awaitable<void> {
        try {
            co_await stay(socket);
        } catch (std::system_error const& e) {
            into += (into.empty() ? "" : " | ") + e.code().message();
        }
    };
}

/// A middleware that waits until the test lets it go on.
struct gate {
    explicit gate(test::scene& s) : opened(std::make_shared<socoro::net::signal>(*s.world.shard)) {}

    auto operator()() const {
        return [opened = opened, passed = passed](socoro::socket&) -> asio::awaitable<void> {
            std::ignore = co_await opened->wait();
            ++*passed;
        };
    }
    void open(test::scene& s) const {
        opened->notify_all();
        s.world.run();
    }

    std::shared_ptr<socoro::net::signal> opened;
    std::shared_ptr<int> passed = std::make_shared<int>(0);
};

}  // namespace

TEST_CASE("api/nsp: a namespace that is not there is refused, and the connection stays") {
    test::scene scene;
    scene.of("/known").on_connection(stay);
    auto client = scene.connect();
    client.send("0/nope,");
    CHECK(client.take() == R"(4/nope,{"message":"Invalid namespace"})");
    client.send("0/known?a=b,");
    CHECK(client.take() == R"(4/known?a=b,{"message":"Invalid namespace"})");
    client.send("0/Known,{\"token\":1}");
    CHECK(client.take() == R"(4/Known,{"message":"Invalid namespace"})");
    CHECK(client.join("/known"));
    CHECK(client.join());
}

TEST_CASE("api/nsp: a name is the same with and without its slash, and has no comma") {
    test::scene scene;
    CHECK(scene.of("admin").name() == "/admin");
    scene.of("admin").on_connection(stay);
    auto client = scene.joined("/admin");
    CHECK(scene.of("/admin").size() == 1);
    CHECK(scene.of("").name() == "/");
    CHECK_THROWS_AS(std::ignore = scene.of("/a,b"), std::invalid_argument);
}

TEST_CASE("api/nsp: without a handler sockets stay connected and can be sent to") {
    test::scene scene;
    auto client = scene.joined();
    scene.of("/").emit<number>(1);
    CHECK(client.take() == R"(2["number",1])");
    CHECK(scene.of("/").size() == 1);
}

TEST_CASE("api/nsp: two namespaces share a connection and nothing else") {
    test::scene scene;
    std::string root, other;
    scene.of("/").on_connection(noting(root));
    scene.of("/other").on_connection(noting(other));
    auto client = scene.joined();
    auto const id = client.id;
    CHECK(client.join("/other"));
    CHECK(client.id != id);
    CHECK(scene.of("/").find(id)->nsp() == "/");
    CHECK_FALSE(scene.of("/other").find(id).has_value());
    scene.of("/other").emit<number>(1);
    scene.of("/").emit<number>(2);
    scene.of("/other").find(client.id)->emit("x", socoro::bytes{"b"});
    CHECK(
        client.take() == R"(2/other,["number",1] | 2["number",2] | )"
                         R"(51-/other,["x",{"_placeholder":true,"num":0}] | <b>)");
    client.send("1/other,");
    CHECK(other == "client namespace disconnect");
    CHECK(root.empty());
    CHECK(client.join("/other"));
    scene.of("/other").sockets().at(0).disconnect();
    CHECK(client.take() == "1/other,");
    client.vanish();
    CHECK(root == "transport close");
    CHECK(other == "client namespace disconnect | server namespace disconnect");
}

// -------------------------------------------------------------------------------- middleware

TEST_CASE("api/middleware: it waits, looks at the handshake, sets data and joins rooms first") {
    test::scene scene;
    gate const waits(scene);
    std::string seen;
    scene.of("/").use(waits()).use([&](socoro::socket& socket) -> asio::awaitable<void> {
        seen += "second";
        socket.data<std::string>() = socket.handshake().auth.at("name").as_string();
        socket.join("vip");
        co_return;
    });
    scene.of("/").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        seen += " " + socket.data<std::string>();
        auto const rooms = socket.rooms();
        CHECK(rooms.size() == 2);
        CHECK(std::count(rooms.begin(), rooms.end(), "vip") == 1);
        co_await stay(socket);
    });
    auto client = scene.connect();
    client.send(R"(0{"name":"me"})");
    CHECK(client.take().empty());
    CHECK(seen.empty());
    CHECK(scene.of("/").size() == 0);
    waits.open(scene);
    CHECK(client.take() == R"(0{"sid":"ID"})");
    CHECK(seen == "second me");
    scene.of("/").to("vip").emit<number>(1);
    CHECK(client.take() == R"(2["number",1])");
}

TEST_CASE("api/middleware: who is not connected yet receives no broadcast and is in no list") {
    test::scene scene;
    gate const waits(scene);
    scene.of("/").use([](socoro::socket& socket) -> asio::awaitable<void> {
        socket.join("vip");
        socket.emit<number>(0);
        co_return;
    });
    scene.of("/").use(waits());
    auto client = scene.connect();
    client.send("0");
    scene.of("/").emit<number>(1);
    scene.of("/").to("vip").emit<number>(2);
    scene.world.run();
    CHECK(scene.of("/").sockets().empty());
    CHECK(scene.of("/").sockets("vip").empty());
    waits.open(scene);
    CHECK(client.take() == R"(0{"sid":"ID"})");
    CHECK(scene.of("/").sockets("vip").size() == 1);
}

TEST_CASE("api/middleware: a refusal has its message and data, and leaves nothing behind") {
    test::scene scene;
    std::optional<socoro::socket> kept;
    bool next_called = false, handled = false;
    scene.of("/").use([&](socoro::socket& socket) -> asio::awaitable<void> {
        socket.join("vip");
        kept = socket;
        auto const& auth = socket.handshake().auth.as_object();
        if (auth.contains("plain"))
            throw socoro::refused("not \"authorized\"");
        if (auth.contains("data")) {
            json::value const data = json::object{{"code", "E401"}, {"retry", nullptr}};
            throw socoro::refused("no", data);
        }
        if (auth.contains("error"))
            throw std::runtime_error("database is down");
        if (auth.contains("number"))
            throw 42;
        co_return;
    });
    scene.of("/").use([&](socoro::socket&) -> asio::awaitable<void> {
        next_called = true;
        co_return;
    });
    scene.of("/").on_connection([&](socoro::socket) -> asio::awaitable<void> {
        handled = true;
        co_return;
    });
    auto client = scene.connect();
    std::pair<std::string, std::string> const refusals[] = {
        {"plain", R"(4{"message":"not \"authorized\""})"},
        {"data", R"(4{"message":"no","data":{"code":"E401","retry":null}})"},
        {"error", R"(4{"message":"database is down"})"},
        {"number", R"(4{"message":"an exception of unknown type"})"}};
    for (auto const& [auth, answer] : refusals) {
        client.send("0{\"" + auth + "\":1}");
        CHECK(client.take() == answer);
        CHECK(scene.of("/").size() == 0);
        REQUIRE(kept);
        CHECK_FALSE(kept->connected());
        scene.of("/").to("vip").emit<number>(1);
        CHECK(client.take().empty());
        // Who waits for the socket anyway is told at once.
        auto const waiting = scene.world.spawn(kept->recv());
        CHECK(waiting->failure != nullptr);
    }
    CHECK_FALSE(next_called);
    CHECK_FALSE(handled);
    client.send("0");
    CHECK(client.take() == R"(0{"sid":"ID"} | 1)");
    CHECK(next_called);
    CHECK(handled);
}

TEST_CASE("api/middleware: its verdict means nothing when the link has gone meanwhile") {
    test::scene scene;
    gate const waits(scene);
    bool handled = false;
    scene.of("/").use(waits());
    scene.of("/").on_connection([&](socoro::socket) -> asio::awaitable<void> {
        handled = true;
        co_return;
    });
    auto client = scene.connect();
    client.send("0");
    client.vanish();
    CHECK(scene.sessions() == 0);
    waits.open(scene);
    CHECK(*waits.passed == 1);
    CHECK_FALSE(handled);
    CHECK(scene.of("/").size() == 0);
    CHECK(scene.reports().empty());
}

TEST_CASE("api/middleware: the client has to wait for the answer before it sends anything") {
    for (std::string const early : {R"(2["x"])", "1", "0", "30[]", R"(4{"message":"m"})"}) {
        CAPTURE(early);
        test::scene scene;
        gate const waits(scene);
        scene.of("/").use(waits());
        auto client = scene.connect();
        client.send("0");
        client.send(early);
        CHECK(client.take() == "closed");
        CHECK(scene.sessions() == 0);
        waits.open(scene);
        CHECK(scene.of("/").size() == 0);
    }
}

TEST_CASE("api/middleware: it may disconnect, which leaves nothing to answer") {
    test::scene scene;
    scene.of("/").use([](socoro::socket& socket) -> asio::awaitable<void> {
        socket.disconnect();
        co_return;
    });
    auto client = scene.connect();
    client.send("0");
    CHECK(client.take().empty());
    CHECK(scene.of("/").size() == 0);
    scene.world.advance(45s);
    CHECK(client.take().ends_with("closed"));
}

// ---------------------------------------------------------------- clients that break the rules

TEST_CASE("api/peer: a client that breaks the rules loses its connection, and nobody else does") {
    test::scene scene;
    std::string reasons;
    scene.of("/").on_connection(stay);
    scene.of("/room").on_connection(stay);
    auto witness = scene.joined();
    scene.of("/").on_connection(noting(reasons));
    std::pair<std::string, std::string> const packets[] = {
        {"0", ""},               // a second CONNECT
        {"2/room,[\"x\"]", ""},  // not joined
        {"1/room,", ""},         // not joined either
        {"3/room,0[]", ""},
        {"4{\"message\":\"m\"}", ""},  // CONNECT_ERROR comes from servers only
        {"0null", "invalid payload"},
        {"0[]", "invalid payload"},
        {"2[]", "invalid payload"},
        {"2null", "invalid payload"},
        {"2{}", "invalid payload"},
        {"2[{}]", "invalid payload"},
        {"2[null]", "invalid payload"},
        {"2[\"disconnect\"]", "invalid payload"},
        {"2[\"connect_error\",1]", "invalid payload"},
        {"2[\"x\"", "invalid payload"},
        {"30{}", "invalid payload"},
        {"1{}", "invalid payload"},
        {"9", "unknown packet type"},
        {"", "unknown packet type"},
        {"50-[\"x\"]", "Illegal attachments"},
        {"511-[\"x\"]", "too many attachments"},
        {"51-[\"x\",{\"_placeholder\":true,\"num\":1}]", "illegal attachments"},
        {"299999999999999999999[\"x\"]", "Illegal attachments"},
        {"2[\"x\"," + std::string(200, '[') + std::string(200, ']') + "]",
         "payload nested too deeply"}};
    for (auto const& [packet, report] : packets) {
        CAPTURE(packet);
        auto client = scene.joined();
        client.send(packet);
        CHECK(client.take() == "closed");
        CHECK(std::exchange(reasons, {}) == "forced close");
        CHECK(scene.reports() == (report.empty() ? report : "Socket.IO: " + report));
        CHECK(scene.of("/").size() == 1);
    }
    auto client = scene.joined();
    client.send_binary("nobody announced this");
    CHECK(client.take() == "closed");
    CHECK(scene.reports() == "Socket.IO: got binary data when not reconstructing a packet");
    auto other = scene.joined();
    other.send(R"(51-["x",{"_placeholder":true,"num":0}])");
    other.send(R"(2["y"])");
    CHECK(other.take() == "closed");
    CHECK(scene.reports() == "Socket.IO: got plaintext data when reconstructing a packet");
    scene.of("/").emit<number>(1);
    CHECK(witness.take() == R"(2["number",1])");
}

TEST_CASE("api/peer: announced attachments have to come in time") {
    test::scene s;
    auto slow = s.joined();
    auto quick = s.joined();
    slow.send(R"(51-["x",{"_placeholder":true,"num":0}])");
    quick.send(R"(51-["x",{"_placeholder":true,"num":0}])");
    quick.send_binary("here");
    s.world.advance(std::chrono::milliseconds(29'999));
    std::ignore = slow.take();
    std::ignore = quick.take();
    slow.pong();
    quick.pong();
    s.world.advance(std::chrono::milliseconds(1));
    CHECK(slow.take() == "closed");
    CHECK(quick.take() == "");
    CHECK(s.reports().find("timed out") != std::string::npos);
}

TEST_CASE("api/peer: a client has to join a namespace in time, being refused does not count") {
    test::scene scene;
    scene.of("/no").use([](socoro::socket&) -> asio::awaitable<void> {
        throw socoro::refused("no");
        co_return;
    });
    auto silent = scene.connect();
    auto refused = scene.connect();
    auto unknown = scene.connect();
    auto joined = scene.joined();
    for (int second = 0; second < 44; ++second) {
        scene.world.advance(1s);
        refused.send("0/no,");
        unknown.send("0/nope,");
        for (auto* const client : {&silent, &refused, &unknown, &joined}) {
            client->pong();
            CHECK_FALSE(client->raw().ended());
            std::ignore = client->take();
        }
    }
    scene.world.advance(1s);
    CHECK(silent.take() == "closed");
    CHECK(refused.take() == "closed");
    CHECK(unknown.take() == "closed");
    CHECK_FALSE(joined.raw().ended());
    CHECK(scene.sessions() == 1);
}

TEST_CASE(
    "api/peer: a client whose middleware takes too long, or that has left, is closed as well") {
    socoro::options opts;
    opts.connect_timeout = 10s;
    test::scene scene(opts);
    gate const waits(scene);
    scene.of("/slow").use(waits());
    auto slow = scene.connect();
    slow.send("0/slow,");
    scene.world.advance(9s);
    auto leaver = scene.joined();
    leaver.send("1");
    scene.world.advance(1s);
    CHECK(slow.take() == "closed");
    waits.open(scene);
    CHECK(scene.of("/slow").size() == 0);
    scene.world.advance(8999ms);
    CHECK(leaver.take().empty());
    scene.world.advance(1ms);
    CHECK(leaver.take() == "closed");

    // A refusal that comes after another namespace was left counts from the leaving.
    auto both = scene.joined();
    both.send("0/slow,");
    both.send("1");
    waits.open(scene);
    CHECK(both.take() == R"(0/slow,{"sid":"ID"})");
    scene.world.advance(11s);
    CHECK(both.take().empty());
}

// -------------------------------------------------------------------------------------- rooms

namespace {

/// Four members: a in x; b in x and y; c in y; d in none.
struct crowd {
    test::scene scene;
    socoro::nsp nsp = scene.of("/");
    std::vector<test::client> clients;

    crowd() {
        nsp.on_connection(stay);
        for (int i = 0; i < 4; ++i)
            clients.push_back(scene.joined());
        socket(0).join("x");
        socket(1).join("x");
        socket(1).join("y");
        socket(2).join("y");
    }
    socoro::socket socket(std::size_t i) const { return *nsp.find(clients[i].id); }

    /// Who received the number 1, once for each time.
    std::string receivers() {
        std::string all;
        for (std::size_t i = 0; i < clients.size(); ++i) {
            auto const got = clients[i].take();
            for (auto at = got.find("[\"number\",1]"); at != got.npos;
                 at = got.find("[\"number\",1]", at + 1))
                all += "abcd"[i];
        }
        return all;
    }
};

}  // namespace

TEST_CASE("api/rooms: a broadcast goes to everybody it names, and to each once") {
    crowd c;
    auto const a = c.socket(0), b = c.socket(1);
    auto const to = [&](auto const& target) {
        target.template emit<number>(1);
        return c.receivers();
    };
    CHECK(to(c.nsp) == "abcd");
    CHECK(to(c.nsp.to("x")) == "ab");
    CHECK(to(c.nsp.in("y")) == "bc");
    CHECK(to(c.nsp.to("x").to("y")) == "abc");
    CHECK(to(c.nsp.to("x").to("x")) == "ab");
    CHECK(to(c.nsp.to("nobody")).empty());
    CHECK(to(c.nsp.to("nobody").to("y")) == "bc");
    CHECK(to(c.nsp.except("x")) == "cd");
    CHECK(to(c.nsp.to("x").except("y")) == "a");
    CHECK(to(c.nsp.to("x").to("y").except("x").except("y")).empty());
    CHECK(to(c.nsp.except("nobody")) == "abcd");
    CHECK(to(a.broadcast()) == "bcd");
    CHECK(to(a.to("x")) == "b");
    CHECK(to(a.to("y").in("x")) == "bc");
    CHECK(to(b.except("y")) == "ad");
    CHECK(to(b.broadcast().to("y")) == "c");
    // The room of its own id: one socket.
    CHECK(to(c.nsp.to(c.clients[3].id)) == "d");
    CHECK(to(a.to(c.clients[3].id).to("x")) == "bd");
    CHECK(to(c.nsp.except(c.clients[3].id)) == "abc");
    // A step gives a new target and leaves the old one as it was.
    auto const x = c.nsp.to("x");
    std::ignore = x.to("y");
    CHECK(to(x) == "ab");
}

TEST_CASE("api/rooms: joining and leaving are as often as one likes") {
    crowd c;
    auto const a = c.socket(0);
    a.join("x");
    a.leave("x");
    a.leave("x");
    a.leave("nobody");
    CHECK(a.rooms() == std::vector{c.clients[0].id});
    CHECK(c.nsp.sockets("x").size() == 1);
    a.leave(c.clients[0].id);
    CHECK(a.rooms().empty());
    c.nsp.to(c.clients[0].id).emit<number>(1);
    CHECK(c.receivers().empty());
    c.nsp.emit<number>(1);
    CHECK(c.receivers() == "abcd");
    c.clients[1].vanish();
    CHECK(c.nsp.sockets("x").empty());
    CHECK(c.nsp.sockets("y").size() == 1);
    CHECK(c.nsp.sockets().size() == 3);
}

namespace {

/// A list that counts how often it is gone through.
struct counted_list {
    using value_type = int;
    std::vector<int> items;
    int* walks = nullptr;

    [[nodiscard]] auto begin() const { return ++*walks, items.begin(); }
    [[nodiscard]] auto end() const { return items.end(); }
    auto insert(std::vector<int>::const_iterator at, int item) { return items.insert(at, item); }
};

}  // namespace

TEST_CASE("api/rooms: a broadcast is encoded once, and the same packets reach everybody") {
    crowd c;
    int walks = 0;
    c.nsp.emit("list", counted_list{{1, 2}, &walks}, socoro::bytes{"data"});
    CHECK(walks == 1);
    for (auto& client : c.clients)
        CHECK(client.take() == R"(51-["list",[1,2],{"_placeholder":true,"num":0}] | <data>)");

    auto first = c.scene.connect_polling(), second = c.scene.connect_polling();
    first.send("0");
    second.send("0");
    auto const content = socoro::detail::encode_untyped("once");
    auto const frames =
        socoro::detail::make_frames(nullptr, {}, socoro::detail::encoded_event(content));
    c.scene.core_of("/").deliver(frames, "once", {}, false);
    c.scene.world.run();
    // Both wait for a poll, holding one packet together.
    CHECK(frames.front().use_count() == 3);
    first.poll();
    second.poll();
    CHECK(first.answer().ends_with(R"( | 42["once"])"));
    CHECK(second.answer().ends_with(R"( | 42["once"])"));
    CHECK(frames.front().use_count() == 1);
}

// --------------------------------------------------------------------------------- the server

TEST_CASE("api/server: closing it tells clients nothing but the end of the connection") {
    test::scene scene;
    std::string reasons;
    scene.of("/").on_connection(noting(reasons));
    scene.of("/other").on_connection(noting(reasons));
    auto client = scene.joined();
    CHECK(client.join("/other"));
    auto poller = scene.connect_polling();
    poller.send("0");
    poller.poll();
    std::ignore = poller.answer();
    poller.poll();
    scene.close();
    CHECK(reasons == "server shutting down | server shutting down | server shutting down");
    CHECK(client.take() == "closed");
    CHECK(poller.answer() == "1");
    CHECK(scene.sessions() == 0);
    CHECK(scene.of("/").size() == 0);
    scene.close();
}

TEST_CASE("api/server: a handler may end all sockets and connections, its own among them") {
    test::scene scene;
    std::string reasons;
    scene.of("/").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        try {
            for (;;) {
                auto const event = co_await socket.recv();
                for (auto const& other : scene.of("/").sockets())
                    other.disconnect(event.name == "end all connections");
            }
        } catch (std::system_error const& e) {
            reasons += (reasons.empty() ? "" : " | ") + e.code().message();
        }
    });
    auto first = scene.joined();
    auto second = scene.joined();
    first.send(R"(2["end all sockets"])");
    CHECK(reasons == "server namespace disconnect | server namespace disconnect");
    CHECK(first.take() == "1");
    CHECK(second.take() == "1");
    reasons.clear();
    CHECK(first.join());
    CHECK(second.join());
    first.send(R"(2["end all connections"])");
    CHECK(reasons == "server namespace disconnect | server namespace disconnect");
    CHECK(first.take() == "1 | closed");
    CHECK(second.take() == "1 | closed");
}

TEST_CASE(
    "api/server: its end, with sockets connected and handlers waiting, leaves nothing behind") {
    auto const token = std::make_shared<int>(0);
    {
        test::scene scene;
        gate const waits(scene);
        auto const forever = std::make_shared<socoro::net::signal>(*scene.world.shard);
        scene.of("/").on_connection(
            [token, forever](socoro::socket socket) -> asio::awaitable<void> {
                // Of these some end with the socket, one with the execution context only.
                auto const executor = co_await asio::this_coro::executor;
                auto waiting = stay(socket);
                asio::co_spawn(executor, std::move(waiting), asio::detached);
                socket.data<std::shared_ptr<int>>() = token;
                std::ignore = co_await forever->wait();
            });
        scene.of("/gate").use(waits());
        auto client = scene.joined();
        auto pending = scene.connect();
        pending.send("0/gate,");
        auto poller = scene.connect_polling();
        poller.send("0");
        client.send(R"(2["unread"])");
        CHECK(token.use_count() > 3);
    }
    CHECK(token.use_count() == 1);
}
