// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/cookie_jar.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <initializer_list>
#include <string>

using namespace std::chrono_literals;
using socoro::http::cookie_jar;

namespace {

auto const now = std::chrono::system_clock::from_time_t(784'111'777);

/// What a request of this path gets after these were set.
std::string after(
    std::initializer_list<std::string> set,
    std::string const& path = "/",
    std::string const& host = "www.a.example",
    bool secure = false) {
    cookie_jar jar(host, secure);
    for (auto const& text : set)
        jar.store(text, now);
    return jar.header(path, now);
}

}  // namespace

TEST_CASE("http/cookie_jar: what was set is sent, the oldest first") {
    CHECK(after({}).empty());
    CHECK(after({"a=1", "b=2; HttpOnly", "c="}) == "a=1; b=2; c=");
    CHECK(after({"a=1", "b=2", "a=3"}) == "a=3; b=2");
    CHECK(after({"a=1", "A=2"}) == "a=1; A=2");
}

TEST_CASE("http/cookie_jar: a cookie goes when its time has come") {
    cookie_jar jar("a", false);
    jar.store("a=1; Max-Age=10", now);
    jar.store("b=2; Expires=Sun, 06 Nov 1994 08:49:57 GMT", now);
    jar.store("c=3", now);
    CHECK(jar.header("/", now + 9s) == "a=1; b=2; c=3");
    CHECK(jar.header("/", now + 10s) == "b=2; c=3");
    CHECK(jar.header("/", now + 20s) == "c=3");
    CHECK(jar.header("/", now + std::chrono::years(100)) == "c=3");
}

TEST_CASE("http/cookie_jar: one that has expired when it is set removes the one there was") {
    CHECK(after({"a=1", "b=2", "a=; Max-Age=0"}) == "b=2");
    CHECK(after({"a=1", "b=2", "a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"}) == "b=2");
    CHECK(after({"a=1", "a=; Max-Age=0; Path=/b"}) == "a=1");
}

TEST_CASE("http/cookie_jar: a request gets the cookies of its path, the most specific first") {
    std::initializer_list<std::string> const set{
        "a=1",
        "b=2; Path=/x",
        "c=3; Path=/x/y",
        "d=4; Path=/x/",
        "a=5; Path=/x"};
    CHECK(after(set) == "a=1");
    CHECK(after(set, "/x") == "b=2; a=5; a=1");
    CHECK(after(set, "/x/") == "d=4; b=2; a=5; a=1");
    CHECK(after(set, "/x/y/z") == "c=3; d=4; b=2; a=5; a=1");
    CHECK(after(set, "/xy") == "a=1");
    CHECK(after(set, "/X") == "a=1");
}

TEST_CASE("http/cookie_jar: a domain is the host or above it") {
    for (std::string const good : {"", "www.a.example", "WWW.A.Example", ".a.example", "a.example"})
        CHECK(after({"a=1; Domain=" + good}) == "a=1");
    for (std::string const bad :
         {"b.example", "x.www.a.example", "ww.a.example", "w.a.example", "..a.example", "example."})
        CHECK(after({"a=1; Domain=" + bad}).empty());
    CHECK(after({"a=1; Domain=www.a.example", "a=2"}) == "a=2");
    CHECK(after({"a=1; Domain=a.example", "a=2"}) == "a=1; a=2");
}

TEST_CASE("http/cookie_jar: nothing is above an address") {
    CHECK(after({"a=1; Domain=10.0.0.1"}, "/", "10.0.0.1") == "a=1");
    CHECK(after({"a=1; Domain=0.0.1"}, "/", "10.0.0.1").empty());
    CHECK(after({"a=1; Domain=2.3.4"}, "/", "::ffff:1.2.3.4").empty());
    CHECK(after({"a=1"}, "/", "::1") == "a=1");
}

TEST_CASE("http/cookie_jar: a cookie that is Secure is for TLS only") {
    CHECK(after({"a=1; Secure", "b=2"}, "/", "a", true) == "a=1; b=2");
    CHECK(after({"a=1; Secure", "b=2"}, "/", "a", false) == "b=2");
}

TEST_CASE("http/cookie_jar: a cookie of more than the limit is not kept") {
    std::string const most(cookie_jar::max_cookie_bytes - 2, 'x');
    CHECK(after({"a=" + most}) == "a=" + most);
    CHECK(after({"b=1", "a=x" + most}) == "b=1");
    CHECK(after({"b=1", "a=1; Path=/" + most}) == "b=1");
    CHECK(after({"b=1", most + "xx=1"}) == "b=1");
}

TEST_CASE("http/cookie_jar: with more cookies than the limit the oldest goes") {
    cookie_jar jar("a", false);
    for (std::size_t i = 0; i < cookie_jar::max_cookies; ++i)
        jar.store("c" + std::to_string(i) + "=", now);
    jar.store("c0=again", now);
    CHECK(jar.header("/", now).starts_with("c0=again; c1=; "));
    jar.store("new=", now);
    CHECK(jar.header("/", now).starts_with("c1=; "));
    CHECK(jar.header("/", now).ends_with("; c49=; new="));
}

TEST_CASE("http/cookie_jar: what has expired makes room for a new one") {
    cookie_jar jar("a", false);
    jar.store("first=", now);
    for (std::size_t i = 1; i < cookie_jar::max_cookies; ++i)
        jar.store("c" + std::to_string(i) + "=; Max-Age=1", now);
    jar.store("new=", now + 1s);
    CHECK(jar.header("/", now + 1s) == "first=; new=");
}

TEST_CASE("http/cookie_jar: what a server injects never reaches a request") {
    CHECK(after({"a=1\r\nX: y", "b\n=2", "c=3; Path=/\r", "d=4\x7f", "e=5"}) == "e=5");
    CHECK(after({std::string("a=\0b", 4)}).empty());
    CHECK(after({"", "=", "a", "=b", ";;;", "; a=b"}).empty());
}
