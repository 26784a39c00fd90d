// SPDX-License-Identifier: BSL-1.0
// A client's connections: how they are made, told about, lost and made again.
#include <socoro/client.hpp>

#include "api/client_scene.hpp"

#include <doctest/doctest.h>

#include <string>
#include <variant>

using namespace std::chrono_literals;
using socoro::errc;
namespace json = socoro::json;

namespace {

using said = socoro::event<"said", std::string>;
using doubled = socoro::event<"doubled", int(int)>;

struct photo {
    static constexpr auto event_name = "photo";
    std::string title;
    socoro::bytes data;
};
BOOST_DESCRIBE_STRUCT(photo, (), (title, data))

/// Sends back what is said, and doubles.
asio::awaitable<void> echo(socoro::socket socket) {
    auto const handlers = socoro::overloaded{
        [socket](said const& s) { socket.emit(s); },
        [socket](photo const& p) { socket.emit(p); },
        [](socoro::request<doubled> const& n) { n.reply(2 * n.args); }};
    co_await socket.serve(handlers);
}

/// The text of what a socket tells, for a transcript.
std::string text_of(socoro::on_connect const& e) {
    return e.recovered ? "recovered" : "connected";
}
std::string text_of(socoro::on_disconnect const& e) {
    return "lost: " + e.reason.message();
}
std::string text_of(socoro::connect_error const& e) {
    return "error: " + e.message;
}
std::string text_of(socoro::reconnect_attempt const& e) {
    return "attempt " + std::to_string(e.attempt);
}
std::string text_of(said const& e) {
    return "said " + std::get<0>(e);
}

/// Writes down everything that a socket receives, and how that ends.
asio::awaitable<void> listen(socoro::client_socket socket, test::notes notes) {
    for (;;) {
        auto [ec, event] = co_await socket.recv<
            said,
            socoro::on_connect,
            socoro::on_disconnect,
            socoro::connect_error,
            socoro::reconnect_attempt>(socoro::net::as_tuple);
        if (ec) {
            notes.add("end: " + ec.message());
            co_return;
        }
        notes.add(std::visit([](auto const& each) { return text_of(each); }, event));
    }
}

/// A server that echoes, and one client.
struct talking : test::client_scene {
    explicit talking(std::vector<std::string> transports = {"websocket"})
        : opts(options(std::move(transports))) {
        prepare = [](socoro::server& io) {
            io.on_connection(echo);
            io.of("/other").on_connection(echo);
        };
        prepare(io());
    }
    ~talking() {
        client.reset();
        world.run();
    }

    void start() { client.emplace(world.shard, "http://server.test", opts); }

    /// A socket that is connected, unless the server is down.
    socoro::client_socket join(std::string nsp = {}) {
        if (!client)
            start();
        auto socket = client->socket(std::move(nsp));
        world.run();
        return socket;
    }
    /// Writes down what a socket receives.
    void watch(socoro::client_socket const& socket) { world.spawn(listen(socket, heard)); }
    /// What was written down since the last call.
    std::string take() {
        world.run();
        return heard.take();
    }

    socoro::client_options opts;
    std::optional<socoro::client> client;
    test::notes heard;
};

}  // namespace

TEST_CASE("client: connects, sends, receives and calls, over either transport and an upgrade") {
    for (auto const& transports :
         {std::vector<std::string>{"polling"}, {"websocket"}, {"polling", "websocket"}}) {
        CAPTURE(transports.back());
        talking t(transports);
        t.start();
        auto const connecting = t.world.spawn(t.client->connect());
        REQUIRE(connecting->value);
        auto const& socket = *connecting->value;
        t.world.advance(1s);
        CHECK(socket.connected());
        CHECK(socket.id().size() == 20);
        CHECK(socket.nsp() == "/");
        CHECK(socket.transport() == transports.back());
        socket.emit<said>("hello");
        CHECK(std::get<0>(*t.world.spawn(socket.recv<said>())->value) == "hello");
        CHECK(t.world.spawn(socket.call<doubled>(21))->value == 42);
        socket.emit(photo{"a cat", {std::string("\x00\xff", 2)}});
        auto const back = t.world.spawn(socket.recv<photo>())->value.value();
        CHECK(back.title == "a cat");
        CHECK(back.data == socoro::bytes{std::string("\x00\xff", 2)});
    }
}

