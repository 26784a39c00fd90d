// SPDX-License-Identifier: BSL-1.0
// The bytes are those that socket.io-msgpack-parser 3.0.2 wrote; what nobody writes is made up.
#include <socoro/msgpack/reader.hpp>

#include "msgpack/messages.hpp"

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <vector>

namespace json = boost::json;
namespace sio = socoro::sio;
using sio::packet_type;
using socoro::errc;
using test::event_hex;

namespace {

using fed = socoro::result<std::optional<sio::packet>>;

fed feed(std::string_view hex, socoro::limits const& bounds = {}) {
    return socoro::detail::msgpack_decoder(bounds).feed({true, test::from_hex(hex)});
}

sio::packet packet_of(std::string_view hex) {
    CAPTURE(hex);
    auto const read = feed(hex);
    REQUIRE(read.has_value());
    REQUIRE(read->has_value());
    return **read;
}

std::error_code error_of(std::string_view hex, socoro::limits const& bounds = {}) {
    CAPTURE(hex);
    auto const read = feed(hex, bounds);
    return read ? std::error_code() : read.error();
}

/// The text of the data of an event whose first item is the name "a".
std::string event(std::string_view arguments, char count = '2') {
    auto const packet =
        packet_of(event_hex(std::string("9") + count + "a161" + std::string(arguments)));
    std::string text;
    sio::append_json(text, *packet.data);
    return text;
}

std::error_code event_error(std::string_view argument, socoro::limits const& bounds = {}) {
    return error_of(event_hex("92 a161" + std::string(argument)), bounds);
}

std::string const placeholder = R"({"_placeholder":true,"num":0})";

}  // namespace

TEST_CASE("msgpack/reader: packets of each type, with what the reference's client adds") {
    auto packet = packet_of("82a47479706500a36e7370a62f61646d696e");
    CHECK(packet.type == packet_type::connect);
    CHECK(packet.nsp == "/admin");
    CHECK_FALSE(packet.data);
    CHECK_FALSE(packet.id);

    packet = packet_of("83a47479706500a46461746181a5746f6b656ea161a36e7370a12f");
    CHECK(*packet.data == json::value{{"token", "a"}});
    packet = packet_of("82a47479706501a36e7370a12f");
    CHECK(packet.type == packet_type::disconnect);
    packet = packet_of(
        "83a47479706504a46461746182a76d657373616765a26e6fa46461746181a4636f646507a36e7370a12f");
    CHECK(packet.type == packet_type::connect_error);
    CHECK(*packet.data == json::value{{"message", "no"}, {"data", {{"code", 7}}}});

    // With `options`, which only the sender needed.
    packet = packet_of(
        "84a47479706502a46461746191a161a76f7074696f6e7381a8636f6d7072657373c3a36e7370a12f");
    CHECK(packet.type == packet_type::event);
    CHECK(*packet.data == json::value{"a"});
    packet = packet_of("84a47479706502a46461746191a161a26964cd012ca36e7370a62f61646d696e");
    CHECK(packet.id == 300);
    packet = packet_of("84a2696407a47479706503a46461746190a36e7370a12f");
    CHECK(packet.type == packet_type::ack);
    CHECK(packet.id == 7);
    CHECK(*packet.data == json::array());
}

TEST_CASE("msgpack/reader: undefined is no member, and null among the items of an array") {
    CHECK_FALSE(packet_of("83a47479706500a464617461d40000a36e7370a12f").data);
    auto const connected =
        packet_of("83a47479706500a46461746182a3736964a178a3706964d40000a36e7370a12f");
    CHECK(*connected.data == json::value{{"sid", "x"}});
    CHECK(event("d40000 82a162d40000a16301", '3') == R"(["a",null,{"c":1}])");
    CHECK_FALSE(packet_of("84a474797065 02 a464617461 91a161 a26964 d40000 a36e7370a12f").id);
}

