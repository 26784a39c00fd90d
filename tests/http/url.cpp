// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/url.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::errc;
using socoro::http::parse_url;
using socoro::http::url;

namespace {

url parsed(std::string const& text) {
    CAPTURE(text);
    auto const parts = parse_url(text);
    REQUIRE(parts.has_value());
    return *parts;
}

void refuses(std::string const& text) {
    CAPTURE(text);
    CHECK(parse_url(text).error() == errc::invalid_url);
}

}  // namespace

TEST_CASE("http/url: a URL has all these parts") {
    CHECK(
        parsed("https://me:secret@Example.COM:3000/a/B?c=d?e#f") ==
        url{"https", "me", "secret", "example.com", 3000, "/a/B", "c=d?e"});
    CHECK(parsed("HTTP://a") == url{"http", "", "", "a", 80, "/", ""});
}

TEST_CASE("http/url: the port is the scheme's where none is given") {
    CHECK(parsed("http://a").port == 80);
    CHECK(parsed("ws://a").port == 80);
    CHECK(parsed("https://a").port == 443);
    CHECK(parsed("wss://a").port == 443);
    CHECK(parsed("http://a:").port == 80);
    CHECK(parsed("http://a:65535").port == 65535);
    CHECK(parsed("http://a:0080").port == 80);
}

TEST_CASE("http/url: https and wss are secure") {
    CHECK(parsed("https://a").is_secure());
    CHECK(parsed("wss://a").is_secure());
    CHECK_FALSE(parsed("http://a").is_secure());
    CHECK_FALSE(parsed("ws://a").is_secure());
}

TEST_CASE("http/url: without a scheme it is https") {
    for (std::string const text : {"a.b", "//a.b", "a.b/", "a.b#//c"})
        CHECK(parsed(text) == url{"https", "", "", "a.b", 443, "/", ""});
    CHECK(parsed("localhost:3000") == url{"https", "", "", "localhost", 3000, "/", ""});
    CHECK(parsed("//u@a:1/b") == url{"https", "u", "", "a", 1, "/b", ""});
    CHECK(parsed("a:80/b//c") == url{"https", "", "", "a", 80, "/b//c", ""});
    CHECK(parsed("a?b=http://c").query == "b=http://c");
    CHECK(parsed("me:80@a//").host == "a");
    CHECK(parsed("[::1]:80//").port == 80);
}

TEST_CASE("http/url: the path begins with a slash, and neither it nor the query is decoded") {
    CHECK(parsed("http://a?b").path == "/");
    CHECK(parsed("http://a?b").query == "b");
    CHECK(parsed("http://a/?").query.empty());
    CHECK(parsed("http://a/%2e%zz/..?%41").path == "/%2e%zz/..");
    CHECK(parsed("http://a/%2e%zz/..?%41").query == "%41");
    CHECK(parsed("http://a/b@c:d").path == "/b@c:d");
    CHECK(parsed("http://a#/b?c") == url{"http", "", "", "a", 80, "/", ""});
}

TEST_CASE("http/url: user and password are decoded once") {
    CHECK(parsed("http://%41%40b:%3a%2525@a").user == "A@b");
    CHECK(parsed("http://%41%40b:%3a%2525@a").password == ":%25");
    CHECK(parsed("http://u:p:q@a").password == "p:q");
    CHECK(parsed("http://@a").user.empty());
    for (std::string const info : {"%", "%4", "%zz", "u:%", "a\\b", "a[", "u@v", "a\"", "a|b"})
        refuses("http://" + info + "@a");
}

TEST_CASE("http/url: the authority is what Host has to say") {
    CHECK(parsed("http://A.b").authority() == "a.b");
    CHECK(parsed("http://a:80").authority() == "a");
    CHECK(parsed("https://a:80").authority() == "a:80");
    CHECK(parsed("https://u:p@a:443").authority() == "a");
    CHECK(parsed("ws://[::1]").authority() == "[::1]");
    CHECK(parsed("ws://[::A]:3000").authority() == "[::a]:3000");
}

TEST_CASE("http/url: an address of IPv6 stands in brackets, and is one") {
    CHECK(parsed("http://[2001:DB8::1]:3000/").host == "2001:db8::1");
    CHECK(parsed("http://u@[::ffff:1.2.3.4]").host == "::ffff:1.2.3.4");
    for (std::string const bad : {"", "1", ":", "1.2.3.4", "g::", "fe80::1%25eth0", "v1.a"})
        refuses("http://[" + bad + "]");
    for (std::string const bad : {"::1", "[::1", "::1]", "[::1]a", "[::1]:a", "a[::1]"})
        refuses("http://" + bad + "/");
}

TEST_CASE("http/url: a port is a number from 1 to 65535") {
    for (std::string const bad :
         {"0", "65536", "99999999999999999999", "-1", "+1", "1a", "a", "1:2"})
        refuses("http://a:" + bad);
    refuses("a:b");
}

TEST_CASE("http/url: other schemes and what is none are refused") {
    for (std::string const bad :
         {"ftp://a",
          "file:///a",
          "httpx://a",
          "://a",
          "http:://a",
          "http//a",
          "https//a",
          "a:1//b",
          "javascript://a"})
        refuses(bad);
}

TEST_CASE("http/url: a URL without a host is refused") {
    for (std::string const bad :
         {"", "/", "/a", "//", "http://", "http:///a", "http://:80", "http://u@", "?a", "#a"})
        refuses(bad);
}

TEST_CASE("http/url: what two readers could take for two hosts is refused") {
    for (std::string const bad :
         {"a@b@c", "a\\b", "a\\@b", "a%2eb", "a%00b", "a<b", "a|b", "a^b", "a\"b", "a{b"})
        refuses("http://" + bad);
}

TEST_CASE("http/url: everything is visible ASCII") {
    for (std::string const bad : {" ", "\t", "\n", "\r\n", "\x7f", "\x80", "\xc3\xa9"})
        for (std::string const before : {"", "http://", "http://a", "http://a/", "http://a?", "a#"})
            refuses(before + bad + "a");
    refuses(std::string("http://a/\0", 10));
    CHECK_FALSE(parse_url("http://a/!~").has_error());
}
