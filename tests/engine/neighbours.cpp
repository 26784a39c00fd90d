// SPDX-License-Identifier: BSL-1.0
// A server on several shards: what arrives on one of them for a session that lives on another.
#include <socoro/engine/neighbours.hpp>

#include "engine/shards_world.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

using namespace engine_test;
using namespace std::chrono_literals;
using socoro::errc;
using world = engine_world;

namespace {

/// Options whose sids are known beforehand.
[[nodiscard]] engine::options known_sids(engine::options options = {}) {
    options.generate_id = [](auto const&) { return std::string("somebody-"); };
    return options;
}

/// What a client of the session "somebody-AA" does over a connection, and how the world goes on
/// meanwhile; `see` is told what the client got, and what became of the session.
using scene = std::function<void(shards_world&, test::memory_peer const&)>;

/// What is seen of a scene whose connection is on this shard; the session lives on the first.
[[nodiscard]] strings seen(std::size_t shard, scene const& play, engine::options const& with = {}) {
    shards_world w(2, known_sids(with));
    CHECK(w.open(0) == "somebody-AA");
    auto const peer = w.connect(shard);
    play(w, peer);
    w.run();
    auto what = w[0].told;
    what.push_back(peer.take());
    what.emplace_back(peer.ended() ? "ended" : "goes on");
    auto const& sink = *w.last(0).sink;
    what.insert(what.end(), sink.messages.begin(), sink.messages.end());
    what.push_back(sink.reason ? make_error_code(*sink.reason).message() : "open");
    if (shard != 0)
        CHECK(w[1].told.empty());
    return what;
}

[[nodiscard]] std::string poll() {
    return world::poll("somebody-AA");
}
[[nodiscard]] std::string post(std::string_view payload) {
    return world::post("somebody-AA", payload);
}

/// A step that adds a field to the answer, once the test lets it go on.
struct slow_step {
    explicit slow_step(shards_world& w) : gate(*w[0].shard) {}
    socoro::engine::request_step step() {
        return [this](socoro::engine::pending_request& asked) -> asio::awaitable<void> {
            ++asked_about;
            co_await gate.wait();
            asked.headers.add("x-step", "seen");
        };
    }
    net::signal gate;
    int asked_about = 0;
};

}  // namespace

TEST_CASE("engine/neighbours: a sid tells on which shard its session lives") {
    CHECK(engine::name_of_shard(0) == "AA");
    CHECK(engine::name_of_shard(1) == "AB");
    CHECK(engine::name_of_shard(4095) == "__");
    for (std::size_t number : {0, 1, 63, 64, 4095})
        CHECK(engine::shard_named_by("x" + engine::name_of_shard(number)) == number);
    CHECK_FALSE(engine::shard_named_by("A"));
    CHECK_FALSE(engine::shard_named_by("0123456789abcdef0~A"));
    shards_world w(3);
    for (std::size_t i = 0; i < 3; ++i) {
        auto const sid = w.open(i);
        CHECK(sid.size() == 20);
        CHECK(sid.ends_with(engine::name_of_shard(i)));
    }
    shards_world named(2, known_sids());
    CHECK(named.open(1) == "somebody-AB");
    shards_world alone(1, known_sids());
    CHECK(alone.open(0) == "somebody-");
}

TEST_CASE("engine/neighbours: more shards than sids can tell apart are refused") {
    shards_world w(1);
    std::vector const parts(engine::most_shards + 1, w[0].server);
    CHECK_THROWS_AS(engine::server_core::introduce(parts), std::invalid_argument);
}

TEST_CASE("engine/neighbours: whoever generates no sid is refused on several shards as on one") {
    engine::options options;
    options.generate_id = [](auto const&) { return std::string(); };
    shards_world w(2, options);
    std::ignore = w.ask(w.connect(1), world::poll(""));
    CHECK(w[1].told == strings{"3 ID_GENERATION_ERROR"});
}

