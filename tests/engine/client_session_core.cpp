// SPDX-License-Identifier: BSL-1.0
// A client's session, with our own server or with the test at the other end.
#include <socoro/engine/client_session_core.hpp>

#include "engine/client_world.hpp"

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

using namespace engine_test;
using namespace std::chrono_literals;
using socoro::errc;

namespace {

[[nodiscard]] engine::client_options over(strings transports) {
    engine::client_options options;
    options.transports = std::move(transports);
    return options;
}

/// How a session may get to its server; the last is by an upgrade.
std::vector<strings> const ways{{"polling"}, {"websocket"}, {"polling", "websocket"}};

[[nodiscard]] strings numbers(int count) {
    strings all;
    for (int i = 0; i < count; ++i)
        all.push_back(std::to_string(i));
    return all;
}

void send_binary(engine::session_core& to, std::string bytes) {
    engine::packet_ptr const packet =
        std::make_shared<eio::packet const>(eio::packet::from({true, std::move(bytes)}));
    to.send(std::span(&packet, 1));
}

/// What either side does next, and how far everything gets in between, is up to chance.
struct chance {
    client_world& w;
    std::minstd_rand random;
    int said = 0;
    int told = 0;

    [[nodiscard]] unsigned below(unsigned most) { return static_cast<unsigned>(random() % most); }
    void step() {
        switch (below(8)) {
        case 0:
        case 1: send(*w.core, std::to_string(said++)); break;
        case 2:
        case 3: send(w.server_core(), std::to_string(told++)); break;
        case 4: toggle(*w.sink, *w.core); break;
        case 5: toggle(w.server_sink(), w.server_core()); break;
        case 6: w.clock->advance(std::chrono::milliseconds(below(60))); break;
        case 7: break;
        }
        w.context->restart();
        for (auto turns = below(6); turns > 0; --turns)
            w.context->poll_one();
    }
    static void toggle(recorder& at, engine::session_core& of) {
        at.wants = !at.wants;
        if (at.wants)
            of.resume();
    }
    void settle() {
        w.sink->wants = w.server_sink().wants = true;
        w.core->resume();
        w.server_core().resume();
        w.advance(11s);
    }
};

/// A whole life of both ends. What fails on the way is passed over.
void live(client_world& w) {
    w.connector->serve_by(w.http);
    w.on_open = [](engine_world::opened& o) {
        o.sink->react = [core = o.core.get()](std::string const& m) { send(*core, m); };
    };
    if (!w.open_client())
        return;
    send(*w.core, "one");
    send_binary(*w.core, "two");
    w.run();
    send(*w.core, "three");
    w.advance(1s);
    send(*w.core, "four");
    w.advance(25s);
    send(*w.core, "five");
    w.core->close();
    w.run();
}

strings const lived{"one", "btwo", "three", "four", "five"};

}  // namespace

TEST_CASE("engine/client_session_core: messages go both ways, whatever they are") {
    for (auto const& way : ways) {
        client_world w(over(way));
        w.open_both();
        w.advance(1s);
        CHECK(w.core->transport_name() == way.back());
        CHECK(w.server_core().transport_name() == way.back());
        CHECK(w.core->sid() == w.server_core().sid());
        send(*w.core, "hello");
        send_binary(*w.core, std::string("\0\xff\x1e", 3));
        send(w.server_core(), "hello");
        send_binary(w.server_core(), std::string("\0\xff\x1e", 3));
        w.run();
        strings const both{"hello", std::string("b\0\xff\x1e", 4)};
        CHECK(w.sink->messages == both);
        CHECK(w.server_sink().messages == both);
        w.core->discard();
        w.check_client_is_gone();
    }
}

