// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/response_parser.hpp>

#include "reading.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>

using socoro::errc;
using socoro::http::response_parser;

namespace {

std::string const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
std::string const empty = "HTTP/1.1 204 No Content\r\nA: b\r\n\r\n";
std::string const chunked_head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
std::string const chunked =
    chunked_head + "5\r\nhello\r\n6;a=\"b;c\"\r\n world\r\n0\r\nA: b\r\n\r\n";
std::string const interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";

/// Each response of a connection whose requests all had this method.
auto read(
    std::string const& bytes,
    socoro::limits const& bounds = {},
    std::string const& method = "GET") {
    return reading::any_way<response_parser>(bytes, bounds, [&](auto& p) { p.expect(method); });
}

/// The statuses and bodies of all responses of the connection, or the error's message.
std::string bodies(
    std::string const& bytes,
    socoro::limits const& bounds = {},
    std::string const& method = "GET") {
    auto const seen = read(bytes, bounds, method);
    std::string all;
    for (auto const& r : seen.messages)
        all += "[" + std::to_string(r.status) + " " + r.body + "]";
    return seen.error ? seen.error.message() : all;
}

std::error_code error_of(std::string const& bytes, socoro::limits const& bounds = {}) {
    return read(bytes, bounds).error;
}

/// What becomes of a response with these header lines, and of one behind it.
std::error_code with(std::string const& lines, std::string const& body = "0\r\n\r\n") {
    return error_of("HTTP/1.1 200 OK\r\n" + lines + "\r\n" + body + hello);
}

void refuses(std::initializer_list<std::string> lines) {
    for (auto const& line : lines) {
        CAPTURE(line);
        CHECK(with(line) == errc::http_malformed);
    }
}

/// A parser that was fed a response to a request of this method.
response_parser after(std::string const& bytes, std::string const& method = "GET") {
    response_parser parser;
    parser.expect(method);
    for (std::string_view rest = bytes; !rest.empty() && !parser.done();)
        rest.remove_prefix(parser.feed(rest).value());
    return parser;
}

}  // namespace

TEST_CASE("http/response_parser: stops behind the head, so that it is seen before the body") {
    response_parser parser;
    CHECK(parser.idle());
    CHECK(*parser.feed(hello) == hello.size() - 5);
    CHECK_FALSE(parser.idle());
    CHECK(parser.head_done());
    CHECK_FALSE(parser.done());
    CHECK(parser.head().status == 200);
    CHECK(parser.head().headers.get("content-length") == "5");
    CHECK(parser.version() == 11);
    CHECK(*parser.feed("hello, next") == 5);
    CHECK(parser.done());
    CHECK(*parser.feed(", next") == 0);
    CHECK(parser.take() == socoro::http::response{200, {{"Content-Length", "5"}}, "hello"});
    CHECK(parser.idle());
}

TEST_CASE("http/response_parser: reads the responses of a connection, in any pieces") {
    CHECK(
        bodies(hello + empty + chunked + interim + hello) ==
        "[200 hello][204 ][200 hello world][200 hello]");
    auto const many = [] {
        std::string all;
        for (int i = 0; i < 50; ++i)
            all += i % 3 == 0 ? hello : i % 3 == 1 ? chunked : interim + empty;
        return all;
    }();
    CHECK(read(many).messages.size() == 50);
}

TEST_CASE("http/response_parser: trailer fields never become header fields") {
    auto const seen = read(chunked_head + "1\r\nx\r\n0\r\nSet-Cookie: evil\r\n\r\n");
    REQUIRE(seen.messages.size() == 1);
    CHECK(seen.messages[0].headers.size() == 1);
}

