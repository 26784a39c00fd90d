// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/json_reader.hpp>

#include <doctest/doctest.h>

#include <string>

namespace json = boost::json;
namespace sio = socoro::sio;
using socoro::errc;
using socoro::limits;

namespace {

std::string nested(std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
}

std::error_code error_of(std::string const& text, limits const& bounds = {}) {
    return sio::parse_json(text, bounds).error();
}

std::string string_of(std::string const& text) {
    return json::value_to<std::string>(sio::parse_json(text, limits{}).value());
}

}  // namespace

TEST_CASE("sio/json_reader: reads JSON with white space around it") {
    CHECK(sio::parse_json(" [1, 2]\r\n", limits{}).value() == json::value{1, 2});
}

TEST_CASE("sio/json_reader: nothing but strict JSON is read") {
    for (std::string const bad :
         {"",
          " ",
          "[1,]",
          "[1",
          "1 2",
          "/**/1",
          "'a'",
          "{a:1}",
          "NaN",
          "01",
          "+1",
          ".5",
          "1.",
          "\"\n\"",
          "\"\\x41\"",
          "undefined",
          "\xef\xbb\xbf[]"})
        CHECK(error_of(bad) == errc::sio_invalid_payload);
    CHECK(error_of(std::string("[]\0", 3)) == errc::sio_invalid_payload);
}

TEST_CASE("sio/json_reader: text that is not UTF-8 is refused") {
    CHECK(error_of("\"\xff\"") == errc::sio_invalid_payload);
    CHECK(error_of("\"\xed\xa0\x80\"") == errc::sio_invalid_payload);
}

TEST_CASE("sio/json_reader: nesting is read up to the limit and no further") {
    CHECK(sio::parse_json(nested(128), limits{}).has_value());
    CHECK(error_of(nested(129)) == errc::sio_too_deep);
    limits bounds;
    bounds.json_depth = 2;
    CHECK(sio::parse_json("[[1],{}]", bounds).has_value());
    CHECK(error_of("[[{}]]", bounds) == errc::sio_too_deep);
    CHECK(error_of("[[{}]]", bounds) == socoro::condition::limit);
}

TEST_CASE("sio/json_reader: no limit allows what would exhaust the stack") {
    limits bounds;
    bounds.json_depth = 1'000'000'000;
    CHECK(sio::parse_json(nested(sio::deepest_json), bounds).has_value());
    CHECK(error_of(nested(sio::deepest_json + 1), bounds) == errc::sio_too_deep);
    CHECK(error_of(std::string(1'000'000, '['), bounds) == errc::sio_too_deep);
}

TEST_CASE("sio/json_reader: half a surrogate pair becomes the replacement character") {
    CHECK(string_of(R"("a\ud83d")") == "a\xef\xbf\xbd");
    CHECK(
        string_of(R"("\ude00b")") ==
        "\xef\xbf\xbd"
        "b");
    CHECK(string_of(R"("\ud83d\ud83d\ude00")") == "\xef\xbf\xbd\xf0\x9f\x98\x80");
    CHECK(string_of(R"("\uD83D\n")") == "\xef\xbf\xbd\n");
    CHECK(string_of(R"("\ud83d\\ude00")") == "\xef\xbf\xbd\\ude00");
    CHECK(
        string_of(R"("\ud83d\u0041")") ==
        "\xef\xbf\xbd"
        "A");
}

TEST_CASE("sio/json_reader: whole pairs and escaped backslashes stay when a half is replaced") {
    CHECK(string_of(R"("\ud83d\ude00\\ud83d\ud83d")") == "\xf0\x9f\x98\x80\\ud83d\xef\xbf\xbd");
    CHECK(error_of(R"("\ud83d)") == errc::sio_invalid_payload);
    CHECK(error_of(R"("\ud83d\)") == errc::sio_invalid_payload);
    CHECK(error_of(R"("\ud83d\u12")") == errc::sio_invalid_payload);
}
