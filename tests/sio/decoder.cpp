// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/decoder.hpp>
#include <socoro/sio/encoder.hpp>

#include <doctest/doctest.h>

#include <random>
#include <string>
#include <vector>

namespace json = boost::json;
namespace sio = socoro::sio;
using sio::packet_type;
using socoro::errc;
using socoro::limits;

namespace {

using fed = socoro::result<std::optional<sio::packet>>;

fed text(sio::decoder& decoder, std::string content) {
    return decoder.feed({false, std::move(content)});
}

fed bytes(sio::decoder& decoder, std::string content) {
    return decoder.feed({true, std::move(content)});
}

/// The packet that one text message is.
sio::packet decoded(std::string const& content) {
    CAPTURE(content);
    sio::decoder decoder(limits{});
    auto const p = text(decoder, content);
    REQUIRE(p.has_value());
    REQUIRE(p->has_value());
    return **p;
}

std::error_code error_of(std::string const& content, limits const& bounds = {}) {
    CAPTURE(content);
    sio::decoder decoder(bounds);
    auto const p = text(decoder, content);
    return p ? std::error_code() : p.error();
}

std::string const one = R"({"_placeholder":true,"num":0})";
std::string const two = R"({"_placeholder":true,"num":1})";

}  // namespace

TEST_CASE("sio/decoder: reads the examples of the protocol document") {
    auto p = decoded("0");
    CHECK(p.type == packet_type::connect);
    CHECK(p.nsp == "/");
    CHECK_FALSE(p.data.has_value());

    p = decoded(R"(0/admin,{"sid":"oSO0OpakMV_3jnilAAAA"})");
    CHECK(p.nsp == "/admin");
    CHECK(*p.data == json::value{{"sid", "oSO0OpakMV_3jnilAAAA"}});

    p = decoded("1/admin,");
    CHECK(p.type == packet_type::disconnect);
    CHECK(p.nsp == "/admin");

    p = decoded(R"(2/admin,456["project:delete",123])");
    CHECK(p.type == packet_type::event);
    CHECK(p.id == 456);
    CHECK(*p.data == json::value{"project:delete", 123});

    p = decoded("3/admin,456[]");
    CHECK(p.type == packet_type::ack);
    CHECK(*p.data == json::array{});

    p = decoded(R"(4{"message":"Not authorized"})");
    CHECK(p.type == packet_type::connect_error);
}

TEST_CASE("sio/decoder: a binary event is complete with its last attachment") {
    sio::decoder decoder(limits{});
    CHECK_FALSE(text(decoder, "52-/admin,13[\"a\"," + two + "," + one + "]").value().has_value());
    CHECK(decoder.incomplete());
    CHECK_FALSE(bytes(decoder, "first").value().has_value());
    auto const p = bytes(decoder, "").value();
    REQUIRE(p.has_value());
    CHECK(p->type == packet_type::event);
    CHECK(p->nsp == "/admin");
    CHECK(p->id == 13);
    CHECK(p->attachments == std::vector<std::string>{"first", ""});
    CHECK_FALSE(decoder.incomplete());
    CHECK(text(decoder, R"(2["next"])").value().has_value());
}

TEST_CASE("sio/decoder: a binary ack becomes an ack with attachments") {
    sio::decoder decoder(limits{});
    CHECK_FALSE(text(decoder, "61-7[" + one + "]").value().has_value());
    auto const p = bytes(decoder, "x").value();
    REQUIRE(p.has_value());
    CHECK(p->type == packet_type::ack);
    CHECK(p->attachments.size() == 1);
}

TEST_CASE("sio/decoder: whatever is encoded is decoded again, attachments in order") {
    std::mt19937 random(5);
    sio::decoder decoder(limits{});
    for (int round = 0; round < 300; ++round) {
        sio::packet p;
        p.type = random() % 2 ? packet_type::event : packet_type::ack;
        p.nsp = random() % 2 ? "/" : "/a?b=c";
        if (random() % 2)
            p.id = random();
        json::array items{"name", nullptr, 1.5, -3};
        for (auto n = random() % 4; n > 0; --n) {
            items.emplace_back(sio::placeholder(p.attachments.size()));
            p.attachments.emplace_back(random() % 50, static_cast<char>(random()));
        }
        p.data = items;
        auto complete = text(decoder, sio::encode(p)).value();
        for (auto const& attachment : p.attachments) {
            CHECK_FALSE(complete.has_value());
            complete = bytes(decoder, attachment).value();
        }
        CHECK(complete == p);
    }
}

TEST_CASE("sio/decoder: a type other than 0 to 6 is unknown") {
    for (std::string const bad : {"", "7", "9[]", "a", " ", "-1", "\xff", "b", "[\"a\"]"})
        CHECK(error_of(bad) == errc::sio_unknown_type);
}

