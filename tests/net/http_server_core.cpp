// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/http_server_core.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/websocket.hpp>

#include "support/http_script.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using test::get;
using test::post;
using test::statuses;
namespace net = socoro::net;
namespace http = socoro::http;

namespace {

asio::awaitable<http::response> answer(http::request request) {
    if (request.path() == "/throw")
        throw std::runtime_error("a bug");
    auto response = http::text(200, request.method + " " + request.target + " " + request.body);
    if (request.path() == "/inject")
        response.headers.add("X", "a\r\nSet-Cookie: b");
    co_return response;
}

struct server : test::world {
    explicit server(net::http_handler handler = answer) {
        net::http_server_options options;
        options.max_body = 100;
        options.hooks.handler_failed = [this](auto where, auto what) {
            failures.push_back(std::string(where) + ": " + std::string(what));
        };
        options.hooks.violated = [this](socoro::violation const& v) {
            violations.push_back(std::string(v.protocol) + ": " + v.why.message());
        };
        core = std::make_shared<net::http_server_core>(shard, std::move(handler), options);
    }
    test::memory_peer connect(std::string already_read = {}) {
        test::memory_connection wire(shard);
        core->serve(wire.stream, std::move(already_read));
        run();
        return wire.peer;
    }
    test::http_answer ask(test::memory_peer const& peer, std::string_view bytes) {
        peer.send(bytes);
        run();
        auto const answers = test::take_answers(peer);
        return answers.empty() ? test::http_answer{} : answers.front();
    }

    std::shared_ptr<net::http_server_core> core;
    std::vector<std::string> failures;
    std::vector<std::string> violations;
};

/// Takes the stream away to receive one message over a WebSocket.
asio::awaitable<void> take_over(
    std::shared_ptr<net::shard> owner,
    net::http_connection& connection) {
    auto const accepted = net::accept_upgrade(connection.head());
    co_await connection.respond(accepted);
    std::string rest;
    auto over = connection.release(rest);
    auto const ws =
        std::make_shared<net::websocket>(owner, std::move(over), socoro::ws::role::server);
    auto const receive = [](std::shared_ptr<net::websocket> self) -> asio::awaitable<void> {
        std::ignore = co_await self->recv();
    };
    asio::co_spawn(owner->get_executor(), receive(ws), asio::detached);
}

/// One connection of each kind: idle, in the middle of a request, waiting for the handler, and
/// taken over by a WebSocket.
struct busy_server : server {
    busy_server() : server(nullptr) {
        auto const wait = [this](net::http_connection& c) -> asio::awaitable<void> {
            co_await go.wait();
            auto const response = http::text(200, "late");
            co_await c.respond(response);
        };
        core->mount({[](http::request const& r) { return r.path() == "/wait"; }, wait});
        auto const upgrade = [this](net::http_connection& c) { return take_over(shard, c); };
        core->mount({[](http::request const& r) { return r.wants_upgrade(); }, upgrade});
        web.emplace(connect(get("/", test::upgrade_fields)));
        CHECK(statuses(web->raw) == std::vector<int>{101});
        CHECK(core->connections() == 3);
    }
    /// Nothing is left that could ever run.
    [[nodiscard]] bool is_over() {
        run();
        return core->connections() == 0 && clock->armed() == 0 && context->stopped();
    }

    net::signal go{*shard};
    test::memory_peer idle = connect();
    test::memory_peer halfway = connect("POST / HTTP/1.1\r\n");
    test::memory_peer waiting = connect();
    std::optional<test::websocket_peer> web;
};

}  // namespace

TEST_CASE("net/http_server_core: the handler gets the request with its body") {
    server s;
    auto const peer = s.connect();
    CHECK(s.ask(peer, post("/p?q", "abc")).body == "POST /p?q abc");
    CHECK(s.ask(peer, get("/")).body == "GET / ");
    CHECK(s.core->connections() == 1);
    peer.end();
    s.run();
    CHECK(s.core->connections() == 0);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/http_server_core: without a handler everything is not found") {
    server s(nullptr);
    auto const peer = s.connect(get("/"));
    CHECK(statuses(peer) == std::vector<int>{404});
    CHECK(s.ask(peer, post("/", "abc")).status == 404);
}

TEST_CASE("net/http_server_core: a handler that throws costs its own request alone") {
    server s;
    auto const peer = s.connect();
    auto const failed = s.ask(peer, get("/throw"));
    CHECK(failed.status == 500);
    CHECK(failed.body == "Internal Server Error");
    CHECK(s.failures == std::vector<std::string>{"/throw: a bug"});
    CHECK(s.ask(peer, get("/")).status == 200);
}

TEST_CASE("net/http_server_core: an answer that would inject a field is not sent") {
    server s;
    auto const peer = s.connect();
    auto const failed = s.ask(peer, get("/inject"));
    CHECK(failed.status == 500);
    CHECK(failed.head.find("Set-Cookie") == std::string::npos);
    CHECK(s.failures.size() == 1);
    CHECK(s.ask(peer, get("/")).status == 200);
}

