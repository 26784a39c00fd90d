// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/parser.hpp>
#include <socoro/http/serializer.hpp>

#include <doctest/doctest.h>

#include <string>
#include <tuple>

using socoro::http::exchange;
using socoro::http::exchange_of;
using socoro::http::request;
using socoro::http::response;
using socoro::http::serialize;

namespace {

bool refused(response const& answer, exchange const& facts = {}) {
    try {
        (void)serialize(answer, facts);
        return false;
    } catch (std::invalid_argument const&) {
        return true;
    }
}

}  // namespace

TEST_CASE("http/serializer: a response is its fields in order, the length, and the body") {
    response const answer{200, {{"Content-Type", "text/plain"}, {"A", "b"}}, "ok"};
    CHECK(
        serialize(answer) ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nA: b\r\nContent-Length: 2\r\n\r\nok");
    CHECK(serialize(response{}) == "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("http/serializer: the answer to HEAD has the length and no body") {
    CHECK(
        serialize({200, {}, "body"}, {.head = true}) ==
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n");
}

TEST_CASE("http/serializer: 1xx, 204 and 304 have neither length nor body") {
    CHECK(serialize({204, {}, "x"}) == "HTTP/1.1 204 No Content\r\n\r\n");
    CHECK(serialize({304, {}, "x"}) == "HTTP/1.1 304 Not Modified\r\n\r\n");
    CHECK(
        serialize({101, {{"Upgrade", "websocket"}, {"Connection", "Upgrade"}}, ""}) ==
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n");
}

TEST_CASE("http/serializer: says what becomes of the connection where it must be said") {
    CHECK(serialize({204, {}, ""}, {.keep_alive = false}).find("\r\nConnection: close\r\n") < 99);
    CHECK(serialize({204, {}, ""}, {.version = 10}).find("\r\nConnection: keep-alive\r\n") < 99);
    CHECK(
        serialize({204, {}, ""}, {.version = 10, .keep_alive = false})
            .find("\r\nConnection: close\r\n") < 99);
    CHECK(serialize({204, {}, ""}).find("Connection") == std::string::npos);
}

TEST_CASE("http/serializer: a field that the response has is not added again") {
    CHECK(
        serialize(
            {200, {{"connection", "Close"}, {"content-length", "1"}}, "x"},
            {10, false, false}) ==
        "HTTP/1.1 200 OK\r\nconnection: Close\r\ncontent-length: 1\r\n\r\nx");
    CHECK(
        serialize({204, {{"Content-Length", "0"}}, ""}) ==
        "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("http/serializer: a length that would desynchronise the connection is refused") {
    CHECK(refused({200, {{"Content-Length", "2"}}, "x"}));
    CHECK(refused({200, {{"Content-Length", "01"}}, "x"}));
    CHECK(refused({200, {{"Content-Length", "1"}, {"content-length", "1"}}, "x"}));
    CHECK(refused({204, {{"Content-Length", "1"}}, ""}));
    CHECK(refused({200, {{"Transfer-Encoding", "chunked"}}, "x"}));
}

TEST_CASE("http/serializer: without a body the length may be another representation's") {
    CHECK_FALSE(refused({200, {{"Content-Length", "9"}}, ""}, {.head = true}));
    CHECK_FALSE(refused({304, {{"Content-Length", "9"}}, ""}));
    CHECK(refused({304, {{"Content-Length", "x"}}, ""}));
    CHECK(refused({200, {{"Content-Length", "9"}}, "x"}, {.head = true}));
}

TEST_CASE("http/serializer: header injection is refused") {
    for (std::string const value : {"a\r\nB: c", "a\n", "a\r", "\x7f", "\x1b[0m"})
        CHECK(refused({200, {{"A", value}}, ""}));
    CHECK(refused({200, {{"A", std::string("a\0b", 3)}}, ""}));
    for (std::string const name : {"", "a b", "a:", "a\r\n", "a\n", "\xc3\xa9", "a\t"})
        CHECK(refused({200, {{name, "x"}}, ""}));
    CHECK(refused({200, {{std::string("a\0", 2), "x"}}, ""}));
    CHECK_FALSE(refused({200, {{"A", "caf\xc3\xa9\ttab"}}, ""}));
}

TEST_CASE("http/serializer: a status has three digits") {
    CHECK(refused({99, {}, ""}));
    CHECK(refused({1000, {}, ""}));
    CHECK(serialize({599, {}, ""}).starts_with("HTTP/1.1 599 Unknown\r\n"));
}

TEST_CASE("http/serializer: the facts come from the request") {
    auto const facts = exchange_of(request{"HEAD", "/", 10, {}, ""});
    CHECK(facts.version == 10);
    CHECK(facts.head);
    CHECK_FALSE(facts.keep_alive);
}

TEST_CASE("http/serializer: head and body can be written apart") {
    response const answer{200, {}, "body"};
    CHECK(socoro::http::serialize_head(answer, {}) + answer.body == serialize(answer));
    CHECK(socoro::http::writes_body(answer, {}));
    CHECK_FALSE(socoro::http::writes_body(answer, {.head = true}));
}

TEST_CASE("http/serializer: the head of a request is written as it was read") {
    std::string const text =
        "POST /path?a=b HTTP/1.1\r\nHost: example\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: "
        "3\r\n\r\n";
    socoro::http::request_parser parser;
    CHECK(parser.feed(text).value() == text.size());
    CHECK(socoro::http::serialize_head(parser.head()) == text);
}

TEST_CASE("http/serializer: a request head that would be two is refused") {
    request head;
    head.method = "GET";
    head.target = "/ HTTP/1.1\r\nX: y";
    CHECK_THROWS_AS((std::ignore = socoro::http::serialize_head(head)), std::invalid_argument);
    head.target = "/";
    head.headers.add("X", "a\r\nb");
    CHECK_THROWS_AS((std::ignore = socoro::http::serialize_head(head)), std::invalid_argument);
    head.headers = {};
    head.method = "GET /";
    CHECK_THROWS_AS((std::ignore = socoro::http::serialize_head(head)), std::invalid_argument);
}

TEST_CASE("http/serializer: a request is its head and its body, with the length it needs") {
    request whole{"GET", "/a?b", 11, {{"Host", "x"}, {"A", "b"}}, ""};
    CHECK(serialize(whole) == "GET /a?b HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n");
    whole.body = "ok";
    CHECK(
        serialize(whole) == "GET /a?b HTTP/1.1\r\nHost: x\r\nA: b\r\nContent-Length: 2\r\n\r\nok");
    whole.headers.add("content-length", "2");
    CHECK(
        serialize(whole) == "GET /a?b HTTP/1.1\r\nHost: x\r\nA: b\r\ncontent-length: 2\r\n\r\nok");
    for (std::string const method : {"POST", "PUT", "PATCH"})
        CHECK(
            serialize({method, "/", 11, {{"Host", "x"}}, ""}) ==
            method + " / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n");
}

TEST_CASE("http/serializer: the parser reads the request that was written") {
    request const whole{"POST", "/a", 11, {{"Host", "x"}, {"Content-Length", "3"}}, "\r\n!"};
    auto const bytes = serialize(whole);
    socoro::http::request_parser parser;
    for (std::string_view rest = bytes; !rest.empty();)
        rest.remove_prefix(parser.feed(rest).value());
    CHECK(parser.take() == whole);
}

TEST_CASE("http/serializer: a request that a server could take for two is refused") {
    auto const refuses = [](socoro::http::fields headers, std::string target = "/") {
        request const whole{"POST", std::move(target), 11, std::move(headers), "x"};
        try {
            (void)serialize(whole);
            return false;
        } catch (std::invalid_argument const&) {
            return true;
        }
    };
    CHECK_FALSE(refuses({{"Host", "x"}, {"Content-Length", "1"}}));
    CHECK(refuses({{"Host", "x"}, {"Content-Length", "2"}}));
    CHECK(refuses({{"Host", "x"}, {"Content-Length", "01"}}));
    CHECK(refuses({{"Host", "x"}, {"Content-Length", "1"}, {"content-length", "1"}}));
    CHECK(refuses({{"Host", "x"}, {"Transfer-Encoding", "chunked"}}));
    CHECK(refuses({}));
    CHECK(refuses({{"Host", "x"}, {"host", "x"}}));
    CHECK(refuses({{"Host", "x\r\nA: b"}}));
    CHECK(refuses({{"Host", "x"}}, "/\ta"));
    CHECK(refuses({{"Host", "x"}}, ""));
}

TEST_CASE("http/serializer: a known date is a field of every final response, once") {
    exchange facts;
    facts.date = "Sun, 06 Nov 1994 08:49:37 GMT";
    CHECK(
        serialize({204, {}, {}}, facts) ==
        "HTTP/1.1 204 No Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\r\n");
    CHECK(serialize({101, {}, {}}, facts) == "HTTP/1.1 101 Switching Protocols\r\n\r\n");
    CHECK(
        serialize({204, {{"date", "today"}}, {}}, facts) ==
        "HTTP/1.1 204 No Content\r\ndate: today\r\n\r\n");
}
