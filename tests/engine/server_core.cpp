// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/server_core.hpp>

#include "engine/engine_world.hpp"
#include "engine/packets.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace engine_test;
using namespace std::chrono_literals;
using socoro::errc;

TEST_CASE("engine/server_core: a session over polling is opened byte for byte as the reference") {
    engine_world w;
    auto const peer = w.connect();
    peer.send(w.poll(""));
    w.run();
    REQUIRE(w.sessions.size() == 1);
    auto const& sid = w.sessions[0].core->sid();
    CHECK(sid.size() == 20);
    auto const body =
        R"(0{"sid":")" + sid +
        R"(","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})";
    CHECK(
        peer.take() ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        "cache-control: no-store\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: " +
            std::to_string(body.size()) + "\r\n\r\n" + body);
    CHECK(w.server->sessions() == 1);
}

TEST_CASE("engine/server_core: a session over WebSocket begins with 101 and the open packet") {
    engine_world w;
    auto const peer = w.connect();
    peer.send(w.upgrade(""));
    w.run();
    REQUIRE(w.sessions.size() == 1);
    auto bytes = peer.take();
    std::string const head =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    REQUIRE(bytes.starts_with(head));
    auto const body =
        R"(0{"sid":")" + w.sessions[0].core->sid() +
        R"(","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})";
    REQUIRE(body.size() < 126);
    CHECK(bytes.substr(head.size()) == "\x81" + std::string(1, char(body.size())) + body);
    CHECK(w.sessions[0].core->transport_name() == "websocket");
    CHECK(w.http->connections() == 0);
}

