// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/client_upgrade.hpp>

#include "engine/client_world.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace engine_test;
using namespace std::chrono_literals;
using socoro::errc;

namespace {

/// A session on polling, whose poll is under way.
struct upgrading : scripted_server {
    explicit upgrading(
        engine::client_options const& wanted = {},
        eio::open const& handshake = {},
        bool offer = true)
        : scripted_server(wanted) {
        open_polling(handshake, offer);
    }
    void probe() {
        accept_websocket();
        CHECK(web->take() == strings{"text:2probe"});
        says("3probe");
    }
    /// What the server got over the WebSocket last.
    [[nodiscard]] std::string last_taken() {
        auto const taken = web->take();
        return taken.empty() ? "" : taken.back();
    }
    /// The session is on polling, in both directions.
    void check_polling_goes_on() {
        CHECK(core->transport_name() == "polling");
        auto const seen = sink->messages.size();
        answer("GET", "4from server");
        CHECK(sink->messages.size() == seen + 1);
        CHECK(is_polling());
        send(*core, "from client");
        CHECK(answer("POST", "ok").ends_with("4from client"));
        CHECK(core->is_open());
    }
    void end() {
        core->discard();
        run();
        vanish();
        check_client_is_gone();
    }
};

/// How far an upgrade has got.
enum stage { asked, opened, probed, stages };

void advance_to(upgrading& w, int reached) {
    if (reached == opened)
        w.accept_websocket();
    if (reached == probed)
        w.probe();
}

}  // namespace

TEST_CASE("engine/client_upgrade: probe, rest of polling, switch") {
    upgrading w;
    w.accept_websocket();
    CHECK(w.web->take() == strings{"text:2probe"});
    CHECK(w.core->transport_name() == "polling");
    w.says("3probe");
    CHECK(w.web->take().empty());
    w.answer(
        "GET",
        "4last\x1e"
        "6");
    CHECK(w.sink->messages == strings{"last"});
    CHECK(w.web->take() == strings{"text:5"});
    CHECK(w.core->transport_name() == "websocket");
    CHECK_FALSE(w.is_polling());
    // Its time does not matter any more.
    w.advance(10s);
    CHECK(w.web->take().empty());
    w.says("4a");
    w.web->send(ws::opcode::binary, "bytes");
    w.run();
    CHECK(w.sink->messages == strings{"last", "a", "bbytes"});
    send(*w.core, "b");
    w.run();
    CHECK(w.web->take() == strings{"text:4b"});
    w.web->close();
    w.run();
    CHECK(w.sink->reason == errc::transport_close);
    w.vanish();
    w.check_client_is_gone();
}

TEST_CASE(
    "engine/client_upgrade: what is sent while polling comes to rest goes behind the switch") {
    upgrading w;
    w.probe();
    send(*w.core, "a");
    w.run();
    CHECK_FALSE(w.asked("POST"));
    send(*w.core, "b");
    w.answer("GET", "6");
    send(*w.core, "c");
    w.run();
    CHECK(w.web->take() == strings{"text:5", "text:4a", "text:4b", "text:4c"});
    w.end();
}

TEST_CASE("engine/client_upgrade: all POSTs that were begun are waited for") {
    eio::open small;
    small.max_payload = 2;
    upgrading w({}, small);
    send(*w.core, "a");
    send(*w.core, "b");
    send(*w.core, "c");
    CHECK(w.asked("POST"));
    w.probe();
    w.answer("GET", "6");
    for (std::string const text : {"4a", "4b", "4c"}) {
        CHECK(w.web->take().empty());
        CHECK(w.answer("POST", "ok") == text);
    }
    CHECK(w.web->take() == strings{"text:5"});
    w.end();
}

TEST_CASE("engine/client_upgrade: what polling has brought is received before the switch") {
    upgrading w;
    w.sink->react = [&](std::string const&) { w.sink->wants = false; };
    w.probe();
    w.answer(
        "GET",
        "4a\x1e"
        "4b\x1e"
        "4c");
    for (strings const& so_far : {strings{"a"}, strings{"a", "b"}}) {
        CHECK(w.sink->messages == so_far);
        CHECK(w.web->take().empty());
        w.sink->wants = true;
        w.core->resume();
        w.run();
    }
    CHECK(w.sink->messages == strings{"a", "b", "c"});
    CHECK(w.web->take() == strings{"text:5"});
    CHECK(w.core->transport_name() == "websocket");
    w.end();
}

TEST_CASE("engine/client_upgrade: a server that refuses leaves the session on polling") {
    upgrading w;
    auto const peer = w.asked("GET", "websocket");
    REQUIRE(peer);
    std::ignore = peer->take();
    peer->send(w.answer_of("Bad request", 400));
    w.check_polling_goes_on();
    CHECK_FALSE(w.asked("GET", "websocket"));
    w.end();
}

TEST_CASE("engine/client_upgrade: any other answer to the probe leaves the session on polling") {
    for (std::string const first : {"3", "3other", "4probe", "2probe", "5", "6", "?", ""}) {
        CAPTURE(first);
        upgrading w;
        w.accept_websocket();
        CHECK(w.web->take() == strings{"text:2probe"});
        w.says(first);
        CHECK(w.web->take() == strings{"close:1005"});
        w.web->close();
        w.check_polling_goes_on();
        CHECK(w.violations.empty());
        w.end();
    }
}

