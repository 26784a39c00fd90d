// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/head_scanner.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::errc;
using socoro::http::head_scanner;

TEST_CASE("http/head_scanner: takes bytes up to the first empty line") {
    head_scanner head(100);
    CHECK(*head.feed("a\r\nb\r\n") == 6);
    CHECK_FALSE(head.done());
    CHECK(*head.feed("\r\nbody") == 2);
    CHECK(head.done());
    CHECK_FALSE(head.blank());
    CHECK(head.size() == 8);
    CHECK(*head.feed("body") == 0);
}

TEST_CASE("http/head_scanner: finds the same end at every split") {
    std::string const bytes = "GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        head_scanner head(100);
        auto const first = *head.feed(std::string_view(bytes).substr(0, cut));
        auto const second = *head.feed(std::string_view(bytes).substr(first));
        CHECK(first + second == bytes.size() - 4);
        CHECK(head.done());
    }
}

TEST_CASE("http/head_scanner: an empty line alone is a blank head") {
    head_scanner head(100);
    CHECK(*head.feed("\r\nGET") == 2);
    CHECK(head.blank());
}

TEST_CASE("http/head_scanner: the limit is exact, over all lines") {
    head_scanner fits(8), over(7);
    CHECK(fits.feed("a\r\nb\r\n\r\n").has_value());
    CHECK(over.feed("a\r\nb\r\n\r\n").error() == errc::http_head_too_large);
}

TEST_CASE("http/head_scanner: an endless head is refused at the limit, however it comes") {
    head_scanner lines(1000), line(1000);
    std::size_t fed = 0;
    auto taken = lines.feed("X: y\r\n");
    for (; taken; taken = lines.feed("X: y\r\n"))
        fed += 6;
    CHECK(taken.error() == errc::http_head_too_large);
    CHECK(fed <= 1000);
    CHECK(line.feed(std::string(1000, 'x')).has_value());
    CHECK(line.feed("x").error() == errc::http_head_too_large);
}

TEST_CASE("http/head_scanner: a folded line is refused at its first byte") {
    head_scanner head(100);
    CHECK(head.feed("A: b\r\n").has_value());
    CHECK(head.feed(" ").error() == errc::http_malformed);
}