TEST_CASE("http/response_parser: a body without framing goes to the end of the connection") {
    std::string const head = "HTTP/1.1 200 OK\r\nA: b\r\n\r\n";
    CHECK(bodies(head + "all of\r\n\r\nthis") == "[200 all of\r\n\r\nthis]");
    CHECK(bodies(head) == "[200 ]");
    auto parser = after(head + "ab");
    CHECK_FALSE(parser.done());
    CHECK_FALSE(parser.finish());
    CHECK(parser.done());
    CHECK_FALSE(parser.keep_alive());
    CHECK(parser.take().body == "ab");
}

TEST_CASE("http/response_parser: the end of the connection is an error only inside a response") {
    auto const all = hello + interim + chunked;
    for (std::size_t end = 0; end <= all.size(); ++end) {
        auto const complete = end == 0 || end == hello.size() || end == all.size();
        CHECK(
            error_of(all.substr(0, end)) == (complete ? std::error_code() : errc::http_truncated));
    }
}

TEST_CASE("http/response_parser: 1xx, 204 and 304 and responses to HEAD have no body") {
    CHECK(bodies(empty + hello) == "[204 ][200 hello]");
    CHECK(bodies("HTTP/1.1 204 \r\nContent-Length: 0\r\n\r\n" + hello) == "[204 ][200 hello]");
    CHECK(bodies("HTTP/1.1 304 \r\nContent-Length: 5\r\n\r\n" + hello) == "[304 ][200 hello]");
    auto const head_of = [](std::string const& message) {
        return message.substr(0, message.find("\r\n\r\n") + 4);
    };
    CHECK(
        bodies(head_of(hello) + head_of(chunked) + interim + head_of(hello), {}, "HEAD") ==
        "[200 ][200 ][200 ]");
    CHECK(after("HTTP/1.1 200 OK\r\n\r\n", "HEAD").keep_alive());
}

TEST_CASE("http/response_parser: who has no body must not announce one") {
    for (std::string const status : {"100", "101", "103", "204"}) {
        auto const line = "HTTP/1.1 " + status + " \r\n";
        CHECK(error_of(line + "Content-Length: 5\r\n\r\n" + hello) == errc::http_malformed);
        CHECK(
            error_of(line + "Transfer-Encoding: chunked\r\n\r\n" + hello) == errc::http_malformed);
        CHECK(after(line + "Content-Length: 0\r\n\r\n" + hello).head_done());
    }
}

TEST_CASE("http/response_parser: a method is expected for one response, before its first byte") {
    response_parser parser;
    parser.expect("HEAD");
    CHECK(parser.feed(hello.substr(0, hello.size() - 5)).has_value());
    CHECK_THROWS_AS(parser.expect("GET"), std::invalid_argument);
    (void)parser.take();
    CHECK(parser.feed(hello.substr(0, hello.size() - 5)).has_value());
    CHECK_FALSE(parser.done());
    response_parser second;
    CHECK(second.feed("H").has_value());
    CHECK_THROWS_AS(second.expect("HEAD"), std::invalid_argument);
    response_parser third;
    CHECK(third.feed(interim).has_value());
    CHECK_THROWS_AS(third.expect("HEAD"), std::invalid_argument);
}

TEST_CASE("http/response_parser: a tunnel begins behind the answer to CONNECT") {
    std::string const yes = "HTTP/1.1 200 Connection Established\r\nContent-Length: 3\r\n\r\n";
    response_parser parser;
    parser.expect("CONNECT");
    CHECK(*parser.feed(yes + "\x16\x03\x01") == yes.size());
    CHECK(parser.done());
    CHECK_FALSE(parser.keep_alive());
    CHECK(parser.take().body.empty());
    CHECK(bodies("HTTP/1.1 407 No\r\nContent-Length: 3\r\n\r\nwhy", {}, "CONNECT") == "[407 why]");
    CHECK(bodies(interim + yes, {}, "CONNECT") == "[200 ]");
}

TEST_CASE("http/response_parser: 101 is done with its head, and no HTTP follows") {
    std::string const upgraded = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
    response_parser parser;
    CHECK(*parser.feed(interim + upgraded + "\x81\x01x") == interim.size() + upgraded.size());
    CHECK(parser.done());
    CHECK_FALSE(parser.keep_alive());
    CHECK(parser.take().status == 101);
}