TEST_CASE("client: several namespaces share one connection, and the last one ends it") {
    talking t;
    auto const root = t.join();
    auto const other = t.join("/other");
    CHECK(other.nsp() == "/other");
    CHECK(root.id() != other.id());
    CHECK(t.between->attempts == 1);
    CHECK(t.io().clients_count() == 1);
    other.emit<said>("here");
    CHECK(std::get<0>(*t.world.spawn(other.recv<said>())->value) == "here");
    CHECK(t.client->socket("/other") == other);
    root.disconnect();
    t.world.run();
    CHECK(root.reason().message() == "io client disconnect");
    CHECK_FALSE(root.active());
    CHECK(other.connected());
    CHECK(t.io().clients_count() == 1);
    other.disconnect();
    t.world.settle();
    CHECK(t.io().clients_count() == 0);
    auto const again = t.join();
    CHECK(again.connected());
    CHECK(again != root);
}

TEST_CASE("client: the path of the URL is the namespace, its query goes along") {
    talking t;
    std::string query;
    t.io().of("/other").use([&](socoro::socket& socket) -> asio::awaitable<void> {
        query = socket.handshake().query.get("room");
        co_return;
    });
    t.client.emplace(t.world.shard, "ws://server.test/other?room=a%20b", t.opts);
    CHECK(t.join().nsp() == "/other");
    CHECK(query == "a b");
}

TEST_CASE("client: a refusal is thrown with its message and data, and concerns no other socket") {
    talking t;
    t.io().of("/private").use([](socoro::socket&) -> asio::awaitable<void> {
        throw socoro::refused("members only", json::object{{"code", 7}});
        co_return;
    });
    auto const root = t.join();
    auto const connecting = t.world.spawn(t.client->connect("/private"));
    try {
        REQUIRE(connecting->failure);
        std::rethrow_exception(connecting->failure);
    } catch (socoro::refused const& e) {
        CHECK(std::string(e.what()) == "members only");
        CHECK(e.data() == json::value(json::object{{"code", 7}}));
        CHECK(e.code() == errc::refused);
    }
    auto const unknown = t.join("/nowhere");
    t.watch(unknown);
    CHECK(t.take() == "error: Invalid namespace | end: connection refused");
    CHECK(root.connected());
    CHECK_FALSE(unknown.active());
    t.world.advance(1min);
    CHECK(t.between->attempts == 1);
}

TEST_CASE("client: receiving waits through a lost connection, and says what happens") {
    talking t;
    auto const socket = t.join();
    auto const id = socket.id();
    t.watch(socket);
    CHECK(t.take() == "connected");
    t.cut();
    CHECK(t.take() == "lost: transport close");
    CHECK_FALSE(socket.connected());
    CHECK(socket.active());
    CHECK(socket.reason() == errc::transport_close);
    t.world.advance(999ms);
    CHECK(t.take().empty());
    t.world.advance(1ms);
    CHECK(t.take() == "attempt 1 | connected");
    CHECK(socket.connected());
    CHECK(socket.reason() == std::error_code());
    CHECK(socket.id() != id);
    socket.emit<said>("again");
    CHECK(t.take() == "said again");
}

TEST_CASE("client: a server that is down is tried again, ever later") {
    talking t;
    t.stop_server();
    auto const socket = t.join();
    t.watch(socket);
    CHECK(t.take() == "error: websocket error");
    std::string times;
    for (int attempt = 1; attempt <= 5; ++attempt) {
        auto const begin = t.world.clock->now();
        while (t.heard.take().empty())
            t.world.advance(100ms);
        times += std::to_string((t.world.clock->now() - begin) / 1s) + " ";
    }
    CHECK(times == "1 2 4 5 5 ");
    t.start_server();
    t.world.advance(5s);
    CHECK(t.take() == "attempt 6 | connected");
    t.cut();
    t.world.advance(1s);
    CHECK(t.take() == "lost: transport close | attempt 1 | connected");
}

