// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/http_connection.hpp>

#include "support/http_script.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace std::chrono_literals;
using namespace std::string_literals;
using test::get;
using test::post;
using test::statuses;
namespace net = socoro::net;
namespace http = socoro::http;

namespace {

/// A connection whose requests are answered with what they said.
struct echo_server : test::world {
    explicit echo_server(bool bytewise = false, std::string already_read = {})
        : plan(std::make_shared<test::faults>())
        , wire(shard, plan) {
        plan->bytewise = bytewise;
        connection =
            std::make_unique<net::http_connection>(shard, wire.stream, std::move(already_read));
    }

    static asio::awaitable<void> serve(net::http_connection& c, std::vector<std::string>& seen) {
        for (;;) {
            bool const another = co_await c.read_head();
            if (!another)
                co_return;
            auto body = co_await c.read_body(100);
            http::response answer;
            if (body) {
                answer = http::text(200, c.head().method + " " + c.head().target + " " + *body);
                seen.push_back(answer.body);
            } else {
                seen.push_back(body.error().message());
                answer.status = http::status_of(body.error());
            }
            co_await c.respond(answer);
        }
    }
    void start() { served = spawn(serve(*connection, seen)); }
    void send(std::string_view bytes) {
        wire.peer.send(bytes);
        run();
    }

    std::shared_ptr<test::faults> plan;
    test::memory_connection wire;
    std::unique_ptr<net::http_connection> connection;
    std::vector<std::string> seen;
    std::shared_ptr<test::outcome<void>> served;
};

using strings = std::vector<std::string>;
using codes = std::vector<int>;

}  // namespace

TEST_CASE("net/http_connection: answers one request after the other on one connection") {
    echo_server server;
    server.start();
    server.send(get("/a"));
    CHECK(
        server.wire.peer.take() ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 7\r\n\r\n"
        "GET /a ");
    server.send(post("/b", "body"));
    server.send(get("/c"));
    CHECK(statuses(server.wire.peer) == codes{200, 200});
    CHECK(server.seen == strings{"GET /a ", "POST /b body", "GET /c "});
    server.wire.peer.end();
    server.run();
    CHECK(server.served->done());
    CHECK(server.wire.peer.closed());
    CHECK(server.clock->armed() == 0);
}

TEST_CASE("net/http_connection: pipelined requests are answered in order") {
    echo_server server;
    server.start();
    server.send(get("/1") + post("/2", "two") + "\r\n" + get("/3"));
    CHECK(server.seen == strings{"GET /1 ", "POST /2 two", "GET /3 "});
    CHECK(statuses(server.wire.peer) == codes{200, 200, 200});
    CHECK_FALSE(server.wire.peer.ended());
}

TEST_CASE("net/http_connection: bytes that were read before belong to the first request") {
    auto const request = get("/already");
    echo_server server(false, request.substr(0, 9));
    server.start();
    server.send(request.substr(9));
    CHECK(server.seen == strings{"GET /already "});
}

TEST_CASE("net/http_connection: bytes may come and go one by one") {
    echo_server server(true);
    server.start();
    server.send(get("/a") + post("/b", "body"));
    CHECK(server.seen == strings{"GET /a ", "POST /b body"});
    CHECK(statuses(server.wire.peer) == codes{200, 200});
}

TEST_CASE("net/http_connection: a client that waits for it is told to go on") {
    echo_server server;
    server.start();
    auto const request = post("/", "body", "Expect: 100-continue\r\n");
    server.send(request.substr(0, request.size() - 4));
    CHECK(server.wire.peer.take() == "HTTP/1.1 100 Continue\r\n\r\n");
    server.send("body");
    CHECK(statuses(server.wire.peer) == codes{200});
    server.send(request);
    CHECK(statuses(server.wire.peer) == codes{200});
    CHECK(server.seen == strings{"POST / body", "POST / body"});
}

TEST_CASE("net/http_connection: a body over the limit is refused before it is sent") {
    echo_server server;
    server.start();
    server.send(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 101\r\nExpect: 100-continue\r\n\r\n");
    auto const answers = test::take_answers(server.wire.peer);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 413);
    CHECK(answers[0].has("Connection: close"));
    CHECK(server.wire.peer.ended());
    // What is still on its way is taken and thrown away, so that the answer arrives.
    CHECK_FALSE(server.wire.peer.closed());
    server.send(std::string(5000, 'x'));
    CHECK_FALSE(server.wire.peer.closed());
    server.advance(2s);
    CHECK(server.wire.peer.closed());
    CHECK(server.served->done());
    CHECK(server.clock->armed() == 0);
}

