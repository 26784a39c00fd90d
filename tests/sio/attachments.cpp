// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/attachments.hpp>

#include <doctest/doctest.h>

#include <string>
#include <vector>

namespace json = boost::json;
namespace sio = socoro::sio;

namespace {

bool fit(std::string const& text, std::size_t count) {
    return sio::placeholders_fit(json::parse(text), count);
}

}  // namespace

TEST_CASE("sio/attachments: a placeholder is written as the protocol says") {
    CHECK(json::serialize(sio::placeholder(3)) == R"({"_placeholder":true,"num":3})");
    CHECK(sio::is_placeholder(sio::placeholder(0)));
}

TEST_CASE("sio/attachments: only the mark true makes a placeholder") {
    CHECK(sio::is_placeholder(json::parse(R"({"_placeholder":true})")));
    for (auto const* other :
         {R"({"_placeholder":false,"num":0})",
          R"({"_placeholder":1,"num":0})",
          R"({"_placeholder":"true","num":0})",
          R"({"num":0})",
          R"(["_placeholder",true])",
          R"("_placeholder")",
          "null"})
        CHECK_FALSE(sio::is_placeholder(json::parse(other)));
}

TEST_CASE("sio/attachments: an attachment is found through its placeholder alone") {
    std::vector<std::string> const attachments{"a", "b"};
    CHECK(*sio::find_attachment(sio::placeholder(1), attachments) == "b");
    CHECK(sio::find_attachment(sio::placeholder(2), attachments) == nullptr);
    CHECK(sio::find_attachment(sio::placeholder(0), {}) == nullptr);
    CHECK(sio::find_attachment("a", attachments) == nullptr);
    CHECK(
        sio::find_attachment(json::parse(R"({"_placeholder":true,"num":-1})"), attachments) ==
        nullptr);
}

TEST_CASE("sio/attachments: every placeholder fits, at any depth and in any order") {
    CHECK(
        fit(R"(["x",{"a":[{"b":{"_placeholder":true,"num":1}}]},{"_placeholder":true,"num":0}])",
            2));
    CHECK(fit(R"(["x",{"num":7}])", 1));
    CHECK(fit("[]", 0));
}

// CVE-2022-2421: any property of the list of attachments could be asked for by name.
TEST_CASE("sio/attachments: a number that is none, or names no attachment, does not fit") {
    for (std::string const number :
         {"2",
          "-1",
          "0.5",
          "1e300",
          "18446744073709551616",
          "\"0\"",
          "\"splice\"",
          "null",
          "true",
          "[0]",
          "{}"}) {
        CAPTURE(number);
        CHECK_FALSE(fit(R"(["x",{"_placeholder":true,"num":)" + number + "}]", 2));
        CHECK_FALSE(fit(R"(["x",[{"a":{"_placeholder":true,"num":)" + number + "}}]]", 2));
    }
    CHECK_FALSE(fit(R"(["x",{"_placeholder":true}])", 2));
}

TEST_CASE("sio/attachments: a whole number fits however it is written, as in JavaScript") {
    CHECK(fit(R"(["x",{"_placeholder":true,"num":1.0}])", 2));
    CHECK(fit(R"(["x",{"_placeholder":true,"num":-0}])", 2));
    CHECK(fit(R"(["x",{"_placeholder":true,"num":9,"num":1}])", 2));
}

TEST_CASE("sio/attachments: one attachment cannot be mentioned twice") {
    CHECK_FALSE(fit(R"([{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}])", 2));
}

TEST_CASE("sio/attachments: a placeholder inside another is looked at too") {
    CHECK_FALSE(fit(R"([{"_placeholder":true,"num":0,"x":{"_placeholder":true,"num":9}}])", 2));
}

TEST_CASE("sio/attachments: without placeholders nothing claims to stand for an attachment") {
    auto const cleaned = socoro::sio::without_placeholders(boost::json::parse(
        R"([{"a":[{"_placeholder":true,"num":0}],"b":{"_placeholder":false}},{"_placeholder":true}])"));
    CHECK(cleaned == boost::json::parse(R"([{"a":[null],"b":{"_placeholder":false}},null])"));
    CHECK(socoro::sio::without_placeholders(7) == 7);
    CHECK(socoro::sio::without_placeholders(socoro::sio::placeholder(3)).is_null());
}