TEST_CASE("client: attempts may be limited") {
    talking t;
    t.opts.reconnection_attempts = 2;
    t.stop_server();
    t.start();
    auto const connecting = t.world.spawn(t.client->connect());
    auto const socket = t.client->socket();
    t.watch(socket);
    t.world.advance(1min);
    CHECK(
        t.take() ==
        "error: websocket error | attempt 1 | error: websocket error | attempt 2 | "
        "error: websocket error | end: reconnection failed");
    REQUIRE(connecting->failure);
    CHECK_THROWS_WITH_AS(
        std::rethrow_exception(connecting->failure),
        doctest::Contains("Connection refused"),
        std::system_error);
    t.start_server();
    CHECK(t.join().connected());
}

TEST_CASE("client: without reconnection the first failure is the last, and so is a loss") {
    talking t;
    t.opts.reconnection = false;
    t.stop_server();
    t.start();
    auto const failing = t.world.spawn(t.client->connect());
    CHECK(failing->failure);
    t.start_server();
    auto const socket = t.join();
    t.watch(socket);
    t.cut();
    CHECK(t.take() == "connected | lost: transport close | end: transport close");
    t.world.advance(1min);
    CHECK(t.io().clients_count() == 0);
}

TEST_CASE("client: a server that does not answer is given up after a time") {
    talking t;
    std::vector<std::shared_ptr<test::net::stream>> silent;
    t.between->accept = [&](std::shared_ptr<test::net::stream> stream) {
        silent.push_back(std::move(stream));
    };
    auto const socket = t.join();
    t.watch(socket);
    t.world.advance(19'999ms);
    CHECK(t.take().empty());
    t.world.advance(1ms);
    CHECK(t.take() == "error: timeout");
    t.world.advance(1s);
    CHECK(t.take() == "attempt 1");
    CHECK(silent.size() == 2);
}

TEST_CASE("client: a socket that the server disconnects stays so") {
    talking t;
    t.io().of("/kick").on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        socket.emit<said>("bye");
        co_return;
    });
    auto const root = t.join();
    auto const socket = t.join("/kick");
    t.watch(socket);
    CHECK(
        t.take() ==
        "connected | said bye | lost: io server disconnect | end: io server disconnect");
    CHECK(root.connected());
    t.world.advance(1min);
    CHECK(t.take().empty());
    CHECK_FALSE(socket.active());
    CHECK(t.join("/kick") != socket);
}

TEST_CASE("client: a server that shuts down is waited for, one that comes back is connected") {
    talking t;
    auto const socket = t.join();
    auto const other = t.join("/other");
    t.watch(socket);
    t.stop_server();
    CHECK(t.take() == "connected | lost: transport close");
    t.start_server();
    t.world.advance(1s);
    CHECK(t.take() == "attempt 1 | connected");
    CHECK(other.connected());
    CHECK(t.io().clients_count() == 1);
}

TEST_CASE("client: what is sent while it is not connected leaves later, in order") {
    talking t;
    t.start();
    auto const socket = t.client->socket();
    socket.emit<said>("early");
    socket.volatile_().emit<said>("careless");
    auto const early = t.world.spawn(socket.call<doubled>(1));
    CHECK(early->value == 2);
    t.watch(socket);
    CHECK(t.take() == "connected | said early");
    t.cut();
    socket.emit<said>("a");
    socket.volatile_().emit<said>("careless");
    auto const called = t.world.spawn(socket.call<doubled>(4));
    socket.emit<said>("b");
    t.world.run();
    CHECK_FALSE(called->done());
    t.world.advance(1s);
    CHECK(t.take() == "lost: transport close | attempt 1 | connected | said a | said b");
    CHECK(called->value == 8);
}

TEST_CASE("client: what waits while it is not connected is bounded, and what is dropped is told") {
    talking t;
    t.opts.offline_bytes = 1000;
    t.stop_server();
    auto const socket = t.join();
    socket.emit<said>(std::string(500, 'a'));
    socket.emit<said>(std::string(500, 'b'));
    auto const called = t.world.spawn(socket.call<doubled>(1));
    auto const too_much =
        t.world.spawn(socket.call<socoro::event<"big", int(std::string)>>(std::string(900, 'c')));
    CHECK(
        t.reports.take() ==
        "dropped said: the peer does not read | dropped big: the peer does not read");
    CHECK(too_much->failure);
    t.start_server();
    t.world.advance(1s);
    CHECK(std::get<0>(*t.world.spawn(socket.recv<said>())->value).front() == 'a');
    CHECK(called->value == 2);
}

