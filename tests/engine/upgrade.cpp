// SPDX-License-Identifier: BSL-1.0
// Changing from polling to WebSocket, as Engine.IO clients do it and as they should not.
#include "engine/engine_world.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace engine_test;
using namespace std::chrono_literals;
using socoro::errc;

namespace ws = socoro::ws;

namespace {

/// A session on polling, and its client.
struct upgrading : engine_world {
    explicit upgrading(engine::options const& options = {}) : engine_world(options) {
        sid = open(poller);
    }
    void start() { client.emplace(open_websocket(connect(), sid)); }
    void client_says(std::string_view text) {
        client->text(text);
        run();
    }
    [[nodiscard]] engine::session_core& core() { return *sessions[0].core; }
    [[nodiscard]] recorder& sink() { return *sessions[0].sink; }

    test::memory_peer poller = connect();
    test::memory_peer poster = connect();
    std::string sid;
    std::optional<test::websocket_peer> client;
};

}  // namespace

TEST_CASE("engine/upgrade: probe, release of the poll, switch") {
    upgrading w;
    w.poller.send(w.poll(w.sid));
    w.start();
    w.client_says("2probe");
    CHECK(w.client->take() == strings{"text:3probe"});
    CHECK(w.core().transport_name() == "polling");
    w.advance(99ms);
    CHECK(w.poller.arrived().empty());
    w.advance(1ms);
    CHECK(test::take_answers(w.poller).at(0).body == "6");
    w.client_says("5");
    CHECK(w.core().transport_name() == "websocket");
    w.client_says("4over websocket");
    CHECK(w.sink().messages == strings{"over websocket"});
    send(w.core(), "back");
    w.run();
    CHECK(w.client->take() == strings{"text:4back"});
    // A poll that comes now finds another transport.
    CHECK(w.ask(w.poller, w.poll(w.sid)).body == R"({"code":3,"message":"Bad request"})");
    CHECK(w.refusals.back() == "3 TRANSPORT_MISMATCH");
    w.client->close();
    w.check_nothing_is_left();
    CHECK(w.sink().reason == errc::transport_close);
}

TEST_CASE("engine/upgrade: under traffic both ways nothing is lost and nothing overtakes") {
    for (int pause = 0; pause < 12; ++pause) {
        CAPTURE(pause);
        upgrading w;
        int sent = 0;
        int said = 0;
        strings expected;
        strings seen;
        strings said_all;
        bool polling = false;
        bool posting = false;
        auto const take_polls = [&] {
            for (auto const& answer : test::take_answers(w.poller)) {
                polling = false;
                REQUIRE(answer.status == 200);
                auto const packets = eio::decode(answer.body, socoro::limits());
                for (auto const& packet : packets.value())
                    if (packet.type == eio::packet_type::message)
                        seen.push_back(packet.data);
            }
            for (auto const& answer : test::take_answers(w.poster)) {
                posting = false;
                REQUIRE(answer.body == "ok");
            }
        };
        auto const server_sends = [&] {
            expected.push_back(std::to_string(sent));
            send(w.core(), std::to_string(sent++));
        };
        auto const client_posts = [&] {
            if (std::exchange(posting, true))
                return;
            said_all.push_back(std::to_string(said));
            w.poster.send(w.post(w.sid, "4" + std::to_string(said++)));
        };
        auto const traffic = [&](bool may_poll) {
            server_sends();
            if (may_poll && !std::exchange(polling, true))
                w.poller.send(w.poll(w.sid));
            if (may_poll)
                client_posts();
            server_sends();
            w.run();
            take_polls();
        };
        for (int i = 0; i < 3; ++i)
            traffic(true);
        w.start();
        for (int i = 0; i < pause; ++i)
            traffic(true);
        w.client_says("2probe");
        for (int i = 0; i < pause; ++i)
            traffic(true);
        // The client now sends nothing until its requests are answered.
        while (polling || posting) {
            traffic(false);
            w.advance(10ms);
            take_polls();
        }
        server_sends();
        w.client->text("5");
        server_sends();
        w.client->text("4" + std::to_string(said));
        said_all.push_back(std::to_string(said));
        server_sends();
        w.run();
        server_sends();
        w.run();
        for (auto const& event : w.client->take())
            if (event != "text:3probe")
                seen.push_back(event.substr(6));
        CHECK(w.core().transport_name() == "websocket");
        CHECK(seen == expected);
        CHECK(w.sink().messages == said_all);
    }
}

