// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/parser.hpp>

#include "support/marked_parser.hpp"

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

namespace json = boost::json;
namespace sio = socoro::sio;
using sio::packet_type;
using socoro::errc;
using socoro::message;

namespace {

using fed = socoro::result<std::optional<sio::packet>>;

/// Gives what the test says, whatever it is fed.
class scripted final : public sio::packet_decoder {
public:
    scripted(std::function<fed()> next, socoro::limits const& bounds = {})
        : packet_decoder(bounds)
        , next_(std::move(next)) {}

private:
    [[nodiscard]] fed read(message&&) override { return next_(); }

    std::function<fed()> next_;
};

fed give(sio::packet packet, socoro::limits const& bounds = {}) {
    scripted decoder([&]() -> fed { return std::optional(packet); }, bounds);
    return decoder.feed({});
}

sio::packet event(json::array data, std::vector<std::string> attachments = {}) {
    sio::packet packet;
    packet.data = std::move(data);
    packet.attachments = std::move(attachments);
    return packet;
}

}  // namespace

TEST_CASE("sio/parser: whatever a program's decoder gives keeps the rules of packets") {
    auto const good = event({"name", sio::placeholder(0)}, {"bytes"});
    auto const given = give(good);
    REQUIRE(given.has_value());
    CHECK(**given == good);

    CHECK(give(event({})).error() == errc::sio_invalid_payload);
    CHECK(give(event({"connect"})).error() == errc::sio_invalid_payload);
    CHECK(give(event({"name"}, {"bytes"})).has_value());
    CHECK(
        give(event({"name", sio::placeholder(1)}, {"bytes"})).error() ==
        errc::sio_illegal_attachments);
    auto elsewhere = good;
    elsewhere.nsp = "elsewhere";
    CHECK(give(elsewhere).error() == errc::sio_illegal_header);
    socoro::limits bounds;
    bounds.sio_attachment_bytes = 4;
    CHECK(give(good, bounds).error() == errc::sio_attachments_too_large);
}

TEST_CASE("sio/parser: what a program's decoder throws is an error of the peer") {
    scripted decoder([]() -> fed { throw std::out_of_range("at"); });
    CHECK(decoder.feed({}).error() == errc::sio_malformed);
}

TEST_CASE("sio/parser: errors and incomplete packets are passed on") {
    scripted failing([]() -> fed { return errc::sio_too_deep; });
    CHECK(failing.feed({}).error() == errc::sio_too_deep);
    scripted waiting([]() -> fed { return std::optional<sio::packet>(); });
    auto const nothing = waiting.feed({});
    REQUIRE(nothing.has_value());
    CHECK_FALSE(nothing->has_value());
    CHECK_FALSE(waiting.incomplete());
}

TEST_CASE("sio/parser: without a parser packets are JSON") {
    sio::chosen_decoder decoder(nullptr, {});
    auto const read = decoder.feed({false, R"(2/admin,7["name"])"});
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    CHECK((*read)->nsp == "/admin");
    CHECK((*read)->id == 7);
    CHECK(decoder.feed({false, R"(51-["name",{"_placeholder":true,"num":0}])"}).has_value());
    CHECK(decoder.incomplete());
}

TEST_CASE("sio/parser: with a parser only its own messages are packets") {
    test::marked_parser const parser;
    auto const messages = parser.encode(
        {packet_type::ack, "/admin", 7, 1},
        R"([{"_placeholder":true,"num":0}])",
        {"bytes"});
    REQUIRE(messages.size() == 2);

    sio::chosen_decoder decoder(&parser, {});
    auto read = decoder.feed(message(messages[0]));
    REQUIRE(read.has_value());
    CHECK_FALSE(read->has_value());
    CHECK(decoder.incomplete());
    read = decoder.feed(message(messages[1]));
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    CHECK((*read)->type == packet_type::ack);
    CHECK((*read)->nsp == "/admin");
    CHECK((*read)->id == 7);
    CHECK((*read)->attachments == std::vector<std::string>{"bytes"});
    CHECK_FALSE(decoder.incomplete());
    CHECK(decoder.feed({false, R"(2["name"])"}).error() == errc::sio_malformed);
}