TEST_CASE("engine/server_core: refusals are byte for byte the reference's") {
    engine_world w;
    std::vector<std::tuple<std::string, std::string, std::string>> const cases{
        {"transport=tcp&EIO=4", R"({"code":0,"message":"Transport unknown"})", "0 transport"},
        {"transport=polling&EIO=4&sid=x", R"({"code":1,"message":"Session ID unknown"})", "1 sid"},
        {"transport=websocket&EIO=4",
         R"({"code":3,"message":"Bad request"})",
         "3 TRANSPORT_HANDSHAKE_ERROR"},
        {"transport=polling&EIO=3",
         R"({"code":5,"message":"Unsupported protocol version"})",
         "5 protocol"},
    };
    auto const peer = w.connect();
    for (auto const& [query, body, hook] : cases) {
        peer.send(test::get("/engine.io/?" + query));
        w.run();
        CHECK(
            peer.take() ==
            "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\n"
            "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body);
        CHECK(w.refusals.back() == hook);
    }
    auto const posted = w.ask(peer, w.post("", ""));
    CHECK(posted.body == R"({"code":2,"message":"Bad handshake method"})");
    CHECK(w.sessions.empty());
}

TEST_CASE("engine/server_core: a refused WebSocket gets the reference's raw answer") {
    engine_world w;
    auto const peer = w.connect();
    peer.send(w.upgrade("nobody"));
    w.run();
    CHECK(
        peer.take() ==
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
        "Content-Length: 18\r\n\r\nSession ID unknown");
    CHECK(peer.ended());
    w.check_nothing_is_left();
    CHECK(peer.closed());
}

TEST_CASE("engine/server_core: a WebSocket handshake that breaks RFC 6455 is refused") {
    engine_world w;
    auto const peer = w.connect();
    auto const old = w.ask(
        peer,
        test::get(
            w.target("", "websocket"),
            "Upgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 8\r\n"));
    CHECK(old.status == 400);
    CHECK(old.has("Sec-WebSocket-Version: 13"));
    auto const none = w.ask(
        w.connect(),
        test::get(w.target("", "websocket"), "Upgrade: websocket\r\nConnection: Upgrade\r\n"));
    CHECK(none.status == 400);
    CHECK(w.sessions.empty());
    CHECK(w.refusals.size() == 2);
    w.check_nothing_is_left();
}

TEST_CASE("engine/server_core: methods other than GET and POST get 500, the session stays") {
    engine_world w;
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    for (std::string const method : {"PUT", "DELETE", "HEAD", "OPTIONS"}) {
        auto const answer =
            w.ask(peer, method + " " + w.target(sid, "polling") + " HTTP/1.1\r\nHost: a\r\n\r\n");
        CHECK(answer.status == 500);
    }
    CHECK(w.server->sessions() == 1);
}

TEST_CASE("engine/server_core: only what is under the path is the engine's") {
    engine_world w;
    auto const peer = w.connect();
    CHECK(w.ask(peer, test::get("/engine.io?EIO=4&transport=polling")).status == 404);
    CHECK(w.ask(peer, test::get("/engine.iox/?EIO=4&transport=polling")).status == 404);
    CHECK(w.ask(peer, test::get("/?/engine.io/")).status == 404);
    CHECK(w.ask(peer, test::get("/engine.io/deeper?EIO=4&transport=polling")).status == 200);
}

TEST_CASE("engine/server_core: one slash at the end of the path is left out") {
    struct {
        std::string path;
        std::string target;
        std::string below;
    } const cases[] = {
        {"/engine.io", "/engine.io/", ""},
        {"/engine.io/", "/engine.io/", ""},
        {"/engine.io/", "/engine.io/a/b", "a/b"},
        {"/", "/", ""},
        {"/", "/a", "a"},
        {"", "/a", "a"},
    };
    for (auto const& c : cases) {
        CAPTURE(c.path);
        engine::options options;
        options.path = c.path;
        engine_world w(options);
        socoro::http::request request;
        request.target = c.target + "?EIO=4&transport=polling";
        REQUIRE(w.server->owns(request));
        CHECK(w.server->below_path(request) == c.below);
        CHECK(w.ask(w.connect(), test::get(request.target)).status == 200);
    }
}

TEST_CASE("engine/server_core: CORS fields are on every answer, errors too") {
    engine::options options;
    options.cors.origins = {"http://a"};
    engine_world w(options);
    auto const peer = w.connect();
    std::string const origin = "Origin: http://a\r\n";
    CHECK(w.ask(peer, test::get(w.target("", "polling"), origin))
              .has("Access-Control-Allow-Origin: http://a"));
    auto const refused = w.ask(peer, test::get(w.target("nobody", "polling"), origin));
    CHECK(refused.status == 400);
    CHECK(refused.has("Access-Control-Allow-Origin: http://a"));
    auto const sid = w.sessions[0].core->sid();
    CHECK(w.ask(peer, test::post(w.target(sid, "polling"), "3", origin))
              .has("Access-Control-Allow-Origin: http://a"));
    auto const preflight = w.ask(
        peer,
        "OPTIONS " + w.target("", "polling") + " HTTP/1.1\r\nHost: a\r\n" + origin + "\r\n");
    CHECK(preflight.status == 204);
    auto const foreign = w.ask(peer, test::get(w.target("", "polling"), "Origin: http://evil\r\n"));
    CHECK(foreign.status == 200);
    CHECK(foreign.head.find("Access-Control-Allow-Origin") == std::string::npos);
    CHECK(foreign.has("Vary: Origin"));
}

TEST_CASE("engine/server_core: messages over polling, then the client's close") {
    engine_world w;
    auto const poller = w.connect();
    auto const poster = w.connect();
    auto const sid = w.open(poller);
    CHECK(
        w.ask(
             poster,
             w.post(
                 sid,
                 "4a\x1e"
                 "4b\x1e"
                 "bAQ=="))
            .body == "ok");
    CHECK(w.sessions[0].sink->messages == strings{"a", "b", "b\x01"});
    poller.send(w.poll(sid));
    w.run();
    send(*w.sessions[0].core, "1");
    send(*w.sessions[0].core, "2");
    w.run();
    CHECK(
        test::take_answers(poller).at(0).body ==
        "41\x1e"
        "42");
    poller.send(w.poll(sid));
    w.run();
    CHECK(w.ask(poster, w.post(sid, "1")).body == "ok");
    CHECK(test::take_answers(poller).at(0).body == "6");
    CHECK(w.sessions[0].sink->reason == errc::transport_close);
    CHECK(w.ask(poller, w.poll(sid)).body == R"({"code":1,"message":"Session ID unknown"})");
    poller.end();
    poster.end();
    w.check_nothing_is_left();
}

TEST_CASE("engine/server_core: a poll is answered with 16 packets at most") {
    engine_world w;
    auto const poller = w.connect();
    auto const sid = w.open(poller);
    for (int i = 0; i < 20; ++i)
        send(*w.sessions[0].core, "x");
    w.run();
    auto const count = [](std::string const& body) {
        return socoro::eio::decode(body, socoro::limits()).value().size();
    };
    CHECK(count(w.ask(poller, w.poll(sid)).body) == 16);
    CHECK(count(w.ask(poller, w.poll(sid)).body) == 4);
}

TEST_CASE("engine/server_core: a ping timeout answers the poll with a close packet") {
    engine_world w;
    auto const poller = w.connect();
    auto const sid = w.open(poller);
    poller.send(w.poll(sid));
    w.advance(25s);
    CHECK(test::take_answers(poller).at(0).body == "2");
    poller.send(w.poll(sid));
    w.advance(20s);
    CHECK(test::take_answers(poller).at(0).body == "1");
    CHECK(w.sessions[0].sink->reason == errc::ping_timeout);
    CHECK(w.server->sessions() == 0);
}

TEST_CASE("engine/server_core: a request behind the last poll of a session finds no session") {
    engine_world w;
    auto const poller = w.connect();
    auto const sid = w.open(poller);
    poller.send(w.poll(sid) + w.poll(sid));
    w.run();
    w.sessions[0].core->discard();
    w.run();
    auto const answers = test::take_answers(poller);
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].body == "1");
    CHECK(answers[1].body == R"({"code":1,"message":"Session ID unknown"})");
}

