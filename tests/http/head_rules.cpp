// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/head_rules.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::errc;
using socoro::http::check_head;
using socoro::http::is_host;
using socoro::http::is_target;
using socoro::http::request;

namespace {

std::error_code with(std::initializer_list<socoro::http::field> more, unsigned version = 11) {
    request head{"POST", "/", version, {{"Host", "a"}}, ""};
    for (auto const& [name, value] : more)
        head.headers.add(name, value);
    return check_head(head);
}

}  // namespace

TEST_CASE("http/head_rules: a host is a name or an address, with or without a port") {
    for (std::string const good :
         {"localhost",
          "example.com:3000",
          "127.0.0.1",
          "[::1]:80",
          "[::ffff:1.2.3.4]",
          "a:",
          "a_b"})
        CHECK(is_host(good));
}

TEST_CASE("http/head_rules: what could be read as two hosts, or as none, is refused") {
    for (std::string const bad :
         {"",
          ":80",
          "a b",
          "a, b",
          "a@b",
          "a/b",
          "a?b",
          "a\\b",
          "a:b",
          "a:1:2",
          "[::1",
          "[]",
          "[a]b",
          "[x]",
          "\xc3\xa9"})
        CHECK_FALSE(is_host(bad));
}

TEST_CASE("http/head_rules: a target has one of the four forms") {
    CHECK(is_target("GET", "/a?b"));
    CHECK(is_target("GET", "//a"));
    CHECK(is_target("GET", "http://a.b/c"));
    CHECK(is_target("GET", "http://a.b?c"));
    CHECK(is_target("OPTIONS", "*"));
    CHECK(is_target("CONNECT", "a.b:443"));
    CHECK(is_target("GET", "/\xc3\xa9"));
}

TEST_CASE("http/head_rules: a target of no form is refused") {
    for (std::string const bad :
         {"*",
          "a",
          "a/b",
          "?a",
          "://a",
          "http://",
          "http:///a",
          "1http://a",
          "/a#b",
          "http://a@b/"})
        CHECK_FALSE(is_target("GET", bad));
    CHECK_FALSE(is_target("CONNECT", "/"));
}

TEST_CASE("http/head_rules: HTTP/1.1 needs exactly one Host, HTTP/1.0 at most one") {
    request head{"GET", "/", 11, {}, ""};
    CHECK(check_head(head) == errc::http_malformed);
    head.version = 10;
    CHECK_FALSE(check_head(head));
    CHECK(with({{"host", "a"}}) == errc::http_malformed);
    CHECK(with({{"host", "a"}}, 10) == errc::http_malformed);
}

TEST_CASE("http/head_rules: Content-Length is one number") {
    CHECK_FALSE(with({{"Content-Length", "5"}}));
    CHECK(with({{"Content-Length", "5"}, {"content-length", "5"}}) == errc::http_malformed);
    for (std::string const bad : {"", "+5", "-5", "5, 5", "5,", "0x5", "5 5", "5.0", "five"})
        CHECK(with({{"Content-Length", bad}}) == errc::http_malformed);
}

TEST_CASE("http/head_rules: Transfer-Encoding is chunked, once, on HTTP/1.1, without a length") {
    CHECK_FALSE(with({{"Transfer-Encoding", "Chunked"}}));
    CHECK(with({{"Transfer-Encoding", "chunked"}}, 10) == errc::http_malformed);
    CHECK(
        with({{"Transfer-Encoding", "chunked"}, {"Transfer-Encoding", "chunked"}}) ==
        errc::http_malformed);
    CHECK(
        with({{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}) == errc::http_malformed);
    for (std::string const bad :
         {"", "gzip", "identity", "chunked, gzip", "chunked, chunked", "xchunked", "chunked;a"})
        CHECK(with({{"Transfer-Encoding", bad}}) == errc::http_malformed);
}

TEST_CASE("http/head_rules: a coding under chunked is understood but not supported") {
    CHECK(with({{"Transfer-Encoding", "gzip, chunked"}}) == errc::http_unsupported_coding);
}

TEST_CASE("http/head_rules: a response needs no Host, and frames as a request does") {
    using socoro::http::response;
    auto const framed = [](socoro::http::fields headers, unsigned version = 11) {
        return check_head(response{200, std::move(headers), ""}, version);
    };
    CHECK_FALSE(framed({}));
    CHECK_FALSE(framed({{"Content-Length", "5"}}));
    CHECK(framed({{"Content-Length", "+5"}}) == errc::http_malformed);
    CHECK(
        framed({{"Content-Length", "5"}, {"Transfer-Encoding", "chunked"}}) ==
        errc::http_malformed);
    CHECK_FALSE(framed({{"Transfer-Encoding", "chunked"}}));
    CHECK(framed({{"Transfer-Encoding", "chunked"}}, 10) == errc::http_malformed);
    CHECK(framed({{"Transfer-Encoding", "gzip, chunked"}}) == errc::http_unsupported_coding);
    CHECK(check_head(response{99, {}, ""}, 11) == errc::http_malformed);
    CHECK(check_head(response{204, {{"Content-Length", "1"}}, ""}, 11) == errc::http_malformed);
    CHECK_FALSE(check_head(response{304, {{"Content-Length", "1"}}, ""}, 11));
}