TEST_CASE("sio/decoder: the namespace is taken literally up to the first comma") {
    CHECK(decoded("0/ns?a=b,{}").nsp == "/ns?a=b");
    CHECK(decoded("0/a").nsp == "/a");
    CHECK(decoded("0/").nsp == "/");
    CHECK(decoded("0/,").nsp == "/");
    CHECK(decoded("0//a/../b c,").nsp == "//a/../b c");
    CHECK(decoded("2/a[\"x\"]").nsp == "/a[\"x\"]");
    CHECK(decoded("2/a,[\"x\",\"/b,\"]").nsp == "/a");
    CHECK(error_of("0/\xff,") == errc::sio_illegal_header);
}

TEST_CASE("sio/decoder: ids are exact up to 19 digits and refused beyond") {
    CHECK(decoded("20[\"a\"]").id == 0);
    CHECK(decoded("2007[\"a\"]").id == 7);
    CHECK(decoded("39999999999999999999[]").id == 9'999'999'999'999'999'999U);
    CHECK(error_of("310000000000000000000[]") == errc::sio_illegal_header);
    CHECK(error_of("3" + std::string(1'000'000, '1') + "[]") == errc::sio_illegal_header);
}

TEST_CASE("sio/decoder: an id is digits alone") {
    CHECK_FALSE(decoded("2 [\"a\"]").id.has_value());
    for (std::string const bad :
         {"2-1[\"a\"]", "2+1[\"a\"]", "21.5[\"a\"]", "21e3[\"a\"]", "20x1[\"a\"]"})
        CHECK(error_of(bad) == errc::sio_invalid_payload);
}

TEST_CASE("sio/decoder: data may be missing from every packet, as in the reference") {
    for (std::string const digit : {"0", "1", "2", "3", "4"}) {
        CHECK_FALSE(decoded(digit).data.has_value());
        CHECK(decoded(digit + "/a,12").id == 12);
    }
    sio::decoder decoder(limits{});
    CHECK_FALSE(text(decoder, "51-").value().has_value());
    CHECK_FALSE(bytes(decoder, "x").value()->data.has_value());
}

TEST_CASE("sio/decoder: the auth of a connect is an object") {
    CHECK(decoded(R"(0{"token":1})").data->is_object());
    for (std::string const bad : {"0[]", "0null", "0\"a\"", "01.5", "0true", "0{", "0/a,[]"})
        CHECK(error_of(bad) == errc::sio_invalid_payload);
}

TEST_CASE("sio/decoder: a disconnect carries nothing") {
    for (std::string const bad : {"1{}", "1null", "1/a,[]", "1 "})
        CHECK(error_of(bad) == errc::sio_invalid_payload);
}

// CVE-2023-32695: an object in place of the event's name ended the process.
TEST_CASE("sio/decoder: an event is a list that starts with a name or a number") {
    CHECK(decoded(R"(2["",1])").data->is_array());
    CHECK(decoded("2[5]").data->is_array());
    CHECK(decoded("2[1.5]").data->is_array());
    for (std::string const bad :
         {"2[]",
          "2null",
          "2{}",
          "2\"a\"",
          "2[null]",
          "2[true]",
          "2[[\"a\"]]",
          "2[{\"toString\":\"a\"}]",
          "2[\"a\"",
          "2[\"a\"]x"})
        CHECK(error_of(bad) == errc::sio_invalid_payload);
    CHECK(error_of("51-[" + one + "]") == errc::sio_invalid_payload);
}

TEST_CASE("sio/decoder: an event with a reserved name is refused, and error is no such name") {
    for (std::string const name :
         {"connect",
          "connect_error",
          "disconnect",
          "disconnecting",
          "newListener",
          "removeListener"}) {
        CHECK(error_of("2[\"" + name + "\"]") == errc::sio_invalid_payload);
        CHECK(error_of("51-[\"" + name + "\"," + one + "]") == errc::sio_invalid_payload);
    }
    CHECK(error_of(R"(2["connec\u0074"])") == errc::sio_invalid_payload);
    CHECK(decoded(R"(2["error"])").data->is_array());
}

TEST_CASE("sio/decoder: an ack is a list") {
    CHECK(decoded("31[null]").data->is_array());
    for (std::string const bad : {"31{}", "31null", "31\"a\"", "61-1{}"})
        CHECK(error_of(bad) == errc::sio_invalid_payload);
}

TEST_CASE("sio/decoder: a connect error is a string or an object") {
    CHECK(decoded("4\"no\"").data->is_string());
    for (std::string const bad : {"4[]", "4null", "4true"})
        CHECK(error_of(bad) == errc::sio_invalid_payload);
}

// CVE-2026-69185: none announced left the decoder waiting, and attachments piled up.
TEST_CASE("sio/decoder: a binary packet announces at least one attachment, in digits") {
    for (std::string const bad :
         {"5",
          "5-[\"a\"]",
          "50-[\"a\"]",
          "500-[\"a\"]",
          "5[\"a\"]",
          "51[\"a\"]",
          "51",
          "5a-[\"a\"]",
          "5-1-[\"a\"]",
          "5+1-[\"a\"]",
          "51.0-[\"a\"]",
          "50x1-[\"a\"]",
          "5 1-[\"a\"]",
          "60-[]"})
        CHECK(error_of(bad) == errc::sio_illegal_header);
    CHECK(error_of("501-[\"a\"]") == std::error_code());
}