TEST_CASE("engine/client_upgrade: a WebSocket that ends before the switch leaves it on polling") {
    for (int reached = asked; reached < stages; ++reached)
        for (bool const orderly : {false, true}) {
            CAPTURE(reached);
            upgrading w;
            advance_to(w, reached);
            if (orderly && reached != asked) {
                w.web->close();
            } else {
                auto const peer = reached == asked ? *w.asked("GET", "websocket") : w.web->raw;
                peer.vanish(asio::error::connection_reset);
            }
            w.run();
            w.check_polling_goes_on();
            w.end();
        }
}

TEST_CASE("engine/client_upgrade: after its time it is given up, however far it is") {
    for (int reached = asked; reached < stages; ++reached) {
        CAPTURE(reached);
        upgrading w;
        advance_to(w, reached);
        w.advance(10s - 1ms);
        if (reached != asked)
            CHECK_FALSE(w.web->raw.arrived().find('\x88') != std::string::npos);
        w.advance(1ms);
        w.check_polling_goes_on();
        if (reached == asked)
            CHECK_FALSE(w.asked("GET", "websocket"));
        else
            CHECK(w.last_taken() == "close:1005");
        w.end();
    }
}

TEST_CASE("engine/client_upgrade: a switch that cannot leave is given up after its time") {
    upgrading w;
    w.probe();
    w.web->raw.limit(0);
    w.answer("GET", "6");
    CHECK_FALSE(w.is_polling());
    w.advance(10s - 1ms);
    CHECK_FALSE(w.is_polling());
    w.advance(1ms);
    w.check_polling_goes_on();
    w.end();
}

TEST_CASE("engine/client_upgrade: a pong that comes too late does nothing") {
    upgrading w;
    w.accept_websocket();
    w.advance(10s);
    w.says("3probe");
    w.answer("GET", "6");
    CHECK(w.web->take() == strings{"text:2probe", "close:1005"});
    w.check_polling_goes_on();
    w.end();
}

TEST_CASE("engine/client_upgrade: the session may end in the middle, from either side") {
    for (int reached = asked; reached < stages; ++reached)
        for (int const how : {0, 1, 2, 3}) {
            CAPTURE(reached);
            CAPTURE(how);
            upgrading w;
            advance_to(w, reached);
            if (how == 0)
                w.core->discard();
            if (how == 1)
                w.core->close();
            if (how == 2)
                w.answer("GET", "1");
            // On a connection that was used before, it is asked once more.
            for (int i = 0; how == 3 && i < 2; ++i)
                w.asked("GET", "polling").value().vanish(asio::error::connection_reset);
            w.run();
            if (how == 1)
                CHECK(w.answer("POST", "ok") == "1");
            errc const reasons[] = {
                errc::forced_close,
                errc::forced_close,
                errc::transport_close,
                errc::transport_error};
            CHECK(w.sink->reason == reasons[how]);
            CHECK_FALSE(w.is_polling());
            if (w.web)
                CHECK(w.last_taken() == "close:1005");
            w.check_client_is_gone();
        }
}

TEST_CASE(
    "engine/client_upgrade: what was sent before a close goes over the WebSocket, if at all") {
    upgrading w;
    w.probe();
    send(*w.core, "last");
    w.core->close();
    w.run();
    CHECK_FALSE(w.asked("POST"));
    w.answer("GET", "6");
    CHECK(w.web->take() == strings{"text:5", "text:4last", "close:1005"});
    w.web->close();
    w.run();
    CHECK(w.sink->reason == errc::forced_close);
    w.vanish();
    w.check_client_is_gone();
}

TEST_CASE("engine/client_upgrade: there is none unless both ends want it") {
    engine::client_options never;
    never.upgrade = false;
    engine::client_options only_polling;
    only_polling.transports = {"polling"};
    CHECK(upgrading().asked("GET", "websocket"));
    CHECK_FALSE(upgrading(never).asked("GET", "websocket"));
    CHECK_FALSE(upgrading(only_polling).asked("GET", "websocket"));
    CHECK_FALSE(upgrading({}, {}, false).asked("GET", "websocket"));
}

TEST_CASE("engine/client_upgrade: it is remembered once the server has answered the probe") {
    for (bool const answered : {false, true}) {
        engine::client_options options;
        options.remember_upgrade = true;
        upgrading w(options);
        w.accept_websocket();
        w.says(answered ? "3probe" : "4");
        w.core->discard();
        std::ignore = w.asked("GET", "websocket");
        auto const before = w.connector->peers.size();
        auto const stop = std::make_shared<net::stop_source>();
        std::ignore = w.spawn(w.dialer->dial(stop));
        REQUIRE(w.connector->peers.size() == before + 1);
        auto const websocket =
            w.connector->peers.back().arrived().find("transport=websocket") != std::string::npos;
        CHECK(websocket == answered);
        stop->request_stop();
        w.run();
        w.end();
    }
}

TEST_CASE("engine/client_upgrade: the hook sees every packet, from the open packet on") {
    engine::client_options options;
    std::string seen;
    options.hooks.packet = [&](socoro::wire_packet const& p) {
        CHECK(p.sid == "abc");
        bool const is_open = p.data.starts_with("0{");
        seen.append(p.direction == socoro::direction::sent ? " >" : " <");
        seen.append(p.binary ? "b:" : "").append(is_open ? "0" : p.data);
    };
    upgrading w(options);
    w.probe();
    send(*w.core, "a");
    w.answer("GET", "6");
    w.says("2");
    w.web->send(ws::opcode::binary, "bytes");
    w.run();
    CHECK(seen == " <0 >2probe <3probe >4a <6 >5 <2 >3 <b:bytes");
    w.end();
}
