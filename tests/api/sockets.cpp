// SPDX-License-Identifier: BSL-1.0
#include "api/scene.hpp"

#include <doctest/doctest.h>

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
using word = socoro::event<"word", std::string>;
using question = socoro::event<"question", int(int)>;
using picture = socoro::event<"picture", socoro::bytes(socoro::bytes)>;
using done = socoro::event<"done", void()>;
using never = socoro::event<"never">;

/// What happened, entries separated by ` | `.
class journal {
public:
    void add(std::string const& entry) { *text_ += (text_->empty() ? "" : " | ") + entry; }
    [[nodiscard]] std::string take() const { return std::exchange(*text_, {}); }

private:
    std::shared_ptr<std::string> text_ = std::make_shared<std::string>();
};

asio::awaitable<void> stay(socoro::socket socket) {
    co_await socket.recv<never>();
}

/// Writes down the events that arrive, and how it ended.
asio::awaitable<void> listen(socoro::socket socket, journal log, std::string name = {}) {
    try {
        for (;;) {
            auto const event = co_await socket.recv();
            log.add(name + event.name);
        }
    } catch (std::system_error const& e) {
        log.add(name + e.code().message());
    }
}

/// Writes down the numbers that arrive, and how it ended.
asio::awaitable<void> count(
    socoro::socket socket,
    journal log,
    std::string name,
    std::optional<socoro::socket::duration> within = std::nullopt) {
    try {
        for (;;) {
            auto const event = co_await socket.recv<number>(within);
            log.add(name + std::to_string(std::get<0>(event)));
        }
    } catch (std::system_error const& e) {
        log.add(name + e.code().message());
    }
}

asio::awaitable<void> ask(socoro::socket socket, int value, journal log) {
    try {
        auto const reply = co_await socket.call<question>(value);
        log.add(std::to_string(reply));
    } catch (std::system_error const& e) {
        log.add(e.code().message());
    }
}

/// A server whose sockets of `/` are kept for the test, in order. Their handlers wait for nothing
/// that a client could bring, and do not end.
struct stage {
    std::vector<socoro::socket> sockets;
    test::scene scene;
    journal log;
    socoro::net::signal end{*scene.world.shard};

    explicit stage(socoro::options opts = {}) : scene(std::move(opts)) {
        scene.of("/").on_connection([this](socoro::socket s) -> asio::awaitable<void> {
            sockets.push_back(s);
            co_await end.wait();
        });
    }
    void spawn(asio::awaitable<void> started) {
        std::ignore = scene.world.spawn(std::move(started));
    }
};

}  // namespace

// -------------------------------------------------------------------------------- connecting

TEST_CASE("api/socket: CONNECT is answered with the socket's id, which is no session's id") {
    stage s;
    auto client = s.scene.connect();
    client.send("0");
    CHECK(client.take() == R"(0{"sid":"ID"})");
    REQUIRE(s.sockets.size() == 1);
    CHECK(client.id.size() == 20);
    CHECK(client.id == s.sockets[0].id());
    CHECK(s.sockets[0].connected());
    CHECK(s.sockets[0].nsp() == "/");
    CHECK(s.sockets[0].transport() == "websocket");
    CHECK(s.sockets[0].rooms() == std::vector{client.id});
    auto other = s.scene.joined();
    CHECK(other.id != client.id);

    auto poller = s.scene.connect_polling();
    CHECK(poller.send("0") == 200);
    poller.poll();
    CHECK(poller.answer() == "40{\"sid\":\"" + s.sockets[2].id() + "\"}");
    CHECK(s.sockets[2].transport() == "polling");
}

