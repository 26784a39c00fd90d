// SPDX-License-Identifier: BSL-1.0
#include <socoro/test.hpp>

#include "api/scene.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using number = socoro::event<"number", int>;
using position = socoro::event<"position", std::string>;
using question = socoro::event<"question", int(int)>;
using poke = socoro::event<"poke", void()>;
using never = socoro::event<"never">;

using lines = std::vector<std::string>;

asio::awaitable<void> stay(socoro::socket socket) {
    std::ignore = co_await socket.recv<never>();
}

/// What a coroutine gives, once it has ended.
template <typename T>
[[nodiscard]] std::shared_ptr<std::optional<T>> start(
    socoro::test::server const& on,
    asio::awaitable<T> task) {
    auto const result = std::make_shared<std::optional<T>>();
    asio::co_spawn(
        on.get_executor(),
        std::move(task),
        [result](std::exception_ptr const& failure, T value) {
            if (!failure)
                *result = std::move(value);
        });
    on.run();
    return result;
}

/// A server whose sockets the test holds, in order.
struct stage {
    explicit stage(socoro::options opts = {}) : scene(std::move(opts)) {
        scene.of("/").on_connection([this](socoro::socket s) -> asio::awaitable<void> {
            sockets.push_back(s);
            co_await stay(s);
        });
    }
    std::vector<socoro::socket> sockets;
    test::scene scene;
};

}  // namespace

// ----------------------------------------------------------------------------------
// shorthand

TEST_CASE("api/send: it is the event `message`, to one and to many") {
    stage s;
    auto a = s.scene.joined(), b = s.scene.joined();
    s.sockets[0].send("hello", 1);
    CHECK(a.take() == R"(2["message","hello",1])");
    s.sockets[0].broadcast().send("to others");
    CHECK(b.take() == R"(2["message","to others"])");
    s.scene.of("/").send();
    CHECK(a.take() == R"(2["message"])");
    CHECK(b.take() == R"(2["message"])");
}

// -----------------------------------------------------------------------------------
// volatile

TEST_CASE(
    "api/volatile: of several in one turn the first leaves, as in the "
    "reference") {
    stage s;
    auto a = s.scene.joined(), b = s.scene.joined();
    asio::post(s.scene.world.shard->get_executor(), [&] {
        auto const careless = s.sockets[0].volatile_();
        careless.emit<position>("1");
        careless.emit<position>("2");
        s.scene.of("/").volatile_().emit<position>("3");
        s.sockets[0].volatile_().broadcast().emit<position>("4");
        s.sockets[0].emit<position>("5");
    });
    CHECK(a.take() == R"(2["position","1"] | 2["position","5"])");
    CHECK(b.take() == R"(2["position","3"])");
    CHECK(s.scene.reports().empty());
}

TEST_CASE("api/volatile: over polling it is dropped while no poll waits") {
    stage s;
    auto client = s.scene.connect_polling();
    CHECK(client.send("0") == 200);
    client.poll();
    CHECK(client.answer().starts_with("40"));
    s.sockets[0].volatile_().emit<position>("lost");
    s.scene.world.run();
    client.poll();
    s.sockets[0].volatile_().emit<position>("arrives");
    CHECK(client.answer() == R"(42["position","arrives"])");
}

// ---------------------------------------------------------------------------------
// the outbox