TEST_CASE("engine/server_core: a closed polling session says 6 and 1 to the next poll") {
    engine_world w;
    auto const poller = w.connect();
    auto const sid = w.open(poller);
    send(*w.sessions[0].core, "last");
    w.sessions[0].core->close();
    CHECK(w.ask(poller, w.poll(sid)).body == "4last");
    CHECK_FALSE(w.sessions[0].sink->reason);
    CHECK(
        w.ask(poller, w.poll(sid)).body ==
        "6\x1e"
        "1");
    CHECK(w.sessions[0].sink->reason == errc::forced_close);
    CHECK(w.ask(poller, w.poll(sid)).status == 400);
}

TEST_CASE("engine/server_core: a closed WebSocket session says what it has to say, and closes") {
    engine_world w;
    auto const peer = w.connect();
    auto client = w.open_websocket(peer);
    send(*w.sessions[0].core, "last");
    w.sessions[0].core->close();
    w.run();
    auto const seen = client.take();
    REQUIRE(seen.size() == 3);
    CHECK(seen[1] == "text:4last");
    CHECK(seen[2] == "close:1005");
    client.close();
    w.check_nothing_is_left();
    CHECK(peer.closed());
}

TEST_CASE("engine/server_core: the handler may send and close before anything has left") {
    for (bool const websocket : {false, true}) {
        engine_world w;
        w.on_open = [](engine_world::opened& o) {
            CHECK_FALSE(o.core->transport_name().empty());
            send(*o.core, "hello");
            o.core->close();
        };
        auto const peer = w.connect();
        if (websocket) {
            auto client = w.open_websocket(peer);
            auto const seen = client.take();
            REQUIRE(seen.size() == 3);
            CHECK(seen[0].starts_with("text:0{"));
            CHECK(seen[1] == "text:4hello");
            CHECK(seen[2] == "close:1005");
        } else {
            auto const first = w.ask(peer, w.poll(""));
            CHECK(first.body.starts_with("0{"));
            CHECK(
                first.body.ends_with("\x1e"
                                     "4hello"));
        }
        w.check_nothing_is_left();
        CHECK(w.sessions[0].sink->reason == errc::forced_close);
    }
}