TEST_CASE("api/socket: the handshake is what the client brought, auth included") {
    stage s;
    s.scene.world.clock->advance(90s);
    auto client =
        s.scene.connect("&room=a%20b&room=2", "Cookie: user=me; theme=dark\r\nX-Token: secret\r\n");
    client.send(R"(0{"token":"t","deep":{"n":[1]}})");
    REQUIRE(s.sockets.size() == 1);
    auto const& brought = s.sockets[0].handshake();
    CHECK(brought.auth == json::parse(R"({"token":"t","deep":{"n":[1]}})"));
    CHECK(brought.query.get("room") == "a b");
    CHECK(brought.query.get("EIO") == "4");
    CHECK(brought.headers.get("x-token") == "secret");
    CHECK(brought.cookies.get("theme") == "dark");
    CHECK(brought.address == "192.0.2.1");
    CHECK(brought.url == "/socket.io/?EIO=4&transport=websocket&room=a%20b&room=2");
    CHECK(brought.time == std::chrono::system_clock::time_point(90s));
    CHECK(brought.issued() == 90'000);
    CHECK_FALSE(brought.secure);
    CHECK_FALSE(brought.certificate);
    CHECK_FALSE(brought.xdomain());
    auto other = s.scene.joined();
    CHECK(s.sockets[1].handshake().auth == json::object());
}

TEST_CASE("api/socket: whether a page of another origin may have connected, the request tells") {
    stage s;
    for (std::string const field : {"Origin: https://example.com\r\n", "Origin: null\r\n"}) {
        auto client = s.scene.connect("", field);
        client.send("0");
        CHECK(s.sockets.back().handshake().xdomain());
    }
    auto client = s.scene.connect("", "Origin: \r\n");
    client.send("0");
    CHECK_FALSE(s.sockets.back().handshake().xdomain());
    CHECK(s.sockets.size() == 3);
}

TEST_CASE("api/socket: it carries data of the program, of one type") {
    stage s;
    auto client = s.scene.joined();
    struct user {
        std::string name = "nobody";
    };
    auto const socket = s.sockets.at(0);
    CHECK(socket.data<user>().name == "nobody");
    socket.data<user>().name = "me";
    auto const copy = s.sockets.at(0);
    CHECK(copy == socket);
    CHECK(copy.data<user>().name == "me");
    CHECK_THROWS_AS(std::ignore = copy.data<int>(), std::bad_any_cast);
}

// --------------------------------------------------------------------------------- receiving

TEST_CASE("api/socket: events are received in order, each by who waits for it") {
    stage s;
    auto client = s.scene.joined();
    client.send_together({R"(2["number",1])", R"(2["word","a"])", R"(2["number",2])"});
    s.spawn(count(s.sockets.at(0), s.log, "n"));
    CHECK(s.log.take() == "n1 | n2");
    s.spawn(listen(s.sockets.at(0), s.log, "any "));
    CHECK(s.log.take() == "any word");
    // Both wait for numbers now: each goes to one of them, who has waited first.
    client.send_together(
        {R"(2["number",3])", R"(2["number",4])", R"(2["number",5])", R"(2["word","b"])"});
    CHECK(s.log.take() == "n3 | n4 | n5 | any word");
    client.send("1");
    CHECK(s.log.take() == "nclient namespace disconnect | any client namespace disconnect");
}

TEST_CASE("api/socket: a deadline ends the waiting, but never takes an event that is there") {
    stage s;
    auto client = s.scene.joined();
    s.spawn(count(s.sockets.at(0), s.log, "", 5s));
    client.send(R"(2["number",1])");
    s.scene.world.advance(4999ms);
    client.send(R"(2["number",2])");
    s.scene.world.advance(4999ms);
    CHECK(s.log.take() == "1 | 2");
    s.scene.world.advance(1ms);
    CHECK(s.log.take() == "operation has timed out");
    client.send(R"(2["number",3])");
    s.spawn(count(s.sockets.at(0), s.log, "", 0s));
    CHECK(s.log.take() == "3");
    s.scene.world.advance(0s);
    CHECK(s.log.take() == "operation has timed out");
    CHECK(s.sockets.at(0).connected());
}

TEST_CASE("api/socket: an event that does not fit goes to the hook, and never to the handler") {
    stage s;
    auto client = s.scene.joined();
    s.spawn(count(s.sockets.at(0), s.log, ""));
    client.send(R"(2["number","one"])");
    client.send(R"(2["number"])");
    CHECK(s.log.take().empty());
    CHECK(
        s.scene.reports() ==
        "invalid number: argument 1 is not a whole number | "
        "invalid number: argument 1 is not present");
    client.send(R"(2["number",1])");
    CHECK(s.log.take() == "1");
    client.send("2");
    CHECK(s.log.take().empty());
    CHECK(s.sockets.at(0).connected());
}

// --------------------------------------------------------------------- the end of the socket

namespace {

/// A journal's end after three events that were received before, and after what `end` does.
std::string reason_after(
    std::function<void(stage&, test::client&)> const& end,
    socoro::options opts = {}) {
    stage s(std::move(opts));
    auto client = s.scene.joined();
    client.send_together({R"(2["a"])", R"(2["b"])"});
    end(s, client);
    s.scene.world.run();
    REQUIRE(s.sockets.size() == 1);
    CHECK_FALSE(s.sockets[0].connected());
    CHECK(s.scene.of("/").size() == 0);
    CHECK(s.scene.of("/").sockets(s.sockets[0].id()).empty());
    return s.log.take();
}

}  // namespace

TEST_CASE("api/socket: what came before the disconnect is received first, then its exact reason") {
    using ending = std::function<void(stage&, test::client&)>;
    std::vector<std::pair<std::string, ending>> const endings{
        {"transport close", [](stage&, test::client& c) { c.vanish(); }},
        {"transport error",
         [](stage&, test::client& c) { c.vanish(asio::error::connection_reset); }},
        {"forced close", [](stage&, test::client& c) { c.send("9"); }},
        {"forced close", [](stage&, test::client& c) { c.send("2/other,[\"x\"]"); }},
        {"ping timeout", [](stage& s, test::client&) { s.scene.world.advance(45s); }},
        {"parse error",
         [](stage&, test::client& c) { c.raw().send(std::string("\x81\x80\0\0\0\0", 6)); }},
        {"server shutting down", [](stage& s, test::client&) { s.scene.close(); }},
        {"client namespace disconnect", [](stage&, test::client& c) { c.send("1"); }},
        {"server namespace disconnect",
         [](stage& s, test::client&) { s.sockets.at(0).disconnect(); }},
        {"server namespace disconnect",
         [](stage& s, test::client&) { s.sockets.at(0).disconnect(true); }},
    };
    for (auto const& [reason, end] : endings) {
        CAPTURE(reason);
        // Somebody waits already.
        auto const waiting = reason_after([&](stage& s, test::client& c) {
            s.spawn(listen(s.sockets.at(0), s.log));
            end(s, c);
        });
        CHECK(waiting == "a | b | " + reason);
        // Somebody comes too late for the disconnect, but keeps the socket, and so its events.
        std::string late;
        std::ignore = reason_after([&](stage& s, test::client& c) {
            s.spawn([](socoro::socket socket, journal log) -> asio::awaitable<void> {
                try {
                    co_await socket.recv<number>();
                } catch (std::system_error const& e) {
                    log.add("numbers: " + e.code().message());
                }
                co_await listen(socket, log);
            }(s.sockets.at(0), s.log));
            end(s, c);
            s.scene.world.run();
            late = s.log.take();
        });
        CHECK(late == "numbers: " + reason + " | a | b | " + reason);
    }
}

TEST_CASE("api/socket: over polling a broken rule is a forced server close") {
    stage s;
    auto poller = s.scene.connect_polling();
    poller.send("0");
    s.spawn(listen(s.sockets.at(0), s.log));
    poller.poll();
    std::ignore = poller.answer();
    CHECK(poller.send("2/other,[\"x\"]") == 200);
    CHECK(s.log.take() == "forced server close");
    poller.poll();
    CHECK(poller.answer() == "6 | 1");
    CHECK(s.scene.sessions() == 0);
}

TEST_CASE(
    "api/socket: a handler hears of a broken packet at once, though the client reads nothing") {
    stage s;
    auto poller = s.scene.connect_polling();
    poller.send("0");
    s.spawn(listen(s.sockets.at(0), s.log));
    CHECK(poller.send("9") == 200);
    CHECK(s.log.take() == "forced close");
    CHECK_FALSE(s.scene.reports().empty());
}

TEST_CASE("api/socket: disconnect leaves the namespace; disconnect(true) ends the connection too") {
    stage s;
    auto client = s.scene.joined();
    s.sockets.at(0).emit<number>(1);
    s.sockets.at(0).disconnect();
    CHECK(client.take() == R"(2["number",1] | 1)");
    s.sockets.at(0).disconnect();
    CHECK(client.take().empty());
    REQUIRE(client.join());
    s.sockets.at(1).emit<number>(2);
    s.sockets.at(1).disconnect(true);
    CHECK(client.take() == R"(2["number",2] | 1 | closed)");
    CHECK(s.scene.sessions() == 0);

    auto poller = s.scene.connect_polling();
    poller.send("0");
    poller.poll();
    std::ignore = poller.answer();
    s.sockets.at(2).disconnect(true);
    poller.poll();
    CHECK(poller.answer() == "41");
    poller.poll();
    CHECK(poller.answer() == "6 | 1");
    CHECK(s.scene.sessions() == 0);
}

TEST_CASE("api/socket: after the disconnect it sends nothing, and its handles do no harm") {
    stage s;
    auto client = s.scene.joined();
    auto const socket = s.sockets.at(0);
    client.send(R"(27["question",1])");
    std::optional<socoro::any_event> asked;
    s.spawn([](socoro::socket of, std::optional<socoro::any_event>& into) -> asio::awaitable<void> {
        into = co_await of.recv();
    }(socket, asked));
    REQUIRE(asked);
    client.send("1");
    socket.emit<number>(1);
    socket.emit("x");
    asked->reply(1);
    socket.join("room");
    socket.disconnect();
    CHECK(socket.rooms() == std::vector{client.id});
    CHECK(s.scene.of("/").sockets("room").empty());
    s.spawn(ask(socket, 1, s.log));
    CHECK(s.log.take() == "client namespace disconnect");
    CHECK(client.take().empty());
    client.vanish();
    socket.disconnect(true);
    s.spawn(listen(socket, s.log));
    CHECK(s.log.take() == "client namespace disconnect");
}

TEST_CASE("api/socket: a handler can say goodbye to its rooms after the disconnect") {
    test::scene scene;
    std::vector<std::string> last;
    scene.of("/").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        socket.join("lobby");
        try {
            co_await stay(socket);
        } catch (std::system_error const& e) {
            last = socket.rooms();
            socket.emit("to myself");
            socket.to("lobby").emit("gone", e.code().message());
            socket.broadcast().emit("gone from all");
        }
    });
    auto first = scene.joined();
    auto second = scene.joined();
    first.vanish();
    CHECK(second.take() == R"(2["gone","transport close"] | 2["gone from all"])");
    auto expected = std::vector<std::string>{first.id, "lobby"};
    std::sort(expected.begin(), expected.end());
    CHECK(last == expected);
    // At a shutdown everybody goes, and nobody is told.
    scene.close();
    CHECK(second.take() == "closed");
}

