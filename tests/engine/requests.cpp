// SPDX-License-Identifier: BSL-1.0
// What the program may say about requests before they are answered, and about the answers.
#include <socoro/engine/request_gate.hpp>
#include <socoro/net/signal.hpp>

#include "engine/engine_world.hpp"
#include "support/memory_transport.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <vector>

using namespace engine_test;
using namespace std::chrono_literals;
using engine::pending_request;
using socoro::errc;

namespace {

/// Refuses what has `no` in its query, fails at `bug`, answers `own` itself.
asio::awaitable<void> look(pending_request& asked) {
    auto const query = asked.request.query();
    asked.headers.set("X-Seen", std::string(asked.address));
    if (query.find("no") != query.npos)
        throw socoro::refused("not you \"\xc3\xb6\"");
    if (query.find("bug") != query.npos)
        throw std::runtime_error("a secret");
    if (query.find("own") != query.npos) {
        auto answer = socoro::http::text(418, "teapot");
        answer.headers.add("X-Seen", "instead");
        asked.answer = std::move(answer);
    }
    co_return;
}

std::string const date = "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n";

engine::options allowing(engine::request_step step) {
    engine::options options;
    options.allow_request = std::move(step);
    return options;
}

/// A step that waits until it is told to go on.
struct patience {
    explicit patience(net::shard& owner) : go(owner) {}
    engine::request_step step(bool refuses = false) {
        return [this, refuses](pending_request&) -> asio::awaitable<void> {
            ++begun;
            std::ignore = co_await go.wait();
            ++ended;
            if (refuses)
                throw socoro::refused("late");
        };
    }
    net::signal go;
    int begun = 0;
    int ended = 0;
};

}  // namespace

