// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/chunk_scanner.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::errc;
using socoro::http::chunk_scanner;

TEST_CASE("http/chunk_scanner: takes the size line and leaves the data") {
    chunk_scanner chunk(0);
    CHECK(*chunk.feed("1") == 1);
    CHECK_FALSE(chunk.done());
    CHECK(*chunk.feed("a\r\ndata") == 3);
    CHECK(chunk.done());
    CHECK(chunk.text() == "1a\r\n");
}

TEST_CASE("http/chunk_scanner: behind the data comes CRLF, then the next size") {
    chunk_scanner chunk(0);
    CHECK(chunk.feed("1\r\n").has_value());
    chunk.next();
    CHECK(*chunk.feed("\r\n2\r\nxx") == 5);
    CHECK(chunk.text() == "\r\n2\r\n");
    chunk.next();
    CHECK(chunk.feed("x").error() == errc::http_malformed);
}

TEST_CASE("http/chunk_scanner: data longer than its size is refused") {
    for (std::string const behind : {"x\r\n", "xy", "\n", "\rx", "\r\r\n"}) {
        chunk_scanner chunk(100);
        CHECK(chunk.feed("1\r\n").has_value());
        chunk.next();
        CHECK(chunk.feed(behind + "0000").error() == errc::http_malformed);
    }
}

TEST_CASE("http/chunk_scanner: the last chunk ends with the trailer's empty line") {
    chunk_scanner bare(0), with_trailer(100);
    CHECK(*bare.feed("0\r\n\r\nGET") == 5);
    CHECK(bare.done());
    CHECK(*with_trailer.feed("000\r\nA: b\r\n") == 11);
    CHECK_FALSE(with_trailer.done());
    CHECK(*with_trailer.feed("\r\nGET") == 2);
    CHECK(with_trailer.text() == "000\r\nA: b\r\n\r\n");
}

TEST_CASE("http/chunk_scanner: a size is hexadecimal digits, sixteen at most") {
    for (std::string const bad : {"", "x", "+1", "-1", ";a", "00000000000000001"})
        CHECK(chunk_scanner(100).feed(bad + "\r\n").error() == errc::http_malformed);
    CHECK(chunk_scanner(0).feed("ffffFFFFffffFFFF\r\n").has_value());
}

TEST_CASE("http/chunk_scanner: extensions and trailer together have an exact limit") {
    CHECK(chunk_scanner(4).feed("1;a=b\r\n").has_value());
    CHECK(chunk_scanner(3).feed("1;a=b\r\n").error() == errc::http_body_too_large);
    CHECK(chunk_scanner(8).feed("0;a\r\nA: b\r\n\r\n").has_value());
    CHECK(chunk_scanner(7).feed("0;a\r\nA: b\r\n\r\n").error() == errc::http_body_too_large);
    chunk_scanner many(100);
    std::string const next = "\r\n1;abcdefghi\r\n";
    auto taken = many.feed(next.substr(2));
    int chunks = 0;
    for (; taken && chunks < 100; taken = many.feed(next), ++chunks)
        many.next();
    CHECK(chunks == 10);
    CHECK(taken.error() == errc::http_body_too_large);
}

TEST_CASE("http/chunk_scanner: an endless size line or trailer is refused at the limit") {
    chunk_scanner line(50), trailer(50);
    CHECK(line.feed("1;" + std::string(60, 'a')).has_value());
    CHECK(line.feed(std::string(10, 'a')).error() == errc::http_body_too_large);
    CHECK(trailer.feed("0\r\nA: " + std::string(49, 'a')).has_value());
    CHECK(trailer.feed("a").error() == errc::http_body_too_large);
}
