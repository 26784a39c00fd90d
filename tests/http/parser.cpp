// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/parser.hpp>

#include "reading.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using socoro::errc;
using socoro::http::request_parser;

namespace {

std::string const get = "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n";
std::string const post = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
std::string const chunked_head = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n";
std::string const chunked =
    chunked_head + "5\r\nhello\r\n6;a=\"b;c\"\r\n world\r\n0\r\nA: b\r\n\r\n";

/// The bodies of all requests on the connection, or the error's message.
std::string bodies(std::string const& bytes, socoro::limits const& bounds = {}) {
    auto const seen = reading::any_way(bytes, bounds);
    std::string all;
    for (auto const& r : seen.messages)
        all += "[" + r.body + "]";
    return seen.error ? seen.error.message() : all;
}

std::error_code error_of(std::string const& bytes, socoro::limits const& bounds = {}) {
    return reading::any_way(bytes, bounds).error;
}

}  // namespace

TEST_CASE("http/parser: a request without body is done with its head") {
    request_parser parser;
    CHECK(parser.idle());
    CHECK(*parser.feed(get + "rest") == get.size());
    CHECK(parser.head_done());
    CHECK(parser.done());
    auto const r = parser.take();
    CHECK(r.method == "GET");
    CHECK(r.target == "/a?b");
    CHECK(r.version == 11);
    CHECK(r.headers == socoro::http::fields{{"Host", "x"}});
    CHECK(r.body.empty());
    CHECK(parser.idle());
}

TEST_CASE("http/parser: stops behind the head, so that it is seen before the body") {
    request_parser parser;
    auto const head = post.size() - 5;
    CHECK(*parser.feed(post) == head);
    CHECK(parser.head_done());
    CHECK_FALSE(parser.done());
    CHECK(parser.head().headers.get("content-length") == "5");
    CHECK(*parser.feed("hello, next") == 5);
    CHECK(parser.done());
    CHECK(*parser.feed(", next") == 0);
    CHECK(parser.take().body == "hello");
}

TEST_CASE("http/parser: reads the requests of a connection, in any pieces") {
    CHECK(bodies(post + get + chunked + get) == "[hello][][hello world][]");
    auto const many = [] {
        std::string all;
        for (int i = 0; i < 50; ++i)
            all += i % 3 == 0 ? post : i % 3 == 1 ? chunked : get;
        return all;
    }();
    CHECK(reading::any_way(many).messages.size() == 50);
    for (unsigned seed = 100; seed < 150; ++seed)
        CHECK(reading::split(many, seed) == reading::whole(many));
}

TEST_CASE("http/parser: trailer fields never become header fields") {
    auto const seen =
        reading::any_way(chunked_head + "1\r\nx\r\n0\r\nHost: evil\r\nAuthorization: yes\r\n\r\n");
    REQUIRE(seen.messages.size() == 1);
    CHECK(seen.messages[0].headers.size() == 2);
    CHECK(seen.messages[0].headers.get("Host") == "x");
}

TEST_CASE("http/parser: a body of no bytes is a body") {
    CHECK(bodies("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n") == "[]");
    CHECK(bodies(chunked_head + "0\r\n\r\n") == "[]");
}

TEST_CASE("http/parser: a body is bytes of any value") {
    std::string all;
    for (int c = 0; c < 256; ++c)
        all.push_back(static_cast<char>(c));
    CHECK(
        bodies("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 256\r\n\r\n" + all) ==
        "[" + all + "]");
    CHECK(bodies(chunked_head + "100\r\n" + all + "\r\n0\r\n\r\n") == "[" + all + "]");
}

TEST_CASE("http/parser: a little blank space before a request line is passed over") {
    CHECK(bodies("\r\n\r\n" + get) == "[]");
    CHECK(bodies(post + "\r\n" + get) == "[hello][]");
    CHECK(error_of("\r\n\r\n\r\n" + get) == errc::http_malformed);
    request_parser parser;
    CHECK(parser.feed("\r\n").has_value());
    CHECK(parser.idle());
}

