// SPDX-License-Identifier: BSL-1.0
#include <socoro/eio/packet.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace eio = socoro::eio;
using eio::packet;
using eio::packet_type;
using socoro::errc;
using socoro::message;

namespace {

std::string text_of(packet const& p) {
    std::string text;
    eio::append_text(text, p);
    CHECK(text.size() == eio::text_size(p));
    return text;
}

}  // namespace

TEST_CASE("eio/packet: every type is its digit and the data") {
    CHECK(text_of(packet::of(packet_type::open, "{}")) == "0{}");
    CHECK(text_of(packet::of(packet_type::close)) == "1");
    CHECK(text_of(packet::of(packet_type::ping, "probe")) == "2probe");
    CHECK(text_of(packet::of(packet_type::pong, "probe")) == "3probe");
    CHECK(text_of(packet::of(packet_type::message, "hello")) == "4hello");
    CHECK(text_of(packet::of(packet_type::upgrade)) == "5");
    CHECK(text_of(packet::of(packet_type::noop)) == "6");
}

TEST_CASE("eio/packet: every type comes back from its text") {
    for (char digit = '0'; digit <= '6'; ++digit)
        for (std::string const data : {"", "probe", "4", "b", "\x1e"}) {
            auto const p = packet::of(static_cast<packet_type>(digit), data);
            CHECK(eio::decode(text_of(p)).value() == p);
            CHECK(eio::decode(message{false, text_of(p)}).value() == p);
        }
}

TEST_CASE("eio/packet: a message of the layer above keeps its kind") {
    CHECK(text_of(packet::from({false, "hello"})) == "4hello");
    CHECK(packet::from({true, "hello"}).binary);
}

TEST_CASE("eio/packet: a binary message is base64 in polling") {
    CHECK(text_of(packet::from({true, "\x01\x02\x03\x04"})) == "bAQIDBA==");
    CHECK(text_of(packet::from({true, ""})) == "b");
    CHECK(eio::decode("bAQIDBA==").value() == packet::from({true, "\x01\x02\x03\x04"}));
    CHECK(eio::decode("b").value() == packet::from({true, ""}));
}

TEST_CASE("eio/packet: base64 is read leniently, as the reference does") {
    auto const wanted = packet::from({true, "\xfb\xff\xfe"});
    CHECK(eio::decode("b+//+").value() == wanted);
    CHECK(eio::decode("b-__-").value() == wanted);
    CHECK(eio::decode("b+/\n/+").value() == wanted);
}

TEST_CASE("eio/packet: a binary WebSocket message has no prefix, not even one that looks like it") {
    std::string const bytes("4\0b", 3);
    CHECK(eio::decode(message{true, bytes}).value() == packet::from({true, bytes}));
    CHECK(eio::decode(message{true, ""}).value() == packet::from({true, ""}));
}

TEST_CASE("eio/packet: base64 is read from a WebSocket text frame too, as in the reference") {
    CHECK(eio::decode(message{false, "bAQID"}).value() == packet::from({true, "\x01\x02\x03"}));
}

TEST_CASE("eio/packet: a packet without a type is refused") {
    CHECK(eio::decode("").error() == errc::eio_empty_packet);
    CHECK(eio::decode(message{false, ""}).error() == errc::eio_empty_packet);
}

TEST_CASE("eio/packet: every other first character is refused") {
    for (int c = 0; c < 256; ++c) {
        auto const first = static_cast<char>(c);
        if (eio::is_packet_type(first) || first == 'b')
            continue;
        std::string const text{first, 'x'};
        CHECK(eio::decode(text).error() == errc::eio_unknown_type);
        CHECK(eio::decode(message{false, text}).error() == errc::eio_unknown_type);
    }
}