TEST_CASE("engine/neighbours: sessions are counted, and limited, on all shards together") {
    engine::options options;
    options.max_clients = 3;
    shards_world w(3, options);
    w.open(0);
    w.open(1);
    w.open(1);
    for (auto const& part : w.parts)
        CHECK(part->server->sessions() == 3);
    CHECK(w.ask(w.connect(2), world::poll("")).starts_with("HTTP/1.1 503"));
    CHECK(w[2].told == strings{"503 MAX_CLIENTS"});
    w.on(0, [&] { w.last(0).core->discard(); });
    CHECK(w[1].server->sessions() == 2);
    w.open(2);
    CHECK(w[0].server->sessions() == 3);
}

TEST_CASE("engine/neighbours: what arrives on another shard is answered as on the session's") {
    std::vector<std::pair<char const*, scene>> const scenes{
        {"a poll that waits",
         [](auto& w, auto& peer) {
             peer.send(poll());
             w.run();
             CHECK(peer.arrived().empty());
             w.send(0, "hello");
             CHECK_FALSE(peer.arrived().empty());
         }},
        {"a poll that finds something",
         [](auto& w, auto& peer) {
             w.send(0, "hello");
             peer.send(poll());
         }},
        {"a post",
         [](auto&, auto& peer) {
             peer.send(
                 post("4one\x1e"
                      "4two"));
         }},
        {"polls and posts behind each other",
         [](auto& w, auto& peer) {
             w.send(0, "hello");
             peer.send(poll() + post("4one") + post("4two"));
             w.run();
             w.send(0, "there");
             peer.send(poll());
         }},
        {"a post in pieces",
         [](auto& w, auto& peer) {
             for (char const c : post("4one")) {
                 peer.send(std::string(1, c));
                 w.run();
             }
         }},
        {"a post whose client waits to be told to go on",
         [](auto& w, auto& peer) {
             peer.send(
                 "POST /engine.io/?EIO=4&transport=polling&sid=somebody-AA HTTP/1.1\r\nHost: a\r\n"
                 "Expect: 100-continue\r\nContent-Length: 4\r\n\r\n");
             w.run();
             CHECK(peer.arrived() == "HTTP/1.1 100 Continue\r\n\r\n");
             peer.send("4one");
         }},
        {"a post that the session takes in its own time",
         [](auto& w, auto& peer) {
             w.last(0).sink->wants = false;
             peer.send(
                 post("4one\x1e"
                      "4two"));
             w.run();
             CHECK(peer.arrived().empty());
             w.last(0).sink->wants = true;
             w.on(0, [&w] { w.last(0).core->resume(); });
             CHECK_FALSE(peer.arrived().empty());
         }},
        {"a post that is too large",
         [](auto&, auto& peer) { peer.send(post(std::string(1'000'001, 'x'))); }},
        {"a post that ends too early",
         [](auto& w, auto& peer) {
             peer.send(post("4one").substr(0, post("4one").size() - 1));
             w.run();
             peer.end();
         }},
        {"a post that is malformed",
         [](auto&, auto& peer) {
             peer.send(
                 "POST /engine.io/?EIO=4&transport=polling&sid=somebody-AA HTTP/1.1\r\nHost: a\r\n"
                 "Transfer-Encoding: chunked\r\n\r\nxyz\r\n");
         }},
        {"a post that is too slow",
         [](auto& w, auto& peer) {
             peer.send(post("4one").substr(0, post("4one").size() - 1));
             w.advance(31s);
         }},
        {"a post that nobody can decode", [](auto&, auto& peer) { peer.send(post("xyz")); }},
        {"a post that closes", [](auto&, auto& peer) { peer.send(post("1")); }},
        {"a post as bytes",
         [](auto&, auto& peer) {
             peer.send(test::post(
                 world::target("somebody-AA", "polling"),
                 "4one",
                 "Content-Type: application/octet-stream\r\n"));
         }},
        {"two polls at once",
         [](auto& w, auto& peer) {
             peer.send(poll());
             w.run();
             std::ignore = w.ask(w.connect(1), poll());
         }},
        {"a client that leaves while it waits",
         [](auto& w, auto& peer) {
             peer.send(poll());
             w.run();
             peer.vanish();
         }},
        {"a client that only waits for its answer to leave",
         [](auto& w, auto& peer) {
             peer.send(poll());
             w.run();
             peer.end();
         }},
        {"a client that takes nothing",
         [](auto& w, auto& peer) {
             peer.limit(10);
             peer.send(poll());
             w.run();
             w.send(0, "hello");
             w.advance(29s);
             w.on(0, [&w] { CHECK(w.last(0).core->is_open()); });
             w.advance(1s);
         }},
        {"a session that ends meanwhile",
         [](auto& w, auto& peer) {
             peer.send(poll());
             w.run();
             w.on(0, [&w] { w.last(0).core->close(); });
         }},
        {"a server that is closed meanwhile",
         [](auto& w, auto& peer) {
             peer.send(poll());
             w.run();
             w.on(0, [&w] { w[0].server->close(); });
         }},
        {"a server that is closed before",
         [](auto& w, auto& peer) {
             w.on(0, [&w] { w.last(0).core->discard(); });
             peer.send(poll());
         }},
        {"a session whose client answers no ping",
         [](auto& w, auto& peer) {
             peer.send(poll());
             w.advance(25s);
             peer.send(poll());
             w.advance(20s);
         }},
        {"another transport",
         [](auto&, auto& peer) { peer.send(test::get(world::target("somebody-AA", "tcp"))); }},
        {"another transport than the session's",
         [](auto&, auto& peer) {
             peer.send(test::get(world::target("somebody-AA", "websocket")));
         }},
        {"another version",
         [](auto&, auto& peer) {
             peer.send(test::get("/engine.io/?EIO=3&transport=polling&sid=somebody-AA"));
         }},
        {"another method",
         [](auto&, auto& peer) {
             peer.send(
                 "PUT /engine.io/?EIO=4&transport=polling&sid=somebody-AA HTTP/1.1\r\nHost: "
                 "a\r\n\r\n");
         }},
        {"a head only",
         [](auto&, auto& peer) {
             peer.send(
                 "HEAD /engine.io/?EIO=4&transport=polling&sid=somebody-AA HTTP/1.1\r\nHost: "
                 "a\r\n\r\n");
         }},
        {"a client of HTTP/1.0",
         [](auto& w, auto& peer) {
             w.send(0, "hello");
             peer.send("GET /engine.io/?EIO=4&transport=polling&sid=somebody-AA HTTP/1.0\r\n\r\n");
         }},
        {"a session that is not there",
         [](auto&, auto& peer) { peer.send(world::poll("nobody-AA")); }},
    };
    for (auto const& [name, play] : scenes) {
        CAPTURE(name);
        auto const local = seen(0, play);
        CHECK(seen(1, play) == local);
    }
    // They are different from each other, so something was seen.
    CHECK(seen(1, scenes[0].second) != seen(1, scenes[2].second));
}