TEST_CASE(
    "engine/requests: allow_request refuses in its own words, byte for byte as the reference") {
    engine_world w(allowing(look));
    auto const peer = w.connect();
    peer.send(test::get(w.target("", "polling") + "&no"));
    w.run();
    std::string const body = "{\"code\":4,\"message\":\"not you \\\"\xc3\xb6\\\"\"}";
    CHECK(
        peer.take() ==
        "HTTP/1.1 403 Forbidden\r\nX-Seen: 192.0.2.1\r\nContent-Type: application/json\r\n" + date +
            "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
    auto const web = w.connect();
    web.send(test::get(w.target("", "websocket") + "&no", test::upgrade_fields));
    w.run();
    CHECK(
        web.take() ==
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
        "Content-Length: 12\r\n\r\nnot you \"\xc3\xb6\"");
    CHECK(w.refusals == strings{"4 ALLOW_REQUEST", "4 ALLOW_REQUEST"});
    CHECK(w.failures == 0);
    // Others may come in.
    CHECK(w.ask(peer, w.poll("")).status == 200);
    CHECK(w.open_websocket(w.connect()).take().size() == 1);
}

TEST_CASE("engine/requests: allow_request that fails says nothing of it to the client") {
    engine_world w(allowing(look));
    auto const answer = w.ask(w.connect(), test::get(w.target("", "polling") + "&bug"));
    CHECK(answer.status == 403);
    CHECK(answer.body == R"({"code":4,"message":"Forbidden"})");
    auto const web = w.connect();
    web.send(test::get(w.target("", "websocket") + "&bug", test::upgrade_fields));
    w.run();
    CHECK(web.take().ends_with("\r\n\r\nForbidden"));
    CHECK(w.failures == 2);
    CHECK(w.failed == strings{"/engine.io/: a secret", "/engine.io/: a secret"});
    w.check_nothing_is_left();
}

TEST_CASE("engine/requests: allow_request is asked where the reference asks, before the version") {
    strings asked;
    engine_world w(allowing([&](pending_request& r) -> asio::awaitable<void> {
        asked.push_back(r.request.target.substr(12));
        co_return;
    }));
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    std::ignore = w.ask(peer, w.post(sid, "4x"));
    peer.send(w.poll(sid));
    w.run();
    std::ignore = w.open_websocket(w.connect(), sid);
    std::ignore = w.ask(w.connect(), w.post("", ""));
    std::ignore = w.ask(w.connect(), w.poll("nobody"));
    std::ignore = w.ask(w.connect(), test::get("/engine.io/?EIO=4&transport=tcp"));
    CHECK(asked == strings{"EIO=4&transport=polling"});
    auto const old = w.ask(w.connect(), test::get("/engine.io/?EIO=3&transport=polling"));
    CHECK(old.body == R"({"code":5,"message":"Unsupported protocol version"})");
    std::ignore = w.open_websocket(w.connect());
    CHECK(
        asked ==
        strings{"EIO=4&transport=polling", "EIO=3&transport=polling", "EIO=4&transport=websocket"});
}

TEST_CASE("engine/requests: what allow_request adds is in the answer") {
    engine_world w(allowing(look));
    CHECK(w.ask(w.connect(), w.poll("")).has("X-Seen: 192.0.2.1"));
    auto const web = w.connect();
    web.send(w.upgrade(""));
    w.run();
    CHECK(
        web.take().find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nX-Seen: 192.0.2.1\r\n\r\n") !=
        std::string::npos);
    CHECK(w.ask(w.connect(), test::get(w.target("", "polling") + "&own")).status == 418);
}

TEST_CASE("engine/requests: a client that goes away while it is asked about opens no session") {
    for (bool const websocket : {false, true}) {
        engine_world w;
        patience patient(*w.shard);
        w.restart(allowing(patient.step()));
        auto const peer = w.connect();
        peer.send(websocket ? w.upgrade("") : w.poll(""));
        w.run();
        REQUIRE(patient.begun == 1);
        CHECK(w.sessions.empty());
        peer.vanish(asio::error::connection_reset);
        w.run();
        patient.go.notify_all();
        w.run();
        CHECK(patient.ended == 1);
        w.check_nothing_is_left();
    }
}

TEST_CASE("engine/requests: a server that is closed while it asks opens no session") {
    for (bool const websocket : {false, true}) {
        engine_world w;
        patience patient(*w.shard);
        w.restart(allowing(patient.step()));
        auto const peer = w.connect();
        peer.send(websocket ? w.upgrade("") : w.poll(""));
        w.run();
        w.server->close();
        patient.go.notify_all();
        w.run();
        CHECK(test::take_answers(peer).at(0).status == 503);
        CHECK(w.sessions.empty());
        CHECK(w.refusals == strings{"503 CLOSED"});
        w.check_nothing_is_left();
    }
}

TEST_CASE("engine/requests: a server that is destroyed while it asks is there until it has asked") {
    engine_world w;
    patience patient(*w.shard);
    w.restart(allowing(patient.step(true)));
    auto const peer = w.connect();
    peer.send(w.poll(""));
    w.run();
    w.server->close();
    std::weak_ptr<engine::server_core> const weak = w.server;
    w.server = std::make_shared<engine::server_core>(w.shard, engine::options(), [](auto const&) {
        return std::make_shared<recorder>();
    });
    CHECK_FALSE(weak.expired());
    patient.go.notify_all();
    w.run();
    CHECK(test::take_answers(peer).at(0).status == 403);
    CHECK(weak.expired());
}

TEST_CASE("engine/requests: who is cancelled while it asks has not failed") {
    engine_world w;
    patience patient(*w.shard);
    w.restart(allowing(patient.step()));
    w.server->use(patient.step());
    auto const peer = w.connect();
    peer.send(w.poll(""));
    w.run();
    CHECK(patient.begun == 1);
    w.http->abandon();
    auto const rest = w.spawn(w.http->wait_closed());
    CHECK(rest->done());
    CHECK(w.failures == 0);
    CHECK(w.sessions.empty());
    CHECK(peer.closed());
}

TEST_CASE("engine/requests: the end of the context takes along who is asked about") {
    engine_world w;
    patience patient(*w.shard);
    w.restart(allowing(patient.step()));
    for (bool const websocket : {false, true})
        w.connect().send(websocket ? w.upgrade("") : w.poll(""));
    w.run();
    CHECK(patient.begun == 2);
    w.context.reset();
    CHECK(patient.ended == 0);
}

TEST_CASE("engine/requests: steps see every request but preflights, in their order") {
    engine::options options;
    options.cors.origins = {"http://a"};
    engine_world w(options);
    strings seen;
    for (std::string const name : {"1", "2"})
        w.server->use([&seen, name](pending_request& asked) -> asio::awaitable<void> {
            seen.push_back(name + asked.request.method);
            asked.headers.add("X-Step", name);
            co_return;
        });
    auto const peer = w.connect();
    CHECK(w.ask(peer, w.poll("")).has("X-Step: 1\r\nX-Step: 2"));
    auto const sid = w.sessions.at(0).core->sid();
    CHECK(w.ask(peer, w.post(sid, "4x")).has("X-Step: 2"));
    CHECK(w.ask(peer, w.poll("nobody")).has("X-Step: 2"));
    CHECK(w.ask(peer, "PUT " + w.target(sid, "polling") + " HTTP/1.1\r\nHost: a\r\n\r\n")
              .has("X-Step: 2"));
    CHECK(w.ask(peer, test::get("/engine.io/")).has("X-Step: 2"));
    auto const web = w.connect();
    web.send(w.upgrade(sid));
    w.run();
    CHECK(web.take().find("\r\nX-Step: 1\r\nX-Step: 2\r\n\r\n") != std::string::npos);
    CHECK(
        seen == strings{
                    "1GET",
                    "2GET",
                    "1POST",
                    "2POST",
                    "1GET",
                    "2GET",
                    "1PUT",
                    "2PUT",
                    "1GET",
                    "2GET",
                    "1GET",
                    "2GET"});
    seen.clear();
    CHECK(
        w.ask(peer, "OPTIONS " + w.target("", "polling") + " HTTP/1.1\r\nHost: a\r\n\r\n").status ==
        204);
    CHECK(w.ask(peer, test::get("/elsewhere")).status == 404);
    CHECK(seen.empty());
}

TEST_CASE("engine/requests: a step that refuses, fails or answers ends the matter") {
    engine_world w;
    w.server->use(look);
    int later = 0;
    w.server->use([&](pending_request&) -> asio::awaitable<void> {
        ++later;
        co_return;
    });
    auto const refused = w.ask(w.connect(), test::get(w.target("", "polling") + "&no"));
    CHECK(refused.status == 400);
    CHECK(refused.has("X-Seen: 192.0.2.1"));
    CHECK(refused.body == "{\"code\":3,\"message\":\"not you \\\"\xc3\xb6\\\"\"}");
    auto const failed = w.ask(w.connect(), test::get(w.target("", "polling") + "&bug"));
    CHECK(failed.status == 400);
    CHECK(failed.body == R"({"code":3,"message":"Bad request"})");
    CHECK(w.failed == strings{"/engine.io/: a secret"});
    auto const web = w.connect();
    web.send(test::get(w.target("", "websocket") + "&bug", test::upgrade_fields));
    w.run();
    CHECK(
        web.take() ==
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\n"
        "Content-Length: 11\r\n\r\nBad request");
    CHECK(
        w.refusals ==
        strings{"3 MIDDLEWARE_FAILURE", "3 MIDDLEWARE_FAILURE", "3 MIDDLEWARE_FAILURE"});
    auto const own = w.ask(w.connect(), test::get(w.target("", "polling") + "&own"));
    CHECK(own.status == 418);
    CHECK(own.has("X-Seen: instead"));
    CHECK(own.body == "teapot");
    auto const page = w.connect();
    auto const instead =
        w.ask(page, test::get(w.target("", "websocket") + "&own", test::upgrade_fields));
    CHECK(instead.status == 418);
    CHECK(instead.has("Connection: close"));
    CHECK(page.ended());
    CHECK(later == 0);
    CHECK(w.refusals.size() == 3);
    CHECK(w.ask(w.connect(), w.poll("")).status == 200);
    CHECK(later == 1);
}

TEST_CASE("engine/requests: a step may add another, which later requests see") {
    engine_world w;
    int second = 0;
    w.server->use([&](pending_request&) -> asio::awaitable<void> {
        for (int i = 0; i < 100; ++i)
            w.server->use([&](pending_request&) -> asio::awaitable<void> {
                ++second;
                co_return;
            });
        co_return;
    });
    CHECK(w.ask(w.connect(), w.poll("")).status == 200);
    CHECK(second == 0);
    CHECK(w.ask(w.connect(), w.poll("")).status == 200);
    CHECK(second == 100);
}

TEST_CASE("engine/requests: a step may wait, and the body of a POST with it") {
    engine_world w;
    patience patient(*w.shard);
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    w.server->use(patient.step());
    auto const post = w.post(sid, "4abc");
    peer.send(post.substr(0, post.size() - 2));
    w.run();
    CHECK(patient.begun == 1);
    peer.send(post.substr(post.size() - 2));
    w.run();
    CHECK(w.sessions.at(0).sink->messages.empty());
    patient.go.notify_all();
    w.run();
    CHECK(test::take_answers(peer).at(0).body == "ok");
    CHECK(w.sessions.at(0).sink->messages == strings{"abc"});
    // The session may end meanwhile.
    peer.send(w.poll(sid));
    w.run();
    w.sessions.at(0).core->discard();
    patient.go.notify_all();
    w.run();
    CHECK(test::take_answers(peer).at(0).body == R"({"code":1,"message":"Session ID unknown"})");
}

TEST_CASE("engine/requests: the hooks for header fields are asked where the reference asks them") {
    strings told;
    engine::options options;
    options.cookie.enabled = true;
    auto const names = [](socoro::http::fields const& fields) {
        std::string all;
        for (auto const& field : fields)
            all += (all.empty() ? "" : ",") + field.name;
        return all;
    };
    options.hooks.initial_headers = [&](socoro::http::fields& fields,
                                        socoro::http::request const& r) {
        told.push_back("initial " + r.method + " " + names(fields));
        fields.set("X-First", "1");
    };
    options.hooks.headers = [&](socoro::http::fields& fields, socoro::http::request const& r) {
        told.push_back(r.method + " " + names(fields));
        fields.set("X-Each", "2");
        fields.erase("cache-control");
    };
    engine_world w(options);
    auto const peer = w.connect();
    auto const first = w.ask(peer, w.poll(""));
    auto const sid = w.sessions.at(0).core->sid();
    CHECK(
        first.head ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nSet-Cookie: io=" + sid +
            "; Path=/; HttpOnly; SameSite=Lax\r\nX-First: 1\r\nX-Each: 2\r\n" + date +
            "Content-Length: " + std::to_string(first.body.size()) + "\r\n\r\n");
    CHECK(w.ask(peer, w.post(sid, "4x")).has("X-Each: 2"));
    auto const web = w.connect();
    web.send(w.upgrade(sid));
    w.run();
    CHECK(web.take().find("\r\nX-Each: 2\r\n\r\n") != std::string::npos);
    auto const other = w.connect();
    other.send(w.upgrade(""));
    w.run();
    auto const opened = other.take();
    CHECK(opened.find("\r\nX-First: 1\r\nX-Each: 2\r\n\r\n") != std::string::npos);
    CHECK(opened.find("Set-Cookie") == std::string::npos);
    std::string const own = "Content-Type,cache-control";
    strings const all{
        "initial GET " + own + ",Set-Cookie",
        "GET " + own + ",Set-Cookie,X-First",
        "POST " + own,
        "GET ",
        "initial GET ",
        "GET X-First"};
    CHECK(told == all);
    // Refusals are nobody's.
    CHECK(w.ask(peer, w.poll("nobody")).status == 400);
    CHECK(
        w.ask(peer, "PUT " + w.target(sid, "polling") + " HTTP/1.1\r\nHost: a\r\n\r\n").status ==
        500);
    CHECK(told == all);
}

TEST_CASE("engine/requests: the beginning, upgrade and end of each session are told") {
    strings told;
    auto const tell = [&](auto&&... words) {
        told.push_back((std::string() + ... + std::string(words)));
    };
    engine::options options;
    options.hooks.session_opened = [&](socoro::opened_session const& s) {
        tell("opened ", s.sid, " ", s.address, " ", s.transport);
    };
    options.hooks.upgraded = [&](socoro::upgraded_session const& s) {
        tell("upgraded ", s.sid, " ", s.address, " ", s.from, " ", s.to);
    };
    options.hooks.session_closed = [&](socoro::closed_session const& s) {
        CHECK(s.reason == socoro::closed);
        tell("closed ", s.sid, " ", s.address, " ", s.transport, " ", s.reason.message());
    };
    int made = 0;
    options.generate_id = [&](socoro::http::request const&) {
        return "s" + std::to_string(++made);
    };
    engine_world w(options);
    w.on_open = [&](engine_world::opened&) { tell("handler"); };
    auto const peer = w.connect();
    CHECK(w.open(peer) == "s1");
    peer.send(w.poll("s1"));
    auto client = w.open_websocket(w.connect(), "s1");
    client.text("2probe");
    w.advance(100ms);
    client.text("5");
    w.run();
    client.close();
    w.run();
    CHECK(
        told == strings{
                    "opened s1 192.0.2.1 polling",
                    "handler",
                    "upgraded s1 192.0.2.1 polling websocket",
                    "closed s1 192.0.2.1 websocket transport close"});
    told.clear();
    std::ignore = w.open_websocket(w.connect());
    std::ignore = w.open(w.connect());
    w.server->close();
    CHECK(told.size() == 6);
    w.on_open = nullptr;
    std::ranges::sort(told);
    CHECK(told.at(0) == "closed s2 192.0.2.1 websocket forced close");
    CHECK(told.at(1) == "closed s3 192.0.2.1 polling forced close");
    w.settle();
}

TEST_CASE("engine/requests: a session whose handler throws was opened, and is closed") {
    strings told;
    engine::options options;
    options.hooks.session_opened = [&](socoro::opened_session const&) { told.push_back("opened"); };
    options.hooks.session_closed = [&](socoro::closed_session const&) { told.push_back("closed"); };
    engine_world w(options);
    w.on_open = [](engine_world::opened&) { throw std::runtime_error("a bug"); };
    w.connect().send(w.poll(""));
    w.run();
    CHECK(told == strings{"opened", "closed"});
}

TEST_CASE("engine/requests: sids are what the program makes, if they are fit") {
    std::string next = "a.B~9_-";
    engine::options options;
    options.generate_id = [&](socoro::http::request const& request) {
        if (request.query().find("bug") != std::string_view::npos)
            throw std::runtime_error("no more");
        return next;
    };
    engine_world w(options);
    CHECK(w.open(w.connect()) == "a.B~9_-");
    for (std::string const bad : {"a.B~9_-", "", "a b", "a/b", "a&b", "\xc3\xb6", "a\r\nb"}) {
        CAPTURE(bad);
        next = bad;
        auto const polled = w.ask(w.connect(), w.poll(""));
        CHECK(polled.status == 400);
        CHECK(polled.body == R"({"code":3,"message":"Bad request"})");
        CHECK(w.ask(w.connect(), w.upgrade("")).body == "Bad request");
        CHECK(w.refusals.back() == "3 ID_GENERATION_ERROR");
    }
    CHECK(w.failures == 0);
    CHECK(w.ask(w.connect(), test::get(w.target("", "polling") + "&bug")).status == 400);
    CHECK(w.failed == strings{"/engine.io/: no more"});
    next = "b";
    CHECK(w.open(w.connect()) == "b");
    CHECK(w.server->sessions() == 2);
    // It is free again after the session.
    w.sessions.at(1).core->discard();
    CHECK(w.open(w.connect()) == "b");
}

TEST_CASE("engine/requests: a sid that a WebSocket is being opened with is taken") {
    engine::options options;
    options.generate_id = [](auto const&) { return "same"; };
    engine_world w(options);
    auto const slow = w.connect();
    slow.limit(0);
    slow.send(w.upgrade(""));
    w.run();
    CHECK(w.ask(w.connect(), w.poll("")).status == 400);
    CHECK(w.refusals == strings{"3 ID_GENERATION_ERROR"});
    slow.vanish(asio::error::connection_reset);
    w.run();
    CHECK(w.open(w.connect()) == "same");
}

TEST_CASE("engine/requests: no more than max_clients sessions are opened") {
    engine::options options;
    options.max_clients = 2;
    engine_world w(options);
    auto const sid = w.open(w.connect());
    // One that is about to begin counts.
    auto const slow = w.connect();
    slow.limit(0);
    slow.send(w.upgrade(""));
    w.run();
    CHECK(w.server->sessions() == 1);
    auto const peer = w.connect();
    auto const answer = w.ask(peer, w.poll(""));
    CHECK(answer.status == 503);
    CHECK(answer.has("Connection: close"));
    CHECK(answer.body == "Service Unavailable");
    CHECK(w.ask(w.connect(), w.upgrade("")).status == 503);
    CHECK(w.refusals == strings{"503 MAX_CLIENTS", "503 MAX_CLIENTS"});
    // Those that are there go on, and may upgrade.
    CHECK(w.ask(w.connect(), w.post(sid, "4x")).body == "ok");
    std::ignore = w.open_websocket(w.connect(), sid);
    slow.vanish(asio::error::connection_reset);
    w.run();
    CHECK(w.ask(w.connect(), w.poll("")).status == 200);
    CHECK(w.ask(w.connect(), w.poll("")).status == 503);
    w.sessions.at(0).core->discard();
    CHECK(w.ask(w.connect(), w.poll("")).status == 200);
}

TEST_CASE("engine/requests: options that could not be kept to are refused when a server is made") {
    auto const make = [](engine::options options) {
        test::world world;
        auto const accept = [](auto const&) { return std::make_shared<recorder>(); };
        std::ignore =
            std::make_shared<engine::server_core>(world.shard, std::move(options), accept);
    };
    engine::options options;
    CHECK_NOTHROW(make(options));
    options.cors.origins = {"*"};
    CHECK_NOTHROW(make(options));
    options.cors.credentials = true;
    CHECK_THROWS_AS(make(options), std::invalid_argument);
    options = {};
    options.cookie.name = "a b";
    CHECK_NOTHROW(make(options));
    options.cookie.enabled = true;
    CHECK_THROWS_AS(make(options), std::invalid_argument);
}

TEST_CASE("engine/requests: a step's own answer has all its fields of one name, and none before") {
    engine_world w;
    w.server->use([](pending_request& asked) -> asio::awaitable<void> {
        asked.headers.add("X-Mine", "before");
        asked.headers.add("X-Kept", "before");
        auto answer = socoro::http::text(200, "welcome");
        answer.headers.add("Set-Cookie", "a=1");
        answer.headers.add("x-mine", "1");
        answer.headers.add("Set-Cookie", "b=2");
        answer.headers.add("X-Mine", "2");
        asked.answer = std::move(answer);
        co_return;
    });
    auto const answer = w.ask(w.connect(), w.poll(""));
    CHECK(answer.status == 200);
    CHECK(answer.has("X-Kept: before"));
    CHECK(answer.has("Set-Cookie: a=1"));
    CHECK(answer.has("Set-Cookie: b=2"));
    CHECK(answer.has("x-mine: 1"));
    CHECK(answer.has("X-Mine: 2"));
    CHECK_FALSE(answer.has("X-Mine: before"));
}

TEST_CASE("engine/requests: who is cancelled while it asks was not refused, whatever it throws") {
    engine_world w;
    patience patient(*w.shard);
    w.restart(allowing([&](pending_request&) -> asio::awaitable<void> {
        std::ignore = co_await patient.go.wait();
        std::ignore = co_await patient.go.wait();
    }));
    w.connect().send(w.poll(""));
    w.run();
    w.http->abandon();
    auto const rest = w.spawn(w.http->wait_closed());
    CHECK(rest->done());
    CHECK(w.failures == 0);
    CHECK(w.refusals.empty());
}

TEST_CASE("engine/requests: what Asio wraps is unwrapped when a step fails") {
    engine_world w;
    w.server->use([](pending_request&) -> asio::awaitable<void> {
        throw asio::multiple_exceptions(std::make_exception_ptr(std::runtime_error("a bug")));
        co_return;
    });
    CHECK(w.ask(w.connect(), w.poll("")).status == 400);
    CHECK(w.failed == strings{"/engine.io/: a bug"});
}

TEST_CASE("engine/requests: a poll whose answer a hook spoils costs its session") {
    engine::options options;
    bool spoils = false;
    options.hooks.headers = [&](socoro::http::fields& fields, socoro::http::request const&) {
        if (spoils)
            fields.add("X-Bad", "a\r\nb");
    };
    engine_world w(options);
    auto const peer = w.connect();
    auto const sid = w.open(peer);
    peer.send(w.poll(sid));
    w.run();
    spoils = true;
    send(*w.sessions.at(0).core, "lost");
    w.run();
    CHECK(test::take_answers(peer).at(0).status == 500);
    CHECK(w.server->sessions() == 0);
    CHECK(w.ask(w.connect(), w.poll("")).status == 500);
    CHECK(w.server->sessions() == 0);
    w.check_nothing_is_left();
}

TEST_CASE("engine/requests: a server that is closed while it opens a session keeps none") {
    for (bool const websocket : {false, true})
        for (std::string const where : {"generate_id", "packet", "session_opened", "headers"}) {
            CAPTURE(websocket);
            CAPTURE(where);
            engine_world* world = nullptr;
            strings told;
            auto const close_at = [&](std::string const& here) {
                if (here == where)
                    world->server->close();
            };
            engine::options options;
            options.generate_id = [&](auto const&) {
                close_at("generate_id");
                return "sid";
            };
            options.hooks.packet = [&](auto const&) { close_at("packet"); };
            options.hooks.headers = [&](auto&, auto const&) { close_at("headers"); };
            options.hooks.session_opened = [&](auto const&) {
                told.push_back("opened");
                close_at("session_opened");
            };
            options.hooks.session_closed = [&](auto const&) { told.push_back("closed"); };
            engine_world w(options);
            world = &w;
            auto const peer = w.connect();
            peer.send(websocket ? w.upgrade("") : w.poll(""));
            w.run();
            CHECK(w.server->sessions() == 0);
            CHECK((told.empty() || told == strings{"opened", "closed"}));
            peer.vanish();
            w.check_nothing_is_left();
        }
}

TEST_CASE(
    "engine/requests: a server that is destroyed while it opens a session is there until then") {
    engine_world* world = nullptr;
    engine::options options;
    options.hooks.session_opened = [&](auto const&) {
        world->server->close();
        world->server.reset();
    };
    engine_world w(options);
    world = &w;
    std::weak_ptr<engine::server_core> const weak = w.server;
    bool was_there = false;
    w.on_open = [&](engine_world::opened&) { was_there = !weak.expired(); };
    test::memory_transport_pair const pair(w.shard);
    w.server->open(transport::any_transport(pair.first), {}, "192.0.2.1");
    CHECK(was_there);
    CHECK(weak.expired());
    CHECK(w.sessions.at(0).sink->closes == 1);
    w.restart({});
}

TEST_CASE(
    "engine/requests: no request reaches a transport of the program's own, whatever its name") {
    engine_world w;
    for (std::string_view const name : {"polling", "websocket"}) {
        CAPTURE(name);
        test::memory_transport_pair const pair(w.shard, name);
        w.server->open(transport::any_transport(pair.first), {}, "192.0.2.1");
        auto const sid = w.sessions.back().core->sid();
        CHECK(w.ask(w.connect(), w.poll(sid)).body == R"({"code":3,"message":"Bad request"})");
        CHECK(w.ask(w.connect(), w.post(sid, "4x")).status == 400);
        CHECK(w.sessions.back().core->is_open());
    }
    CHECK(w.refusals == strings(4, "3 TRANSPORT_MISMATCH"));
}

TEST_CASE("engine/requests: a session that begins counts once, whoever asks meanwhile") {
    engine_world w;
    patience patient(*w.shard);
    int asked = 0;
    engine::options options;
    options.max_clients = 2;
    options.allow_request = [&](pending_request& request) -> asio::awaitable<void> {
        if (++asked == 1)
            co_await patient.step()(request);
    };
    w.restart(options);
    auto const waits = w.connect();
    waits.send(w.poll(""));
    w.run();
    w.on_open = [&](engine_world::opened&) {
        w.on_open = nullptr;
        patient.go.notify_all();
    };
    CHECK(w.ask(w.connect(), w.poll("")).status == 200);
    CHECK(test::take_answers(waits).at(0).status == 200);
    CHECK(w.server->sessions() == 2);
    CHECK(w.ask(w.connect(), w.poll("")).status == 503);
}

TEST_CASE("engine/requests: a poll that is cancelled costs its session") {
    engine_world w;
    auto const peer = w.connect();
    peer.send(w.poll(w.open(peer)));
    w.run();
    w.http->abandon();
    w.run();
    CHECK(w.server->sessions() == 0);
    w.check_nothing_is_left();
}
