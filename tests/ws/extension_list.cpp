// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/extension_list.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace {

namespace ws = socoro::ws;
using list = std::vector<ws::extension_entry>;

}  // namespace

TEST_CASE("ws/extension_list: reads names, parameters and their values") {
    CHECK(*ws::parse_extensions("foo") == list{{"foo", {}}});
    CHECK(*ws::parse_extensions("foo; bar; baz=2") == list{{"foo", {{"bar"}, {"baz", "2"}}}});
    CHECK(
        *ws::parse_extensions("a;x=1,b ; y ,\tc;z = \"q\"") ==
        list{{"a", {{"x", "1"}}}, {"b", {{"y"}}}, {"c", {{"z", "q"}}}});
    CHECK(*ws::parse_extensions(" a ; b ") == list{{"a", {{"b"}}}});
}

TEST_CASE("ws/extension_list: one that comes twice, and a parameter that comes twice, are told") {
    CHECK(*ws::parse_extensions("a; x; x=1, a") == list{{"a", {{"x"}, {"x", "1"}}}, {"a", {}}});
}

TEST_CASE("ws/extension_list: a quoted value is unescaped, and has to be a token") {
    CHECK(*ws::parse_extensions(R"(a; x="1\0")") == list{{"a", {{"x", "10"}}}});
    for (std::string_view broken :
         {R"(a; x="")", R"(a; x="1 2")", R"(a; x="1)", R"(a; x="1\)", R"(a; x=")", R"(a; x="\"")"})
        CHECK(ws::parse_extensions(broken).error() == socoro::errc::ws_bad_extensions);
}

TEST_CASE("ws/extension_list: elements may be empty, but not all") {
    CHECK(*ws::parse_extensions(",, a ,,b,") == list{{"a", {}}, {"b", {}}});
    for (std::string_view none : {"", " ", ",", " , ,\t"})
        CHECK(ws::parse_extensions(none).error() == socoro::errc::ws_bad_extensions);
}

TEST_CASE("ws/extension_list: what breaks the grammar is refused") {
    for (std::string_view broken :
         {"a;",
          "a; ",
          ";a",
          "a;;b",
          "a;=1",
          "a;b=",
          "a;b=,c",
          "a b",
          "a;b c",
          "a;b=1 2",
          "a=1",
          "\"a\"",
          "a;b=\"c\"d",
          "a;b=c\"d\"",
          "a(b)",
          "a, b;",
          "\x80"})
        CHECK_MESSAGE(
            ws::parse_extensions(broken).error() == socoro::errc::ws_bad_extensions,
            std::string(broken));
}

TEST_CASE("ws/extension_list: the length of a list costs no more than its length") {
    std::string long_list;
    for (int i = 0; i < 2000; ++i)
        long_list += "a;b,";
    CHECK(ws::parse_extensions(long_list)->size() == 2000);
}