// ----------------------------------------------------------------------------------- handlers

TEST_CASE("api/socket: when the handler returns, the socket is disconnected") {
    test::scene scene;
    scene.of("/").on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        socket.emit<number>(1);
        co_await socket.recv<number>();
        socket.emit<number>(2);
    });
    auto client = scene.connect();
    client.send("0");
    CHECK(client.take() == R"(0{"sid":"ID"} | 2["number",1])");
    client.send(R"(2["number",5])");
    CHECK(client.take() == R"(2["number",2] | 1)");
    CHECK(scene.of("/").size() == 0);
    CHECK(scene.sessions() == 1);
    CHECK(scene.reports().empty());
}

TEST_CASE("api/socket: a handler that returns at once connects and disconnects") {
    test::scene scene;
    scene.of("/").on_connection([](socoro::socket) -> asio::awaitable<void> { co_return; });
    auto client = scene.connect();
    client.send("0");
    CHECK(client.take() == R"(0{"sid":"ID"} | 1)");
}

TEST_CASE("api/socket: a handler that throws is reported, and ends its own socket only") {
    test::scene scene;
    scene.of("/").on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        auto const what = co_await socket.recv<word>();
        auto const& text = std::get<0>(what);
        if (text == "exception")
            throw std::runtime_error("broken");
        if (text == "number")
            throw 42;
        if (text == "timeout")
            throw std::system_error(socoro::errc::timeout);
        // As if it had waited for another socket: this one is still connected.
        throw std::system_error(socoro::errc::transport_close);
    });
    auto witness = scene.joined();
    std::pair<std::string, std::string> const failures[] = {
        {"exception", "/ failed: broken"},
        {"number", "/ failed: an exception of unknown type"},
        {"timeout", "/ failed: operation has timed out"},
        {"other", "/ failed: transport close"}};
    for (auto const& [text, report] : failures) {
        auto client = scene.joined();
        client.send("2[\"word\",\"" + text + "\"]");
        CHECK(client.take() == "1");
        CHECK(scene.reports() == report);
        CHECK(scene.of("/").size() == 1);
    }
    CHECK(witness.take().empty());
}

