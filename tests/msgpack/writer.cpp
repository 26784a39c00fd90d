// SPDX-License-Identifier: BSL-1.0
// The bytes are those that socket.io-msgpack-parser 3.0.2 wrote for the same packets.
#include <socoro/msgpack/writer.hpp>

#include "msgpack/messages.hpp"

#include <doctest/doctest.h>

#include <limits>
#include <string>
#include <string_view>

namespace json = boost::json;
namespace sio = socoro::sio;
using sio::packet_type;
using test::event_hex;

namespace {

using socoro::detail::attachments;

std::string
written(sio::header const& header, std::string_view text, attachments const& binary = {}) {
    return test::to_hex(socoro::detail::encode_msgpack(header, text, binary));
}

/// The message of an event with this JSON text.
std::string event(std::string_view text, attachments const& binary = {}) {
    return written({}, text, binary);
}

std::string number(double value) {
    std::string text = "[";
    sio::append_json(text, value);
    return event(text + "]");
}

std::string const nil = R"({"_placeholder":true,"num":0})";

}  // namespace

TEST_CASE("msgpack/writer: packets of each type are those of the reference's server") {
    CHECK(
        written({.type = packet_type::connect, .nsp = "/admin"}, "") ==
        "82a47479706500a36e7370a62f61646d696e");
    CHECK(
        written({.type = packet_type::connect}, R"({"token":"a"})") ==
        "83a47479706500a46461746181a5746f6b656ea161a36e7370a12f");
    CHECK(written({.type = packet_type::disconnect}, "") == "82a47479706501a36e7370a12f");
    CHECK(
        written({.type = packet_type::connect_error}, R"({"message":"no","data":{"code":7}})") ==
        "83a47479706504a46461746182a76d657373616765a26e6fa46461746181a4636f646507a36e7370a12f");
    CHECK(
        written({.nsp = "/admin", .id = 300}, R"(["a"])") ==
        "84a47479706502a46461746191a161a26964cd012ca36e7370a62f61646d696e");
    CHECK(
        written({.type = packet_type::ack, .id = 7}, "[]") ==
        "84a2696407a47479706503a46461746190a36e7370a12f");
}

TEST_CASE("msgpack/writer: whole numbers have the shortest form, others are float 64") {
    CHECK(number(0) == event_hex("91 00"));
    CHECK(number(127) == event_hex("91 7f"));
    CHECK(number(128) == event_hex("91 cc80"));
    CHECK(number(255) == event_hex("91 ccff"));
    CHECK(number(256) == event_hex("91 cd0100"));
    CHECK(number(65535) == event_hex("91 cdffff"));
    CHECK(number(65536) == event_hex("91 ce00010000"));
    CHECK(number(4294967295) == event_hex("91 ceffffffff"));
    CHECK(number(4294967296) == event_hex("91 cf0000000100000000"));
    CHECK(number(9007199254740992) == event_hex("91 cf0020000000000000"));
    CHECK(number(-1) == event_hex("91 ff"));
    CHECK(number(-32) == event_hex("91 e0"));
    CHECK(number(-33) == event_hex("91 d0df"));
    CHECK(number(-128) == event_hex("91 d080"));
    CHECK(number(-129) == event_hex("91 d1ff7f"));
    CHECK(number(-32768) == event_hex("91 d18000"));
    CHECK(number(-32769) == event_hex("91 d2ffff7fff"));
    CHECK(number(-2147483648.0) == event_hex("91 d280000000"));
    CHECK(number(-2147483649.0) == event_hex("91 d3ffffffff7fffffff"));
    CHECK(number(-9007199254740992.0) == event_hex("91 d3ffe0000000000000"));
    CHECK(number(1.5) == event_hex("91 cb3ff8000000000000"));
    CHECK(number(-0.0) == event_hex("91 00"));
    CHECK(number(5e-324) == event_hex("91 cb0000000000000001"));
    CHECK(event("[1.5e3]") == event_hex("91 cd05dc"));
}

TEST_CASE("msgpack/writer: no double loses its last place") {
    CHECK(number(0.1) == event_hex("91 cb3fb999999999999a"));
    CHECK(number(0.1 + 0.2) == event_hex("91 cb3fd3333333333334"));
    CHECK(number(7.0420557077594588e-306) == event_hex("91 cb0093c7c8366cdada"));
    CHECK(event("[18446744073709551615]") == event_hex("91 cfffffffffffffffff"));
    CHECK(event("[-9223372036854775808]") == event_hex("91 d38000000000000000"));
}

TEST_CASE("msgpack/writer: whole numbers of more than 64 bits stay what they are") {
    // There notepack.io writes what is left of the number, 0 here.
    CHECK(number(1e300) == event_hex("91 cb7e37e43c8800759c"));
    CHECK(number(18446744073709551616.0) == event_hex("91 cb43f0000000000000"));
    CHECK(number(-18446744073709551616.0) == event_hex("91 cbc3f0000000000000"));
}