TEST_CASE("engine/upgrade: 5 without a probe switches, as in the reference") {
    upgrading w;
    w.start();
    w.client_says("5");
    CHECK(w.core().transport_name() == "websocket");
    send(w.core(), "x");
    w.run();
    CHECK(w.client->take() == strings{"text:4x"});
}

TEST_CASE("engine/upgrade: any other first packet is refused, the session stays on polling") {
    for (std::string const first : {"4hello", "2", "2other", "3probe", "?", "", "0", "1"}) {
        CAPTURE(first);
        upgrading w;
        w.start();
        w.client_says(first);
        CHECK(w.client->take() == strings{"close:1005"});
        w.client->close();
        w.run();
        CHECK(w.client->raw.closed());
        CHECK(w.core().transport_name() == "polling");
        CHECK(w.sink().messages.empty());
        send(w.core(), "still here");
        CHECK(w.ask(w.poller, w.poll(w.sid)).body == "4still here");
        // Another attempt may succeed.
        w.start();
        w.client_says("2probe");
        w.client_says("5");
        CHECK(w.core().transport_name() == "websocket");
    }
}

TEST_CASE("engine/upgrade: without an end after 10 s it is given up") {
    for (bool const probed : {false, true}) {
        upgrading w;
        w.start();
        if (probed)
            w.client_says("2probe");
        std::ignore = w.client->take();
        w.advance(10s - 1ms);
        CHECK(w.client->take().empty());
        w.advance(1ms);
        CHECK(w.client->take() == strings{"close:1005"});
        w.client_says("5");
        CHECK(w.core().transport_name() == "polling");
        CHECK(w.core().is_open());
        w.advance(10s);
        CHECK(w.client->raw.closed());
    }
}

TEST_CASE("engine/upgrade: a WebSocket that breaks leaves the session on polling") {
    upgrading w;
    w.start();
    w.client_says("2probe");
    w.client->raw.vanish(asio::error::connection_reset);
    w.run();
    CHECK(w.core().is_open());
    send(w.core(), "x");
    CHECK(w.ask(w.poller, w.poll(w.sid)).body == "4x");
    w.start();
    w.client_says("5");
    CHECK(w.core().transport_name() == "websocket");
}

TEST_CASE("engine/upgrade: a second WebSocket gets 101 and is closed, before and after") {
    upgrading w;
    w.start();
    auto second = w.open_websocket(w.connect(), w.sid);
    CHECK(second.take() == strings{"close:1005"});
    w.client_says("2probe");
    CHECK(w.client->take() == strings{"text:3probe"});
    w.client_says("5");
    auto third = w.open_websocket(w.connect(), w.sid);
    CHECK(third.take() == strings{"close:1005"});
    w.client_says("4x");
    CHECK(w.sink().messages == strings{"x"});
    second.close();
    third.close();
    w.client->close();
    w.check_nothing_is_left();
}

TEST_CASE("engine/upgrade: where upgrades are not allowed it gets 101 and is closed") {
    engine::options options;
    options.allow_upgrades = false;
    engine_world w(options);
    auto const sid = w.open(w.connect());
    auto client = w.open_websocket(w.connect(), sid);
    CHECK(client.take() == strings{"close:1005"});
    CHECK(w.sessions[0].core->transport_name() == "polling");
}