TEST_CASE("engine/client_session_core: whatever happens in whichever order, none is lost") {
    int upgraded_early = 0;
    for (unsigned seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        client_world w;
        w.plan->bytewise = seed % 10 == 0;
        w.begin_both();
        chance c{w, std::minstd_rand(seed)};
        for (int i = 0; i < 150; ++i)
            c.step();
        upgraded_early += w.core->transport_name() == "websocket" ? 1 : 0;
        c.settle();
        for (int i = 0; i < 10; ++i)
            c.step();
        c.settle();
        CHECK(w.core->transport_name() == "websocket");
        CHECK(w.server_core().transport_name() == "websocket");
        CHECK(w.sink->messages == numbers(c.told));
        CHECK(w.server_sink().messages == numbers(c.said));
        w.core->close();
        w.check_client_is_gone();
        CHECK(w.sink->reason == errc::forced_close);
    }
    CHECK(upgraded_early > 50);
}

TEST_CASE("engine/client_session_core: whenever it is closed, what was sent before arrives") {
    int upgraded = 0;
    for (unsigned seed = 1; seed <= 300; ++seed) {
        CAPTURE(seed);
        client_world w;
        w.begin_both();
        chance c{w, std::minstd_rand(seed)};
        for (auto steps = c.below(80); steps > 0; --steps)
            c.step();
        w.core->close();
        send(*w.core, "late");
        w.server_sink().wants = true;
        w.server_core().resume();
        w.advance(11s);
        upgraded += w.core->transport_name() == "websocket" ? 1 : 0;
        CHECK(w.server_sink().messages == numbers(c.said));
        CHECK(w.sink->messages == numbers(static_cast<int>(w.sink->messages.size())));
        CHECK(w.sink->reason == errc::forced_close);
        w.check_client_is_gone();
    }
    CHECK(upgraded > 50);
    CHECK(upgraded < 300);
}

TEST_CASE("engine/client_session_core: whatever operation of a life fails, it ends once") {
    for (auto const& way : ways)
        for (auto const error :
             {asio::error::make_error_code(asio::error::connection_reset),
              asio::error::make_error_code(asio::error::eof)}) {
            std::size_t nth = 0;
            for (bool failed = true; failed; ++nth) {
                CAPTURE(nth);
                REQUIRE(nth < 500);
                client_world w(over(way));
                w.plan->nth = nth;
                w.plan->error = error;
                live(w);
                failed = w.plan->operations > nth;
                if (!failed) {
                    CHECK(w.sessions.at(0).sink->messages == lived);
                    CHECK(w.sink->reason == errc::forced_close);
                }
                w.check_client_is_gone();
            }
            CHECK(nth > 10);
        }
}

TEST_CASE("engine/client_session_core: what was sent before a close arrives") {
    for (auto const& way : ways)
        for (auto const wait : {0ms, 1000ms}) {
            client_world w(over(way));
            w.open_both();
            w.advance(wait);
            for (auto const& text : numbers(3))
                send(*w.core, text);
            w.core->close();
            send(*w.core, "late");
            // An upgrade that has stopped the polling is waited for.
            w.advance(1s);
            CHECK(w.server_sink().messages == numbers(3));
            CHECK(w.sink->reason == errc::forced_close);
            CHECK(w.server_sink().reason == errc::transport_close);
            w.check_client_is_gone();
        }
}

TEST_CASE("engine/client_session_core: the server may close, or vanish") {
    for (auto const& way : ways)
        for (int const how : {0, 1, 2}) {
            CAPTURE(how);
            client_world w(over(way));
            w.open_both();
            w.advance(1s);
            send(w.server_core(), "last");
            if (how == 0)
                w.server_core().close();
            if (how == 1)
                w.server->close();
            w.run();
            if (how == 2)
                w.server_core().discard();
            w.run();
            CHECK(w.sink->reason == errc::transport_close);
            CHECK(w.sink->messages == strings{"last"});
            w.check_client_is_gone();
        }
}

