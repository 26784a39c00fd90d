// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/writer.hpp>

#include "ws/transcript.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using namespace ws_test;

TEST_CASE("ws/writer: frames have the bytes of RFC 6455 section 5.7") {
    std::string out;
    ws::append_frame(out, ws::opcode::text, "Hello");
    CHECK(out == "\x81\x05Hello");
    out.clear();
    ws::append_frame(out, ws::opcode::text, "Hello", key);
    CHECK(out == "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
    out.clear();
    ws::append_fragment(out, ws::opcode::text, false, "Hel");
    ws::append_fragment(out, ws::opcode::continuation, true, "lo");
    CHECK(out == "\x01\x03Hel\x80\x02lo");
    out.clear();
    ws::append_frame(out, ws::opcode::ping, "Hello");
    ws::append_frame(out, ws::opcode::pong, "Hello", key);
    CHECK(out == "\x89\x05Hello\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58");
}

TEST_CASE("ws/writer: what one role writes, the other reads") {
    for (auto self : both_roles) {
        std::string out;
        transcript expected;
        for (std::size_t size : {0U, 1U, 125U, 126U, 127U, 128U, 65535U, 65536U}) {
            std::string const payload(size, 'x');
            ws::append_frame(out, ws::opcode::binary, payload, key_towards(self));
            expected.events.push_back({kind::binary, payload});
        }
        CHECK(read(self, out) == expected);
    }
}

TEST_CASE("ws/writer: a header alone, then the payload, is the whole frame") {
    for (std::size_t size : {0U, 125U, 126U, 65536U}) {
        std::string const payload(size, 'x');
        std::string whole;
        ws::append_frame(whole, ws::opcode::text, payload);
        std::string parts;
        ws::append_message_header(parts, ws::opcode::text, payload.size());
        CHECK(parts + payload == whole);
    }
}

TEST_CASE("ws/writer: a header alone may say that the message is compressed") {
    std::string out;
    ws::append_message_header(out, ws::opcode::text, 7, std::nullopt, ws::compressed_bit);
    // RFC 7692 section 7.2.3.1.
    CHECK(out == "\xc1\x07");
}

TEST_CASE("ws/writer: frames are appended to what is there") {
    std::string out = "before";
    ws::append_frame(out, ws::opcode::text, "abc", key);
    CHECK(out.starts_with("before\x81\x83"));
    CHECK(read(ws::role::server, out.substr(6)).events.at(0).data == "abc");
}

TEST_CASE("ws/writer: a control frame carries 125 bytes at most, and a refusal writes nothing") {
    std::string out;
    for (auto op : {ws::opcode::close, ws::opcode::ping, ws::opcode::pong}) {
        CHECK_THROWS_AS(ws::append_frame(out, op, std::string(126, 'x')), std::invalid_argument);
        CHECK_THROWS_AS(ws::append_message_header(out, op, 126), std::invalid_argument);
    }
    CHECK(out.empty());
    ws::append_frame(out, ws::opcode::ping, std::string(125, 'x'));
    CHECK(out.size() == 127);
}

TEST_CASE("ws/writer: opcodes that make no sense are refused") {
    std::string out;
    CHECK_THROWS_AS(ws::append_frame(out, ws::opcode::continuation, "x"), std::invalid_argument);
    CHECK_THROWS_AS(ws::append_frame(out, ws::opcode{3}, "x"), std::invalid_argument);
    CHECK_THROWS_AS(ws::append_frame(out, ws::opcode{16}, "x"), std::invalid_argument);
    CHECK_THROWS_AS(ws::append_fragment(out, ws::opcode::ping, true, "x"), std::invalid_argument);
    CHECK_THROWS_AS(ws::append_fragment(out, ws::opcode{3}, true, "x"), std::invalid_argument);
    CHECK(out.empty());
}