TEST_CASE("msgpack/reader: a Date is the text that JSON has for it, or null") {
    CHECK(
        event("d7000000018bcfe5687b d700ffffffffffffffff d700001eb208c2dc0000", '4') ==
        R"(["a","2023-11-14T22:13:20.123Z","1969-12-31T23:59:59.999Z","+275760-09-13T00:00:00.000Z"])");
    CHECK(
        event("d700001eb208c2dc0001 d7007fffffffffffffff d7008000000000000000", '4') ==
        R"(["a",null,null,null])");
}

TEST_CASE(
    "msgpack/reader: binary data, whether Buffer, ArrayBuffer or typed array, are attachments") {
    auto packet = packet_of(event_hex("93 a161 c4020102 81 a162 c400"));
    CHECK(packet.attachments == std::vector<std::string>{"\1\2", ""});
    CHECK(
        *packet.data == json::value{
                            "a",
                            {{"_placeholder", true}, {"num", 0}},
                            {{"b", {{"_placeholder", true}, {"num", 1}}}}});
    packet = packet_of(event_hex(
        "95a161c7010001c708000000000000000000c702000102c7100000000000000000000000000000000000"));
    CHECK(
        packet.attachments ==
        std::vector<std::string>{"\1", std::string(8, '\0'), "\1\2", std::string(16, '\0')});
    CHECK(packet_of(event_hex("92a161 c70000")).attachments == std::vector<std::string>{""});
    CHECK(
        packet_of(event_hex("92a161 c8000100ff")).attachments == std::vector<std::string>{"\xff"});
    CHECK(
        packet_of(event_hex("92a161 c90000000100ff")).attachments ==
        std::vector<std::string>{"\xff"});
    CHECK(packet_of(event_hex("92a161 c50001ff")).attachments == std::vector<std::string>{"\xff"});
    CHECK(
        packet_of(event_hex("92a161 c600000001ff")).attachments ==
        std::vector<std::string>{"\xff"});
}

TEST_CASE(
    "msgpack/reader: other extensions are their type and their content, as for the reference") {
    for (auto const& [hex, type, content] : std::vector<std::tuple<std::string, int, std::string>>{
             {"d405aa", 5, "\xaa"},
             {"d5000102", 0, "\1\2"},
             {"d6ff01020304", -1, "\1\2\3\4"},
             {"d7010102030405060708", 1, "\1\2\3\4\5\6\7\10"},
             {"d8ff01010101010101010101010101010101", -1, std::string(16, '\1')},
             {"c70205aabb", 5, "\xaa\xbb"}}) {
        auto const packet = packet_of(event_hex("92a161" + hex));
        CHECK(packet.attachments == std::vector<std::string>{content});
        CHECK(packet.data->at(1) == json::value{type, {{"_placeholder", true}, {"num", 0}}});
    }
}

TEST_CASE("msgpack/reader: numbers of every form are what they are") {
    CHECK(
        event("7f e0 ccff cdffff ceffffffff cfffffffffffffffff d080 d18000", '9') ==
        R"(["a",127,-32,255,65535,4294967295,18446744073709551615,-128,-32768])");
    CHECK(
        event("d280000000 d38000000000000000 ca3fc00000 cb3fb999999999999a d005", '6') ==
        R"(["a",-2147483648,-9223372036854775808,1.5,0.1,5])");
    CHECK(event("c0 c2 c3", '4') == R"(["a",null,false,true])");
}

TEST_CASE("msgpack/reader: what JSON has no number for is null") {
    CHECK(
        event("cb7ff8000000000000 cb7ff0000000000000 cbfff0000000000000 ca7f800000", '5') ==
        R"(["a",null,null,null,null])");
}

TEST_CASE("msgpack/reader: the last of members with one name counts, where the first stood") {
    CHECK(event("83 a16101 a16202 a16103") == R"(["a",{"a":3,"b":2}])");
    CHECK(
        packet_of("84a47479706501a47479706502a46461746191a161a36e7370a12f").type ==
        packet_type::event);
    CHECK(event("82 a16101 a161d40000") == R"(["a",{"a":1}])");
}

