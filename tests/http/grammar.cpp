// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/grammar.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

using namespace socoro::http::detail;
using socoro::http::is_control;

TEST_CASE("http/grammar: a number is digits and nothing else") {
    CHECK(is_number("0123456789"));
    for (std::string const bad : {"", "+1", "-1", "1 ", "0x1", "1.0"})
        CHECK_FALSE(is_number(bad));
}

TEST_CASE("http/grammar: a token has letters, digits and a few marks") {
    CHECK(is_token("Content-Type"));
    CHECK(is_token("!#$%&'*+-.^_`|~09azAZ"));
    for (std::string const bad : {"", "a b", "a:", "a,b", "a/b", "(a)", "\"a\"", "a\xc3\xa9"})
        CHECK_FALSE(is_token(bad));
}

TEST_CASE("http/grammar: the tab is no control character, DEL is one") {
    CHECK_FALSE(is_control('\t'));
    CHECK_FALSE(is_control(' '));
    CHECK_FALSE(is_control('\xff'));
    CHECK(is_control('\0'));
    CHECK(is_control('\n'));
    CHECK(is_control('\x7f'));
}

TEST_CASE("http/grammar: names are the same in any ASCII case, and in no other") {
    CHECK(same_name("Host", "hOST"));
    CHECK_FALSE(same_name("Host", "Hos"));
    CHECK_FALSE(same_name("\xc3\xa9", "\xc3\x89"));
    CHECK_FALSE(same_name("@", "`"));
}

TEST_CASE("http/grammar: comparing names looks at no byte behind them") {
    std::vector<char> const upper{'P', 'A', 'T', 'H'}, lower{'p', 'a', 't', 'h'};
    CHECK(same_name({upper.data(), upper.size()}, {lower.data(), lower.size()}));
    CHECK(lower_case(std::string_view(upper.data(), upper.size())) == "path");
}

TEST_CASE("http/grammar: only spaces and tabs are trimmed") {
    CHECK(trimmed(" \ta b\t ") == "a b");
    CHECK(trimmed(" \t").empty());
    CHECK(trimmed("\va").size() == 2);
}

TEST_CASE("http/grammar: taking parts off a list ends with the list") {
    std::string_view rest = "a,,b";
    CHECK(take_until(rest, ',') == "a");
    CHECK(take_until(rest, ',').empty());
    CHECK(take_until(rest, ',') == "b");
    CHECK(rest.empty());
    CHECK(take_until(rest, ',').empty());
}
