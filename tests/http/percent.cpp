// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/percent.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::http::decode_form;
using socoro::http::encode_component;
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

TEST_CASE("http/percent: a component is encoded as JavaScript's encodeURIComponent does") {
    CHECK(encode_component("AZaz09-_.!~*'()") == "AZaz09-_.!~*'()");
    CHECK(
        encode_component(" \"#$%&+,/:;<=>?@[\\]^`{|}") ==
        "%20%22%23%24%25%26%2B%2C%2F%3A%3B%3C%3D%3E%3F%40%5B%5C%5D%5E%60%7B%7C%7D");
    CHECK(encode_component("\xc3\xa9\n\x7f") == "%C3%A9%0A%7F");
    CHECK(encode_component(std::string(1, '\0')) == "%00");
}

TEST_CASE("http/percent: what was encoded is decoded to the same bytes") {
    std::string all;
    for (int c = 0; c < 256; ++c)
        all.push_back(static_cast<char>(c));
    CHECK(decode_form(encode_component(all)) == all);
}