TEST_CASE("api/socket: a capturing handler lives as long as it runs, though it was replaced") {
    test::scene scene;
    journal log;
    auto const token = std::make_shared<std::string>("captured text, too long to be short");
    scene.of("/").on_connection(
        [token, log](socoro::socket socket) mutable -> asio::awaitable<void> {
            co_await socket.recv<number>();
            log.add(*token);
        });
    auto client = scene.joined();
    scene.of("/").on_connection(stay);
    CHECK(token.use_count() == 2);
    client.send(R"(2["number",1])");
    CHECK(log.take() == *token);
    CHECK(token.use_count() == 1);
    auto other = scene.joined();
    other.send(R"(2["number",1])");
    CHECK(log.take().empty());
}

// --------------------------------------------------------------------------- acknowledgements

TEST_CASE("api/ack: a reply is sent once, with the id of the event, binary data included") {
    stage s;
    auto client = s.scene.joined();
    s.spawn([](socoro::socket socket) -> asio::awaitable<void> {
        for (;;) {
            auto const asked = co_await socket.recv<question>();
            asked.reply(asked.args + 1);
            asked.reply(asked.args + 2);
        }
    }(s.sockets.at(0)));
    client.send(R"(20["question",1])");
    client.send(R"(29007199254740993["question",2])");
    CHECK(client.take() == "30[2] | 39007199254740993[3]");
    client.send(R"(2["question",3])");
    CHECK(client.take().empty());

    s.spawn([](socoro::socket socket) -> asio::awaitable<void> {
        auto const asked = co_await socket.recv<picture>();
        asked.reply(std::get<0>(std::tie(asked.args)));
    }(s.sockets.at(0)));
    client.send(R"(51-5["picture",{"_placeholder":true,"num":0}])");
    client.send_binary("png");
    CHECK(client.take() == R"(61-5[{"_placeholder":true,"num":0}] | <png>)");
}

