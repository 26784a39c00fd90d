// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/http_client.hpp>
#include <socoro/net/http_server.hpp>
#include <socoro/net/tcp_connector.hpp>

#include "support/http_script.hpp"
#include "support/loopback.hpp"
#include "support/memory_connector.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
using socoro::errc;
namespace net = socoro::net;
namespace http = socoro::http;
using strings = std::vector<std::string>;

namespace {

using answered = std::shared_ptr<test::outcome<socoro::result<http::response>>>;

[[nodiscard]] http::request request(std::string method, std::string target, std::string body = {}) {
    http::request made;
    made.method = std::move(method);
    made.target = std::move(target);
    made.headers.add("Host", "a");
    made.body = std::move(body);
    return made;
}

[[nodiscard]] std::string ok(std::string const& body, std::string const& fields = {}) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + fields +
           "\r\n" + body;
}

/// The body of an answer, or what there is instead.
[[nodiscard]] std::string body_of(answered const& sent) {
    if (!sent->done())
        return "(waits)";
    REQUIRE(sent->value);
    return sent->value->has_value() ? (*sent->value)->body : sent->value->error().message();
}

[[nodiscard]] std::error_code error_of(answered const& sent) {
    REQUIRE(sent->done());
    REQUIRE(sent->value);
    return sent->value->has_error() ? sent->value->error() : std::error_code();
}

/// A client with the test at the other end of each connection.
struct one_client : test::world {
    explicit one_client(socoro::limits const& limits = {})
        : client(std::make_shared<net::http_client>(shard, connector, to, limits)) {}

    answered send(http::request r, std::size_t most = 1000) {
        return spawn(client->send(std::move(r), most));
    }
    answered get(std::string target = "/") { return send(request("GET", std::move(target))); }
    answered post(std::string body) { return send(request("POST", "/", std::move(body))); }
    [[nodiscard]] test::memory_peer const& peer(std::size_t which) {
        REQUIRE(which < connector->peers.size());
        return connector->peers[which];
    }
    void reply(std::size_t which, std::string_view bytes) {
        peer(which).send(bytes);
        run();
    }
    /// Has one request answered, which leaves its connection for the next.
    void warm_up() {
        auto const first = get("/first");
        std::ignore = peer(0).take();
        reply(0, ok("first"));
        REQUIRE(body_of(first) == "first");
        REQUIRE_FALSE(peer(0).ended());
    }

    net::remote const to{"a.server.with.a.long.name.example", 80, false};
    std::shared_ptr<test::faults> plan = std::make_shared<test::faults>();
    std::shared_ptr<test::memory_connector> connector =
        std::make_shared<test::memory_connector>(shard, plan);
    std::shared_ptr<net::http_client> client;
};

}  // namespace

TEST_CASE("net/http_client: sends a request, and gives its answer whatever the status") {
    one_client c;
    auto const got = c.get("/a?b");
    CHECK(c.connector->asked == std::vector<net::remote>{c.to});
    CHECK(c.peer(0).take() == test::get("/a?b"));
    CHECK_FALSE(got->done());
    c.reply(0, "HTTP/1.1 302 Found\r\nLocation: /c\r\nContent-Length: 4\r\n\r\nover");
    CHECK(body_of(got) == "over");
    CHECK((*got->value)->status == 302);
    CHECK((*got->value)->headers.get("location") == "/c");

    auto const posted = c.post("body");
    CHECK(c.peer(0).take() == test::post("/", "body"));
    c.reply(0, "HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nyes\r\n0\r\n\r\n");
    CHECK(body_of(posted) == "yes");
    CHECK((*posted->value)->status == 500);
    CHECK(c.connector->asked.size() == 1);
}