TEST_CASE("msgpack/reader: a key is a text, or a whole number and then its text") {
    CHECK(
        event("84 01a161 ff02 cd012c03 cfffffffffffffffff04") ==
        R"(["a",{"1":"a","-1":2,"300":3,"18446744073709551615":4}])");
    // The reference takes the text that JavaScript has for anything.
    for (auto const* const key :
         {"c0",
          "c2",
          "cb3ff8000000000000",
          "d40000",
          "80",
          "90",
          "9101",
          "c400",
          "d700000000000000",
          "c70000"})
        CHECK(event_error(std::string("81") + key + "01") == errc::sio_malformed);
}

TEST_CASE("msgpack/reader: text is UTF-8") {
    CHECK(event("d90ac3bce282acf09f988061") == "[\"a\",\"ü€😀a\"]");
    for (auto const* const text : {"a1ff", "a2c328", "a3eda080", "a2c080", "a1c3", "81 a1ff 01"})
        CHECK(event_error(text) == errc::sio_invalid_payload);
}

TEST_CASE("msgpack/reader: a packet is a map with a type, a namespace and what belongs to them") {
    CHECK(error_of("00") == errc::sio_malformed);
    CHECK(error_of("90") == errc::sio_malformed);
    CHECK(error_of("c0") == errc::sio_malformed);
    CHECK(error_of("d40000") == errc::sio_malformed);
    CHECK(error_of("c400") == errc::sio_malformed);
    CHECK(error_of("80") == errc::sio_unknown_type);
    CHECK(error_of("82a47479706505a36e7370a12f") == errc::sio_unknown_type);
    CHECK(error_of("82a474797065ffa36e7370a12f") == errc::sio_unknown_type);
    CHECK(error_of("82a474797065a130a36e7370a12f") == errc::sio_unknown_type);
    CHECK(error_of("82a474797065cb3fe0000000000000a36e7370a12f") == errc::sio_unknown_type);
    CHECK_FALSE(error_of("82a474797065cb3ff0000000000000a36e7370a12f"));
    CHECK(error_of("81a47479706501") == errc::sio_illegal_header);
    CHECK(error_of("82a47479706501a36e737001") == errc::sio_illegal_header);
    CHECK(error_of("82a47479706501a36e7370a161") == errc::sio_illegal_header);
    CHECK(error_of("82a47479706501a36e7370a42f612c62") == errc::sio_illegal_header);
    for (auto const* const id : {"c0", "a131", "ff", "cb3ff8000000000000", "cb47efffffe0000000"})
        CHECK(
            error_of(std::string("84a47479706502a46461746191a161a26964") + id + "a36e7370a12f") ==
            errc::sio_illegal_header);
    CHECK_FALSE(error_of("84a47479706502a46461746191a161a26964cb4000000000000000a36e7370a12f"));
}

TEST_CASE("msgpack/reader: data fit the type, as in JSON") {
    CHECK(error_of("83a47479706500a464617461c0a36e7370a12f") == errc::sio_invalid_payload);
    CHECK(error_of("83a47479706501a46461746190a36e7370a12f") == errc::sio_invalid_payload);
    CHECK(error_of("82a47479706502a36e7370a12f") == errc::sio_invalid_payload);
    CHECK(error_of("82a47479706503a36e7370a12f") == errc::sio_invalid_payload);
    CHECK(error_of("82a47479706504a36e7370a12f") == errc::sio_invalid_payload);
    CHECK(error_of(event_hex("90")) == errc::sio_invalid_payload);
    CHECK(error_of(event_hex("91 80")) == errc::sio_invalid_payload);
    CHECK(error_of(event_hex("91 aa646973636f6e6e656374")) == errc::sio_invalid_payload);
    CHECK_FALSE(error_of(event_hex("91 07")));
}

