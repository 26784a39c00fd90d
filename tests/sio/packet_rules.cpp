// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/packet_rules.hpp>

#include <doctest/doctest.h>

#include <string>

namespace json = boost::json;
namespace sio = socoro::sio;
using sio::packet_type;
using socoro::errc;

namespace {

sio::packet packet_of(packet_type type, std::optional<json::value> data = std::nullopt) {
    sio::packet packet;
    packet.type = type;
    packet.data = std::move(data);
    return packet;
}

sio::packet with_attachments(packet_type type, json::value data, std::size_t count) {
    auto packet = packet_of(type, std::move(data));
    packet.attachments.assign(count, "bytes");
    return packet;
}

std::error_code wrong_with(sio::packet const& packet, socoro::limits const& bounds = {}) {
    return sio::check(packet, bounds);
}

}  // namespace

TEST_CASE("sio/packet_rules: data fit the type of their packet") {
    CHECK_FALSE(wrong_with(packet_of(packet_type::connect)));
    CHECK_FALSE(wrong_with(packet_of(packet_type::connect, json::object())));
    CHECK(wrong_with(packet_of(packet_type::connect, nullptr)) == errc::sio_invalid_payload);
    CHECK(wrong_with(packet_of(packet_type::connect, "text")) == errc::sio_invalid_payload);
    CHECK_FALSE(wrong_with(packet_of(packet_type::disconnect)));
    CHECK(wrong_with(packet_of(packet_type::disconnect, nullptr)) == errc::sio_invalid_payload);
    CHECK_FALSE(wrong_with(packet_of(packet_type::connect_error, "text")));
    CHECK_FALSE(wrong_with(packet_of(packet_type::connect_error, json::object())));
    CHECK(wrong_with(packet_of(packet_type::connect_error, 1)) == errc::sio_invalid_payload);
    CHECK_FALSE(wrong_with(packet_of(packet_type::ack, json::array())));
    CHECK(wrong_with(packet_of(packet_type::ack, "text")) == errc::sio_invalid_payload);
}

TEST_CASE("sio/packet_rules: an event begins with a name that is not reserved, or a number") {
    CHECK_FALSE(wrong_with(packet_of(packet_type::event, json::array{"name"})));
    CHECK_FALSE(wrong_with(packet_of(packet_type::event, json::array{7})));
    for (auto const& data :
         {json::value(json::array()),
          json::value("name"),
          json::value(json::array{nullptr}),
          json::value(json::array{json::object()}),
          json::value(json::array{"disconnect"})}) {
        CAPTURE(data);
        CHECK(wrong_with(packet_of(packet_type::event, data)) == errc::sio_invalid_payload);
    }
}

TEST_CASE("sio/packet_rules: there are five types, the binary ones being those of JSON's text") {
    for (int const type : {5, 6, 7, 255}) {
        CAPTURE(type);
        auto const packet = packet_of(static_cast<packet_type>(type), json::array{"name"});
        CHECK(wrong_with(packet) == errc::sio_unknown_type);
    }
}

TEST_CASE("sio/packet_rules: the name of a namespace is one that JSON's packets can carry") {
    auto packet = packet_of(packet_type::connect);
    packet.nsp = "/ü";
    CHECK_FALSE(wrong_with(packet));
    for (auto const* const name : {"", "admin", "/a,b", "/\xff"}) {
        CAPTURE(name);
        packet.nsp = name;
        CHECK(wrong_with(packet) == errc::sio_illegal_header);
    }
}

TEST_CASE(
    "sio/packet_rules: each attachment stands in the data at most once, in events and acks alone") {
    auto const first = sio::placeholder(0), second = sio::placeholder(1);
    json::array const both{"name", second, json::array{first}};
    CHECK_FALSE(wrong_with(with_attachments(packet_type::event, both, 2)));
    CHECK_FALSE(wrong_with(with_attachments(packet_type::ack, both, 2)));
    CHECK(
        wrong_with(with_attachments(packet_type::event, both, 1)) == errc::sio_illegal_attachments);
    json::array const twice{"name", first, first};
    CHECK(
        wrong_with(with_attachments(packet_type::event, twice, 1)) ==
        errc::sio_illegal_attachments);
    CHECK(
        wrong_with(with_attachments(packet_type::connect, json::object{{"a", first}}, 1)) ==
        errc::sio_illegal_attachments);
    auto none = packet_of(packet_type::event);
    none.attachments.emplace_back("bytes");
    CHECK(wrong_with(none) == errc::sio_illegal_attachments);
}

TEST_CASE(
    "sio/packet_rules: what looks like a placeholder is data where there are no attachments") {
    json::array const forged{"name", sio::placeholder(0), sio::placeholder(7)};
    CHECK_FALSE(wrong_with(packet_of(packet_type::event, forged)));
}

TEST_CASE("sio/packet_rules: attachments have a limit in number and in bytes") {
    json::array const both{"name", sio::placeholder(0), sio::placeholder(1)};
    auto const packet = with_attachments(packet_type::event, both, 2);
    socoro::limits bounds;
    bounds.sio_attachments = 2;
    bounds.sio_attachment_bytes = 10;
    CHECK_FALSE(wrong_with(packet, bounds));
    bounds.sio_attachment_bytes = 9;
    CHECK(wrong_with(packet, bounds) == errc::sio_attachments_too_large);
    bounds.sio_attachments = 1;
    CHECK(wrong_with(packet, bounds) == errc::sio_too_many_attachments);
}
