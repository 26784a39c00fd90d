// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/close.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

namespace ws = socoro::ws;
using namespace std::string_literals;

namespace {

std::error_code error_of(std::string_view payload) {
    auto const status = ws::decode_close(payload);
    return status ? std::error_code{} : status.error();
}

std::string payload_of(unsigned code, std::string const& reason = {}) {
    return std::string{static_cast<char>(code >> 8U), static_cast<char>(code)} + reason;
}

}  // namespace

TEST_CASE("ws/close: the codes that may be sent are those of the registries") {
    for (unsigned code :
         {1000U,
          1001U,
          1002U,
          1003U,
          1007U,
          1008U,
          1009U,
          1010U,
          1011U,
          1012U,
          1013U,
          1014U,
          3000U,
          3999U,
          4000U,
          4999U}) {
        CAPTURE(code);
        CHECK(ws::is_valid_on_wire(static_cast<ws::close_code>(code)));
        CHECK_FALSE(error_of(payload_of(code)));
    }
    for (unsigned code :
         {0U, 1U, 999U, 1004U, 1005U, 1006U, 1015U, 1016U, 1100U, 2000U, 2999U, 5000U, 65535U}) {
        CAPTURE(code);
        CHECK_FALSE(ws::is_valid_on_wire(static_cast<ws::close_code>(code)));
        CHECK(error_of(payload_of(code)) == socoro::errc::ws_bad_close_code);
    }
}

TEST_CASE("ws/close: an empty payload means that no status was given") {
    CHECK(ws::decode_close("").value() == ws::close_status{});
    CHECK(ws::decode_close({}).value().code == ws::close_code::no_status);
    CHECK(ws::encode_close(ws::close_code::no_status).empty());
}

TEST_CASE("ws/close: a single byte is no code") {
    CHECK(error_of("\x03") == socoro::errc::ws_bad_close_code);
}

TEST_CASE("ws/close: code and reason survive encoding and decoding") {
    for (std::string const& reason : {""s, "bye"s, "\xc2\xb5\xc3\x9f"s, std::string(123, 'x')}) {
        auto const payload = ws::encode_close(ws::close_code::going_away, reason);
        CHECK(payload == payload_of(1001, reason));
        CHECK(
            ws::decode_close(payload).value() ==
            ws::close_status{ws::close_code::going_away, reason});
    }
}

TEST_CASE("ws/close: a reason that is not UTF-8 is refused") {
    CHECK(error_of(payload_of(1000, "\xce\xba\xed\xa0\x80")) == socoro::errc::ws_bad_utf8);
    CHECK(error_of(payload_of(1000, "cut \xe2\x82")) == socoro::errc::ws_bad_utf8);
}

TEST_CASE("ws/close: encoding what could not be sent is the caller's mistake") {
    using ws::close_code;
    for (auto code : {close_code::abnormal, close_code::tls_failure, close_code{999}})
        CHECK_THROWS_AS((void)ws::encode_close(code), std::invalid_argument);
    for (std::string const& reason : {std::string(124, 'x'), "\xff"s})
        CHECK_THROWS_AS((void)ws::encode_close(close_code::normal, reason), std::invalid_argument);
    CHECK_THROWS_AS((void)ws::encode_close(close_code::no_status, "why"), std::invalid_argument);
}

TEST_CASE("ws/close: each error of a reader has its code") {
    using socoro::errc;
    for (auto e :
         {errc::ws_reserved_bits,
          errc::ws_bad_opcode,
          errc::ws_bad_mask,
          errc::ws_bad_length,
          errc::ws_bad_control_frame,
          errc::ws_bad_continuation,
          errc::ws_bad_close_code})
        CHECK(ws::close_code_for(e) == ws::close_code::protocol_error);
    CHECK(ws::close_code_for(errc::ws_bad_utf8) == ws::close_code::invalid_payload);
    CHECK(ws::close_code_for(errc::ws_message_too_large) == ws::close_code::message_too_big);
    CHECK(ws::close_code_for(errc::ws_too_many_fragments) == ws::close_code::policy_violation);
    CHECK(ws::close_code_for(errc::parse_error) == ws::close_code::internal_error);
    CHECK(
        ws::close_code_for(std::make_error_code(std::errc::io_error)) ==
        ws::close_code::internal_error);
}