TEST_CASE(
    "api/outbox: what a slow client does not take is dropped by the "
    "policy, and told") {
    socoro::options opts;
    opts.outbox_bytes = 1000;
    SUBCASE("the newest events are dropped, replies are not") {
        opts.when_outbox_full = socoro::engine::outbox_policy::drop_newest;
        stage s(opts);
        auto client = s.scene.connect_polling();
        client.send("0");
        client.poll();
        std::ignore = client.answer();
        s.sockets[0].emit<position>(std::string(400, 'a'));
        s.sockets[0].emit<position>(std::string(400, 'b'));
        s.sockets[0].emit<position>(std::string(400, 'c'));
        s.scene.world.run();
        CHECK(s.scene.reports() == "dropped position");
        client.poll();
        auto const answer = client.answer();
        CHECK(answer.find('a') != std::string::npos);
        CHECK(answer.find("bbb") != std::string::npos);
        CHECK(answer.find("ccc") == std::string::npos);
    }
    SUBCASE("of each event the latest stays") {
        opts.when_outbox_full = socoro::engine::outbox_policy::keep_latest;
        stage s(opts);
        auto client = s.scene.connect_polling();
        client.send("0");
        client.poll();
        std::ignore = client.answer();
        s.sockets[0].emit<position>(std::string(400, 'a'));
        s.sockets[0].emit("other", std::string(400, 'b'));
        s.sockets[0].emit<position>(std::string(400, 'c'));
        s.scene.world.run();
        CHECK(s.scene.reports() == "dropped position");
        client.poll();
        auto const answer = client.answer();
        CHECK(answer.find("aaa") == std::string::npos);
        CHECK(answer.find("bbb") != std::string::npos);
        CHECK(answer.find("ccc") != std::string::npos);
    }
    SUBCASE("the client is disconnected") {
        stage s(opts);
        auto client = s.scene.connect_polling();
        client.send("0");
        client.poll();
        std::ignore = client.answer();
        for (int i = 0; i < 3; ++i)
            s.sockets[0].emit<position>(std::string(400, 'a'));
        s.scene.world.run();
        CHECK(!s.sockets[0].connected());
        CHECK(s.scene.reports() == "Engine.IO: the peer does not read");
    }
}