TEST_CASE("engine/upgrade: the session may end in the middle, from either side") {
    for (int const how : {0, 1, 2, 3}) {
        CAPTURE(how);
        upgrading w;
        w.start();
        w.client_says("2probe");
        std::ignore = w.client->take();
        if (how == 0)
            w.core().discard();
        if (how == 1)
            CHECK(w.ask(w.poster, w.post(w.sid, "1")).body == "ok");
        if (how == 2)
            w.core().close();
        if (how == 3)
            w.server->close();
        w.run();
        if (how == 2) {
            // It closes when the client has taken it: with the switch.
            CHECK_FALSE(w.sink().reason);
            w.client_says("5");
        }
        CHECK(w.client->take() == strings{"close:1005"});
        CHECK(w.sink().reason == (how == 1 ? errc::transport_close : errc::forced_close));
        w.client->close();
        w.check_nothing_is_left();
    }
}

TEST_CASE("engine/upgrade: the session may end while the 101 is written") {
    upgrading w;
    auto const peer = w.connect();
    peer.limit(10);
    peer.send(w.upgrade(w.sid));
    w.run();
    w.core().discard();
    peer.limit(1000);
    w.run();
    engine_world::skip_answer(peer, 101);
    test::websocket_peer client(peer);
    w.run();
    CHECK(client.take() == strings{"close:1005"});
    client.close();
    w.check_nothing_is_left();
    CHECK(peer.closed());
}

TEST_CASE("engine/upgrade: the server may close while the 101 of a new session is written") {
    engine_world w;
    auto const peer = w.connect();
    peer.limit(10);
    peer.send(w.upgrade(""));
    w.run();
    w.server->close();
    peer.limit(1000);
    w.run();
    engine_world::skip_answer(peer, 101);
    test::websocket_peer client(peer);
    CHECK(client.take() == strings{"close:1005"});
    CHECK(w.sessions.empty());
    client.close();
    w.check_nothing_is_left();
}

TEST_CASE("engine/upgrade: frames that came along with the request are read") {
    upgrading w;
    auto const peer = w.connect();
    test::websocket_peer client(peer);
    peer.send(
        w.upgrade(w.sid) + client.frame(ws::opcode::text, "2probe") +
        client.frame(ws::opcode::text, "5") + client.frame(ws::opcode::text, "4x"));
    w.run();
    engine_world::skip_answer(peer, 101);
    CHECK(client.take() == strings{"text:3probe"});
    CHECK(w.sink().messages == strings{"x"});
}

TEST_CASE("engine/upgrade: a session that reads no more does not read over WebSocket either") {
    upgrading w;
    w.sink().react = [&](std::string const&) { w.sink().wants = false; };
    w.poster.send(w.post(w.sid, "4one"));
    w.run();
    w.start();
    w.client_says("5");
    w.client_says("4two");
    CHECK(w.sink().messages == strings{"one"});
    w.sink().wants = true;
    w.core().resume();
    w.run();
    CHECK(w.sink().messages == strings{"one", "two"});
}

TEST_CASE("engine/upgrade: a second probe puts the release of the poll off") {
    upgrading w;
    w.poller.send(w.poll(w.sid));
    w.start();
    w.client_says("2probe");
    std::ignore = w.client->take();
    w.advance(50ms);
    // The pong cannot leave, so that the timer is still that of the first probe.
    w.client->raw.limit(0);
    w.client_says("2probe");
    w.advance(99ms);
    CHECK(w.poller.arrived().empty());
    w.advance(1ms);
    CHECK(test::take_answers(w.poller).at(0).body == "6");
}

TEST_CASE("engine/upgrade: the hook sees every packet, those of heartbeat and upgrade too") {
    engine::options options;
    std::string seen;
    options.hooks.packet = [&](socoro::wire_packet const& p) {
        bool const is_open = p.data.starts_with("0{");
        seen.append(p.direction == socoro::direction::sent ? " >" : " <");
        seen.append(p.binary ? "b:" : "").append(is_open ? "0" : p.data);
    };
    upgrading w(options);
    w.poller.send(w.poll(w.sid));
    w.start();
    w.client_says("2probe");
    w.advance(100ms);
    w.client_says("5");
    w.client_says("4a");
    w.client->send(ws::opcode::binary, "bytes");
    w.run();
    send(w.core(), "c");
    w.advance(25s);
    w.client_says("3");
    CHECK(seen == " >0 <2probe >3probe >6 <5 <4a <b:bytes >4c >2 <3");
}