TEST_CASE("api/ack: a call gives the reply, also a binary one, and ids count per namespace") {
    stage s;
    s.scene.of("/other").on_connection(
        [&](socoro::socket socket) -> asio::awaitable<void> { co_await ask(socket, 7, s.log); });
    auto first = s.scene.joined();
    auto second = s.scene.joined();
    s.spawn(ask(s.sockets.at(0), 1, s.log));
    s.spawn(ask(s.sockets.at(1), 2, s.log));
    CHECK(first.take() == R"(20["question",1])");
    CHECK(second.take() == R"(21["question",2])");
    first.send("0/other,");
    CHECK(first.take() == R"(0/other,{"sid":"ID"} | 2/other,0["question",7])");
    // Nobody can answer for another socket or in another namespace.
    first.send("31[9]");
    second.send("30[9]");
    CHECK(s.log.take().empty());
    second.send("31[20]");
    first.send("30[10]");
    first.send("3/other,0[70]");
    CHECK(s.log.take() == "20 | 10 | 70");
    CHECK(first.take() == "1/other,");

    s.spawn([](socoro::socket socket, journal log) -> asio::awaitable<void> {
        auto const got = co_await socket.call<picture>(socoro::bytes{"in"});
        log.add(got.data);
    }(s.sockets.at(0), s.log));
    CHECK(first.take() == R"(51-2["picture",{"_placeholder":true,"num":0}] | <in>)");
    first.send(R"(61-2[{"_placeholder":true,"num":0}])");
    first.send_binary("out");
    CHECK(s.log.take() == "out");

    s.spawn([](socoro::socket socket, journal log) -> asio::awaitable<void> {
        co_await socket.call<done>();
        log.add("done");
    }(s.sockets.at(0), s.log));
    CHECK(first.take() == R"(23["done"])");
    first.send("33[\"whatever\",1]");
    CHECK(s.log.take() == "done");
}

