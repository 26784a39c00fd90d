// SPDX-License-Identifier: BSL-1.0
#include <socoro/eio/payload.hpp>

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace eio = socoro::eio;
using eio::packet;
using eio::packet_type;
using socoro::errc;
using socoro::limits;

namespace {

std::error_code error_of(std::string_view payload) {
    return eio::decode(payload, limits{}).error();
}

}  // namespace

TEST_CASE("eio/payload: packets are joined by the record separator") {
    std::array const packets{
        packet::from({false, "hello"}),
        packet::of(packet_type::ping),
        packet::from({true, "\x01\x02\x03\x04"})};
    CHECK(eio::encode(packets) == "4hello\x1e\x32\x1e\x62\x41QIDBA==");
    CHECK(eio::encode(std::vector<packet>{packet::of(packet_type::noop)}) == "6");
    CHECK(eio::encode(std::vector<packet>{}).empty());
}

TEST_CASE("eio/payload: shared packets are joined like packets") {
    std::vector<std::shared_ptr<packet const>> packets;
    packets.push_back(std::make_shared<packet const>(packet::of(packet_type::noop)));
    packets.push_back(std::make_shared<packet const>(packet::of(packet_type::close)));
    CHECK(
        eio::encode(packets) ==
        "6\x1e"
        "1");
}

TEST_CASE("eio/payload: one packet needs no separator") {
    auto const packets = eio::decode("4hello", limits{}).value();
    CHECK(packets == std::vector{packet::from({false, "hello"})});
}

TEST_CASE("eio/payload: any packets come back in order") {
    std::mt19937 random(20);
    for (int round = 0; round < 200; ++round) {
        std::vector<packet> packets;
        for (auto n = random() % 20 + 1; n > 0; --n) {
            std::string const data(random() % 40, static_cast<char>('a' + random() % 26));
            packets.push_back(
                random() % 3 == 0 ? packet::from({true, data + '\x1e'})
                                  : packet::of(static_cast<packet_type>('0' + random() % 7), data));
        }
        CHECK(eio::decode(eio::encode(packets), limits{}).value() == packets);
    }
}

TEST_CASE("eio/payload: an empty payload is refused") {
    CHECK(error_of("") == errc::eio_empty_packet);
}

TEST_CASE("eio/payload: an empty member is refused wherever it stands") {
    CHECK(error_of("\x1e") == errc::eio_empty_packet);
    CHECK(
        error_of("\x1e"
                 "4a") == errc::eio_empty_packet);
    CHECK(error_of("4a\x1e") == errc::eio_empty_packet);
    CHECK(
        error_of("4a\x1e\x1e"
                 "4b") == errc::eio_empty_packet);
}

TEST_CASE("eio/payload: one unknown packet spoils the payload") {
    CHECK(
        error_of("4a\x1e"
                 "7\x1e"
                 "4b") == errc::eio_unknown_type);
    CHECK(error_of("abc") == errc::eio_unknown_type);
}

TEST_CASE("eio/payload: the packets before a broken one can be had from the reader") {
    eio::payload_reader reader(
        "4a\x1e"
        "2\x1e"
        "x",
        limits{});
    CHECK(reader.next().value() == packet::from({false, "a"}));
    CHECK(reader.next().value() == packet::of(packet_type::ping));
    CHECK(reader.next().error() == errc::eio_unknown_type);
}

TEST_CASE("eio/payload: the reader says nothing more after the last packet") {
    eio::payload_reader reader("4a", limits{});
    CHECK(reader.next().value().has_value());
    CHECK_FALSE(reader.next().value().has_value());
    CHECK_FALSE(reader.next().value().has_value());
}

TEST_CASE("eio/payload: the number of packets is limited") {
    limits bounds;
    bounds.eio_packets = 3;
    CHECK(
        eio::decode(
            "6\x1e"
            "6\x1e"
            "6",
            bounds)
            .value()
            .size() == 3);
    auto const error = eio::decode(
                           "6\x1e"
                           "6\x1e"
                           "6\x1e"
                           "6",
                           bounds)
                           .error();
    CHECK(error == errc::eio_too_many_packets);
    CHECK(error == socoro::condition::limit);
}

TEST_CASE("eio/payload: a body of separators alone costs one look") {
    CHECK(error_of(std::string(1'000'000, eio::separator)) == errc::eio_empty_packet);
}