TEST_CASE("client: a call ends at once when the connection is lost, and at its own time") {
    talking t;
    t.io().of("/slow").on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        auto const kept = co_await socket.recv<doubled>();
        auto const also = co_await socket.recv<doubled>();
        static_cast<void>(co_await socket.recv<said>());
        kept.reply(0);
        also.reply(0);
    });
    auto const socket = t.join("/slow");
    auto const limited = t.world.spawn(socket.timeout(3s).call<doubled>(1));
    auto const called = t.world.spawn(socket.call<doubled>(1));
    t.world.advance(3s);
    REQUIRE(limited->failure);
    CHECK_THROWS_WITH(std::rethrow_exception(limited->failure), "operation has timed out");
    CHECK_FALSE(called->done());
    t.cut();
    REQUIRE(called->failure);
    CHECK_THROWS_WITH(std::rethrow_exception(called->failure), "transport close");
    // One that timed out before it could leave does not leave.
    auto const early = t.world.spawn(socket.timeout(500ms).call<doubled>(1));
    t.world.advance(500ms);
    CHECK(early->failure);
    t.io().of("/slow").on_connection(echo);
    t.world.advance(500ms);
    CHECK(t.world.spawn(socket.call<doubled>(5))->value == 10);
}

TEST_CASE("client: credentials are shown at each connect, as a value or from a coroutine") {
    talking t;
    test::notes shown;
    auto const look = [&](socoro::socket& socket) -> asio::awaitable<void> {
        shown.add(json::serialize(socket.handshake().auth));
        co_return;
    };
    t.prepare = [&](socoro::server& io) {
        io.use(look);
        io.of("/other").use(look);
        io.of("/bare").use(look);
    };
    t.prepare(t.io());
    t.opts.auth = {{"token", "general"}};
    t.start();
    int renewed = 0;
    socoro::credentials const renewable = [&]() -> asio::awaitable<json::value> {
        co_return json::object{{"n", ++renewed}};
    };
    auto const root = t.client->socket();
    auto const other = t.client->socket("/other", renewable);
    auto const bare = t.client->socket("/bare", socoro::credentials());
    t.world.run();
    CHECK(shown.take() == R"({"token":"general"} | {} | {"n":1})");
    t.cut();
    t.world.advance(1s);
    CHECK(shown.take() == R"({"token":"general"} | {} | {"n":2})");
    auto const failing = t.world.spawn(
        t.client->connect("/x", socoro::credentials([]() -> asio::awaitable<json::value> {
                              throw std::runtime_error("no token");
                              co_return nullptr;
                          })));
    REQUIRE(failing->failure);
    CHECK_THROWS_WITH_AS(std::rethrow_exception(failing->failure), "no token", socoro::refused);
}

TEST_CASE("client: what cannot be sent is refused before anything is sent") {
    talking t;
    auto const make = [&](std::string_view url) { socoro::client(t.world.shard, url, t.opts); };
    CHECK_THROWS_AS(make("http://"), std::system_error);
    CHECK_THROWS_AS(make("ftp://server.test"), std::system_error);
    CHECK_THROWS_AS(make("http://server.test/a b"), std::system_error);
    CHECK_THROWS_AS(make("http://server.test\r\nX: y"), std::system_error);
    make("server.test:3000");
    make("wss://[::1]:3000/chat");
    t.opts.path = "/a\r\nX: y";
    CHECK_THROWS_AS(make("http://server.test"), std::invalid_argument);
    t.opts = t.options();
    t.opts.extra_headers = {{"X-Name", "a\r\nX: y"}};
    CHECK_THROWS_AS(make("http://server.test"), std::invalid_argument);
    t.opts.extra_headers = {{"X Name", "a"}};
    CHECK_THROWS_AS(make("http://server.test"), std::invalid_argument);
    t.opts = t.options();
    t.opts.proxy = "https://proxy.test";
    CHECK_THROWS_AS(make("http://server.test"), std::system_error);
    t.opts = t.options();
    t.start();
    CHECK_THROWS_AS(std::ignore = t.client->socket("/a,b"), std::invalid_argument);
    CHECK_THROWS_AS(std::ignore = t.client->socket("/a\n"), std::invalid_argument);
    CHECK_THROWS_AS(std::ignore = t.client->socket("/a\xff"), std::invalid_argument);
    CHECK(t.between->attempts == 0);
}