TEST_CASE("engine/client_session_core: the layer above may end it at its first message") {
    for (auto const& way : ways)
        for (bool const orderly : {false, true}) {
            client_world w(over(way));
            w.on_open = [](engine_world::opened& o) {
                send(*o.core, "first");
                send(*o.core, "second");
            };
            w.sink->react = [&](std::string const&) {
                if (orderly)
                    w.core->close();
                else
                    w.core->discard();
            };
            w.open_both();
            w.advance(1s);
            CHECK(w.sink->messages == strings{"first"});
            CHECK(w.sink->reason == errc::forced_close);
            w.check_client_is_gone();
        }
}

TEST_CASE("engine/client_session_core: one that was closed before its start says so then") {
    scripted_server w;
    auto const dialed = w.spawn(w.dialer->dial(std::make_shared<net::stop_source>()));
    w.answer("GET", open_text());
    w.core = std::make_shared<engine::client_session_core>(
        w.loops,
        w.shard,
        w.options,
        w.dialer,
        std::move(*dialed->value));
    w.core->discard();
    w.core->start(w.sink);
    CHECK(w.sink->reason == errc::forced_close);
    CHECK_FALSE(w.asked("GET", "websocket"));
    w.check_client_is_gone();
}

TEST_CASE("engine/client_session_core: pings keep it for ten hours") {
    for (auto const& way : ways) {
        client_world w(over(way));
        w.open_both();
        w.advance(10h);
        CHECK(w.core->is_open());
        CHECK(w.server_core().is_open());
        send(*w.core, "still here");
        w.run();
        CHECK(w.server_sink().messages == strings{"still here"});
        w.core->discard();
        w.check_client_is_gone();
    }
}

TEST_CASE("engine/client_session_core: without a ping it ends, whatever else comes") {
    eio::open quick;
    quick.ping_interval = 300ms;
    quick.ping_timeout = 200ms;
    scripted_server w(over({"websocket"}));
    w.open_websocket(quick);
    w.advance(400ms);
    w.says("4a");
    w.says("6");
    w.says("3");
    w.advance(99ms);
    CHECK(w.core->is_open());
    CHECK(w.web->take().empty());
    w.says("2");
    CHECK(w.web->take() == strings{"text:3"});
    w.says("2probe");
    CHECK(w.web->take() == strings{"text:3probe"});
    w.advance(499ms);
    CHECK(w.core->is_open());
    w.advance(1ms);
    CHECK(w.sink->reason == errc::ping_timeout);
    CHECK(w.web->take() == strings{"close:1005"});
    w.vanish();
    w.check_client_is_gone();
}

TEST_CASE("engine/client_session_core: a ping counts over polling, too") {
    eio::open quick;
    quick.ping_interval = 300ms;
    quick.ping_timeout = 200ms;
    scripted_server w(over({"polling"}));
    w.open_polling(quick);
    w.advance(400ms);
    w.answer("GET", "2");
    CHECK(w.answer("POST", "ok") == "3");
    w.advance(499ms);
    CHECK(w.core->is_open());
    w.advance(1ms);
    CHECK(w.sink->reason == errc::ping_timeout);
    w.check_client_is_gone();
}

TEST_CASE("engine/client_session_core: an hour in which nobody takes what comes ends nothing") {
    for (auto const& way : ways) {
        client_world w(over(way));
        w.open_both();
        w.advance(1s);
        w.sink->react = [&](std::string const&) { w.sink->wants = false; };
        for (auto const& text : numbers(5))
            send(w.server_core(), text);
        w.advance(1h);
        CHECK(w.core->is_open());
        CHECK(w.server_core().is_open());
        CHECK(w.sink->messages == numbers(1));
        send(*w.core, "meanwhile");
        w.run();
        CHECK(w.server_sink().messages == strings{"meanwhile"});
        w.sink->react = nullptr;
        w.sink->wants = true;
        w.core->resume();
        w.advance(1h);
        CHECK(w.sink->messages == numbers(5));
        CHECK(w.core->is_open());
        w.core->discard();
        w.check_client_is_gone();
    }
}