// CVE-2026-33151: the count was not limited.
TEST_CASE("sio/decoder: at most ten attachments, unless the option says otherwise") {
    CHECK(error_of("510-[\"a\"]") == std::error_code());
    CHECK(error_of("511-[\"a\"]") == errc::sio_too_many_attachments);
    CHECK(error_of("599999999999999999999999-[\"a\"]") == errc::sio_too_many_attachments);
    CHECK(error_of("5" + std::string(1'000'000, '9') + "-[]") == errc::sio_too_many_attachments);
    limits bounds;
    bounds.sio_attachments = 11;
    CHECK(error_of("511-[\"a\"]", bounds) == std::error_code());
}

TEST_CASE("sio/decoder: the attachments of one packet are limited together") {
    limits bounds;
    bounds.sio_attachment_bytes = 10;
    sio::decoder decoder(bounds);
    for (int round = 0; round < 3; ++round) {
        CHECK(text(decoder, "52-[\"a\"]").has_value());
        CHECK(bytes(decoder, "12345").has_value());
        CHECK(bytes(decoder, "67890").value().has_value());
    }
    CHECK(text(decoder, "53-[\"a\"]").has_value());
    CHECK(bytes(decoder, "123456").has_value());
    CHECK(bytes(decoder, "78901").error() == errc::sio_attachments_too_large);
}

TEST_CASE("sio/decoder: text while attachments are awaited is refused") {
    sio::decoder decoder(limits{});
    CHECK(text(decoder, "51-[\"a\"," + one + "]").has_value());
    CHECK(text(decoder, "2[\"b\"]").error() == errc::sio_unexpected_text);
}

TEST_CASE("sio/decoder: an attachment nobody announced is refused") {
    sio::decoder decoder(limits{});
    CHECK(bytes(decoder, "x").error() == errc::sio_unexpected_binary);
    sio::decoder after_event(limits{});
    CHECK(text(after_event, "51-[\"a\"]").has_value());
    CHECK(bytes(after_event, "x").value().has_value());
    CHECK(bytes(after_event, "y").error() == errc::sio_unexpected_binary);
}

// CVE-2022-2421
TEST_CASE("sio/decoder: a placeholder that names no attachment is refused") {
    for (std::string const number : {"1", "-1", "0.5", "\"0\"", "\"length\"", "null", "{}"})
        CHECK(
            error_of("51-[\"a\",[{\"b\":{\"_placeholder\":true,\"num\":" + number + "}}]]") ==
            errc::sio_illegal_attachments);
    CHECK(error_of("61-[{\"_placeholder\":true}]") == errc::sio_illegal_attachments);
}

TEST_CASE("sio/decoder: an attachment without a placeholder is taken, as in the reference") {
    CHECK(error_of("52-[\"a\"," + one + "]") == std::error_code());
}

TEST_CASE("sio/decoder: in an event without attachments a placeholder is an object like any") {
    auto const p = decoded(R"(2["a",{"_placeholder":true,"num":99}])");
    CHECK(p.attachments.empty());
    CHECK(sio::find_attachment(p.data->as_array()[1], p.attachments) == nullptr);
}

// The reference's process dies of this packet as soon as it is sent back.
TEST_CASE("sio/decoder: 100 000 nested arrays are refused") {
    std::string const deep = std::string(100'000, '[') + std::string(100'000, ']');
    CHECK(error_of("2[\"a\"," + deep + "]") == errc::sio_too_deep);
    CHECK(error_of("51-[\"a\"," + deep + "]") == errc::sio_too_deep);
    CHECK(error_of("2" + std::string(1'000'000, '[')) == errc::sio_too_deep);
    CHECK(
        error_of("2" + std::string(127, '[') + std::string(127, ']')) == errc::sio_invalid_payload);
}

// CVE-2020-36049: a large packet was parsed in quadratic time and memory.
TEST_CASE("sio/decoder: a large packet of any shape costs one pass") {
    std::string const megabyte(1'000'000, '1');
    CHECK(error_of("2[\"" + megabyte + "\"]") == std::error_code());
    CHECK(error_of("0/" + megabyte) == std::error_code());
    CHECK(error_of("2[" + megabyte) == errc::sio_invalid_payload);
    std::string objects = "51-[\"a\"";
    while (objects.size() < 200'000)
        objects += ",{\"a\":{}}";
    CHECK(error_of(objects + "]") == std::error_code());
    std::string keys = "2[\"a\",{";
    for (int i = 0; i < 20'000; ++i)
        keys += "\"" + std::to_string(i) + "\":0,";
    CHECK(error_of(keys + "\"last\":0}]") == std::error_code());
}

TEST_CASE("sio/decoder: names in a packet's data have no meaning of their own") {
    auto const p = decoded(R"(2["__proto__",{"__proto__":{"a":1},"constructor":null}])");
    CHECK(p.data->as_array()[1].as_object().size() == 2);
}
