// SPDX-License-Identifier: BSL-1.0
#include <socoro/transport/websocket.hpp>

#include "transport/fixtures.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace transport_test;
using socoro::errc;
using transport::ending;

TEST_CASE("transport/websocket: a binary message is a packet without a type, both ways") {
    over_websocket t;
    t.receive();
    t.client.send(ws::opcode::binary, "4not a type");
    t.run();
    CHECK(t.received == strings{"b4not a type"});
    CHECK(t.send({"b4bytes", "4text"})->value == std::error_code());
    CHECK(
        t.wire.peer.take() ==
        "\x82\x06"
        "4bytes\x81\x05"
        "4text");
}

TEST_CASE("transport/websocket: a close packet has no meaning of its own") {
    over_websocket t;
    t.receive();
    t.client_sends({"1"});
    CHECK(t.received == strings{"1"});
    CHECK_FALSE(t.receiving->done());
}

TEST_CASE("transport/websocket: an empty text frame is a parse error") {
    over_websocket t;
    t.receive();
    t.client.text("");
    t.run();
    CHECK(t.why == errc::parse_error);
}

TEST_CASE("transport/websocket: broken rules are a transport error, a mere end is a close") {
    over_websocket broken;
    broken.receive();
    broken.wire.peer.send("\xff\xff");
    broken.run();
    CHECK(broken.why == errc::transport_error);

    over_websocket ended;
    ended.receive();
    ended.wire.peer.end();
    ended.run();
    CHECK(ended.why == errc::transport_close);
}

TEST_CASE("transport/websocket: the close frame has no status, and its answer is waited for") {
    over_websocket t;
    t.receive();
    CHECK(t.subject->close(ending::orderly));
    t.run();
    CHECK(t.wire.peer.take() == std::string("\x88\x00", 2));
    CHECK_FALSE(t.receiving->done());
    t.client_sends({"4late"});
    t.client.close();
    t.run();
    CHECK(t.why == errc::transport_close);
}

TEST_CASE("transport/websocket: after an undecodable packet the closing handshake takes place") {
    over_websocket t;
    t.receive();
    t.client_garbles();
    CHECK(t.why == errc::parse_error);
    CHECK(t.subject->close(ending::discard));
    t.client_sends({"4late"});
    t.receive();
    CHECK_FALSE(t.receiving->done());
    CHECK_FALSE(t.wire.peer.closed());
    t.client.close();
    t.run();
    CHECK(t.why == errc::parse_error);
    CHECK(t.wire.peer.closed());
    CHECK(t.clock->armed() == 0);
}