TEST_CASE("http/parser: the end of the connection is an error only inside a request") {
    auto const all = post + chunked;
    for (std::size_t end = 0; end <= all.size(); ++end) {
        auto const complete = end == 0 || end == post.size() || end == all.size();
        CHECK(
            error_of(all.substr(0, end)) == (complete ? std::error_code() : errc::http_truncated));
    }
}

TEST_CASE("http/parser: an error is final") {
    request_parser parser;
    CHECK(parser.feed("GET\n").error() == errc::http_malformed);
    CHECK(parser.feed(get).error() == errc::http_malformed);
    CHECK(parser.finish() == errc::http_malformed);
    CHECK_FALSE(parser.head_done());
    CHECK_FALSE(parser.done());
    CHECK_THROWS_AS((void)parser.take(), std::invalid_argument);
}

TEST_CASE("http/parser: what is not HTTP is refused at its first strange byte") {
    CHECK(request_parser().feed("\x16\x03\x01").error() == errc::http_malformed);
    CHECK(request_parser().feed(std::string_view("\0", 1)).error() == errc::http_malformed);
}

TEST_CASE("http/parser: a request line has exactly three parts with one space between") {
    for (std::string const line :
         {"GET /",
          "GET",
          "GET  / HTTP/1.1",
          "GET /  HTTP/1.1",
          "GET / HTTP/1.1 ",
          "GET /a b HTTP/1.1",
          "GET\t/ HTTP/1.1",
          "G(T / HTTP/1.1",
          "GET / http/1.1",
          "GET / HTTP/1",
          "GET / HTTP/1.11",
          "GET / HTTP/11",
          "GET / XTTP/1.1"})
        CHECK(error_of(line + "\r\nHost: x\r\n\r\n") == errc::http_malformed);
}

TEST_CASE("http/parser: any token is a method, TRACE and CONNECT too; others judge it") {
    CHECK(bodies("TRACE / HTTP/1.1\r\nHost: x\r\n\r\n") == "[]");
    CHECK(bodies("CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n") == "[]");
    CHECK(bodies("__proto__ / HTTP/1.1\r\nHost: x\r\n\r\n") == "[]");
}