TEST_CASE("engine/neighbours: a sid that names no shard is one that nobody knows") {
    shards_world w(2);
    w.open(0);
    for (auto const* sid : {"x", "0123456789abcdef01ZZ", "0123456789abcdef01~~", "AB", "AA"}) {
        CAPTURE(sid);
        auto const answer = w.ask(w.connect(0), world::poll(sid));
        CHECK(answer.starts_with("HTTP/1.1 400"));
        CHECK(answer.ends_with(R"({"code":1,"message":"Session ID unknown"})"));
    }
    CHECK(w[0].told.size() + w[1].told.size() == 5);
}

TEST_CASE("engine/neighbours: one connection carries requests for sessions on several shards") {
    shards_world w(3);
    auto const first = w.open(0), second = w.open(1), third = w.open(2);
    w.send(0, "to the first");
    w.send(1, "to the second");
    auto const proxy = w.connect(2);
    auto const bytes = w.ask(
        proxy,
        world::poll(first) + world::post(second, "4from the second") + world::poll(second) +
            world::post(first, "4from the first") + world::post(third, "4from the third"));
    strings bodies;
    for (auto rest = bytes; !rest.empty();) {
        auto const answer = test::take_answer(rest);
        REQUIRE(answer.status == 200);
        bodies.push_back(answer.body);
    }
    CHECK(bodies == strings{"4to the first", "ok", "4to the second", "ok", "ok"});
    CHECK(w.last(0).sink->messages == strings{"from the first"});
    CHECK(w.last(1).sink->messages == strings{"from the second"});
    CHECK(w.last(2).sink->messages == strings{"from the third"});
    // One that waits holds up those behind it, and no other connection.
    proxy.send(world::poll(first) + world::post(second, "4later"));
    w.run();
    CHECK(w.last(1).sink->messages.size() == 1);
    CHECK(w.ask(w.connect(0), world::post(second, "4sooner")).ends_with("ok"));
    w.send(0, "go on");
    CHECK(w.last(1).sink->messages == strings{"from the second", "sooner", "later"});
}