TEST_CASE("engine/server_core: a handler that throws, or closes the server, ends the session") {
    for (bool const websocket : {false, true})
        for (bool const throws : {false, true}) {
            engine_world w;
            w.on_open = [&](engine_world::opened&) {
                if (throws)
                    throw std::runtime_error("a bug");
                w.server->close();
            };
            auto const peer = w.connect();
            peer.send(websocket ? w.upgrade("") : w.poll(""));
            w.run();
            CHECK(w.server->sessions() == 0);
            CHECK(w.failures == (throws ? 1 : 0));
            CHECK(test::take_answer(const_cast<std::string&>(peer.arrived())).status != 0);
            w.settle();
            CHECK(w.http->connections() == 0);
            CHECK(w.clock->armed() == 0);
        }
}

TEST_CASE("engine/server_core: after its end an engine takes no requests any more") {
    engine_world w;
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    w.server->close();
    CHECK(w.sessions[0].sink->reason == errc::forced_close);
    CHECK(w.server->sessions() == 0);
    socoro::http::request request;
    request.target = w.target("", "polling");
    CHECK_FALSE(w.server->owns(request));
    CHECK(w.ask(peer, w.poll("")).status == 404);
    CHECK(w.ask(peer, w.poll(sid)).status == 404);
    CHECK(w.sessions.size() == 1);
    std::weak_ptr<engine::server_core> const weak = w.server;
    auto const other =
        std::make_shared<engine::server_core>(w.shard, engine::options(), [](auto const&) {
            return std::make_shared<recorder>();
        });
    w.server = other;
    CHECK(weak.expired());
    CHECK(w.ask(peer, w.poll("")).status == 404);
}

TEST_CASE("engine/server_core: the end of the HTTP server ends the poll, and so the session") {
    engine_world w;
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    peer.send(w.poll(sid));
    w.run();
    w.http->close();
    w.check_nothing_is_left();
    CHECK(w.sessions[0].sink->reason == errc::transport_error);
}

TEST_CASE("engine/server_core: the end of the context takes everything along") {
    engine_world w;
    auto const polling = w.connect();
    auto const polling_sid = w.open(polling);
    polling.send(w.poll(polling_sid));
    auto const posting = w.connect();
    posting.send(w.post(polling_sid, "4abcdef").substr(0, 100));
    auto const ws = w.connect();
    auto client = w.open_websocket(ws);
    auto const upgrading = w.connect();
    auto const sid = w.open(upgrading);
    auto probing = w.open_websocket(w.connect(), sid);
    probing.text("2probe");
    auto const closing = w.connect();
    std::ignore = w.open(closing);
    w.sessions.back().core->close();
    auto const refused = w.connect();
    refused.send(w.upgrade("nobody"));
    ws.limit(1);
    send(*w.sessions[1].core, std::string(1000, 'x'));
    w.run();
    CHECK(w.server->sessions() == 4);
    // The session that is not read from pauses in the middle.
    w.sessions[1].sink->wants = false;
    client.text("4x");
    w.run();
    w.context.reset();
    CHECK(w.http->connections() == 0);
}