TEST_CASE("client: a socket serves events, and what it tells, beside whatever else comes") {
    talking t;
    auto const socket = t.join();
    auto const serve = [&]() -> asio::awaitable<void> {
        auto const handlers = socoro::overloaded{
            [&](socoro::on_connect const& e) { t.heard.add(text_of(e)); },
            [&](socoro::on_disconnect const& e) { t.heard.add(text_of(e)); },
            [&](socoro::any_event const& e) { t.heard.add("any " + e.name); }};
        auto const why = co_await socket.serve(handlers);
        t.heard.add("end: " + why.message());
    };
    auto const serving = t.world.spawn(serve());
    socket.emit<said>("x");
    CHECK(t.take() == "connected | any said");
    t.cut();
    t.world.advance(1s);
    CHECK(t.take() == "lost: transport close | connected");
    socket.disconnect();
    CHECK(t.take() == "lost: io client disconnect | end: io client disconnect");
    CHECK(serving->done());
}

TEST_CASE("client: what it tells and nobody asks for does not pile up, nor hide events") {
    talking t;
    auto const socket = t.join();
    for (int i = 0; i < 100; ++i) {
        t.cut();
        t.world.advance(1s);
    }
    socket.emit<said>("x");
    // The catch-all is about events of the server.
    CHECK(t.world.spawn(socket.recv())->value->name == "said");
    t.watch(socket);
    CHECK(t.take() == "lost: transport close | attempt 1 | connected");
}

TEST_CASE("client: who is told of the end may connect again at once, and gets another socket") {
    talking t;
    t.prepare = [](socoro::server& io) {
        io.on_connection([](socoro::socket) -> asio::awaitable<void> { co_return; });
    };
    t.prepare(t.io());
    t.start();
    int ends = 0;
    auto const insist = [&]() -> asio::awaitable<void> {
        for (ends = 0; ends < 5; ++ends) {
            auto const socket = co_await t.client->connect();
            auto const [ec, event] = co_await socket.recv<said>(socoro::net::as_tuple);
            CHECK(ec == errc::io_server_disconnect);
        }
    };
    auto const insisting = t.world.spawn(insist());
    t.world.advance(1min);
    CHECK(insisting->done());
    CHECK_FALSE(insisting->failure);
    CHECK(ends == 5);
}

TEST_CASE("client: a socket that is left while it connects stops the attempt") {
    talking t;
    std::vector<std::shared_ptr<test::net::stream>> silent;
    t.between->accept = [&](std::shared_ptr<test::net::stream> stream) {
        silent.push_back(std::move(stream));
    };
    auto const socket = t.join();
    socket.disconnect();
    t.world.run();
    CHECK_FALSE(socket.active());
    CHECK(t.world.clock->armed() == 0);
    auto const next = t.join();
    CHECK(next.active());
    CHECK(silent.size() == 2);
}

TEST_CASE("client: a socket that comes when the last one has gone gets a connection at once") {
    for (bool const reconnection : {true, false}) {
        CAPTURE(reconnection);
        talking t;
        t.opts.reconnection = reconnection;
        t.start();
        auto const change = [&](socoro::client_socket old) -> asio::awaitable<void> {
            old.disconnect();
            auto const next = co_await t.client->connect();
            CHECK(next != old);
            CHECK(next.connected());
        };
        // In the middle of an attempt, and in the middle of a connection.
        auto const early = t.world.spawn(change(t.client->socket()));
        CHECK(early->done());
        CHECK_FALSE(early->failure);
        auto const later = t.world.spawn(change(t.client->socket()));
        CHECK(later->done());
        CHECK_FALSE(later->failure);
        t.world.advance(1s);
        CHECK(t.io().clients_count() == 1);
    }
}

