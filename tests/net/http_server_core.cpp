// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/http_server_core.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/websocket.hpp>

#include "support/http_script.hpp"
#include "support/loopback.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

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

TEST_CASE(
    "net/http_server_core: what the system read before the end reaches no handler behind it") {
    for (int turns = 0; turns < 5; ++turns) {
        CAPTURE(turns);
        asio::io_context context;
        int asked = 0;
        auto const count = [&](http::request) -> asio::awaitable<http::response> {
            ++asked;
            co_return http::text(200, "");
        };
        auto const core = std::make_shared<net::http_server_core>(
            net::shard::make(context.get_executor()),
            count,
            net::http_server_options());
        asio::ip::tcp::socket client(context);
        client.connect(core->listen(test::loopback()));
        asio::write(client, asio::buffer(post("/", std::string(5000, 'x'))));
        REQUIRE(test::run_until(context, [&] { return core->connections() == 1; }));
        for (int i = 0; i < turns; ++i)
            context.poll_one();
        auto const before = asked;
        core->close();
        context.restart();
        context.poll();
        CHECK(asked == before);
        CHECK(core->connections() == 0);
    }
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

TEST_CASE("net/http_server_core: a connection beyond the most is closed at once, and told") {
    asio::io_context context;
    auto const shard = net::shard::make(context.get_executor());
    std::vector<std::string> dropped;
    net::http_server_options options;
    options.max_connections = 2;
    options.hooks.connection_dropped = [&](socoro::dropped_connection const& e) {
        dropped.push_back(std::string(e.address) + " " + std::to_string(e.count));
    };
    auto const core = std::make_shared<net::http_server_core>(shard, answer, options);
    auto const at = core->listen(test::loopback());
    // One that became a WebSocket counts, and so does one that was given.
    core->mount(
        {[](http::request const& r) { return r.wants_upgrade(); },
         [&](net::http_connection& c) { return take_over(shard, c); }});
    std::vector<asio::ip::tcp::socket> clients;
    auto const connect = [&](std::string_view first) {
        auto& client = clients.emplace_back(context);
        client.connect(at);
        asio::write(client, asio::buffer(first.data(), first.size()));
        return clients.size() - 1;
    };
    auto const read = [&](std::size_t index) {
        std::string got;
        std::error_code ec;
        bool done = false;
        auto const on_read = [&](std::error_code e, std::size_t) {
            ec = e;
            done = true;
        };
        asio::async_read_until(clients.at(index), asio::dynamic_buffer(got), "\r\n\r\n", on_read);
        REQUIRE(test::run_until(context, [&] { return done; }));
        return ec ? std::string("closed") : got.substr(9, 3);
    };
    CHECK(read(connect(get("/", test::upgrade_fields))) == "101");
    CHECK(read(connect(get("/"))) == "200");
    CHECK(core->connections() == 1);
    CHECK(read(connect(get("/"))) == "closed");
    CHECK(read(connect(get("/"))) == "closed");
    CHECK(dropped == std::vector<std::string>{"127.0.0.1 1", "127.0.0.1 2"});
    // As soon as one has gone, another may come.
    clients.at(1).close();
    REQUIRE(test::run_until(context, [&] { return core->connections() == 0; }));
    CHECK(read(connect(get("/"))) == "200");
    CHECK(dropped.size() == 2);
    core->abandon();
    clients.clear();
    context.restart();
    context.run();
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

TEST_CASE("net/http_server_core: who finishes answers what has begun, each as the last") {
    busy_server s;
    s.waiting.send(get("/wait"));
    auto const fresh = s.connect();
    std::ignore = s.ask(s.idle, get("/"));
    s.core->finish();
    auto const closed = s.spawn(s.core->wait_closed());
    // Between two requests it ends at once; one that is halfway, or has not begun, may go on.
    CHECK(s.idle.closed());
    CHECK_FALSE(s.halfway.ended());
    CHECK_FALSE(s.waiting.ended());
    CHECK_FALSE(fresh.ended());
    auto const half = s.ask(s.halfway, "Host: a\r\nContent-Length: 1\r\n\r\nx" + get("/next"));
    CHECK(half.status == 503);
    CHECK(half.has("Connection: close"));
    auto const first = s.ask(fresh, get("/"));
    CHECK(first.status == 503);
    CHECK(first.has("Connection: close"));
    s.go.notify_all();
    s.run();
    auto const late = test::take_answers(s.waiting);
    REQUIRE(late.size() == 1);
    CHECK(late[0].body == "late");
    CHECK(late[0].has("Connection: close"));
    CHECK_FALSE(closed->done());
    s.web->close();
    for (auto const& peer : {s.halfway, s.waiting, fresh})
        peer.end();
    s.run();
    CHECK(closed->value == std::error_code());
    CHECK(s.is_over());
    CHECK(s.connect().closed());
}

TEST_CASE("net/http_server_core: who is accepted while it finishes is answered as well") {
    asio::io_context context;
    auto const shard = net::shard::make(context.get_executor());
    auto const core =
        std::make_shared<net::http_server_core>(shard, answer, net::http_server_options());
    auto const at = core->listen(test::loopback());
    std::vector<asio::ip::tcp::socket> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back(context).connect(at);
        asio::write(clients.back(), asio::buffer(get("/")));
    }
    REQUIRE(test::run_until(context, [&] { return core->connections() == 1; }));
    core->finish();
    REQUIRE(test::run_until(context, [&] { return core->connections() == 3; }));
    for (auto& client : clients) {
        std::string got(12, '\0');
        bool done = false;
        asio::async_read(client, asio::buffer(got), [&](auto, auto) { done = true; });
        CHECK(test::run_until(context, [&] { return done; }));
        CHECK(got == "HTTP/1.1 200");
    }
}

TEST_CASE("net/http_server_core: who finishes waits a second for a first request, not for ever") {
    server s;
    auto const silent = s.connect();
    auto const half = s.connect("GET / HTT");
    s.core->finish();
    s.advance(net::http_connection::first_request - 1ms);
    CHECK_FALSE(silent.ended());
    s.advance(1ms);
    CHECK(silent.closed());
    // A head that has begun has the time that every head has.
    CHECK_FALSE(half.ended());
    auto const answered = s.ask(half, "P/1.1\r\nHost: a\r\n\r\n");
    CHECK(answered.body == "GET / ");
    CHECK(answered.has("Connection: close"));
    s.settle();
    CHECK(s.core->connections() == 0);
}

TEST_CASE("net/http_server_core: an answer that is being taken is taken before the end") {
    server s;
    auto const slow = s.connect();
    slow.limit(10);
    slow.send(get("/"));
    s.run();
    s.core->finish();
    s.run();
    CHECK_FALSE(slow.ended());
    std::string all;
    for (int piece = 0; piece < 100 && !slow.closed(); ++piece) {
        all += slow.take();
        s.run();
    }
    all += slow.take();
    CHECK(all.ends_with("GET / "));
    CHECK(slow.closed());
}

TEST_CASE("net/http_server_core: finishing is no way round the deadline of the whole") {
    busy_server s;
    s.waiting.send(get("/wait"));
    s.run();
    s.core->finish();
    auto const late = s.spawn(s.core->wait_closed(s.clock->now() + 5s));
    s.advance(5s);
    CHECK(late->value == socoro::errc::timeout);
    CHECK_FALSE(s.waiting.ended());
    s.core->abandon();
    s.run();
    CHECK(s.waiting.closed());
    CHECK(s.waiting.take().empty());
    CHECK(s.is_over());
}

namespace {

/// A server that owns what is under `/mine`, and a connection of another server.
struct borrowing_server : server {
    borrowing_server() : server(nullptr) {
        auto const serve = [](net::http_connection& c) -> asio::awaitable<void> {
            c.watch([] {});
            auto const body = co_await c.read_body(100);
            auto const response = http::text(200, "mine " + body.value());
            co_await c.respond(response);
        };
        core->mount({[](http::request const& r) { return r.path() == "/mine"; }, serve});
    }
    void lend(std::string already_read, bool wants_it_back = true) {
        net::give_back take;
        if (wants_it_back)
            take = [this](std::shared_ptr<net::stream> stream, std::string unanswered) {
                returned.push_back(std::move(stream));
                bytes += unanswered;
            };
        core->serve_for_another(wire.stream, std::move(already_read), std::move(take));
        run();
    }

    test::memory_connection wire{shard};
    std::vector<std::shared_ptr<net::stream>> returned;
    std::string bytes;
};

}  // namespace

TEST_CASE("net/http_server_core: a connection goes back with the first foreign request") {
    borrowing_server s;
    s.lend(get("/mine"));
    CHECK(statuses(s.wire.peer) == std::vector<int>{200});
    auto const again = s.ask(s.wire.peer, post("/mine", "again"));
    CHECK(again.body == "mine again");
    CHECK_FALSE(again.has("Connection: close"));
    auto const foreign = post("/page?q", "some bo", "X-Odd:  a b \r\n");
    s.wire.peer.send(foreign.substr(0, 20));
    s.run();
    CHECK(s.returned.empty());
    s.wire.peer.send(foreign.substr(20));
    s.run();
    REQUIRE(s.returned.size() == 1);
    CHECK(s.bytes == post("/page?q", "some bo", "X-Odd: a b\r\n"));
    CHECK(s.returned[0] == s.wire.stream);
    // It is as if it had never been here: nothing times, counts or ends it.
    CHECK(s.clock->armed() == 0);
    CHECK(s.core->connections() == 0);
    s.core->close();
    auto const closed = s.spawn(s.core->wait_closed());
    CHECK(closed->value == std::error_code());
    s.core->abandon();
    CHECK_FALSE(s.wire.peer.ended());
    CHECK(s.wire.stream->try_write(std::array{asio::const_buffer("x", 1)}).bytes == 1);
    CHECK(s.wire.peer.take() == "x");
}

TEST_CASE("net/http_server_core: a foreign request behind one of ours goes back after the answer") {
    borrowing_server s;
    s.lend(get("/mine") + get("/socket", test::upgrade_fields) + "frames");
    CHECK(statuses(s.wire.peer) == std::vector<int>{200});
    REQUIRE(s.returned.size() == 1);
    CHECK(s.bytes == get("/socket", test::upgrade_fields) + "frames");
}

TEST_CASE("net/http_server_core: a connection that nobody wants back ends with the first answer") {
    borrowing_server s;
    s.lend(get("/mine") + get("/page"), false);
    auto const answers = test::take_answers(s.wire.peer);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].body == "mine ");
    CHECK(answers[0].has("Connection: close"));
    s.settle();
    CHECK(s.wire.peer.closed());
    CHECK(s.core->connections() == 0);
}

