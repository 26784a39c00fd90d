// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/frame.hpp>

#include <doctest/doctest.h>

#include <string>

namespace ws = socoro::ws;
using namespace std::string_literals;

namespace {

std::string encoded(ws::frame_header const& header) {
    std::string out;
    ws::append_header(out, header);
    return out;
}

/// The error of decoding, or none if the header is good or incomplete.
std::error_code error_of(std::string_view bytes, ws::role self = ws::role::client) {
    ws::frame_header header;
    auto const size = ws::decode_header(bytes, self, header);
    return size ? std::error_code{} : size.error();
}

ws::frame_header header_of(std::uint64_t length, bool masked) {
    ws::frame_header header;
    header.op = ws::opcode::text;
    header.length = length;
    header.masked = masked;
    if (masked)
        header.key = {1, 2, 3, 4};
    return header;
}

}  // namespace

TEST_CASE("ws/frame: opcodes know whether they are control frames or reserved") {
    for (unsigned value = 0; value < 16; ++value) {
        auto const op = static_cast<ws::opcode>(value);
        CHECK(ws::is_control(op) == (value >= 8));
        CHECK(ws::is_reserved(op) == ((value >= 3 && value <= 7) || value >= 11));
    }
}

TEST_CASE("ws/frame: headers have the bytes of RFC 6455 section 5.7") {
    CHECK(encoded(header_of(5, false)) == "\x81\x05");
    CHECK(encoded(header_of(256, false)) == "\x81\x7e\x01\x00"s);
    CHECK(encoded(header_of(65536, false)) == "\x81\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s);
    CHECK(encoded(header_of(5, true)) == "\x81\x85\x01\x02\x03\x04");
}

TEST_CASE("ws/frame: a header survives encoding and decoding, and no prefix of it is enough") {
    for (std::uint64_t length :
         {0ULL, 1ULL, 125ULL, 126ULL, 127ULL, 128ULL, 65535ULL, 65536ULL, ~0ULL >> 1U})
        for (bool masked : {false, true}) {
            auto const sent = header_of(length, masked);
            auto const bytes = encoded(sent);
            auto const self = masked ? ws::role::server : ws::role::client;
            ws::frame_header got;
            for (std::size_t size = 0; size < bytes.size(); ++size)
                CHECK(ws::decode_header(bytes.substr(0, size), self, got).value() == 0);
            CHECK(ws::decode_header(bytes + "payload", self, got).value() == bytes.size());
            CHECK(got == sent);
            CHECK(bytes.size() <= ws::max_header_size);
        }
}

TEST_CASE("ws/frame: every combination of reserved bits is refused at the first byte") {
    for (unsigned rsv = 1; rsv < 8; ++rsv)
        for (unsigned op : {0U, 1U, 2U, 8U, 9U, 10U})
            CHECK(
                error_of(std::string(1, static_cast<char>(0x80 | rsv << 4U | op))) ==
                socoro::errc::ws_reserved_bits);
}

TEST_CASE("ws/frame: a bit of an extension is for the first frame of a message alone") {
    for (unsigned rsv = 1; rsv < 8; ++rsv)
        for (unsigned op : {0U, 1U, 2U, 8U, 9U, 10U}) {
            std::string const bytes{static_cast<char>(0x80U | rsv << 4U | op), '\0'};
            ws::frame_header header;
            auto const size =
                ws::decode_header(bytes, ws::role::client, header, ws::compressed_bit);
            bool const fits = rsv == ws::compressed_bit && (op == 1 || op == 2);
            CHECK(size.has_value() == fits);
            if (fits)
                CHECK(header.rsv == ws::compressed_bit);
            else
                CHECK(size.error() == socoro::errc::ws_reserved_bits);
        }
}

TEST_CASE("ws/frame: reserved opcodes are refused at the first byte") {
    for (unsigned op : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U})
        CHECK(
            error_of(std::string(1, static_cast<char>(0x80 | op))) == socoro::errc::ws_bad_opcode);
}

TEST_CASE("ws/frame: control frames are neither fragmented nor longer than 125 bytes") {
    for (char op : {'\x08', '\x09', '\x0a'}) {
        CHECK(error_of(std::string(1, op)) == socoro::errc::ws_bad_control_frame);
        std::string const whole(1, static_cast<char>(op | '\x80'));
        CHECK_FALSE(error_of(whole + "\x7d"));
        CHECK(error_of(whole + "\x7e") == socoro::errc::ws_bad_control_frame);
        CHECK(error_of(whole + "\x7f") == socoro::errc::ws_bad_control_frame);
    }
}

TEST_CASE("ws/frame: a server wants a mask, a client refuses one") {
    CHECK(error_of("\x81\x05", ws::role::server) == socoro::errc::ws_bad_mask);
    CHECK(error_of("\x81\x85", ws::role::client) == socoro::errc::ws_bad_mask);
    CHECK_FALSE(error_of("\x81\x85", ws::role::server));
    CHECK_FALSE(error_of("\x81\x05", ws::role::client));
}

TEST_CASE("ws/frame: a length is written in its shortest form") {
    CHECK(error_of("\x82\x7e\x00\x7d"s) == socoro::errc::ws_bad_length);
    CHECK_FALSE(error_of("\x82\x7e\x00\x7e"s));
    CHECK(error_of("\x82\x7f\x00\x00\x00\x00\x00\x00\xff\xff"s) == socoro::errc::ws_bad_length);
    CHECK_FALSE(error_of("\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00"s));
}

TEST_CASE("ws/frame: a length with its top bit set is refused, one below is not") {
    CHECK(error_of("\x82\x7f\x80\x00\x00\x00\x00\x00\x00\x00"s) == socoro::errc::ws_bad_length);
    CHECK(error_of("\x82\x7f\xff\xff\xff\xff\xff\xff\xff\xff"s) == socoro::errc::ws_bad_length);
    CHECK_FALSE(error_of("\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"s));
}