TEST_CASE("api/ack: ids that are unknown, answered before or missing cost nothing") {
    stage s;
    auto client = s.scene.joined();
    s.spawn(ask(s.sockets.at(0), 1, s.log));
    std::ignore = client.take();
    client.send_together({"35[1]", "3[1]", "30[1]", "30[2]", "39999999999999999999"});
    CHECK(s.log.take() == "1");
    client.send("30[3]");
    s.spawn(ask(s.sockets.at(0), 2, s.log));
    client.send("30[4]");
    CHECK(s.log.take().empty());
    client.send("31[5]");
    CHECK(s.log.take() == "5");
    CHECK(s.sockets.at(0).connected());
}

TEST_CASE("api/ack: a call ends at its time, and a late reply is nobody's") {
    stage s;
    auto client = s.scene.joined();
    auto const limited = s.sockets.at(0).timeout(3s);
    s.spawn(ask(limited, 1, s.log));
    s.spawn(ask(s.sockets.at(0), 2, s.log));
    s.scene.world.advance(2999ms);
    CHECK(s.log.take().empty());
    s.scene.world.advance(1ms);
    CHECK(s.log.take() == "operation has timed out");
    client.send("30[1]");
    CHECK(s.log.take().empty());
    client.send("31[2]");
    CHECK(s.log.take() == "2");
}

TEST_CASE("api/ack: a disconnect ends every call at once with its reason") {
    stage s;
    auto client = s.scene.joined();
    s.spawn(ask(s.sockets.at(0), 1, s.log));
    s.spawn(ask(s.sockets.at(0).timeout(1h), 2, s.log));
    client.vanish();
    CHECK(s.log.take() == "transport close | transport close");
    // No timer is left of the one that would have ended later.
    CHECK(s.scene.world.settle() < 1h);
}

TEST_CASE("api/ack: a call is sent when it is made, and forgotten when nobody awaits it") {
    stage s;
    auto client = s.scene.joined();
    {
        auto const unawaited = s.sockets.at(0).call<question>(1);
        CHECK(client.take() == R"(20["question",1])");
    }
    client.send("30[1]");
    CHECK(s.sockets.at(0).connected());
}

// ------------------------------------------------------------------------------- back-pressure