TEST_CASE("net/http_server_core: a body over the limit is refused with 413") {
    server s;
    auto const peer = s.connect();
    CHECK(s.ask(peer, post("/", std::string(101, 'x'))).status == 413);
    s.settle();
    CHECK(peer.closed());
    CHECK(s.core->connections() == 0);
}

TEST_CASE("net/http_server_core: a request that breaks the rules is reported, once") {
    server s;
    auto const peer = s.connect("GET / HTTP/1.1\r\n\r\n");
    s.settle();
    CHECK(s.violations == std::vector<std::string>{"HTTP: malformed HTTP message"});
    std::ignore = s.connect(get("/"));
    s.settle();
    CHECK(s.violations.size() == 1);
}

TEST_CASE("net/http_server_core: the first mount that owns a request serves it") {
    server s;
    auto const serve = [](net::http_connection& c) -> asio::awaitable<void> {
        auto const response = http::text(200, "mounted");
        co_await c.respond(response);
    };
    auto const wrong = [](net::http_connection&) -> asio::awaitable<void> {
        throw std::logic_error("not the first");
    };
    auto const owns = [](http::request const& r) { return r.path() == "/m"; };
    s.core->mount({owns, serve});
    s.core->mount({owns, wrong});
    auto const peer = s.connect();
    CHECK(s.ask(peer, get("/m")).body == "mounted");
    CHECK(s.ask(peer, get("/")).body == "GET / ");
    // It has not read the body: what follows cannot be told from it.
    auto const unread = s.ask(peer, post("/m", "body") + get("/"));
    CHECK(unread.body == "mounted");
    CHECK(unread.has("Connection: close"));
    s.settle();
    CHECK(s.core->connections() == 0);
}

TEST_CASE("net/http_server_core: a mount that throws costs its own request alone") {
    server s;
    auto const serve = [](net::http_connection&) -> asio::awaitable<void> {
        throw std::logic_error("a bug");
        co_return;
    };
    s.core->mount({[](http::request const& r) { return r.path() == "/m"; }, serve});
    auto const peer = s.connect();
    auto const failed = s.ask(peer, get("/m?q"));
    CHECK(failed.status == 500);
    CHECK(failed.body == "Internal Server Error");
    CHECK(s.failures == std::vector<std::string>{"/m: a bug"});
    CHECK(s.ask(peer, get("/")).status == 200);
    CHECK(s.ask(peer, get("/m", test::upgrade_fields)).has("Connection: close"));
    s.settle();
    CHECK(s.core->connections() == 0);
}

TEST_CASE("net/http_server_core: a mount that throws behind its answer loses the connection") {
    server s;
    auto const serve = [](net::http_connection& c) -> asio::awaitable<void> {
        auto const response = http::text(200, "mounted");
        co_await c.respond(response);
        throw std::logic_error("a bug");
    };
    s.core->mount({[](http::request const&) { return true; }, serve});
    auto const peer = s.connect(get("/"));
    CHECK(statuses(peer) == std::vector<int>{200});
    CHECK(s.failures.size() == 1);
    CHECK(peer.closed());
    CHECK(s.core->connections() == 0);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/http_server_core: a mount that does not answer loses the connection") {
    server s;
    auto const serve = [](net::http_connection&) -> asio::awaitable<void> { co_return; };
    s.core->mount({[](http::request const&) { return true; }, serve});
    auto const peer = s.connect(post("/", "body"));
    CHECK(peer.closed());
    CHECK(peer.take().empty());
    CHECK(s.core->connections() == 0);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/http_server_core: mounts may be added while one serves") {
    server s;
    net::signal go(*s.shard);
    std::string const text = "mounted";
    // So small that a `std::function` holds it in itself: who moves the one moves the other.
    auto const serve = [&go, &text](net::http_connection& c) -> asio::awaitable<void> {
        co_await go.wait();
        auto const response = http::text(200, text);
        co_await c.respond(response);
    };
    s.core->mount({[](http::request const&) { return true; }, serve});
    auto const peer = s.connect(get("/"));
    for (int i = 0; i < 100; ++i)
        s.core->mount({[](http::request const&) { return false; }, nullptr});
    go.notify_all();
    s.run();
    CHECK(test::take_answers(peer).at(0).body == "mounted");
}

TEST_CASE("net/http_server_core: once closed it listens no more") {
    server s;
    s.core->close();
    CHECK_THROWS_AS(s.core->listen({asio::ip::address_v4::loopback(), 0}), std::logic_error);
}

TEST_CASE("net/http_server_core: closing ends every connection, and refuses new ones") {
    server s;
    auto const idle = s.connect();
    auto const halfway = s.connect("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n");
    CHECK(s.core->connections() == 2);
    s.core->close();
    s.run();
    CHECK(idle.closed());
    CHECK(halfway.closed());
    CHECK(s.core->connections() == 0);
    CHECK(s.connect().closed());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/http_server_core: after closing one can wait until every connection has ended") {
    busy_server s;
    s.waiting.send(get("/wait"));
    s.run();
    s.core->close();
    auto const closed = s.spawn(s.core->wait_closed());
    CHECK(s.core->connections() == 1);
    s.go.notify_all();
    s.run();
    CHECK(s.core->connections() == 0);
    CHECK_FALSE(closed->done());
    // It is over for the program when the peer breaks the rules, but the close frame has to arrive.
    s.web->raw.send("\xff");
    s.run();
    CHECK_FALSE(closed->done());
    s.web->raw.end();
    s.run();
    CHECK(closed->value == std::error_code());
    CHECK(s.is_over());
}