TEST_CASE("engine/client_session_core: nor does it to take them one by one, ever so slowly") {
    for (auto const& way : ways) {
        client_world w(over(way));
        w.open_both();
        w.advance(1s);
        w.sink->react = [&](std::string const&) { w.sink->wants = false; };
        for (auto const& text : numbers(300))
            send(w.server_core(), text);
        for (int i = 0; i < 300; ++i) {
            w.advance(1s);
            w.sink->wants = true;
            w.core->resume();
        }
        w.run();
        CHECK(w.core->is_open());
        CHECK(w.server_core().is_open());
        CHECK(w.sink->messages == numbers(300));
        w.core->discard();
        w.check_client_is_gone();
    }
}

TEST_CASE("engine/client_session_core: a server's short time makes it busy only so often") {
    eio::open hasty;
    hasty.ping_timeout = 1ms;
    scripted_server w(over({"websocket"}));
    w.open_websocket(hasty);
    w.sink->wants = false;
    w.says("4a");
    w.advance(1s);
    auto const pongs = w.web->take();
    CHECK(pongs.size() > 10);
    CHECK(pongs.size() <= 101);
    CHECK(pongs.back() == "text:3");
    w.core->discard();
    w.vanish();
    w.check_client_is_gone();
}

TEST_CASE("engine/client_session_core: a close while nobody takes what comes has its time") {
    scripted_server w(over({"websocket"}));
    w.open_websocket();
    w.sink->wants = false;
    w.says("4a");
    w.web->raw.limit(0);
    send(*w.core, "last");
    w.core->close();
    w.advance(44s);
    CHECK(w.sink->closes == 0);
    w.web->raw.limit(1000);
    w.run();
    CHECK(w.web->take() == strings{"text:4last", "close:1005"});
    w.web->close();
    w.run();
    CHECK(w.sink->reason == errc::forced_close);
    w.vanish();
    w.check_client_is_gone();
}

TEST_CASE("engine/client_session_core: only what breaks a protocol is a violation") {
    scripted_server broken(over({"polling"}));
    broken.open_polling();
    broken.answer("GET", "", 502);
    CHECK(broken.sink->reason == errc::transport_error);
    CHECK(broken.violations.empty());
    broken.check_client_is_gone();
    scripted_server garbled(over({"polling"}));
    garbled.open_polling();
    garbled.answer("GET", "4a\x1e?");
    CHECK(garbled.sink->messages == strings{"a"});
    CHECK(garbled.sink->reason == errc::transport_error);
    CHECK(garbled.violations.size() == 1);
    garbled.check_client_is_gone();
}

TEST_CASE("engine/client_session_core: a WebSocket that broke is not what comes next") {
    for (bool const broke : {false, true}) {
        auto options = over({"polling", "websocket"});
        options.remember_upgrade = true;
        client_world w(options);
        w.open_both();
        w.advance(1s);
        REQUIRE(w.core->transport_name() == "websocket");
        if (broke)
            w.core->abort(errc::transport_error);
        else
            w.core->discard();
        w.run();
        w.sink = std::make_shared<recorder>();
        REQUIRE(w.open_client());
        CHECK(w.core->transport_name() == (broke ? "polling" : "websocket"));
        w.core->discard();
        w.check_client_is_gone();
    }
}

TEST_CASE("engine/client_session_core: the end of the context takes it along") {
    for (auto const& way : ways)
        for (auto const when : {0ms, 50ms, 1000ms}) {
            client_world w(over(way));
            w.open_both();
            w.advance(when);
            send(*w.core, "a");
            std::weak_ptr<engine::client_session_core> const watched = w.core;
            w.core.reset();
            w.sessions.clear();
            w.context.reset();
            CHECK(w.sink->closes == 0);
            CHECK(watched.expired());
        }
}