TEST_CASE("msgpack/writer: texts are UTF-8 behind the shortest form of their lengths") {
    CHECK(event(R"(["ü€😀"])") == event_hex("91 a9 c3bc e282ac f09f9880"));
    CHECK(event(R"(["\"\\\n\u0000"])") == event_hex("91 a4 225c0a00"));
    auto const text = [](std::size_t size) {
        return event("[\"" + std::string(size, 'x') + "\"]");
    };
    auto const body = [](std::size_t size) { return test::to_hex(std::string(size, 'x')); };
    CHECK(text(0) == event_hex("91 a0"));
    CHECK(text(31) == event_hex("91 bf" + body(31)));
    CHECK(text(32) == event_hex("91 d920" + body(32)));
    CHECK(text(255) == event_hex("91 d9ff" + body(255)));
    CHECK(text(256) == event_hex("91 da0100" + body(256)));
    CHECK(text(65536) == event_hex("91 db00010000" + body(65536)));
}

TEST_CASE("msgpack/writer: containers begin with the number of what is in them") {
    CHECK(event(R"([{"a":{"b":[]}}])") == event_hex("91 81 a161 81 a162 90"));
    CHECK(event("[null,true,false]") == event_hex("93 c0 c3 c2"));
    auto const list = [](std::size_t size) {
        std::string text = "[0";
        for (std::size_t i = 1; i < size; ++i)
            text += ",0";
        return event(text + "]");
    };
    auto const zeros = [](std::size_t size) { return std::string(2 * size, '0'); };
    CHECK(list(15) == event_hex("9f" + zeros(15)));
    CHECK(list(16) == event_hex("dc0010" + zeros(16)));
    CHECK(list(65536) == event_hex("dd00010000" + zeros(65536)));
    json::object sixteen;
    for (char key = 'a'; key < 'q'; ++key)
        sixteen[std::string(1, key)] = 0;
    std::string text;
    sio::append_json(text, json::array{sixteen});
    CHECK(event(text).starts_with(event_hex("91 de0010 a16100 a16200").substr(0, 44)));
}

TEST_CASE("msgpack/writer: binary data stands where its placeholder stood") {
    CHECK(
        event(
            R"(["a",{"_placeholder":true,"num":0},{"b":{"_placeholder":true,"num":1}}])",
            {std::string("\1\2"), std::string()}) == event_hex("93 a161 c4020102 81 a162 c400"));
    auto const bytes = [](std::size_t size) {
        return event("[" + nil + "]", {std::string(size, '\0')});
    };
    auto const zeros = [](std::size_t size) { return std::string(2 * size, '0'); };
    CHECK(bytes(255) == event_hex("91 c4ff" + zeros(255)));
    CHECK(bytes(256) == event_hex("91 c50100" + zeros(256)));
    CHECK(bytes(65536) == event_hex("91 c600010000" + zeros(65536)));
}

TEST_CASE("msgpack/writer: what only looks like a placeholder is an object like others") {
    auto const both = std::string("82 ac5f706c616365686f6c646572 c3 a36e756d");
    CHECK(event("[" + nil + "]") == event_hex("91" + both + "00"));
    CHECK(event(R"([{"_placeholder":true,"num":1}])", {"x"}) == event_hex("91" + both + "01"));
    CHECK(event(R"([{"_placeholder":true,"num":-1}])", {"x"}) == event_hex("91" + both + "ff"));
    CHECK(event(R"([{"_placeholder":true,"num":[0]}])", {"x"}) == event_hex("91" + both + "91 00"));
    CHECK(
        event(R"([{"_placeholder":[true],"num":0}])", {"x"}) ==
        event_hex("91 82 ac5f706c616365686f6c646572 91c3 a36e756d 00"));
    CHECK(
        event(R"([{"_placeholder":false,"num":0}])", {"x"}) ==
        event_hex("91 82 ac5f706c616365686f6c646572 c2 a36e756d 00"));
    // With more members it is one, as for the reference's parser of JSON.
    CHECK(
        event(R"([{"num":0,"x":{"num":1},"_placeholder":true}])", {"x"}) == event_hex("91 c40178"));
}

TEST_CASE("msgpack/writer: no depth of data ends the process") {
    auto const nested = [](std::size_t depth) {
        return std::string(depth, '[') + std::string(depth, ']');
    };
    CHECK(event(nested(1040)) == event_hex(test::to_hex(std::string(1039, '\x91')) + "90"));
    CHECK_THROWS_WITH_AS(event(nested(1041)), "payload nested too deeply", std::system_error);
    CHECK_THROWS_AS(event(nested(1'000'000)), std::system_error);
}

TEST_CASE("msgpack/writer: what is no JSON is the program's mistake") {
    CHECK_THROWS_AS(event("[1"), std::invalid_argument);
    CHECK_THROWS_AS(event("[1] 2"), std::invalid_argument);
}
