// SPDX-License-Identifier: BSL-1.0
#include <socoro/transport/polling_server.hpp>

#include "transport/fixtures.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace transport_test;
using namespace std::chrono_literals;
using socoro::errc;
using test::get;
using test::post;
using test::statuses;
using transport::ending;
using codes = std::vector<int>;

TEST_CASE("transport/polling_server: a poll is answered as the reference answers it") {
    over_polling t;
    t.client_is_ready();
    CHECK(t.send({"4hello", "b\x01"})->value == std::error_code());
    CHECK(
        t.poller.wire.take() ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\n"
        "cache-control: no-store\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: "
        "12\r\n\r\n4hello\x1e"
        "bAQ==");
}

TEST_CASE("transport/polling_server: a post is answered as the reference answers it") {
    over_polling t;
    t.receive();
    t.client_sends({"4hello"});
    CHECK(
        t.poster.wire.take() ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\ncache-control: no-store\r\n"
        "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 2\r\n\r\nok");
}

TEST_CASE("transport/polling_server: an empty post is ok and brings nothing") {
    over_polling t;
    t.receive();
    t.poster.wire.send(post("/", ""));
    t.run();
    CHECK(test::take_answers(t.poster.wire).at(0).body == "ok");
    CHECK(t.received.empty());
    CHECK_FALSE(t.receiving->done());
}

TEST_CASE("transport/polling_server: a second poll ends it, the first gets a close packet") {
    over_polling t;
    t.receive();
    t.client_is_ready();
    auto const other = t.connect();
    other.wire.send(get("/"));
    t.run();
    auto const second = test::take_answers(other.wire);
    REQUIRE(second.size() == 1);
    CHECK(second[0].status == 400);
    CHECK(second[0].body.empty());
    CHECK(t.client_takes() == strings{"1"});
    CHECK(t.why == errc::transport_error);
}

TEST_CASE("transport/polling_server: a second post while one is read ends it") {
    over_polling t;
    t.receive();
    t.client_is_ready();
    t.poster.wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n4ab");
    auto const other = t.connect();
    other.wire.send(post("/", "4second"));
    t.run();
    auto const answers = test::take_answers(other.wire);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 400);
    CHECK(answers[0].body.empty());
    CHECK(t.why == errc::transport_error);
    CHECK(t.client_takes() == strings{"1"});
    CHECK(t.received.empty());
}

TEST_CASE("transport/polling_server: a post is answered when its packets have been received") {
    over_polling t;
    t.client_sends({"4a", "4b"});
    CHECK(statuses(t.poster.wire).empty());
    std::ignore = t.spawn(t.subject->recv());
    CHECK(statuses(t.poster.wire).empty());
    std::ignore = t.spawn(t.subject->recv());
    CHECK(statuses(t.poster.wire) == codes{200});
}

TEST_CASE("transport/polling_server: who posts without waiting for the answer cannot fill memory") {
    over_polling t;
    t.client_sends({"4first"});
    auto const other = t.connect();
    other.wire.send(post("/", "4second"));
    t.run();
    CHECK(statuses(other.wire) == codes{400});
    t.receive();
    CHECK(t.received == strings{"4first"});
    CHECK(t.why == errc::transport_error);
    CHECK(statuses(t.poster.wire) == codes{200});
}

TEST_CASE("transport/polling_server: an aborted poll is a transport error") {
    over_polling t;
    t.receive();
    t.client_is_ready();
    t.poller.wire.end();
    t.run();
    CHECK(t.why == errc::transport_error);
    CHECK(t.poller.wire.take().empty());
    CHECK(t.poller.serving->done());
}

TEST_CASE("transport/polling_server: a poll whose answer cannot be written is a transport error") {
    over_polling t;
    t.receive();
    t.poller.wire.limit(10);
    t.client_is_ready();
    CHECK(t.send({"4lost"})->value == std::error_code());
    t.poller.wire.vanish(asio::error::connection_reset);
    t.run();
    CHECK(t.why == errc::transport_error);
}

TEST_CASE("transport/polling_server: a post that is broken off, or too slow, is an error") {
    for (bool const slow : {false, true}) {
        over_polling t;
        t.receive();
        t.poster.wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n4ab");
        t.run();
        if (slow)
            t.advance(30s);
        else
            t.poster.wire.end();
        t.run();
        CHECK(t.why == errc::transport_error);
        CHECK(t.received.empty());
    }
}

TEST_CASE("transport/polling_server: a poll whose connection is closed here ends it, too") {
    over_polling t;
    t.receive();
    t.client_is_ready();
    t.poller.connection->close();
    t.run();
    CHECK(t.why == errc::transport_error);
    CHECK(t.poller.serving->done());
}

TEST_CASE("transport/polling_server: the client's close packet answers its poll with a noop") {
    over_polling t;
    t.receive();
    t.client_is_ready();
    t.poster.wire.send(post(
        "/",
        "4before\x1e"
        "1\x1e"
        "4after"));
    t.run();
    CHECK(test::take_answers(t.poster.wire).at(0).body == "ok");
    CHECK(t.client_takes() == strings{"6"});
    CHECK(t.received == strings{"4before"});
    CHECK(t.why == errc::transport_close);
}

TEST_CASE("transport/polling_server: before an undecodable packet all is delivered, and it is ok") {
    for (std::string const bad : {"?", "", "9", "4c\x1e", "\x1e"}) {
        CAPTURE(bad);
        over_polling t;
        t.receive();
        t.client_is_ready();
        t.poster.wire.send(post(
            "/",
            "4a\x1e"
            "4b\x1e" +
                bad));
        t.run();
        auto const answers = test::take_answers(t.poster.wire);
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == 200);
        CHECK(answers[0].body == "ok");
        CHECK(t.received.at(0) == "4a");
        CHECK(t.received.at(1) == "4b");
        CHECK(t.why == errc::parse_error);
        CHECK(t.client_takes() == strings{"1"});
    }
}