TEST_CASE("net/http_connection: a chunked body over the limit is refused where it exceeds it") {
    echo_server server;
    server.start();
    server.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    server.send("32\r\n" + std::string(50, 'x') + "\r\n");
    CHECK(server.seen.empty());
    server.send("33\r\n");
    CHECK(statuses(server.wire.peer) == codes{413});
}

TEST_CASE("net/http_connection: a request that breaks the rules is answered, then the end") {
    std::vector<std::pair<std::string, int>> const cases{
        {"GET / HTTP/1.1\r\n\r\n", 400},
        {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
        {"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
        {"GET / HTTP/1.1\r\nHost: a\r\nx: " + std::string(20'000, 'x') + "\r\n\r\n", 431},
        {"\x16\x03\x01\x02", 400},
        {"GET / HT\r", 0},
    };
    for (auto const& [bytes, status] : cases) {
        CAPTURE(bytes);
        echo_server server;
        server.start();
        server.send(bytes + (status ? get("/smuggled") : ""));
        if (status == 0)
            server.wire.peer.end();
        server.run();
        auto const answers = test::take_answers(server.wire.peer);
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == (status ? status : 400));
        CHECK(answers[0].has("Connection: close"));
        CHECK(server.wire.peer.ended());
        CHECK(server.seen.empty());
        server.settle();
        CHECK(server.wire.peer.closed());
        CHECK(server.served->done());
    }
}

TEST_CASE("net/http_connection: a body that breaks the rules, or off, is reported") {
    echo_server server;
    server.start();
    server.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n");
    CHECK(statuses(server.wire.peer) == codes{400});

    echo_server other;
    other.start();
    other.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nabc");
    other.wire.peer.end();
    other.run();
    CHECK(other.seen == strings{"connection ended inside an HTTP message"});
    CHECK(statuses(other.wire.peer) == codes{400});
    CHECK(other.served->done());
}

TEST_CASE("net/http_connection: the head has to come in time") {
    echo_server server;
    server.start();
    server.advance(9s);
    server.send("GET / HT");
    server.advance(9999ms);
    server.send("TP/1.1\r\n");
    CHECK_FALSE(server.wire.peer.ended());
    server.advance(1ms);
    CHECK(statuses(server.wire.peer) == codes{408});
    CHECK(server.wire.peer.closed());
    CHECK(server.served->done());
    CHECK(server.clock->armed() == 0);
}

TEST_CASE("net/http_connection: the whole request has to come in time") {
    echo_server server;
    server.start();
    server.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\n\r\n");
    for (int i = 0; i < 29; ++i) {
        server.advance(1s);
        server.send("x");
    }
    CHECK_FALSE(server.wire.peer.ended());
    server.advance(1s);
    CHECK(statuses(server.wire.peer) == codes{408});
    CHECK(server.wire.peer.closed());
    CHECK(server.served->done());
}

TEST_CASE("net/http_connection: a connection without a request is closed, without a word") {
    echo_server server;
    server.start();
    server.advance(9999ms);
    server.send(get("/"));
    CHECK(statuses(server.wire.peer) == codes{200});
    server.advance(9999ms);
    CHECK_FALSE(server.wire.peer.ended());
    server.advance(1ms);
    CHECK(server.wire.peer.take().empty());
    CHECK(server.wire.peer.closed());
    CHECK(server.served->done());
}

TEST_CASE("net/http_connection: the answer has to be taken in time") {
    for (bool const refused : {false, true}) {
        CAPTURE(refused);
        echo_server server;
        server.wire.peer.limit(10);
        server.start();
        server.send(refused ? post("/", std::string(101, 'x')) : get("/"));
        server.advance(29'999ms);
        CHECK_FALSE(server.wire.peer.closed());
        // There is room again just when it is too late.
        server.wire.peer.limit(1000);
        server.clock->advance(1ms);
        server.run();
        CHECK(server.wire.peer.closed());
        CHECK(server.served->done());
        // Nothing but the beginning of the answer: no other answer in its midst.
        CHECK(server.wire.peer.take() == (refused ? "HTTP/1.1 4" : "HTTP/1.1 2"));
        CHECK(server.clock->armed() == 0);
    }
}

TEST_CASE("net/http_connection: HTTP/1.0 ends after the answer, unless asked to go on") {
    echo_server server;
    server.start();
    server.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(test::take_answers(server.wire.peer).at(0).has("Connection: keep-alive"));
    CHECK_FALSE(server.wire.peer.ended());
    server.send("GET / HTTP/1.0\r\n\r\n");
    CHECK(test::take_answers(server.wire.peer).at(0).has("Connection: close"));
    CHECK(server.wire.peer.ended());
}

TEST_CASE("net/http_connection: an answer that cannot be delivered says so") {
    echo_server server;
    bool const read = server.spawn(server.connection->read_head())->done();
    CHECK_FALSE(read);
    server.send(get("/"));
    server.wire.peer.vanish(asio::error::connection_reset);
    auto const answer = http::text(200, "x");
    auto const sent = server.spawn(server.connection->respond(answer));
    CHECK(sent->value.value_or(std::error_code()));
    CHECK_FALSE(server.connection->is_open());
    auto const again = server.spawn(server.connection->respond(answer));
    CHECK(again->value == asio::error::operation_aborted);
}

TEST_CASE("net/http_connection: a request that is not answered has no next one") {
    echo_server server;
    auto const first = server.spawn(server.connection->read_head());
    server.send(post("/", "abc") + get("/2"));
    CHECK(first->value == true);
    auto const second = server.spawn(server.connection->read_head());
    CHECK(second->value == false);
    server.run();
    CHECK(server.wire.peer.closed());
}

namespace {

/// Reads a request and watches, without answering yet.
struct watched : echo_server {
    explicit watched(std::string const& bytes = get("/")) {
        auto const read = spawn(connection->read_head());
        send(bytes);
        REQUIRE(read->value == true);
        connection->watch([this] { ++gone; });
        run();
    }
    int gone = 0;
};

}  // namespace

TEST_CASE("net/http_connection: watching notices that the peer has gone, by end or error") {
    watched server;
    CHECK(server.gone == 0);
    server.wire.peer.end();
    server.run();
    CHECK(server.gone == 1);

    watched other;
    other.wire.peer.vanish(asio::error::connection_reset);
    other.run();
    CHECK(other.gone == 1);
}

TEST_CASE("net/http_connection: watching notices that the connection is closed from this side") {
    watched server;
    server.connection->close();
    CHECK(server.gone == 0);
    server.run();
    CHECK(server.gone == 1);
}

TEST_CASE("net/http_connection: watching ends with the answer, and with the connection") {
    watched server;
    auto const answer = http::text(200, "x");
    std::ignore = server.spawn(server.connection->respond(answer));
    server.wire.peer.end();
    server.run();
    CHECK(server.gone == 0);

    watched other;
    other.connection.reset();
    other.run();
    CHECK(other.gone == 0);
    CHECK(other.wire.peer.closed());
}

TEST_CASE("net/http_connection: what comes while watching is the next request") {
    watched server;
    server.send("GET /ne");
    auto const answer = http::text(200, "x");
    std::ignore = server.spawn(server.connection->respond(answer));
    server.start();
    server.send("xt HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(server.seen == strings{"GET /next "});
    CHECK(server.gone == 0);
}

TEST_CASE("net/http_connection: the idle deadline counts after watching as well") {
    watched server;
    server.advance(1h);
    CHECK_FALSE(server.wire.peer.ended());
    auto const answer = http::text(200, "x");
    std::ignore = server.spawn(server.connection->respond(answer));
    server.start();
    server.advance(10s);
    CHECK(server.wire.peer.closed());
    CHECK(server.served->done());
}

TEST_CASE("net/http_connection: with the next request there already, the end shows at the answer") {
    watched server(get("/1") + get("/2"));
    server.wire.peer.end();
    server.run();
    CHECK(server.gone == 0);
    auto const answer = http::text(200, "x");
    std::ignore = server.spawn(server.connection->respond(answer));
    server.start();
    CHECK(server.seen == strings{"GET /2 "});
    CHECK(server.served->done());
}

TEST_CASE("net/http_connection: the stream is given away with the bytes behind the head") {
    echo_server server;
    auto const read = server.spawn(server.connection->read_head());
    server.send(get("/", test::upgrade_fields) + "frames");
    REQUIRE(read->value == true);
    http::response answer;
    answer.status = 101;
    answer.headers.add("Connection", "Upgrade");
    std::ignore = server.spawn(server.connection->respond(answer));
    std::string rest;
    auto const stream = server.connection->release(rest);
    CHECK(stream == server.wire.stream);
    CHECK(rest == "frames");
    server.connection.reset();
    server.settle();
    CHECK_FALSE(server.wire.peer.ended());
    CHECK(
        server.wire.peer.take() ==
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n\r\n");
}
