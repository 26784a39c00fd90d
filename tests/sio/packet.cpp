// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/packet.hpp>

#include <doctest/doctest.h>

using socoro::sio::is_reserved_event;

TEST_CASE("sio/packet: six event names are reserved, whatever the side") {
    for (auto const* name :
         {"connect",
          "connect_error",
          "disconnect",
          "disconnecting",
          "newListener",
          "removeListener"})
        CHECK(is_reserved_event(name));
}

TEST_CASE("sio/packet: names that only look reserved, or once were, are free") {
    for (auto const* name : {"", "error", "Connect", "connect ", "connection", "ping", "__proto__"})
        CHECK_FALSE(is_reserved_event(name));
}

TEST_CASE("sio/packet: is an event of the main namespace unless told otherwise") {
    socoro::sio::packet const p;
    CHECK(p.type == socoro::sio::packet_type::event);
    CHECK(p.nsp == "/");
    CHECK_FALSE(p.id.has_value());
    CHECK_FALSE(p.data.has_value());
}