namespace {

socoro::options small_inbox(std::size_t events, std::size_t bytes = 1'000'000) {
    socoro::options opts;
    opts.inbox_events = events;
    opts.inbox_bytes = bytes;
    return opts;
}

std::string numbers(int from, int to) {
    std::string all;
    for (int i = from; i <= to; ++i)
        all += (all.empty() ? "" : " | ") + std::to_string(i);
    return all;
}

void send_numbers(test::client& client, int from, int to) {
    std::vector<std::string> packets;
    for (int i = from; i <= to; ++i)
        packets.push_back("2[\"number\"," + std::to_string(i) + "]");
    client.send_together(packets);
}

/// Takes one number whenever the signal says so.
asio::awaitable<void>
count_slowly(socoro::socket socket, journal log, std::shared_ptr<socoro::net::signal> next) {
    try {
        for (;;) {
            auto const event = co_await socket.recv<number>();
            log.add(std::to_string(std::get<0>(event)));
            co_await next->wait();
        }
    } catch (std::system_error const& e) {
        log.add(e.code().message());
    }
}

}  // namespace

TEST_CASE("api/inbox: a full one drops what nobody ever asked for, the oldest first") {
    stage s(small_inbox(4));
    auto client = s.scene.joined();
    s.spawn(count(s.sockets.at(0), s.log, "", 1s));
    s.scene.world.advance(1s);
    CHECK(s.log.take() == "operation has timed out");
    client.send_together({R"(2["a"])", R"(2["number",1])", R"(2["b"])", R"(2["number",2])"});
    CHECK(s.scene.reports().empty());
    client.send(R"(2["number",3])");
    CHECK(s.scene.reports() == "dropped a");
    client.send(R"(2["c"])");
    CHECK(s.scene.reports() == "dropped b");
    s.spawn(listen(s.sockets.at(0), s.log));
    CHECK(s.log.take() == "number | number | number | c");
}