TEST_CASE("http/parser: other versions of HTTP are told apart from nonsense") {
    for (std::string const version : {"HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "HTTP/3.1"})
        CHECK(
            error_of("GET / " + version + "\r\nHost: x\r\n\r\n") == errc::http_unsupported_version);
    CHECK(error_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") == errc::http_unsupported_version);
}

TEST_CASE("http/parser: the size of the head has an exact limit") {
    socoro::limits bounds;
    bounds.http_head = get.size();
    CHECK(bodies(get + get, bounds) == "[][]");
    bounds.http_head = get.size() - 1;
    CHECK(error_of(get, bounds) == errc::http_head_too_large);
}

TEST_CASE("http/parser: a head larger than Beast's own limit is fine when ours allows it") {
    auto const large = "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(12'000, 'a') + "\r\n\r\n";
    CHECK(reading::whole(large).messages.size() == 1);
    CHECK(reading::byte_by_byte(large).messages.size() == 1);
}

TEST_CASE("http/parser: the number of header fields has an exact limit, and none is dropped") {
    socoro::limits bounds;
    bounds.http_fields = 3;
    std::string const head = "GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\nB: 2\r\n";
    CHECK(reading::any_way(head + "\r\n", bounds).messages.at(0).headers.size() == 3);
    CHECK(error_of(head + "C: 3\r\n\r\n", bounds) == errc::http_too_many_fields);
}

TEST_CASE("http/parser: a body announced over the limit is refused before any of it is read") {
    request_parser parser;
    CHECK(parser.feed(post.substr(0, post.size() - 5)).has_value());
    CHECK(parser.body_limit(4) == errc::http_body_too_large);
    CHECK(parser.feed("hello").error() == errc::http_body_too_large);
}

TEST_CASE("http/parser: a body as long as the limit is read") {
    request_parser parser;
    CHECK(parser.feed(post.substr(0, post.size() - 5)).has_value());
    CHECK_FALSE(parser.body_limit(5));
    CHECK(parser.feed("hello").has_value());
    CHECK(parser.done());
}

TEST_CASE("http/parser: chunks are counted as they come, before their data") {
    request_parser parser;
    CHECK(parser.feed(chunked_head).has_value());
    CHECK_FALSE(parser.body_limit(9));
    CHECK(parser.feed("5\r\nhello\r\n").has_value());
    CHECK(parser.feed("5\r\n").error() == errc::http_body_too_large);
}

TEST_CASE("http/parser: without a limit of its own a body has the default one") {
    socoro::limits bounds;
    bounds.max_http_buffer_size = 5;
    CHECK(bodies(post, bounds) == "[hello]");
    CHECK(error_of(chunked, bounds) == errc::http_body_too_large);
    bounds.max_http_buffer_size = 4;
    CHECK(error_of(post, bounds) == errc::http_body_too_large);
}

TEST_CASE("http/parser: a limit is for the body about to come, and only that") {
    request_parser parser;
    CHECK_THROWS_AS(parser.body_limit(1), std::invalid_argument);
    CHECK(parser.feed(post.substr(0, post.size() - 5)).has_value());
    CHECK_FALSE(parser.body_limit(5));
    CHECK_THROWS_AS(parser.body_limit(1), std::invalid_argument);
    CHECK(parser.feed("hello").has_value());
    CHECK_FALSE(parser.body_limit(1));
    (void)parser.take();
    CHECK(parser.feed(post.substr(0, post.size() - 5)).has_value());
    CHECK_FALSE(parser.body_limit(6));
}

TEST_CASE("http/parser: chunk extensions and trailers are not for free (CVE-2024-22019)") {
    socoro::limits bounds;
    bounds.http_chunk_overhead = 100;
    std::string extended = chunked_head;
    for (int i = 0; i < 30; ++i)
        extended += "1;abc\r\nx\r\n";
    CHECK(error_of(extended, bounds) == errc::http_body_too_large);
    CHECK(
        error_of(chunked_head + "1;" + std::string(200, 'a'), bounds) == errc::http_body_too_large);
    std::string trailers = chunked_head + "0\r\n";
    for (int i = 0; i < 30; ++i)
        trailers += "A: b\r\n";
    CHECK(error_of(trailers + "\r\n", bounds) == errc::http_body_too_large);
}

TEST_CASE("http/parser: trailer fields do not count as header fields") {
    socoro::limits bounds;
    bounds.http_fields = 2;
    CHECK(bodies(chunked_head + "0\r\nA: 1\r\nB: 2\r\nC: 3\r\n\r\n", bounds) == "[]");
}

TEST_CASE("http/parser: can be moved in the middle of a request") {
    request_parser first;
    CHECK(first.feed(chunked_head).has_value());
    CHECK(first.feed("5\r\nhe").has_value());
    request_parser second = std::move(first);
    CHECK(second.feed("llo\r\n0\r\n\r\n").has_value());
    CHECK(second.take().body == "hello");
}

TEST_CASE("http/parser: time is linear in the bytes, fed one at a time (CVE-2023-43669)") {
    socoro::limits bounds;
    bounds.http_head = bounds.http_chunk_overhead = bounds.max_http_buffer_size = 1 << 20;
    auto const start = std::chrono::steady_clock::now();
    auto const head = "GET / HTTP/1.1\r\nHost: x\r\nA: " + std::string(500'000, 'a') + "\r\n\r\n";
    CHECK(reading::byte_by_byte(head, bounds).messages.size() == 1);
    auto const line = chunked_head + "0;" + std::string(500'000, 'a') + "\r\n\r\n";
    CHECK(reading::byte_by_byte(line, bounds).messages.size() == 1);
    std::string small = chunked_head;
    for (int i = 0; i < 50'000; ++i)
        small += "1\r\nx\r\n";
    CHECK(reading::byte_by_byte(small + "0\r\n\r\n", bounds).messages.size() == 1);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(20));
}
