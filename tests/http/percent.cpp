// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/percent.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::http::decode_form;
using socoro::http::percent_decode_path;

TEST_CASE("http/percent: a form's escapes are bytes and its plus is a space") {
    CHECK(decode_form("a%20b+c") == "a b c");
    CHECK(decode_form("%C3%a9%2B") == "\xc3\xa9+");
    CHECK(decode_form("%00") == std::string(1, '\0'));
}

TEST_CASE("http/percent: a form's malformed escapes stand for themselves") {
    CHECK(decode_form("%") == "%");
    CHECK(decode_form("%4") == "%4");
    CHECK(decode_form("%zz%41") == "%zzA");
    CHECK(decode_form("100%+%%41") == "100% %A");
}

TEST_CASE("http/percent: escapes are decoded once") {
    CHECK(decode_form("%2541") == "%41");
    CHECK(percent_decode_path("/%252e%252e") == "/%2e%2e");
}

TEST_CASE("http/percent: a path keeps its plus, and shows its dots once decoded") {
    CHECK(percent_decode_path("/a+b%20c") == "/a+b c");
    CHECK(percent_decode_path("/%2e%2E%2f..") == "/../..");
    CHECK(percent_decode_path("") == "");
}

TEST_CASE("http/percent: a path with a NUL or a malformed escape is refused") {
    CHECK_FALSE(percent_decode_path("/a%00.js").has_value());
    CHECK_FALSE(percent_decode_path(std::string_view("/a\0", 3)).has_value());
    CHECK_FALSE(percent_decode_path("/%").has_value());
    CHECK_FALSE(percent_decode_path("/%4").has_value());
    CHECK_FALSE(percent_decode_path("/%g0").has_value());
    CHECK_FALSE(percent_decode_path("/%u0041").has_value());
}