TEST_CASE("net/http_server_core: what closes does not give back") {
    borrowing_server s;
    SUBCASE("at once") {
        s.lend(get("/mine"));
        s.core->close();
        s.run();
    }
    SUBCASE("when it has finished") {
        s.lend(get("/mine"));
        s.core->finish();
        s.run();
    }
    SUBCASE("before it came") {
        s.core->close();
        s.lend(get("/page"));
    }
    CHECK(s.wire.peer.closed());
    CHECK(s.returned.empty());
}

TEST_CASE("net/http_server_core: one that throws when it is given back costs the connection") {
    borrowing_server s;
    s.core->serve_for_another(
        s.wire.stream,
        get("/page"),
        [](std::shared_ptr<net::stream>, std::string) { throw std::runtime_error("a bug"); });
    s.wire.stream.reset();
    s.run();
    CHECK(s.failures == std::vector<std::string>{"/page: a bug"});
    CHECK(s.wire.peer.closed());
    CHECK(s.core->connections() == 0);
}

TEST_CASE("net/http_server_core: a connection may be given back and lent again at once") {
    borrowing_server s;
    int times = 0;
    net::give_back again;
    again = [&](std::shared_ptr<net::stream> stream, std::string unanswered) {
        if (++times < 3)
            s.core->serve_for_another(std::move(stream), std::move(unanswered), again);
    };
    s.core->serve_for_another(s.wire.stream, get("/page"), again);
    s.run();
    CHECK(times == 3);
}