TEST_CASE("engine/server_core: what a poll has begun to take is not given up for newer events") {
    engine::options options;
    options.outbox_bytes = 20 * (sizeof(eio::packet) + 1);
    options.when_outbox_full = engine::outbox_policy::keep_latest;
    options.packets_per_poll = 2;
    engine_world w(options);
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    auto& core = *w.sessions[0].core;
    CHECK(core.send(group({"a", "b", "c", "d", "e"}), {1, false}) == engine::sent::queued);
    CHECK(core.send(group({"f", "g"}), {1, false}) == engine::sent::queued);
    CHECK(
        w.ask(peer, w.poll(sid)).body ==
        "4a\x1e"
        "4b");
    CHECK(core.send(group(strings(14, "h")), {1, false}) == engine::sent::queued);
    CHECK(core.send(group({"i", "j"}), {1, false}) == engine::sent::replaced);
    std::string rest;
    while (core.queued_bytes() > 0)
        rest += w.ask(peer, w.poll(sid)).body + "|";
    CHECK(
        rest ==
        "4c\x1e"
        "4d|4e\x1e"
        "4i|4j|");
    CHECK(core.dropped() == 2);
}

TEST_CASE("engine/server_core: over polling a volatile event needs a poll that waits") {
    engine_world w;
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    auto& core = *w.sessions[0].core;
    CHECK(core.send(group({"a"}), {1, true}) == engine::sent::dropped);
    peer.send(w.poll(sid));
    w.run();
    CHECK(core.send(group({"b"}), {1, true}) == engine::sent::queued);
    w.run();
    CHECK(test::take_answers(peer).at(0).body == "4b");
}

TEST_CASE("engine/server_core: one waits until closing handshakes have ended as well") {
    engine_world w;
    auto client = w.open_websocket(w.connect());
    std::ignore = client.take();
    auto const poller = w.connect();
    poller.send(w.poll(w.open(poller)));
    w.server->close();
    auto const waiting = w.spawn(w.server->wait_closed());
    CHECK(w.server->sessions() == 0);
    CHECK_FALSE(waiting->done());
    client.close();
    w.run();
    REQUIRE(waiting->done());
    CHECK_FALSE(*waiting->value);
    CHECK(w.spawn(w.server->wait_closed())->done());
}

TEST_CASE("engine/server_core: who waits no longer than some time may then abandon the rest") {
    engine_world w;
    auto const client = w.open_websocket(w.connect());
    w.server->close();
    auto const waiting = w.spawn(w.server->wait_closed(w.clock->now() + 1s));
    w.advance(1s - 1ms);
    CHECK_FALSE(waiting->done());
    w.advance(1ms);
    REQUIRE(waiting->done());
    CHECK(*waiting->value == errc::timeout);
    CHECK_FALSE(client.raw.closed());
    auto const rest = w.spawn(w.server->wait_closed());
    CHECK_FALSE(rest->done());
    w.server->abandon();
    w.run();
    CHECK(rest->done());
    CHECK(client.raw.closed());
    CHECK(w.clock->armed() == 0);
    CHECK(w.failures == 0);
}

TEST_CASE("engine/server_core: abandoning sessions in whatever state leaves nothing") {
    for (int pause = 0; pause < 2; ++pause) {
        engine_world w;
        if (pause == 1)
            w.on_open = [](engine_world::opened& o) { o.sink->wants = false; };
        auto const poller = w.connect();
        auto const sid = w.open(poller);
        poller.send(w.poll(sid));
        auto const upgrading = w.open_websocket(w.connect(), sid);
        upgrading.text("2probe");
        auto const plain = w.open_websocket(w.connect());
        plain.text("4x");
        plain.raw.limit(0);
        send(*w.sessions[1].core, std::string(100'000, 'x'));
        auto const posting = w.connect();
        auto const other = w.open(w.connect());
        posting.send(w.post(other, "4y"));
        w.run();
        w.server->abandon();
        w.http->abandon();
        auto const rest = w.spawn(w.server->wait_closed());
        auto const connections = w.spawn(w.http->wait_closed());
        CHECK(rest->done());
        CHECK(connections->done());
        CHECK(w.clock->armed() == 0);
        CHECK(w.failures == 0);
        for (auto const& peer : {upgrading.raw, plain.raw, poller, posting})
            CHECK(peer.closed());
        w.check_nothing_is_left();
    }
}