TEST_CASE("client: an answer for a socket that has ended meanwhile is no other socket's") {
    talking t;
    std::string last;
    auto const look = [&](socoro::socket& socket) -> asio::awaitable<void> {
        last = json::serialize(socket.handshake().auth);
        if (socket.handshake().auth.as_object().contains("old"))
            throw socoro::refused("outdated");
        co_return;
    };
    t.io().of("/guarded").use(look);
    auto const root = t.join();
    auto const change = [&](char const* nsp, json::value shown) -> asio::awaitable<void> {
        t.client->socket(nsp, socoro::credentials(shown)).disconnect();
        socoro::credentials const other(json::object{{"new", 1}});
        auto const next = co_await t.client->connect(nsp, other);
        CHECK(next.connected());
    };
    json::value const old = json::object{{"old", 1}};
    auto const refused = t.world.spawn(change("/guarded", old));
    CHECK(refused->done());
    CHECK_FALSE(refused->failure);
    CHECK(last == R"({"new":1})");
    json::value const none = json::object();
    auto const admitted = t.world.spawn(change("/other", none));
    CHECK(admitted->done());
    CHECK_FALSE(admitted->failure);
    CHECK(root.connected());
    CHECK(t.between->attempts == 1);
    // Who ended before the answer is not left behind at the server.
    auto const other = t.client->socket("/third");
    t.io().of("/third").on_connection(echo);
    other.disconnect();
    t.world.run();
    CHECK(t.io().of("/third").sockets().empty());
    CHECK(t.io().of("/other").sockets().size() == 1);
}

TEST_CASE("client: what a connector throws is told, and it is tried again") {
    talking t;
    t.between->failure = "no way";
    auto const socket = t.join();
    t.watch(socket);
    CHECK(t.take() == "error: transport error");
    CHECK(t.reports.take() == "failed: no way");
    t.between->failure = nullptr;
    t.world.advance(1s);
    CHECK(t.take() == "attempt 1 | connected");
}

TEST_CASE("client: who waits in vain for a connection takes it away from nobody else") {
    talking t;
    auto const socket = t.join();
    t.cut();
    auto const late = t.world.spawn(t.client->connect(100ms));
    t.world.advance(100ms);
    REQUIRE(late->failure);
    CHECK_THROWS_WITH(std::rethrow_exception(late->failure), "operation has timed out");
    CHECK(socket.active());
    t.world.advance(1s);
    CHECK(socket.connected());
    // One that it made itself is let go.
    t.stop_server();
    auto const alone = t.world.spawn(t.client->connect(100ms, "/other"));
    t.world.advance(100ms);
    CHECK(alone->failure);
    t.start_server();
    t.world.advance(10s);
    CHECK(t.io().of("/other").sockets().empty());
}

TEST_CASE("client: after the last attempt a new socket has its own") {
    talking t;
    t.opts.reconnection_attempts = 1;
    t.stop_server();
    t.start();
    for (int i = 1; i <= 3; ++i) {
        auto const failing = t.world.spawn(t.client->connect());
        t.world.advance(10s);
        CHECK(failing->failure);
        CHECK(t.between->attempts == static_cast<std::size_t>(2 * i));
    }
}

TEST_CASE(
    "client: what serves, or was spawned, outlives a call that the loss of a connection ends") {
    talking t;
    t.io().of("/slow").on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        socket.emit<said>("hello");
        for (;;)
            static_cast<void>(co_await socket.recv());
    });
    auto const socket = t.join("/slow");
    int asked = 0;
    auto const serve = [&]() -> asio::awaitable<void> {
        auto const handlers = socoro::overloaded{[&](said const&) -> asio::awaitable<void> {
            ++asked;
            static_cast<void>(co_await socket.call<doubled>(1));
        }};
        auto const why = co_await socket.serve(handlers);
        t.heard.add("end: " + why.message());
    };
    auto const serving = t.world.spawn(serve());
    socket.spawn(
        [&]() -> asio::awaitable<void> { static_cast<void>(co_await socket.call<doubled>(2)); });
    t.world.run();
    CHECK(asked == 1);
    t.cut();
    t.world.advance(1s);
    CHECK(asked == 2);
    CHECK(socket.connected());
    CHECK(t.reports.take().empty());
    CHECK_FALSE(serving->done());
    socket.disconnect();
    CHECK(t.take() == "end: io client disconnect");
}