TEST_CASE(
    "api/outbox: over WebSocket, what the system has not taken yet is "
    "still to be drained") {
    stage s;
    auto client = s.scene.joined();
    client.raw().limit(10);
    std::string const large(1000, 'x');
    s.sockets[0].emit<position>(large);
    s.scene.world.run();
    auto const drained = s.scene.world.spawn(s.sockets[0].drain());
    CHECK_FALSE(drained->done());
    s.sockets[0].volatile_().emit<position>("late");
    s.sockets[0].emit<position>("after");
    s.scene.world.run();
    CHECK_FALSE(drained->done());
    client.raw().limit(100'000);
    std::string arrived;
    for (int i = 0; i < 5; ++i)
        arrived += client.take();
    CHECK(arrived.starts_with(R"(2["position","xxx)"));
    CHECK(arrived.ends_with(R"(2["position","after"])"));
    CHECK(arrived.find("late") == std::string::npos);
    CHECK(drained->done());
}

// ------------------------------------------------------------------------------
// broadcast call

TEST_CASE("api/call: a broadcast call gathers the replies, under one id") {
    stage s;
    auto a = s.scene.joined(), b = s.scene.joined(), c = s.scene.joined();
    s.sockets[0].join("room");
    s.sockets[1].join("room");
    auto const all = s.scene.world.spawn(s.scene.of("/").to("room").call<question>(20));
    CHECK(a.take() == R"(20["question",20])");
    CHECK(b.take() == R"(20["question",20])");
    CHECK(c.take().empty());
    b.send("30[2]");
    CHECK(!all->done());
    a.send("30[1]");
    REQUIRE(all->value);
    CHECK(all->value->values == std::vector{2, 1});
    CHECK(all->value->expected == 2);
    CHECK(all->value->complete);
    // The next has the next id, and a second reply to the first is nobody's.
    a.send("30[9]");
    auto const next = s.scene.world.spawn(s.sockets[2].to("room").call<poke>());
    CHECK(a.take() == R"(21["poke"])");
    a.send("31[]");
    b.send("31[]");
    REQUIRE(next->value);
    CHECK(next->value->values.size() == 2);
    CHECK(next->value->complete);
}

TEST_CASE(
    "api/call: at its time a broadcast call gives what came; who left is "
    "not waited for") {
    stage s;
    auto a = s.scene.joined(), b = s.scene.joined(), c = s.scene.joined();
    auto const all = s.scene.world.spawn(s.scene.of("/").timeout(5s).call<question>(1));
    a.send("30[1]");
    b.vanish();
    s.scene.world.advance(4999ms);
    CHECK(!all->done());
    s.scene.world.advance(1ms);
    REQUIRE(all->value);
    CHECK(all->value->values == std::vector{1});
    CHECK(all->value->expected == 3);
    CHECK(!all->value->complete);

    SUBCASE("when the last of those who did not reply leaves, it ends at once") {
        auto const more = s.scene.world.spawn(s.scene.of("/").call<question>(1));
        a.send("31[5]");
        CHECK(!more->done());
        c.vanish();
        REQUIRE(more->value);
        CHECK(more->value->values == std::vector{5});
        CHECK(!more->value->complete);
    }
    SUBCASE("a reply that does not fit is no reply") {
        auto const more = s.scene.world.spawn(s.scene.of("/").call<question>(1));
        a.send(R"(31["five"])");
        c.send("31[6]");
        REQUIRE(more->value);
        CHECK(more->value->values == std::vector{6});
        CHECK(!more->value->complete);
    }
    SUBCASE("nobody there: it is complete at once") {
        auto const none = s.scene.world.spawn(s.scene.of("/").to("nowhere").call<question>(1));
        REQUIRE(none->value);
        CHECK(none->value->values.empty());
        CHECK(none->value->complete);
    }
}

TEST_CASE(
    "api/call: a broadcast call that nobody awaits any more leaves "
    "nothing in any socket") {
    auto [client, server] = socoro::test::pair(stay);
    auto const other = server.connect();
    { auto const forgotten = server.io().call<question>(1); }
    auto const asked = client.take<question>();
    REQUIRE(asked);
    asked->reply(1);
    server.run();
    auto const again = start(server, server.io().call<question>(2));
    for (auto const& each : {client, other}) {
        auto const request = each.take<question>();
        if (request->args == 1)
            each.take<question>()->reply(3);
        else
            request->reply(3);
    }
    server.run();
    REQUIRE(*again);
    CHECK((*again)->values == std::vector{3, 3});
    CHECK((*again)->complete);
}

// ------------------------------------------------------------------------------
// other threads

TEST_CASE(
    "api/threads: any thread may emit, broadcast and disconnect, each in "
    "its own order") {
    stage s;
    auto a = s.scene.joined(), b = s.scene.joined();
    auto const nsp = s.scene.of("/");
    std::thread([socket = s.sockets[0], nsp] {
        socket.emit<number>(1);
        nsp.emit<number>(2);
        socket.to(socket.id()).emit<number>(3);
        socket.broadcast().emit<number>(4);
        auto const copy = socket;
        copy.send("five");
        copy.disconnect();
        copy.emit<number>(6);
    }).join();
    CHECK(a.take() == R"(2["number",1] | 2["number",2] | 2["message","five"] | 1)");
    CHECK(b.take() == R"(2["number",2] | 2["number",4])");
    CHECK(!s.sockets[0].connected());
}

TEST_CASE(
    "api/threads: what a thread sends before it runs the server comes "
    "before what it sends there") {
    stage s;
    auto a = s.scene.joined();
    asio::post(s.scene.world.shard->get_executor(), [&] { s.sockets[0].emit<number>(2); });
    s.sockets[0].emit<number>(1);
    CHECK(a.take() == R"(2["number",1] | 2["number",2])");
}

TEST_CASE("api/threads: a call and a reply come behind what was sent before, too") {
    stage s;
    auto a = s.scene.joined();
    asio::post(s.scene.world.shard->get_executor(), [&] {
        s.sockets[0].emit<number>(2);
        asio::co_spawn(
            s.scene.world.shard->get_executor(),
            s.sockets[0].call<question>(3),
            asio::detached);
        s.scene.of("/").emit<number>(4);
    });
    s.sockets[0].emit<number>(1);
    CHECK(a.take() == R"(2["number",1] | 2["number",2] | 20["question",3] | 2["number",4])");
}

TEST_CASE("api/threads: emitting resumes nobody, though another thread has disconnected somebody") {
    std::vector<socoro::socket> kept;
    bool ended = false;
    test::scene scene;
    scene.of("/").on_connection([&](socoro::socket s) -> asio::awaitable<void> {
        kept.push_back(s);
        try {
            co_await stay(s);
        } catch (std::system_error const&) {
        }
        // What a program does that keeps a list of its sockets.
        std::erase(kept, s);
        ended = true;
    });
    auto a = scene.joined(), b = scene.joined();
    asio::post(scene.world.shard->get_executor(), [&] {
        for (auto const& each : kept) {
            each.emit<number>(1);
            CHECK(!ended);
        }
    });
    kept[0].disconnect();
    scene.world.run();
    CHECK(ended);
    CHECK(kept.size() == 1);
    CHECK(a.take() == "1");
    CHECK(b.take() == R"(2["number",1])");
}

TEST_CASE("api/threads: a thread that sends without end is bounded by the outbox") {
    for (bool const drops : {false, true}) {
        CAPTURE(drops);
        socoro::options opts;
        opts.outbox_bytes = 100'000;
        if (drops)
            opts.when_outbox_full = socoro::engine::outbox_policy::drop_newest;
        stage s(opts);
        auto a = s.scene.joined();
        std::string const large(1000, 'x');
        for (int i = 0; i < 1000; ++i)
            s.sockets[0].emit<position>(large);
        s.scene.world.run();
        CHECK(s.sockets[0].connected() == drops);
        auto const reports = s.scene.reports();
        CHECK(
            reports.starts_with(drops ? "dropped position" : "Engine.IO: the peer does not read"));
    }
}

TEST_CASE(
    "api/threads: the last handle of a socket may be dropped by another "
    "thread") {
    auto guard = std::make_shared<int>(7);
    std::weak_ptr<int> const watched = guard;
    {
        stage s;
        auto a = s.scene.joined();
        s.sockets[0].data<std::shared_ptr<int>>() = std::move(guard);
        a.vanish();
        s.scene.world.run();
        std::thread([mine = std::exchange(s.sockets, {})]() mutable { mine.clear(); }).join();
        s.scene.world.run();
        CHECK(watched.expired());
    }
}

// ---------------------------------------------------------------------------------------
// hooks

TEST_CASE(
    "api/hooks: every packet that comes and goes is shown, and every "
    "disconnect") {
    auto const seen = std::make_shared<lines>();
    socoro::options opts;
    opts.hooks.packet = [seen](socoro::wire_packet const& p) {
        bool const in = p.direction == socoro::direction::received;
        seen->push_back((in ? "> " : "< ") + std::string(p.data).substr(0, 12));
    };
    opts.hooks.closed = [seen](socoro::closed_socket const& c) {
        seen->push_back("closed " + std::string(c.nsp) + ": " + c.reason.message());
    };
    stage s(opts);
    auto a = s.scene.joined();
    seen->clear();
    a.send(R"(2["x"])");
    s.sockets[0].emit<number>(1);
    s.scene.world.run();
    a.send("1");
    CHECK(
        *seen == lines{
                     R"(> 42["x"])",
                     R"(< 42["number",)",
                     "> 41",
                     "closed /: client namespace disconnect"});
}

// ----------------------------------------------------------------------------
// what does not fit

TEST_CASE("api/invalid: an option answers the acknowledgement, another disconnects") {
    socoro::options opts;
    opts.answer_invalid_payload = true;
    auto const ask = [](socoro::socket s) -> asio::awaitable<void> {
        auto const asked = co_await s.recv<question>();
        asked.reply(asked.args);
    };
    SUBCASE("answered") {
        test::scene scene(opts);
        scene.of("/").on_connection(ask);
        auto a = scene.joined();
        a.send(R"(27["question","x"])");
        CHECK(
            a.take() ==
            R"(37[{"error":{"message":"argument 1 is not a whole number","where":"argument 1","expected":"a whole number"}}])");
        a.send(R"(2["question","x"])");
        CHECK(a.take().empty());
        a.send(R"(28["question",8])");
        CHECK(a.take() == "38[8] | 1");
    }
    SUBCASE("answered and disconnected") {
        opts.disconnect_on_invalid_payload = true;
        test::scene scene(opts);
        scene.of("/").on_connection(ask);
        auto a = scene.joined(), b = scene.joined();
        a.send(R"(27["question","x"])");
        CHECK(a.take().ends_with(" | 1"));
        b.send(R"(20["question",1])");
        CHECK(b.take() == "30[1] | 1");
    }
}
