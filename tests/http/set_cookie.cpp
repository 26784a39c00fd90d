// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/set_cookie.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using namespace std::chrono_literals;
using socoro::http::parse_set_cookie;
using socoro::http::set_cookie;

namespace {

auto const now = std::chrono::sys_seconds(784'111'777s);

set_cookie parsed(std::string const& text) {
    CAPTURE(text);
    auto const cookie = parse_set_cookie(text, now);
    REQUIRE(cookie.has_value());
    return *cookie;
}

}  // namespace

TEST_CASE("http/set_cookie: a cookie is a name, a value and what is said about it") {
    CHECK(parsed("a=b") == set_cookie{"a", "b", "", "/", std::nullopt, false});
    CHECK(
        parsed("io=x=1; Domain=.A.example; path=/c; SECURE; max-age=5; HttpOnly; SameSite=Lax") ==
        set_cookie{"io", "x=1", "a.example", "/c", now + 5s, true});
    CHECK(parsed(" a =\tb c ; Path = /d ").name == "a");
    CHECK(parsed(" a =\tb c ; Path = /d ").value == "b c");
    CHECK(parsed(" a =\tb c ; Path = /d ").path == "/d");
}

TEST_CASE("http/set_cookie: a value is kept as it is, quotes and all") {
    CHECK(parsed("a=\"b\"").value == "\"b\"");
    CHECK(parsed("a=%20+\xc3\xa9").value == "%20+\xc3\xa9");
    CHECK(parsed("a=").value.empty());
}

TEST_CASE("http/set_cookie: what has no name is no cookie") {
    for (std::string const bad : {"", ";", "a", "a; Path=/", "=b", " =b", ";a=b"})
        CHECK_FALSE(parse_set_cookie(bad, now).has_value());
}

TEST_CASE("http/set_cookie: what has a control character anywhere is no cookie") {
    for (std::string const bad : {"a=b\r\nX: y", "a\n=b", "a=\x7f", "a=b; Path=/\x01", "a=b;\r"})
        CHECK_FALSE(parse_set_cookie(bad, now).has_value());
    CHECK_FALSE(parse_set_cookie(std::string_view("a=b\0c", 5), now).has_value());
}

TEST_CASE("http/set_cookie: Max-Age counts from now, and more than Expires") {
    CHECK(parsed("a=b; Max-Age=60").expiry == now + 60s);
    CHECK(parsed("a=b; Max-Age=0").expiry == now);
    CHECK(parsed("a=b; Max-Age=-1").expiry == now);
    CHECK(parsed("a=b; Max-Age=-99999999999999999999").expiry == now);
    CHECK(parsed("a=b; Max-Age=60; Expires=Sun, 06 Nov 1994 08:49:47 GMT").expiry == now + 60s);
    CHECK(parsed("a=b; Max-Age=60; Max-Age=5").expiry == now + 5s);
    for (std::string const bad : {"", "-", "+5", "5s", "x", "1.5", "--1"})
        CHECK(parsed("a=b; Max-Age=60; Max-Age=" + bad).expiry == now + 60s);
}

TEST_CASE("http/set_cookie: Expires is a date, and no date is none") {
    CHECK(parsed("a=b; Expires=Sun, 06 Nov 1994 08:49:47 GMT").expiry == now + 10s);
    CHECK(parsed("a=b; expires=Thu, 01-Jan-1970 00:00:01 GMT").expiry->time_since_epoch() == 1s);
    CHECK_FALSE(parsed("a=b; Expires=tomorrow").expiry.has_value());
}

TEST_CASE("http/set_cookie: nothing is kept for longer than browsers do") {
    auto const longest = now + std::chrono::days(400);
    CHECK(parsed("a=b; Max-Age=34560000").expiry == longest);
    CHECK(parsed("a=b; Max-Age=34560001").expiry == longest);
    CHECK(parsed("a=b; Max-Age=9223372036854775807").expiry == longest);
    CHECK(parsed("a=b; Max-Age=99999999999999999999999").expiry == longest);
    CHECK(parsed("a=b; Expires=Fri, 31 Dec 9999 23:59:59 GMT").expiry == longest);
}

TEST_CASE("http/set_cookie: a path that begins with no slash is none") {
    CHECK(parsed("a=b; Path=").path == "/");
    CHECK(parsed("a=b; Path=c").path == "/");
    CHECK(parsed("a=b; Path=/c; Path=d").path == "/");
}