TEST_CASE("net/http_client: an answer may come byte by byte, and behind interim ones") {
    one_client c;
    c.plan->bytewise = true;
    for (auto const* const name : {"one", "two"}) {
        auto const got = c.post(name);
        CHECK(c.peer(0).take() == test::post("/", name));
        for (char const each : "HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + ok(name))
            c.reply(0, std::string(1, each));
        CHECK(body_of(got) == name);
    }
    CHECK(c.connector->asked.size() == 1);
}

TEST_CASE("net/http_client: an answer without a length ends with its connection") {
    one_client c;
    auto const got = c.get();
    c.reply(0, "HTTP/1.1 200 OK\r\n\r\nall of");
    c.reply(0, " it");
    CHECK_FALSE(got->done());
    c.peer(0).end();
    c.run();
    CHECK(body_of(got) == "all of it");
    CHECK(c.peer(0).closed());
}

TEST_CASE("net/http_client: an answer to HEAD has no body") {
    one_client c;
    auto const got = c.send(request("HEAD", "/"));
    c.reply(0, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n");
    CHECK(body_of(got).empty());
    auto const next = c.get();
    c.reply(0, ok("next"));
    CHECK(body_of(next) == "next");
}

TEST_CASE("net/http_client: requests at the same time have connections of their own") {
    one_client c;
    auto const first = c.get("/1");
    auto const second = c.get("/2");
    CHECK(c.peer(0).take() == test::get("/1"));
    CHECK(c.peer(1).take() == test::get("/2"));
    c.reply(1, ok("second"));
    CHECK_FALSE(first->done());
    CHECK(body_of(second) == "second");
    c.reply(0, ok("first"));
    CHECK(body_of(first) == "first");
    // Both are kept.
    auto const third = c.get("/3");
    auto const fourth = c.get("/4");
    CHECK(c.connector->asked.size() == 2);
    CHECK(c.peer(0).take() == test::get("/3"));
    CHECK(c.peer(1).take() == test::get("/4"));
}

TEST_CASE("net/http_client: a connection that either side wants to end is not used again") {
    one_client c;
    auto const told = c.get();
    c.reply(0, ok("a", "Connection: close\r\n"));
    CHECK(body_of(told) == "a");
    CHECK(c.peer(0).closed());
    auto const old = c.get();
    c.reply(1, "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nb");
    CHECK(body_of(old) == "b");
    CHECK(c.peer(1).closed());
    auto last = request("GET", "/");
    last.headers.add("Connection", "close");
    auto const asked = c.send(std::move(last));
    c.reply(2, ok("c"));
    CHECK(body_of(asked) == "c");
    CHECK(c.peer(2).closed());
}

TEST_CASE("net/http_client: a connection that waits for long is closed, not used") {
    one_client c;
    c.warm_up();
    c.advance(net::http_client_connection::idle_limit - 1ms);
    CHECK_FALSE(c.peer(0).ended());
    auto const in_time = c.post("in time");
    CHECK_FALSE(c.peer(0).take().empty());
    // It waits no longer, whatever the answer takes.
    c.advance(10s);
    c.reply(0, ok("still"));
    CHECK(body_of(in_time) == "still");
    c.advance(net::http_client_connection::idle_limit);
    CHECK(c.peer(0).closed());
    CHECK(c.clock->armed() == 0);
    std::ignore = c.post("late");
    CHECK(c.peer(1).take() == test::post("/", "late"));
}

TEST_CASE("net/http_client: a connection that waited too long behind a slow handler is not used") {
    // A clock that moves without anybody being called.
    struct late_clock final : net::clock {
        net::time_point time{};
        [[nodiscard]] net::time_point now() const noexcept override { return time; }
        [[nodiscard]] std::chrono::system_clock::time_point date() const noexcept override {
            return {};
        }
        void wake_at(std::optional<net::time_point>) override {}
    };
    asio::io_context context;
    auto const clock = std::make_shared<late_clock>();
    auto const shard = net::shard::make(context.get_executor(), clock);
    auto const connector = std::make_shared<test::memory_connector>(shard);
    auto const client =
        std::make_shared<net::http_client>(shard, connector, net::remote{"example", 80, false});
    for (int i = 0; i < 2; ++i) {
        asio::co_spawn(context, client->send(request("POST", "/"), 10), asio::detached);
        context.restart();
        context.poll();
        CHECK_FALSE(connector->peers.back().take().empty());
        connector->peers.back().send(ok("x"));
        context.restart();
        context.poll();
        clock->time += net::http_client_connection::idle_limit;
    }
    CHECK(connector->peers.size() == 2);
    CHECK(connector->peers.front().closed());
}

TEST_CASE("net/http_client: the server may end a connection that waits") {
    one_client c;
    c.warm_up();
    c.peer(0).end();
    c.run();
    CHECK(c.peer(0).closed());
    CHECK(c.clock->armed() == 0);
    auto const next = c.post("next");
    c.reply(1, ok("fine"));
    CHECK(body_of(next) == "fine");
}

TEST_CASE("net/http_client: bytes that nobody asked for end their connection, and answer nothing") {
    one_client c;
    c.warm_up();
    c.reply(0, ok("forged"));
    CHECK(c.peer(0).closed());
    auto const next = c.get();
    // Together with an answer, they may as well be meant for the next request.
    c.reply(1, ok("right") + ok("forged"));
    CHECK(body_of(next) == "right");
    CHECK(c.peer(1).closed());
    auto const last = c.get();
    c.reply(2, ok("last"));
    CHECK(body_of(last) == "last");
}

TEST_CASE(
    "net/http_client: a GET that a used connection has lost is sent once more, on a new one") {
    for (auto const error :
         {asio::error::make_error_code(asio::error::eof),
          asio::error::make_error_code(asio::error::connection_reset)}) {
        CAPTURE(error);
        one_client c;
        c.warm_up();
        auto const got = c.get("/again");
        CHECK(c.peer(0).take() == test::get("/again"));
        c.peer(0).vanish(error);
        c.run();
        CHECK_FALSE(got->done());
        CHECK(c.peer(1).take() == test::get("/again"));
        // A new one is believed.
        c.peer(1).vanish(error);
        c.run();
        CHECK(error_of(got) == error);
        CHECK(c.connector->asked.size() == 2);
    }
}

TEST_CASE("net/http_client: what may have been carried out is never sent again") {
    one_client c;
    c.warm_up();
    auto const posted = c.post("once");
    c.peer(0).vanish();
    c.run();
    CHECK(error_of(posted) == asio::error::eof);
    CHECK(c.connector->asked.size() == 1);

    auto const first = c.get();
    c.reply(1, ok("x"));
    auto const begun = c.get();
    c.reply(1, "H");
    c.peer(1).vanish();
    c.run();
    CHECK(body_of(first) == "x");
    CHECK(error_of(begun) == errc::http_truncated);
    CHECK(c.connector->asked.size() == 2);
}

TEST_CASE("net/http_client: what a server sends must be HTTP, whole, and within the limits") {
    socoro::limits limits;
    limits.http_head = 200;
    limits.http_fields = 3;
    std::string const head = "HTTP/1.1 200 OK\r\n";
    std::vector<std::pair<std::string, errc>> const cases{
        {"garbage\r\n\r\n", errc::http_malformed},
        {"HTTP/2.0 200 OK\r\n\r\n", errc::http_unsupported_version},
        {head + "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", errc::http_malformed},
        {head + "X: " + std::string(300, 'x'), errc::http_head_too_large},
        {head + "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\n\r\n", errc::http_too_many_fields},
        {head + "Content-Length: 11\r\n\r\n", errc::http_body_too_large},
        {head + "\r\n12345678901", errc::http_body_too_large},
        {head + "Transfer-Encoding: chunked\r\n\r\nb\r\n12345678901", errc::http_body_too_large},
        {"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
         errc::http_malformed},
    };
    for (auto const& [bytes, error] : cases)
        for (bool const bytewise : {false, true}) {
            CAPTURE(bytes);
            one_client c(limits);
            c.plan->bytewise = bytewise;
            auto const got = c.send(request("GET", "/"), 10);
            c.reply(0, bytes);
            CHECK(error_of(got) == error);
            CHECK(c.peer(0).closed());
        }
    one_client c(limits);
    auto const cut = c.send(request("GET", "/"), 10);
    c.reply(0, head + "Content-Length: 10\r\n\r\n123456789");
    c.peer(0).end();
    c.run();
    CHECK(error_of(cut) == errc::http_truncated);
    auto const whole = c.send(request("GET", "/"), 10);
    c.reply(1, ok("1234567890"));
    CHECK(body_of(whole) == "1234567890");
}

TEST_CASE("net/http_client: an endless head or body is not read to its end") {
    one_client c;
    auto const head = c.get();
    auto const body = c.get();
    c.reply(0, "HTTP/1.1 200 OK\r\n");
    c.reply(1, "HTTP/1.1 200 OK\r\n\r\n");
    for (int i = 0; i < 100; ++i) {
        c.reply(0, "A: " + std::string(1000, 'x') + "\r\n");
        c.reply(1, std::string(1000, 'x'));
    }
    CHECK(error_of(head) == errc::http_head_too_large);
    CHECK(error_of(body) == errc::http_body_too_large);
    CHECK(c.peer(0).unread() > 50'000);
    CHECK(c.peer(1).unread() > 50'000);
}

TEST_CASE("net/http_client: a body that does not fit is written as the server reads it") {
    one_client c;
    c.warm_up();
    c.peer(0).limit(10);
    std::string const body(100, 'x');
    auto const posted = c.post(body);
    std::string got;
    for (int i = 0; i < 50; ++i) {
        got += c.peer(0).take();
        c.run();
    }
    CHECK(got == test::post("/", body));
    c.reply(0, ok("thanks"));
    CHECK(body_of(posted) == "thanks");
    auto const next = c.get();
    c.reply(0, ok("next"));
    CHECK(body_of(next) == "next");
}

TEST_CASE("net/http_client: a server that refuses a body unread is heard, and not used again") {
    one_client c;
    c.warm_up();
    c.peer(0).limit(10);
    auto const posted = c.post(std::string(100, 'x'));
    CHECK_FALSE(posted->done());
    c.reply(0, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
    CHECK(body_of(posted) == "big");
    CHECK((*posted->value)->status == 413);
    CHECK(c.peer(0).closed());
}

TEST_CASE("net/http_client: says why there is no connection") {
    one_client c;
    c.connector->fail_next(asio::error::connection_refused);
    CHECK(error_of(c.get()) == asio::error::connection_refused);
    auto const next = c.get();
    c.reply(0, ok("next"));
    CHECK(body_of(next) == "next");
}

TEST_CASE("net/http_client: what cannot be written as a request is a mistake of the caller") {
    one_client c;
    auto const broken = c.get("/with space");
    REQUIRE(broken->failure);
    CHECK_THROWS_AS(std::rethrow_exception(broken->failure), std::invalid_argument);
    CHECK(c.connector->asked.empty());
}

TEST_CASE("net/http_client: closing ends what is under way at any point, and all connections") {
    one_client c;
    c.warm_up();
    auto const reads = c.get();
    auto const in_head = c.get();
    auto const in_body = c.get();
    c.reply(1, "HTTP/1.1 ");
    c.reply(2, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12");
    auto const idle = c.get();
    c.reply(3, ok("idle"));
    c.peer(3).limit(5);
    auto const writes = c.post(std::string(100, 'x'));
    c.connector->hold();
    auto const connects = c.get();
    c.run();
    auto const all = {reads, in_head, in_body, writes, connects};
    for (auto const& each : all)
        CHECK_FALSE(each->done());
    c.client->close();
    c.run();
    for (auto const& each : all)
        CHECK(error_of(each) == asio::error::operation_aborted);
    for (auto const& each : c.connector->peers)
        CHECK(each.closed());
    CHECK(c.clock->armed() == 0);
    c.connector->let_go();
    auto const asked = c.connector->asked.size();
    CHECK(error_of(c.get()) == asio::error::operation_aborted);
    CHECK(c.connector->asked.size() == asked);
}

TEST_CASE("net/http_client: closing ends connections that wait, and so does the client's end") {
    for (bool const destroyed : {false, true}) {
        one_client c;
        c.warm_up();
        if (destroyed)
            c.client.reset();
        else
            c.client->close();
        c.run();
        CHECK(c.peer(0).closed());
        CHECK(c.clock->armed() == 0);
    }
}

TEST_CASE("net/http_client: a request that is cancelled takes its connection along") {
    one_client c;
    c.warm_up();
    asio::cancellation_signal cancel;
    bool ended = false;
    asio::co_spawn(
        *c.context,
        c.client->send(request("GET", "/"), 10),
        asio::bind_cancellation_slot(cancel.slot(), [&](auto const&...) { ended = true; }));
    c.run();
    CHECK_FALSE(ended);
    cancel.emit(asio::cancellation_type::all);
    c.run();
    CHECK(ended);
    CHECK(c.peer(0).closed());
}

TEST_CASE("net/http_client: the end of the context takes everything along") {
    one_client c;
    c.warm_up();
    auto const reads = c.get();
    auto const idle = c.get();
    c.reply(1, ok("idle"));
    auto const another = c.get();
    c.reply(1, ok("idle"));
    c.connector->hold();
    auto const connects = c.get("/2");
    auto const more = c.get("/3");
    c.context.reset();
    CHECK_FALSE(reads->done());
    CHECK_FALSE(more->done());
    c.client->close();
    c.client.reset();
    CHECK(c.clock->armed() == 0);
}

TEST_CASE("net/http_client: gives the connection away when the server switches protocols") {
    one_client c;
    c.warm_up();
    auto r = request("GET", "/chat");
    r.headers.add("Connection", "Upgrade");
    r.headers.add("Upgrade", "echo");
    auto const got = c.spawn(c.client->upgrade(r));
    CHECK(c.peer(1).take() == test::get("/chat", "Connection: Upgrade\r\nUpgrade: echo\r\n"));
    c.reply(1, "HTTP/1.1 101 Yes\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\nfirst words");
    REQUIRE(got->done());
    auto& given = got->value->value();
    CHECK(given.answer.status == 101);
    CHECK(given.answer.headers.get("upgrade") == "echo");
    CHECK(given.rest == "first words");
    REQUIRE(given.over);
    c.client->close();
    c.client.reset();
    c.run();
    CHECK_FALSE(c.peer(1).ended());
    CHECK(c.spawn(net::write(*given.over, "more"))->value == std::error_code());
    CHECK(c.peer(1).take() == "more");
}

TEST_CASE("net/http_client: a server that does not switch is heard, and used again") {
    one_client c;
    auto r = request("GET", "/chat");
    r.headers.add("Connection", "Upgrade");
    r.headers.add("Upgrade", "echo");
    auto const got = c.spawn(c.client->upgrade(r));
    c.reply(0, "HTTP/1.1 400 No\r\nContent-Length: 3\r\n\r\nwhy");
    REQUIRE(got->done());
    auto const& given = got->value->value();
    CHECK(given.answer.status == 400);
    CHECK(given.answer.body == "why");
    CHECK_FALSE(given.over);
    auto const next = c.get();
    c.reply(0, ok("next"));
    CHECK(body_of(next) == "next");

    auto const closed = c.spawn(c.client->upgrade(r));
    c.client->close();
    c.run();
    REQUIRE(closed->done());
    CHECK(closed->value->error() == asio::error::operation_aborted);
}

TEST_CASE("net/http_client: whatever operation fails, a request ends and nothing is left") {
    std::size_t nth = 0;
    for (auto const error :
         {asio::error::make_error_code(asio::error::connection_reset),
          asio::error::make_error_code(asio::error::eof)}) {
        nth = 0;
        for (bool failed = true; failed; ++nth) {
            CAPTURE(nth);
            REQUIRE(nth < 2000);
            one_client c;
            net::http_handler const echo = [](http::request r) -> asio::awaitable<http::response> {
                co_return http::text(200, r.method + r.body);
            };
            auto const server =
                std::make_shared<net::http_server_core>(c.shard, echo, net::http_server_options{});
            c.connector->serve_by(server);
            c.plan->nth = nth;
            c.plan->error = error;
            c.plan->bytewise = true;
            auto const first = c.get();
            auto const second = c.post("body");
            failed = c.plan->operations > nth;
            for (auto const& each : {first, second}) {
                REQUIRE(each->done());
                REQUIRE(each->value);
            }
            if (!failed) {
                CHECK(body_of(first) == "GET");
                CHECK(body_of(second) == "POSTbody");
                CHECK(c.connector->asked.size() == 1);
            }
            c.settle();
            CHECK(server->connections() == 0);
            CHECK(c.clock->armed() == 0);
        }
        CHECK(nth > 100);
    }
}

TEST_CASE("net/http_client: talks to our own server over real sockets") {
    test::world w;
    auto const shard = net::shard::make(w.context->get_executor());
    net::signal never(*shard);
    net::http_handler const echo = [&](http::request r) -> asio::awaitable<http::response> {
        if (r.target == "/never")
            co_await never.wait();
        co_return http::text(200, r.target + " " + r.body);
    };
    net::http_server server(*w.context, echo);
    auto const at = server.listen(test::loopback());
    auto const client = std::make_shared<net::http_client>(
        shard,
        std::make_shared<net::tcp_connector>(),
        net::remote{"127.0.0.1", at.port(), false});
    auto const waits = w.spawn(client->send(request("GET", "/never"), 100));
    std::string const large(900'000, 'x');
    for (int i = 0; i < 3; ++i) {
        auto const big = w.spawn(client->send(request("POST", "/", large), large.size() + 2));
        REQUIRE(test::run_until(*w.context, [&] { return big->done(); }));
        CHECK(body_of(big) == "/ " + large);
        auto const small = w.spawn(client->send(request("GET", "/small"), 100));
        REQUIRE(test::run_until(*w.context, [&] { return small->done(); }));
        CHECK(body_of(small) == "/small ");
        CHECK(server.core()->connections() == 2);
    }
    REQUIRE_FALSE(waits->done());
    client->close();
    REQUIRE(test::run_until(*w.context, [&] { return waits->done(); }));
    CHECK(error_of(waits) == asio::error::operation_aborted);
    // The other one, which waited for a request, has ended as well.
    REQUIRE(test::run_until(*w.context, [&] { return server.core()->connections() == 1; }));
    server.close();
}