TEST_CASE("api/inbox: one large event may drop several") {
    stage s(small_inbox(100, 4'000));
    auto client = s.scene.joined();
    for (std::string const name : {"a", "b", "c"})
        client.send("2[\"" + name + "\",\"" + std::string(900, 'x') + "\"]");
    CHECK(s.scene.reports().empty());
    client.send("2[\"large\",\"" + std::string(3'500, 'x') + "\"]");
    CHECK(s.scene.reports() == "dropped a | dropped b | dropped c");
}

TEST_CASE("api/inbox: when all events are wanted the client has to wait, and nothing is lost") {
    stage s(small_inbox(4));
    auto client = s.scene.joined();
    auto const next = std::make_shared<socoro::net::signal>(*s.scene.world.shard);
    s.spawn(count_slowly(s.sockets.at(0), s.log, next));
    send_numbers(client, 1, 100);
    CHECK(s.log.take() == "1");
    // A pause over several ping intervals is no reason to disconnect.
    s.scene.world.advance(10min);
    CHECK(s.sockets.at(0).connected());
    std::string seen = "1";
    for (int i = 2; i <= 100; ++i) {
        next->notify_all();
        s.scene.world.run();
        seen += " | " + s.log.take();
    }
    CHECK(seen == numbers(1, 100));
    CHECK(s.scene.reports().empty());
    CHECK(s.sockets.at(0).connected());
}

TEST_CASE("api/inbox: a held-up client over polling has its POST answered later") {
    stage s(small_inbox(2));
    auto poller = s.scene.connect_polling();
    poller.send("0");
    auto const next = std::make_shared<socoro::net::signal>(*s.scene.world.shard);
    s.spawn(count_slowly(s.sockets.at(0), s.log, next));
    std::string body = "2[\"number\",1]";
    for (int i = 2; i <= 5; ++i)
        body +=
            "\x1e"
            "42[\"number\"," +
            std::to_string(i) + "]";
    CHECK(poller.send(body) == 0);
    for (int i = 2; i <= 5; ++i) {
        next->notify_all();
        s.scene.world.run();
    }
    CHECK(s.log.take() == numbers(1, 5));
    CHECK(poller.send("2[\"number\",6]") == 200);
}

TEST_CASE("api/inbox: reading goes on while a coroutine waits for what only reading can bring") {
    stage s(small_inbox(4));
    auto client = s.scene.joined();
    auto const next = std::make_shared<socoro::net::signal>(*s.scene.world.shard);
    auto const socket = s.sockets.at(0);

    SUBCASE("a call, made while reading has paused") {
        s.spawn(count_slowly(socket, s.log, next));
        send_numbers(client, 1, 6);
        client.send("30[42]");
        CHECK(s.log.take() == "1");
        s.spawn(ask(socket, 1, s.log));
        CHECK(s.log.take() == "42");
    }
    SUBCASE("another event") {
        s.spawn(count_slowly(socket, s.log, next));
        send_numbers(client, 1, 6);
        client.send(R"(2["word","x"])");
        CHECK(s.log.take() == "1");
        s.spawn([](socoro::socket of, journal log) -> asio::awaitable<void> {
            auto const got = co_await of.recv<word>();
            log.add(std::get<0>(got));
        }(socket, s.log));
        CHECK(s.log.take() == "x");
    }
    SUBCASE("an event in another namespace") {
        s.scene.of("/other").on_connection([&](socoro::socket of) -> asio::awaitable<void> {
            co_await next->wait();
            auto const got = co_await of.recv<word>();
            s.log.add(std::get<0>(got));
            co_await stay(of);
        });
        REQUIRE(client.join("/other"));
        s.spawn([](socoro::socket of, journal log) -> asio::awaitable<void> {
            auto const got = co_await of.recv<number>();
            log.add(std::to_string(std::get<0>(got)));
        }(socket, s.log));
        s.sockets.clear();
        send_numbers(client, 1, 6);
        client.send(R"(2/other,["word","x"])");
        CHECK(s.log.take() == "1");
        next->notify_all();
        s.scene.world.run();
        CHECK(s.log.take() == "x");
    }
    CHECK(socket.connected());
}

TEST_CASE("api/inbox: when the socket with a full one goes, the session reads on") {
    test::scene s(small_inbox(2));
    auto const next = std::make_shared<socoro::net::signal>(*s.world.shard);
    s.of("/a").on_connection([next](socoro::socket socket) -> asio::awaitable<void> {
        co_await socket.recv<number>();
        std::ignore = co_await next->wait();
    });
    auto client = s.joined("/a");
    for (int i = 0; i < 4; ++i)
        client.send("2/a,[\"number\",1]");
    client.send("0/other,");
    CHECK(client.take() == "");
    next->notify_all();
    s.world.run();
    CHECK(client.take() == R"(1/a, | 4/other,{"message":"Invalid namespace"})");
}

TEST_CASE("api/inbox: beyond twice the limit the client is disconnected") {
    stage s(small_inbox(4));
    auto client = s.scene.joined();
    auto const next = std::make_shared<socoro::net::signal>(*s.scene.world.shard);
    auto const socket = s.sockets.at(0);
    s.spawn(count_slowly(socket, s.log, next));
    s.spawn(ask(socket, 1, s.log));
    send_numbers(client, 1, 100);
    CHECK(s.log.take() == "1 | forced close");
    CHECK_FALSE(socket.connected());
    CHECK(client.take().ends_with("closed"));
}

TEST_CASE("api/inbox: an event counts with its attachments, but alone it is never too much") {
    stage s(small_inbox(100, 1'000));
    auto client = s.scene.joined();
    auto const socket = s.sockets.at(0);
    s.spawn([](socoro::socket of, journal log) -> asio::awaitable<void> {
        try {
            co_await of.recv<picture>(1s);
        } catch (std::system_error const& e) {
            log.add(e.code().message());
        }
    }(socket, s.log));
    s.scene.world.advance(1s);
    CHECK(s.log.take() == "operation has timed out");
    for (int i = 0; i < 2; ++i) {
        client.send(
            R"(52-["picture",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}])");
        client.send_binary(std::string(5'000, 'x'));
        client.send_binary("y");
    }
    CHECK(socket.connected());
    auto const taken = s.scene.world.spawn(socket.recv());
    REQUIRE(taken->value);
    CHECK(taken->value->get<socoro::bytes>(0).data.size() == 5'000);
    auto const second = s.scene.world.spawn(socket.recv());
    REQUIRE(second->value);
    CHECK(second->value->get<socoro::bytes>(1).data == "y");
}
