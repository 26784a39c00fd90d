// SPDX-License-Identifier: BSL-1.0
#include <socoro/eio/handshake.hpp>

#include <doctest/doctest.h>

#include <string>

namespace eio = socoro::eio;
using socoro::errc;
using namespace std::chrono_literals;

namespace {

std::string const usual =
    R"({"sid":"lv_VI97HAXpY6yYWAAAC","upgrades":["websocket"],"pingInterval":25000,)"
    R"("pingTimeout":20000,"maxPayload":1000000})";

/// `usual` with one part replaced.
std::string with(std::string const& part, std::string const& other) {
    std::string json = usual;
    return json.replace(json.find(part), part.size(), other);
}

void check_refused(std::string const& json) {
    CAPTURE(json);
    auto const handshake = eio::decode_open(json);
    REQUIRE(handshake.has_error());
    CHECK(handshake.error() == errc::eio_bad_open);
}

}  // namespace

TEST_CASE("eio/handshake: is written member by member as the reference writes it") {
    eio::open handshake;
    handshake.sid = "lv_VI97HAXpY6yYWAAAC";
    handshake.upgrades = {"websocket"};
    CHECK(eio::encode(handshake) == usual);
    handshake.upgrades.clear();
    CHECK(eio::encode(handshake) == with("[\"websocket\"]", "[]"));
}

TEST_CASE("eio/handshake: a sid of one's own making is escaped") {
    eio::open handshake;
    handshake.sid = "a\"b";
    CHECK(eio::encode(handshake).starts_with("{\"sid\":\"a\\\"b\","));
}

TEST_CASE("eio/handshake: the client reads what the server wrote") {
    auto const handshake = eio::decode_open(usual).value();
    CHECK(handshake.sid == "lv_VI97HAXpY6yYWAAAC");
    CHECK(handshake.upgrades == std::vector<std::string>{"websocket"});
    CHECK(handshake.ping_interval == 25s);
    CHECK(handshake.ping_timeout == 20s);
    CHECK(handshake.max_payload == 1'000'000);
    CHECK(eio::encode(handshake) == usual);
}

TEST_CASE("eio/handshake: unknown members are passed over, the largest payload may be missing") {
    CHECK(eio::decode_open(with("\"sid\"", "\"x\":[1,{}],\"sid\"")).has_value());
    auto const old_server = eio::decode_open(with(",\"maxPayload\":1000000", ""));
    CHECK(old_server.value().max_payload == 0);
}

TEST_CASE("eio/handshake: what is no object is refused") {
    for (std::string const json : {"", "null", "[]", "\"\"", "1", "{", "{}", "{}}"})
        check_refused(json);
    check_refused(usual + usual);
    check_refused(std::string(100'000, '['));
}

TEST_CASE("eio/handshake: every member but the largest payload is needed") {
    for (std::string const name : {"sid", "upgrades", "pingInterval", "pingTimeout"})
        check_refused(with(name, "other"));
}

TEST_CASE("eio/handshake: a sid that could break out of a request line is refused") {
    std::string const sid = "\"lv_VI97HAXpY6yYWAAAC\"";
    for (std::string const bad :
         {"\"\"", "\"a b\"", "\"a\\r\\nb\"", "\"a\\u0000\"", "\"\xc3\xa9\"", "1", "null", "[]"})
        check_refused(with(sid, bad));
    CHECK(eio::decode_open(with(sid, '"' + std::string(256, 'x') + '"')).has_value());
    check_refused(with(sid, '"' + std::string(257, 'x') + '"'));
}

TEST_CASE("eio/handshake: upgrades are a list of names") {
    for (std::string const bad : {"\"websocket\"", "null", "[1]", "[\"websocket\",null]", "{}"})
        check_refused(with("[\"websocket\"]", bad));
}

TEST_CASE("eio/handshake: times and sizes are whole numbers in range") {
    for (std::string const bad :
         {"0", "-1", "2147483648", "1e99", "1.5", "\"25000\"", "null", "true"}) {
        check_refused(with("25000", bad));
        check_refused(with("20000", bad));
    }
    for (std::string const bad : {"-1", "1e99", "9007199254740993", "1.5", "\"1\"", "null"})
        check_refused(with("1000000", bad));
    CHECK(eio::decode_open(with("25000", "2147483647")).has_value());
    CHECK(eio::decode_open(with("25000", "2.5e4")).value().ping_interval == 25s);
}