TEST_CASE("http/response_parser: interim responses are passed over, but not without end") {
    std::string all;
    for (int i = 0; i < 16; ++i)
        all += "HTTP/1.1 100 Continue\r\n\r\n";
    CHECK(bodies(all + hello + all + hello) == "[200 hello][200 hello]");
    CHECK(error_of(all + interim + hello) == errc::http_malformed);
    auto parser = after(interim);
    CHECK_FALSE(parser.idle());
    CHECK_FALSE(parser.head_done());
    CHECK(parser.head().headers.empty());
}

TEST_CASE("http/response_parser: knows whether the connection goes on") {
    auto const goes_on = [](std::string const& version, std::string const& lines) {
        return after("HTTP/" + version + " 200 OK\r\nContent-Length: 0\r\n" + lines + "\r\n")
            .keep_alive();
    };
    CHECK(goes_on("1.1", ""));
    CHECK(goes_on("1.1", "Connection: keep-alive\r\n"));
    CHECK_FALSE(goes_on("1.1", "Connection: close\r\n"));
    CHECK_FALSE(goes_on("1.1", "Connection: x, CLOSE\r\n"));
    CHECK_FALSE(goes_on("1.0", ""));
    CHECK(goes_on("1.0", "Connection: Keep-Alive\r\n"));
    CHECK_FALSE(response_parser().keep_alive());
    CHECK(after("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n").version() == 10);
}

TEST_CASE("http/response_parser: a status line is a version, three digits and a phrase") {
    CHECK(bodies("HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n") == "[200 ]");
    CHECK(bodies("HTTP/1.1 999 caf\xc3\xa9\tau lait\r\nContent-Length: 0\r\n\r\n") == "[999 ]");
    for (std::string const line :
         {"HTTP/1.1 20 OK",
          "HTTP/1.1 2000 OK",
          "HTTP/1.1 099 OK",
          "HTTP/1.1 000 OK",
          "HTTP/1.1 2x0 OK",
          "HTTP/1.1 +20 OK",
          "HTTP/1.1 -20 OK",
          "HTTP/1.1  200 OK",
          "HTTP/1.1 200",
          "HTTP/1.1 200\tOK",
          "HTTP/1.1\t200 OK",
          "HTTP/1.1 OK",
          "HTTP/1.1",
          "http/1.1 200 OK",
          "HTTP/1 200 OK",
          "HTTP/1.11 200 OK",
          "XTTP/1.1 200 OK",
          "200 OK",
          "GET / HTTP/1.1"}) {
        CAPTURE(line);
        CHECK(error_of(line + "\r\nContent-Length: 0\r\n\r\n") == errc::http_malformed);
    }
}

TEST_CASE("http/response_parser: other versions of HTTP are told apart from nonsense") {
    for (std::string const version : {"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.1"})
        CHECK(error_of(version + " 200 OK\r\n\r\n") == errc::http_unsupported_version);
}

TEST_CASE("http/response_parser: nothing stands before a status line") {
    CHECK(error_of("\r\n" + hello) == errc::http_malformed);
    CHECK(error_of(hello + "\r\n" + hello) == errc::http_malformed);
    CHECK(response_parser().feed("\x15\x03\x01").error() == errc::http_malformed);
    CHECK(response_parser().feed(std::string_view("\0", 1)).error() == errc::http_malformed);
}

TEST_CASE("http/response_parser: a response that could end at different bytes is refused") {
    CHECK_FALSE(with("Transfer-Encoding: chunked\r\n"));
    CHECK_FALSE(with("Content-Length: 5\r\n"));
    refuses({
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunked, gzip\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Content-Length : 5\r\n",
        "A: b\r\n c\r\n",
        "A: b\nTransfer-Encoding: chunked\r\n",
        "A: b\rTransfer-Encoding: chunked\r\n",
        "A\r\n",
        std::string("A: b\0c\r\n", 8),
        "A: \x7f\r\n",
    });
    CHECK(with("Transfer-Encoding: gzip, chunked\r\n") == errc::http_unsupported_coding);
    CHECK(error_of("HTTP/1.1 200 OK\nContent-Length: 0\n\n") == errc::http_malformed);
    CHECK(
        error_of("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") ==
        errc::http_malformed);
}