TEST_CASE("net/http_server_core: one can wait until it has stopped listening, too") {
    server s;
    net::endpoint const loopback{asio::ip::address_v4::loopback(), 0};
    auto const at = s.core->listen(loopback);
    std::ignore = s.core->listen(loopback);
    s.run();
    bool closed = false;
    auto const wait = [](net::http_server_core& on, bool& done) -> asio::awaitable<void> {
        auto const ec = co_await on.wait_closed();
        done = !ec;
    };
    asio::post(*s.context, [&] {
        s.core->close();
        asio::co_spawn(*s.context, wait(*s.core, closed), asio::detached);
        CHECK_FALSE(closed);
    });
    s.run();
    CHECK(closed);
    CHECK(s.context->stopped());
    asio::ip::tcp::socket refused(*s.context);
    std::error_code ec;
    refused.connect(at, ec);
    CHECK(ec == asio::error::connection_refused);
}

TEST_CASE("net/http_server_core: waiting for the end has a deadline, and can be cancelled") {
    busy_server s;
    s.core->close();
    auto const late = s.spawn(s.core->wait_closed(s.clock->now() + 1s));
    s.advance(999ms);
    CHECK_FALSE(late->done());
    s.advance(1ms);
    CHECK(late->value == socoro::errc::timeout);

    auto const group = std::make_shared<net::task_group>(s.shard);
    std::error_code got;
    auto const wait = [](net::http_server_core& on, std::error_code& ec) -> asio::awaitable<void> {
        ec = co_await on.wait_closed();
    };
    group->spawn(wait(*s.core, got));
    s.run();
    group->cancel_all();
    s.run();
    CHECK(got == asio::error::operation_aborted);
    CHECK_FALSE(s.web->raw.closed());
}

TEST_CASE("net/http_server_core: abandoning cancels handlers and ends what was taken over") {
    for (bool const lingers : {false, true}) {
        CAPTURE(lingers);
        busy_server s;
        s.waiting.send(get("/wait"));
        if (lingers)
            s.web->raw.send("\xff");
        s.run();
        s.core->close();
        auto const closed = s.spawn(s.core->wait_closed(s.clock->now() + 1s));
        CHECK_FALSE(closed->done());
        s.core->abandon();
        s.run();
        CHECK(closed->value == std::error_code());
        CHECK(s.is_over());
        CHECK(s.waiting.closed());
        CHECK(s.web->raw.closed());
        CHECK(s.failures.empty());
    }
}

TEST_CASE("net/http_server_core: abandoning ends what is written, watched or refused") {
    // An answer that nobody reads, one that is watched, and a refused request that lingers.
    server s;
    auto const big = s.connect();
    big.limit(10);
    big.send(get("/") + get("/"));
    auto const watched = s.connect();
    s.core->mount(
        {[](http::request const&) { return true; },
         [](net::http_connection& c) -> asio::awaitable<void> {
             c.watch([] {});
             asio::steady_timer forever(co_await asio::this_coro::executor, 1h);
             co_await forever.async_wait(asio::use_awaitable);
         }});
    watched.send(get("/"));
    auto const refused = s.connect("nonsense\r\n\r\n");
    s.run();
    CHECK(s.core->connections() == 3);
    s.core->abandon();
    s.run();
    CHECK(s.core->connections() == 0);
    CHECK(s.clock->armed() == 0);
    CHECK(s.context->stopped());
    CHECK(s.failures.empty());
    CHECK(s.connect().closed());
}

TEST_CASE("net/http_server_core: whatever operation fails, nothing stays behind") {
    std::size_t nth = 0;
    for (bool failed = true; failed; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < 1000);
        server s;
        auto const plan = std::make_shared<test::faults>();
        plan->nth = nth;
        plan->bytewise = true;
        test::memory_connection wire(s.shard, plan);
        s.core->serve(wire.stream);
        wire.peer.send(get("/1") + post("/2", "ab", "Expect: 100-continue\r\n") + get("/throw"));
        s.run();
        failed = plan->operations > nth;
        if (!failed)
            CHECK(statuses(wire.peer) == std::vector<int>{200, 100, 200, 500});
        s.settle();
        CHECK(s.core->connections() == 0);
        CHECK(s.clock->armed() == 0);
        CHECK(wire.peer.closed());
    }
    CHECK(nth > 100);
}

TEST_CASE("net/http_server_core: the end of the context takes all connections along") {
    server s;
    auto const idle = s.connect();
    auto const halfway = s.connect("POST / HTTP/1.1\r\n");
    s.context.reset();
    CHECK(s.clock->armed() == 0);
    CHECK(s.core->connections() == 0);
}