TEST_CASE("engine/neighbours: steps see a request once, on the shard of its session") {
    shards_world w(2, known_sids());
    w.open(0);
    slow_step here(w), elsewhere(w);
    w[0].server->use(here.step());
    w[1].server->use(elsewhere.step());
    w.send(0, "hello");
    auto const peer = w.connect(1);
    CHECK(w.ask(peer, poll()).empty());
    CHECK(here.asked_about == 1);
    w.on(0, [&] { here.gate.notify_all(); });
    auto const answer = peer.take();
    CHECK(answer.find("\r\nx-step: seen\r\n") != answer.npos);
    CHECK(answer.ends_with("4hello"));
    CHECK(here.asked_about == 1);
    CHECK(elsewhere.asked_about == 0);
}

TEST_CASE("engine/neighbours: preflights are answered where they arrive") {
    engine::options options;
    options.cors.origins = {"*"};
    shards_world w(2, known_sids(options));
    w.open(0);
    slow_step step(w);
    w[0].server->use(step.step());
    auto const answer = w.ask(
        w.connect(1),
        "OPTIONS /engine.io/?EIO=4&transport=polling&sid=somebody-AA HTTP/1.1\r\nHost: a\r\n"
        "Origin: http://b\r\nAccess-Control-Request-Method: POST\r\n\r\n");
    CHECK(answer.starts_with("HTTP/1.1 204"));
    CHECK(step.asked_about == 0);
}

TEST_CASE(
    "engine/neighbours: an answer that cannot be written costs its session, as on its shard") {
    for (std::size_t const shard : {std::size_t{0}, std::size_t{1}}) {
        shards_world w(2, known_sids());
        w.open(0);
        w[0].server->use([](socoro::engine::pending_request& asked) -> asio::awaitable<void> {
            asked.headers.add("x", "a\r\nb");
            co_return;
        });
        auto const peer = w.connect(shard);
        peer.send(poll());
        w.run();
        w.send(0, "hello");
        CHECK(peer.take().starts_with("HTTP/1.1 500"));
        CHECK(w.last(0).sink->reason == errc::transport_error);
        CHECK(w[shard].told == strings{"failed: a header field's value has a control character"});
        w.check_nothing_is_left();
    }
}

TEST_CASE("engine/neighbours: the connection's shard ends while a poll waits, and so does that") {
    for (bool const abandons : {false, true}) {
        shards_world w(2, known_sids());
        w.open(0);
        auto const peer = w.connect(1);
        peer.send(poll());
        w.run();
        w.on(1, [&] { abandons ? w[1].http->abandon() : w[1].http->close(); });
        CHECK(peer.closed());
        CHECK(w.last(0).sink->reason == errc::transport_error);
        w.check_nothing_is_left();
    }
}

TEST_CASE("engine/neighbours: the session's shard gives up while a step waits") {
    shards_world w(2, known_sids());
    w.open(0);
    slow_step step(w);
    w[0].server->use(step.step());
    auto const peer = w.connect(1);
    peer.send(poll());
    w.run();
    CHECK(step.asked_about == 1);
    auto const ended = w.spawn(w[0].server->wait_closed());
    w.on(0, [&] { w[0].server->abandon(); });
    CHECK(ended->done());
    CHECK(peer.take().empty());
    CHECK(peer.closed());
    CHECK(w[1].told.empty());
    w.check_nothing_is_left();
}

