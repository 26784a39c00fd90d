// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/json_writer.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

namespace json = boost::json;
namespace sio = socoro::sio;

namespace {

std::string written(json::value const& value) {
    std::string out;
    sio::append_json(out, value);
    return out;
}

}  // namespace

TEST_CASE("sio/json_writer: writes what JSON.stringify writes") {
    for (std::string const text :
         {"null",
          "true",
          "false",
          "0",
          "-1",
          "18446744073709551615",
          "-9223372036854775808",
          "1.5",
          "0.1",
          "-2.5",
          "1e+21",
          "1.5e+300",
          "\"\"",
          "[]",
          "{}",
          "[[],{}]",
          R"(["a",1,{"b":[null,{"c":"d"}],"e":{}},[]])",
          R"("\"\\\b\f\n\r\t\u0000\u001f/)"
          "\x7f\xc3\xa9\xf0\x9f\x98\x80\""})
        CHECK(written(json::parse(text)) == text);
}

TEST_CASE("sio/json_writer: numbers are as short as JavaScript's") {
    CHECK(written(1.0) == "1");
    CHECK(written(-0.0) == "0");
    CHECK(written(100.0) == "100");
    CHECK(written(1234567890123456789012.0) == "1.2345678901234568e+21");
    CHECK(written(123456789012345678901.0) == "123456789012345680000");
    CHECK(written(0.00000123) == "0.00000123");
    CHECK(written(0.000000123) == "1.23e-7");
    CHECK(written(1e20) == "100000000000000000000");
    CHECK(written(0.000001) == "0.000001");
    CHECK(written(123456.789) == "123456.789");
    CHECK(written(1e-7) == "1e-7");
    CHECK(written(-1.5e-9) == "-1.5e-9");
    CHECK(written(1e-10) == "1e-10");
    CHECK(written(5e-324) == "5e-324");
}

TEST_CASE("sio/json_writer: what is no number is null, as in JavaScript") {
    CHECK(written(std::numeric_limits<double>::infinity()) == "null");
    CHECK(written(-std::numeric_limits<double>::infinity()) == "null");
    CHECK(written(std::nan("")) == "null");
}

TEST_CASE("sio/json_writer: doubles come back as they were") {
    for (double number = 1e-300; number < 1e300; number *= 7.3) {
        std::string const text = written(number);
        CHECK(std::strtod(text.c_str(), nullptr) == number);
        CHECK(written(-number) == "-" + text);
    }
}

// The reference's process dies of a value like this one when it is sent.
TEST_CASE("sio/json_writer: 100 000 nested arrays and objects are written without recursion") {
    constexpr int depth = 100'000;
    json::monotonic_resource memory;  // frees without visiting the value, which would recurse
    json::value value(1, &memory);
    for (int i = 0; i < depth; ++i) {
        json::array array(&memory);
        array.emplace_back(std::move(value));
        json::object object(&memory);
        object.emplace("a", std::move(array));
        value = std::move(object);
    }
    std::string const text = written(value);
    CHECK(text.size() == 1 + depth * std::string(R"({"a":[]})").size());
    CHECK(text.starts_with(R"({"a":[{"a":[)"));
    CHECK(text.ends_with("]}]}"));
}

TEST_CASE("sio/json_writer: a string is appended with its quotes and escapes") {
    std::string out = "x";
    sio::append_json_string(out, "a\"b\\c\n");
    CHECK(out == R"(x"a\"b\\c\n")");
}
