// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/utf8.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>

TEST_CASE("base/utf8: accepts characters of every length, whole and byte by byte") {
    std::string_view const text = "a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80";
    CHECK(socoro::is_utf8(text));
    socoro::utf8_checker checker;
    for (char c : text)
        CHECK(checker.feed({&c, 1}));
    CHECK(checker.finish());
}

TEST_CASE("base/utf8: refuses overlong forms, surrogates, and what lies beyond U+10FFFF") {
    for (std::string const bad :
         {"\xc0\xaf",
          "\xe0\x80\xaf",
          "\xed\xa0\x80",
          "\xf4\x90\x80\x80",
          "\x80",
          "\xff",
          "\xf5\x80\x80\x80"})
        CHECK_FALSE(socoro::is_utf8(bad));
}

TEST_CASE("base/utf8: a text may not end inside a character") {
    CHECK_FALSE(socoro::is_utf8("\xe2\x82"));
}

TEST_CASE("base/utf8: says no at the first byte that cannot be completed") {
    socoro::utf8_checker checker;
    CHECK(checker.feed("\xf4"));
    CHECK_FALSE(checker.feed("\x90"));
}