TEST_CASE("engine/neighbours: a client that leaves while a step waits is noticed afterwards") {
    shards_world w(2, known_sids());
    w.open(0);
    slow_step step(w);
    w[0].server->use(step.step());
    auto const peer = w.connect(1);
    peer.send(poll());
    w.run();
    peer.vanish();
    w.run();
    CHECK(w.last(0).core->is_open());
    w.on(0, [&] { step.gate.notify_all(); });
    CHECK(w.last(0).sink->reason == errc::transport_error);
    w.check_nothing_is_left();
}

TEST_CASE("engine/neighbours: a server that closes answers polls whose connection is elsewhere") {
    shards_world w(2, known_sids());
    w.open(0);
    auto const peer = w.connect(1);
    peer.send(poll());
    w.run();
    std::vector const engines{w[0].server, w[1].server};
    std::vector const https{w[0].http, w[1].http};
    engine::close_together(engines, https);
    w.run();
    auto const answer = peer.take();
    CHECK(answer.starts_with("HTTP/1.1 200"));
    CHECK(answer.ends_with("\r\n\r\n1"));
    CHECK(peer.closed());
    w.check_nothing_is_left();
}

TEST_CASE("engine/neighbours: a POST on its way is received before its server has finished") {
    shards_world w(2, known_sids());
    w.open(0);
    auto const peer = w.connect(1);
    auto const whole = post("4last words");
    peer.send(whole.substr(0, whole.size() - 3));
    w.run();
    w.on(1, [&] { w[1].http->finish(); });
    w.on(0, [&] {
        w[0].http->finish();
        w[0].server->finish(errc::forced_close);
    });
    auto const ended = w.spawn(w[0].server->wait_closed());
    CHECK_FALSE(ended->done());
    peer.send(whole.substr(whole.size() - 3));
    w.run();
    auto const answer = peer.take();
    CHECK(answer.starts_with("HTTP/1.1 200"));
    CHECK(answer.find("\r\nConnection: close\r\n") != answer.npos);
    CHECK(w.last(0).sink->messages == strings{"last words"});
    peer.end();
    w.run();
    CHECK(ended->done());
    w.check_nothing_is_left();
}

TEST_CASE("engine/neighbours: an upgrade moves its connection to the shard of its session") {
    for (std::size_t const shard : {std::size_t{0}, std::size_t{1}}) {
        CAPTURE(shard);
        shards_world w(2, known_sids());
        w.open(0);
        auto const poller = w.connect(1);
        poller.send(poll());
        w.run();
        auto const peer = w.connect(shard);
        test::websocket_peer const client(peer);
        // The probe is there already: it moves along.
        peer.send(world::upgrade("somebody-AA") + client.frame(socoro::ws::opcode::text, "2probe"));
        w.run();
        auto bytes = peer.take();
        CHECK(test::take_answer(bytes).status == 101);
        peer.put_back(bytes);
        CHECK(test::websocket_peer(client).take() == strings{"text:3probe"});
        w.advance(100ms);
        CHECK(test::take_answers(poller).at(0).body == "6");
        client.text("5");
        client.text("4hello");
        w.run();
        CHECK(w.last(0).core->transport_name() == "websocket");
        CHECK(w.last(0).sink->messages == strings{"hello"});
        w.send(0, "there");
        CHECK(test::websocket_peer(client).take() == strings{"text:4there"});
        CHECK(w[1].told.empty());
        // It counts there, too: that shard waits for its end, and the other does not.
        w.on(1, [&] { w[1].http->close(); });
        w.on(0, [&] { w[0].http->close(); });
        auto const left = w.spawn(w[1].http->wait_closed());
        auto const has = w.spawn(w[0].http->wait_closed());
        CHECK(left->done());
        CHECK_FALSE(has->done());
        client.close();
        w.run();
        CHECK(has->done());
        w.check_nothing_is_left();
    }
}