TEST_CASE("msgpack/reader: a peer cannot name an attachment twice") {
    std::string const forged = "82 ac5f706c616365686f6c646572 c3 a36e756d 00";
    CHECK(event(forged) == "[\"a\"," + placeholder + "]");
    CHECK(error_of(event_hex("93 a161 c40178" + forged)) == errc::sio_illegal_attachments);
    CHECK(error_of(event_hex("93 a161" + forged + "c40178")) == errc::sio_illegal_attachments);
}

TEST_CASE("msgpack/reader: binary data elsewhere than in events and acknowledgements is null") {
    auto const packet = packet_of("83a47479706500a46461746181a161c40178a36e7370a12f");
    CHECK(*packet.data == json::value{{"a", nullptr}});
    CHECK(packet.attachments.empty());
}

TEST_CASE("msgpack/reader: what is cut anywhere, or has more behind it, is malformed") {
    auto const whole =
        test::from_hex(event_hex("97 a161 81a16291c0 c4020102 cb3ff8000000000000 d40000 "
                                 "d7000000018bcfe5687b c702000102"));
    REQUIRE_FALSE(error_of(test::to_hex(whole)));
    for (std::size_t size = 0; size < whole.size(); ++size) {
        CAPTURE(size);
        CHECK(error_of(test::to_hex(whole.substr(0, size))) == errc::sio_malformed);
    }
    CHECK(error_of(test::to_hex(whole) + "00") == errc::sio_malformed);
    CHECK(event_error("c1") == errc::sio_malformed);
}

TEST_CASE("msgpack/reader: what is announced and does not come costs nothing") {
    for (auto const* const bomb :
         {"dbffffffff61",
          "c6ffffffff61",
          "c9ffffffff0061",
          "ddffffffff",
          "dfffffffff",
          "dcffff",
          "deffff"})
        CHECK(event_error(bomb) == errc::sio_malformed);
    // Arrays of such arrays, as many as there is room for.
    std::string arrays;
    for (int i = 0; i < 120; ++i)
        arrays += "ddffffffff";
    CHECK(event_error(arrays) == errc::sio_malformed);
}

TEST_CASE("msgpack/reader: data are nested as deep as the limit of JSON says") {
    socoro::limits bounds;
    bounds.json_depth = 3;
    // The array of the event is the first.
    CHECK_FALSE(event_error("91 91 01", bounds));
    CHECK_FALSE(event_error("81 a161 80", bounds));
    CHECK(event_error("91 91 90", bounds) == errc::sio_too_deep);
    CHECK(event_error("81 a161 81 a161 80", bounds) == errc::sio_too_deep);
    auto const deep = test::to_hex(std::string(500'000, '\x91'));
    CHECK(event_error(deep) == errc::sio_too_deep);
    bounds.json_depth = 1'000'000;
    CHECK(event_error(deep, bounds) == errc::sio_too_deep);
}

TEST_CASE("msgpack/reader: binary data have a limit in number and in bytes") {
    socoro::limits bounds;
    bounds.sio_attachments = 2;
    bounds.sio_attachment_bytes = 3;
    CHECK_FALSE(event_error("92 c4020102 c40101", bounds));
    CHECK(event_error("93 c400 c400 c400", bounds) == errc::sio_too_many_attachments);
    CHECK(event_error("92 c4020102 c4020102", bounds) == errc::sio_attachments_too_large);
    CHECK(event_error("c702000102", bounds).value() == 0);
    CHECK(event_error("c70400010203ff", bounds) == errc::sio_attachments_too_large);
    CHECK(event_error("d605010203ff", bounds) == errc::sio_attachments_too_large);
}

TEST_CASE("msgpack/reader: a text message is none") {
    socoro::detail::msgpack_decoder decoder((socoro::limits()));
    CHECK(decoder.feed({false, "2[\"a\"]"}).error() == errc::sio_malformed);
    CHECK(
        decoder.feed({false, test::from_hex(event_hex("91a161"))}).error() == errc::sio_malformed);
    CHECK_FALSE(decoder.incomplete());
}