TEST_CASE("http/response_parser: the framing of chunks is checked as a request's") {
    for (std::string const body :
         {"5\r\nhelloXX0\r\n\r\n",
          "5\nhello\r\n0\r\n\r\n",
          "5\r\nhello\r\n0\r\n\n",
          "5;a=\"\r\nhello\"\r\n0\r\n\r\n",
          "0\r\nTransfer-Encoding: chunked\r\n\r\n",
          "10000000000000005\r\nhello\r\n0\r\n\r\n",
          "0x5\r\nhello\r\n0\r\n\r\n"})
        CHECK(with("Transfer-Encoding: chunked\r\n", body) == errc::http_malformed);
}

TEST_CASE("http/response_parser: an endless response meets a limit, each kind its own") {
    socoro::limits bounds;
    bounds.http_head = 60;
    bounds.http_fields = 2;
    bounds.http_chunk_overhead = 20;
    bounds.max_http_buffer_size = 5;
    CHECK(bodies(hello, bounds) == "[200 hello]");
    std::string const line = "HTTP/1.1 200 OK\r\n";
    CHECK(error_of(line + "A: " + std::string(60, 'a'), bounds) == errc::http_head_too_large);
    CHECK(error_of(line + "A: b\r\nC: d\r\nE: f\r\n\r\n", bounds) == errc::http_too_many_fields);
    CHECK(error_of(line + "Content-Length: 6\r\n\r\n1", bounds) == errc::http_body_too_large);
    CHECK(bodies(line + "\r\n12345", bounds) == "[200 12345]");
    CHECK(error_of(line + "\r\n123456", bounds) == errc::http_body_too_large);
    CHECK(error_of(chunked_head + "6\r\n", bounds) == errc::http_body_too_large);
    CHECK(error_of(chunked_head + "3\r\nabc\r\n3\r\n", bounds) == errc::http_body_too_large);
    CHECK(
        error_of(chunked_head + "1;" + std::string(40, 'a'), bounds) == errc::http_body_too_large);
}

TEST_CASE("http/response_parser: a body is limited between its head and its first byte") {
    auto parser = after(hello.substr(0, hello.size() - 5));
    CHECK(parser.body_limit(4) == errc::http_body_too_large);
    CHECK(parser.feed("hello").error() == errc::http_body_too_large);
    auto second = after("HTTP/1.1 200 OK\r\n\r\n");
    CHECK_FALSE(second.body_limit(3));
    CHECK(*second.feed("abc") == 3);
    CHECK(second.feed("d").error() == errc::http_body_too_large);
    CHECK_THROWS_AS(response_parser().body_limit(1), std::invalid_argument);
}

TEST_CASE("http/response_parser: an error is final") {
    response_parser parser;
    CHECK(parser.feed("HTTP/1.1 x\r\n\r\n").error() == errc::http_malformed);
    CHECK(parser.feed(hello).error() == errc::http_malformed);
    CHECK(parser.finish() == errc::http_malformed);
    CHECK_FALSE(parser.head_done());
    CHECK_FALSE(parser.keep_alive());
    CHECK_THROWS_AS((void)parser.take(), std::invalid_argument);
}

TEST_CASE("http/response_parser: can be moved in the middle of a response") {
    response_parser first;
    CHECK(first.feed(chunked_head).has_value());
    CHECK(first.feed("5\r\nhe").has_value());
    response_parser second = std::move(first);
    CHECK(second.feed("llo\r\n0\r\n\r\n").has_value());
    CHECK(second.take().body == "hello");
}