TEST_CASE("engine/neighbours: a refused upgrade is answered as on the shard of its session") {
    std::vector<scene> const scenes{
        [](auto&, auto& peer) { peer.send(world::upgrade("nobody-AA")); },
        [](auto&, auto& peer) {
            peer.send(test::get(world::target("somebody-AA", "polling"), test::upgrade_fields));
        },
        [](auto&, auto& peer) {
            peer.send(test::get(
                world::target("somebody-AA", "websocket"),
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 12\r\n"));
        },
        [](auto&, auto& peer) {
            peer.send(test::post(
                world::target("somebody-AA", "websocket"),
                "body",
                test::upgrade_fields));
        }};
    for (auto const& play : scenes) {
        auto const local = seen(0, play);
        CHECK(local[1].starts_with("HTTP/1.1 400"));
        CHECK(seen(1, play) == local);
    }
}

TEST_CASE("engine/neighbours: whose stream cannot move stays on polling") {
    shards_world w(2, known_sids());
    w.open(0);
    auto const peer = w.connect(1, std::make_shared<test::faults>(), false);
    auto const answer = w.ask(peer, world::upgrade("somebody-AA"));
    CHECK(
        answer ==
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
        "Content-Length: 11\r\n\r\nBad request");
    CHECK(w[1].told == strings{"3 STREAM_CANNOT_MOVE"});
    CHECK(w.last(0).core->is_open());
    w.send(0, "hello");
    CHECK(w.ask(w.connect(1), poll()).ends_with("4hello"));
}

TEST_CASE("engine/neighbours: an upgrade that arrives where the server was closed ends") {
    shards_world w(2, known_sids());
    w.open(0);
    auto const peer = w.connect(1);
    w.on(0, [&] { w[0].http->close(); });
    peer.send(world::upgrade("somebody-AA"));
    w.run();
    CHECK(peer.take().empty());
    CHECK(peer.closed());
}

TEST_CASE("engine/neighbours: whatever fails on the way between shards, nothing stays behind") {
    auto const live = [](shards_world& w, std::shared_ptr<test::faults> const& plan) {
        w.open(0);
        auto const poller = w.connect(1, plan);
        auto const poster = w.connect(2, plan);
        poller.send(poll());
        poster.send(
            post("4one\x1e"
                 "4two"));
        w.run();
        w.send(0, "hello");
        poller.send(poll());
        w.run();
        auto const peer = w.connect(2, plan);
        test::websocket_peer const client(peer);
        peer.send(world::upgrade("somebody-AA"));
        w.run();
        client.text("2probe");
        w.advance(100ms);
        client.text("5");
        client.text("4three");
        w.run();
        client.close();
        w.run();
    };
    for (auto const error :
         {asio::error::make_error_code(asio::error::connection_reset),
          asio::error::make_error_code(asio::error::eof)}) {
        std::size_t nth = 0;
        for (bool failed = true; failed; ++nth) {
            CAPTURE(nth);
            REQUIRE(nth < 500);
            shards_world w(3, known_sids());
            auto const plan = std::make_shared<test::faults>();
            plan->nth = nth;
            plan->error = error;
            live(w, plan);
            failed = plan->operations > nth;
            if (!failed)
                CHECK(w.last(0).sink->messages == strings{"one", "two", "three"});
            w.check_nothing_is_left();
        }
        CHECK(nth > 15);
    }
}

TEST_CASE("engine/neighbours: a context may end at any step of what is on its way") {
    std::vector<std::string> const requests{
        poll(),
        post("4one"),
        post("4one").substr(0, 80),
        world::upgrade("somebody-AA")};
    for (auto const& request : requests) {
        bool more = true;
        int steps = 0;
        for (; more; ++steps) {
            shards_world w(2, known_sids());
            w.open(0);
            auto const peer = w.connect(1);
            peer.send(request);
            w.context->restart();
            for (int i = 0; i < steps && more; ++i)
                more = w.context->poll_one() > 0;
            // The shards outlive it, and so do those who answer.
            w.context.reset();
        }
        CHECK(steps > 3);
    }
}
