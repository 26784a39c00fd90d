// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/handshake.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

namespace ws = socoro::ws;
using socoro::errc;

namespace {

constexpr auto key = "dGhlIHNhbXBsZSBub25jZQ==";

ws::upgrade_request good_request() {
    return {"GET", 11, "websocket", "Upgrade", key, "13"};
}

ws::upgrade_response good_response() {
    return {101, "websocket", "Upgrade", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "", ""};
}

/// The result of checking the good request with one member changed.
template <typename Value>
std::error_code with(Value ws::upgrade_request::*member, Value value) {
    auto request = good_request();
    request.*member = value;
    return ws::check(request);
}

template <typename Value>
std::error_code with(Value ws::upgrade_response::*member, Value value) {
    auto response = good_response();
    response.*member = value;
    return ws::check_response(response, key);
}

using view = std::string_view;

}  // namespace

TEST_CASE("ws/handshake: the accept key is that of RFC 6455 section 1.3") {
    CHECK(ws::accept_key(key) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST_CASE("ws/handshake: a made key is good for a request, and new each time") {
    auto const made = ws::make_key();
    CHECK_FALSE(with(&ws::upgrade_request::key, view(made)));
    CHECK(made != ws::make_key());
}

TEST_CASE("ws/handshake: a good request is accepted") {
    CHECK_FALSE(ws::check(good_request()));
}

TEST_CASE("ws/handshake: tokens are found in comma lists, whatever their case and blanks") {
    using request = ws::upgrade_request;
    for (view list :
         {"upgrade",
          "UPGRADE",
          "keep-alive, Upgrade",
          "keep-alive,Upgrade",
          "Upgrade\t, keep-alive",
          ",, upgrade ,"})
        CHECK_FALSE(with(&request::connection, list));
    for (view list :
         {"", ",", "keep-alive", "upgraded", "up grade", "xupgrade", "keep-alive upgrade"})
        CHECK(with(&request::connection, list) == errc::ws_bad_handshake);
    for (view list : {"WebSocket", "h2c, websocket"})
        CHECK_FALSE(with(&request::upgrade, list));
    for (view list : {"", "h2c", "websocket/13", "websockets", "web\tsocket"})
        CHECK(with(&request::upgrade, list) == errc::ws_bad_handshake);
}

TEST_CASE("ws/handshake: only GET of HTTP/1.1 is upgraded") {
    using request = ws::upgrade_request;
    for (view method : {"POST", "get", "", "GETS"})
        CHECK(with(&request::method, method) == errc::ws_bad_handshake);
    CHECK(with(&request::http_version, 10U) == errc::ws_bad_handshake);
}

TEST_CASE("ws/handshake: a version other than 13 is told apart") {
    for (view version : {"", "8", "12", "14", "013", "13, 8", "0x0d"})
        CHECK(with(&ws::upgrade_request::version, version) == errc::ws_unsupported_version);
}

TEST_CASE("ws/handshake: the key is 16 bytes of base64") {
    for (view bad :
         {"",
          "==",
          "dGhlIHNhbXBsZSBub25jZQ=",
          "dGhlIHNhbXBsZSBub25jZQ===",
          "dGhlIHNhbXBsZSBub25jZQAA",
          "dGhlIHNhbXBsZSBub25j!Q==",
          "dGhlIHNhbXBsZSBub25j-_==",
          "dGhlIHNhbXBsZSBub25jZQ== ",
          "dGhlIHNhbXBsZSBub25jZGhlIHNhbXBsZQ=="})
        CHECK(with(&ws::upgrade_request::key, bad) == errc::ws_bad_handshake);
}

TEST_CASE("ws/handshake: a good answer is accepted, whatever its case") {
    CHECK_FALSE(ws::check_response(good_response(), key));
    CHECK_FALSE(with(&ws::upgrade_response::upgrade, view("WebSocket")));
    CHECK_FALSE(with(&ws::upgrade_response::connection, view("keep-alive, upgrade")));
}

TEST_CASE("ws/handshake: an answer that does not upgrade, or answers another key, is refused") {
    using response = ws::upgrade_response;
    CHECK(with(&response::status, 200U) == errc::ws_bad_handshake);
    for (view value : {"", "h2c", "websocket, h2c"})
        CHECK(with(&response::upgrade, value) == errc::ws_bad_handshake);
    CHECK(with(&response::connection, view("close")) == errc::ws_bad_handshake);
    for (view accept : {"", "s3pplmbitxaq9kygzzhzrbk+xoo=", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"})
        CHECK(with(&response::accept, accept) == errc::ws_bad_handshake);
    CHECK(
        ws::check_response(good_response(), "AAAAAAAAAAAAAAAAAAAAAA==") == errc::ws_bad_handshake);
}

TEST_CASE("ws/handshake: an answer may not bring a protocol or an extension nobody asked for") {
    CHECK(with(&ws::upgrade_response::protocol, view("chat")) == errc::ws_bad_handshake);
    CHECK(
        with(&ws::upgrade_response::extensions, view("permessage-deflate")) ==
        errc::ws_bad_handshake);
    auto response = good_response();
    response.protocol = "chat";
    CHECK_FALSE(ws::check_response(response, key, "superchat, chat"));
    CHECK(ws::check_response(response, key, "superchat, Chat") == errc::ws_bad_handshake);
    response.protocol = "superchat, chat";
    CHECK(ws::check_response(response, key, "superchat, chat") == errc::ws_bad_handshake);
}

TEST_CASE("ws/handshake: long lists of blanks and commas take linear time") {
    // GHSA-5v72-xg48-5rpm, CVE-2021-32640, CVE-2020-7662: minutes for what is milliseconds here.
    for (std::string const& list :
         {std::string(1'000'000, ' ') + "x",
          std::string(1'000'000, ','),
          "a" + std::string(1'000'000, '\t') + "b,"}) {
        auto const before = std::chrono::steady_clock::now();
        CHECK(with(&ws::upgrade_request::connection, view(list)) == errc::ws_bad_handshake);
        CHECK(std::chrono::steady_clock::now() - before < std::chrono::seconds(10));
    }
}
