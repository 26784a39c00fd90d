// SPDX-License-Identifier: BSL-1.0
// Whatever goes wrong, and whatever is sent, nothing of it stays behind.
#include "engine/engine_world.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <random>
#include <string>
#include <vector>

using namespace engine_test;
using namespace std::chrono_literals;

namespace ws = socoro::ws;

namespace {

/// A whole life: handshake, messages, upgrade, messages, close. What fails on the way is passed
/// over, as a client would that does not notice.
void live(engine_world& w, std::shared_ptr<test::faults> const& plan) {
    w.on_open = [](engine_world::opened& o) {
        o.sink->react = [core = o.core.get()](std::string const& m) { send(*core, m); };
    };
    auto const poller = w.connect(plan);
    auto const poster = w.connect(plan);
    poller.send(w.poll(""));
    w.run();
    auto const sid = w.sessions.empty() ? "none" : w.sessions[0].core->sid();
    poller.send(w.poll(sid));
    poster.send(w.post(
        sid,
        "4one\x1e"
        "4two"));
    w.run();
    poller.send(w.poll(sid));
    w.run();
    auto const peer = w.connect(plan);
    test::websocket_peer const client(peer);
    peer.send(w.upgrade(sid));
    w.run();
    client.text("2probe");
    w.advance(100ms);
    client.text("5");
    client.text("4three");
    client.send(ws::opcode::ping, "");
    w.advance(25s);
    client.text("3");
    w.run();
    client.close();
    w.run();
}

}  // namespace

TEST_CASE("engine/faults: whatever operation of a whole life fails, nothing stays behind") {
    for (auto const error :
         {asio::error::make_error_code(asio::error::connection_reset),
          asio::error::make_error_code(asio::error::eof)}) {
        std::size_t nth = 0;
        for (bool failed = true; failed; ++nth) {
            CAPTURE(nth);
            REQUIRE(nth < 500);
            engine_world w;
            auto const plan = std::make_shared<test::faults>();
            plan->nth = nth;
            plan->error = error;
            live(w, plan);
            failed = plan->operations > nth;
            if (!failed)
                CHECK(w.sessions.at(0).sink->messages == strings{"one", "two", "three"});
            w.check_nothing_is_left();
        }
        CHECK(nth > 20);
    }
}

TEST_CASE("engine/faults: a whole life byte by byte") {
    engine_world w;
    auto const plan = std::make_shared<test::faults>();
    plan->bytewise = true;
    live(w, plan);
    CHECK(w.sessions.at(0).sink->messages == strings{"one", "two", "three"});
    w.check_nothing_is_left();
}

TEST_CASE("engine/faults: thousands of malformed requests, frames and packets leave nothing") {
    engine_world w;
    std::minstd_rand random(7);
    auto const garbage = [&](std::size_t size) {
        std::string bytes(size, '\0');
        for (auto& c : bytes)
            c = static_cast<char>(random());
        return bytes;
    };
    std::vector<std::function<void()>> const attacks{
        [&] { w.connect().send(garbage(64)); },
        [&] { w.connect().send("GET /engine.io/ HTTP/1.1\r\nHost"); },
        [&] { w.connect().send(w.poll(garbage(3))); },
        [&] { w.connect().send(w.upgrade("nobody")); },
        [&] { w.connect().send(test::get("/engine.io/?transport=__proto__&EIO=4")); },
        [&] {
            auto const peer = w.connect();
            auto const sid = w.open(peer);
            peer.send(w.post(sid, garbage(32)));
        },
        [&] {
            auto const peer = w.connect();
            auto const sid = w.open(peer);
            peer.send(w.poll(sid) + w.poll(sid) + w.post(sid, "1"));
            w.connect().send(w.poll(sid));
        },
        [&] {
            auto const sid = w.open(w.connect());
            w.open_websocket(w.connect(), sid).raw.send(garbage(16));
        },
        [&] { w.open_websocket(w.connect()).raw.send(garbage(32)); },
        [&] { w.open_websocket(w.connect()).text("9"); },
        [&] { w.open_websocket(w.connect()).raw.vanish(asio::error::connection_reset); },
    };
    for (int round = 0; round < 2000; ++round) {
        for (auto const& attack : attacks) {
            attack();
            w.run();
        }
        if (round % 100 == 0) {
            w.check_nothing_is_left();
            w.sessions.clear();
            w.refusals.clear();
        }
    }
    w.check_nothing_is_left();
    // It still serves.
    w.sessions.clear();
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    CHECK(w.ask(peer, w.post(sid, "4hello")).body == "ok");
    CHECK(w.sessions.back().sink->messages == strings{"hello"});
}