TEST_CASE("client: what is on its way to a socket that has ended reaches no other of that name") {
    talking t;
    std::optional<socoro::socket> first;
    t.io().of("/n").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        if (!first)
            first = socket;
        co_await echo(socket);
    });
    auto const root = t.join();
    auto const old = t.join("/n");
    auto const change = [&]() -> asio::awaitable<void> {
        // The answers to these come when the next socket is there already.
        auto const unanswered = old.call<doubled>(100);
        old.emit<said>("a secret");
        first->disconnect();
        old.disconnect();
        auto const next = t.client->socket("/n");
        auto const twice = co_await next.call<doubled>(1);
        CHECK(twice == 2);
        auto const [ec, heard] = co_await next.recv<said>(0s, socoro::net::as_tuple);
        CHECK(ec == errc::timeout);
        CHECK(next.connected());
    };
    auto const changing = t.world.spawn(change());
    t.world.advance(1s);
    CHECK(changing->done());
    CHECK_FALSE(changing->failure);
    CHECK(root.connected());
}

TEST_CASE("client: without reconnection, who connects again after a loss does so at once") {
    talking t;
    t.opts.reconnection = false;
    t.start();
    auto const insist = [&]() -> asio::awaitable<void> {
        for (int i = 0; i < 3; ++i) {
            auto const socket = co_await t.client->connect();
            static_cast<void>(co_await socket.recv<said>(socoro::net::as_tuple));
        }
    };
    auto const insisting = t.world.spawn(insist());
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(insisting->done());
        CHECK(t.io().clients_count() == 1);
        t.cut();
    }
    CHECK(insisting->done());
}

TEST_CASE("client: several that wait in vain for one socket leave none behind") {
    talking t;
    t.stop_server();
    t.start();
    auto const one = t.world.spawn(t.client->connect(100ms));
    auto const two = t.world.spawn(t.client->connect(100ms));
    t.world.advance(1s);
    CHECK(one->failure);
    CHECK(two->failure);
    auto const attempts = t.between->attempts;
    t.world.advance(1min);
    CHECK(t.between->attempts == attempts);
    CHECK(t.world.clock->armed() == 0);
}

TEST_CASE("client: an answer that never comes costs the connection, if somebody waits behind it") {
    talking t;
    auto const root = t.join();
    bool stuck = true;
    t.io().of("/slow").use([&](socoro::socket&) -> asio::awaitable<void> {
        while (stuck) {
            asio::steady_timer never(co_await asio::this_coro::executor);
            never.expires_at(asio::steady_timer::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        }
    });
    auto const early = t.world.spawn(t.client->connect(1s, "/slow"));
    t.world.advance(1s);
    CHECK(early->failure);
    stuck = false;
    auto const later = t.world.spawn(t.client->connect("/slow"));
    t.world.advance(19s);
    CHECK_FALSE(later->done());
    CHECK(root.connected());
    t.world.advance(2s);
    CHECK(later->value);
    CHECK(root.connected());
}

TEST_CASE("client: serving ends, and does not throw, when the last attempt has failed") {
    talking t;
    t.opts.reconnection_attempts = 1;
    auto const socket = t.join();
    auto const serve = [&]() -> asio::awaitable<void> {
        auto const handlers =
            socoro::overloaded{[&](socoro::on_disconnect const&) -> asio::awaitable<void> {
                static_cast<void>(co_await socket.call<doubled>(1));
            }};
        auto const why = co_await socket.serve(handlers);
        t.heard.add("end: " + why.message());
    };
    auto const serving = t.world.spawn(serve());
    t.stop_server();
    t.world.advance(1min);
    CHECK(serving->done());
    CHECK_FALSE(serving->failure);
    CHECK(t.take() == "end: reconnection failed");
}
