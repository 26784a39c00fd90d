// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/attachments.hpp>
#include <socoro/sio/encoder.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <string>

namespace json = boost::json;
namespace sio = socoro::sio;
using sio::packet_type;

namespace {

sio::packet make(packet_type type, std::string nsp, json::value data) {
    sio::packet p;
    p.type = type;
    p.nsp = std::move(nsp);
    p.data = std::move(data);
    return p;
}

}  // namespace

TEST_CASE("sio/encoder: writes the examples of the protocol document") {
    sio::packet p;
    p.type = packet_type::connect;
    CHECK(sio::encode(p) == "0");
    p.nsp = "/admin";
    CHECK(sio::encode(p) == "0/admin,");
    p.type = packet_type::disconnect;
    CHECK(sio::encode(p) == "1/admin,");

    CHECK(sio::encode(make(packet_type::connect, "/", {{"sid", "x"}})) == R"(0{"sid":"x"})");
    CHECK(
        sio::encode(make(packet_type::connect, "/admin", {{"token", "123"}})) ==
        R"(0/admin,{"token":"123"})");
    CHECK(
        sio::encode(make(packet_type::connect_error, "/", {{"message", "Not authorized"}})) ==
        R"(4{"message":"Not authorized"})");
    CHECK(sio::encode(make(packet_type::event, "/", json::array{"hello", 1})) == R"(2["hello",1])");

    auto event = make(packet_type::event, "/admin", json::array{"project:delete", 123});
    event.id = 456;
    CHECK(sio::encode(event) == R"(2/admin,456["project:delete",123])");
    auto ack = make(packet_type::ack, "/admin", json::array{});
    ack.id = 456;
    CHECK(sio::encode(ack) == "3/admin,456[]");
}

TEST_CASE("sio/encoder: attachments alone make an event or an ack binary") {
    auto event = make(packet_type::event, "/", json::array{"hello", sio::placeholder(0)});
    event.attachments = {"\x01\x02\x03"};
    CHECK(sio::encode(event) == R"(51-["hello",{"_placeholder":true,"num":0}])");
    event.nsp = "/admin";
    event.id = 13;
    CHECK(sio::encode(event) == R"(51-/admin,13["hello",{"_placeholder":true,"num":0}])");
    event.type = packet_type::binary_ack;
    CHECK(sio::encode(event) == R"(61-/admin,13["hello",{"_placeholder":true,"num":0}])");

    CHECK(sio::encode(make(packet_type::binary_event, "/", json::array{"a"})) == R"(2["a"])");
    CHECK(sio::encode(make(packet_type::binary_ack, "/", json::array{})) == "3[]");
}

TEST_CASE("sio/encoder: no other packet can have attachments") {
    auto p = make(packet_type::connect, "/", {{"a", sio::placeholder(0)}});
    p.attachments = {""};
    CHECK_THROWS_AS(static_cast<void>(sio::encode(p)), std::invalid_argument);
}

TEST_CASE("sio/encoder: a namespace that could not be read back is refused") {
    CHECK(sio::encode(sio::header{packet_type::connect, "", {}, 0}, "") == "0");
    for (auto const* nsp : {"admin", "/a,b", ","})
        CHECK_THROWS_AS(
            static_cast<void>(sio::encode(sio::header{packet_type::connect, nsp, {}, 0}, "")),
            std::invalid_argument);
}

TEST_CASE("sio/encoder: the longest id is written whole") {
    sio::header const h{packet_type::ack, "/", std::numeric_limits<std::uint64_t>::max(), 0};
    CHECK(sio::encode(h, "[]") == "318446744073709551615[]");
}

TEST_CASE("sio/encoder: JSON that is text already is taken as it is") {
    sio::header const h{packet_type::event, "/chat", 7, 2};
    CHECK(sio::encode(h, R"(["a", 1.50])") == R"(52-/chat,7["a", 1.50])");
    std::string out = "4";
    sio::append_header(out, h);
    CHECK(out == "452-/chat,7");
}

TEST_CASE("sio/encoder: null as data is no data, as in the reference") {
    CHECK(sio::encode(make(packet_type::connect, "/", nullptr)) == "0");
}