TEST_CASE("transport/polling_server: more packets in a post than the limit are an error") {
    over_polling t;
    socoro::limits limits;
    limits.eio_packets = 3;
    t.subject = std::make_shared<transport::polling_server>(t.shard, limits, 16);
    t.receive();
    auto const client = t.connect();
    client.wire.send(post(
        "/",
        "4\x1e"
        "4\x1e"
        "4\x1e"
        "4"));
    t.run();
    CHECK(statuses(client.wire) == codes{200});
    CHECK(t.received == strings{"4", "4", "4"});
    CHECK(t.why == errc::parse_error);
}

TEST_CASE("transport/polling_server: an octet stream is refused with 400") {
    over_polling t;
    t.receive();
    t.poster.wire.send(post("/", "4a", "Content-Type: application/octet-stream\r\n"));
    t.run();
    auto const answers = test::take_answers(t.poster.wire);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 400);
    CHECK(answers[0].body.empty());
    CHECK(t.why == errc::transport_error);
}

TEST_CASE("transport/polling_server: a post over the limit costs only itself") {
    for (bool const chunked : {false, true}) {
        over_polling t;
        t.receive();
        t.client_is_ready();
        auto const other = t.connect();
        other.wire.send(
            chunked ? "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n"
                    : post("/", "4" + std::string(1000, 'x')));
        t.run();
        auto const answers = test::take_answers(other.wire);
        REQUIRE(answers.size() == 1);
        CHECK(answers[0].status == 413);
        CHECK(answers[0].body.empty());
        t.client_sends({"4" + std::string(999, 'x')});
        CHECK(t.received.size() == 1);
        CHECK(t.send({"4still there"})->value == std::error_code());
        CHECK(t.client_takes() == strings{"4still there"});
        CHECK_FALSE(t.receiving->done());
    }
}

TEST_CASE("transport/polling_server: a close without a poll comes with the next one") {
    over_polling t;
    t.receive();
    CHECK_FALSE(t.subject->close(ending::orderly));
    CHECK_FALSE(t.receiving->done());
    t.advance(transport::polling_server::close_timeout - 1ms);
    auto const poster = t.connect();
    poster.wire.send(post("/", "4late"));
    t.run();
    CHECK(statuses(poster.wire) == codes{200});
    auto const late = t.connect();
    late.wire.send(get("/"));
    t.run();
    CHECK(
        test::take_answers(late.wire).at(0).body ==
        "6\x1e"
        "1");
    CHECK(t.why == errc::transport_close);
    CHECK(t.subject->close(ending::orderly));
}

TEST_CASE("transport/polling_server: a close that nobody polls for is given up after 30 seconds") {
    over_polling t;
    t.receive();
    CHECK_FALSE(t.subject->close(ending::orderly));
    t.advance(30s - 1ms);
    CHECK_FALSE(t.receiving->done());
    t.advance(1ms);
    CHECK(t.why == errc::transport_close);
    auto const late = t.connect();
    late.wire.send(get("/"));
    t.run();
    CHECK(statuses(late.wire) == codes{400});
}

TEST_CASE("transport/polling_server: a poll behind the one that is closed is not left waiting") {
    over_polling t;
    t.receive();
    t.poller.wire.send(get("/") + get("/"));
    t.run();
    CHECK(t.subject->close(ending::discard));
    t.run();
    auto const answers = test::take_answers(t.poller.wire);
    REQUIRE(answers.size() == 2);
    CHECK(answers[0].body == "1");
    CHECK(answers[1].status == 400);
}

TEST_CASE("transport/polling_server: closing breaks off the post that is being read") {
    over_polling t;
    t.receive();
    t.poster.wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n4ab");
    t.run();
    CHECK(t.subject->close(ending::discard));
    t.run();
    CHECK(t.poster.wire.closed());
    CHECK(t.why == errc::transport_close);
}

TEST_CASE("transport/polling_server: extra fields are on every answer") {
    over_polling t;
    test::memory_connection const made(t.shard);
    auto const connection = std::make_shared<net::http_connection>(t.shard, made.stream);
    auto const serve = [](auto to, auto over) -> asio::awaitable<void> {
        for (;;) {
            bool const another = co_await over->read_head();
            if (!another)
                co_return;
            socoro::transport::answer_fields extra;
            extra.fields.add("X-Extra", "1");
            if (over->head().method == "GET")
                co_await to->serve_poll(*over, std::move(extra));
            else
                co_await to->serve_post(*over, std::move(extra));
        }
    };
    t.receive();
    std::ignore = t.spawn(serve(t.subject, connection));
    made.peer.send(post("/", "4a") + post("/", std::string(2000, 'x')));
    t.run();
    std::ignore = t.subject->close(ending::discard);
    auto const answers = test::take_answers(made.peer);
    REQUIRE(answers.size() == 2);
    for (auto const& answer : answers)
        CHECK(answer.has("X-Extra: 1"));
}

TEST_CASE("transport/polling_server: the end of the context in the middle of a post is survived") {
    over_polling t;
    t.poster.wire.send(post("/", "4hello").substr(0, 50));
    t.run();
    t.poster.connection.reset();
    t.context.reset();
    CHECK(t.subject->close(ending::discard));
    CHECK_FALSE(t.poster.serving->done());
}
