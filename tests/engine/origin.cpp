// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/origin.hpp>

#include <doctest/doctest.h>

#include <string>

namespace eio = socoro::eio;
namespace engine = socoro::engine;
using socoro::errc;

TEST_CASE("engine/origin: what a client did wrong is told with its protocol and who it was") {
    socoro::hooks hooks;
    std::string seen;
    hooks.violated = [&](socoro::violation const& v) {
        seen.append(v.protocol).append(" ").append(v.address).append(" ").append(v.sid);
        seen.append(" ").append(v.why.message()).append("|");
    };
    engine::origin const from{"sid", {}, "192.0.2.1"};
    engine::report(hooks, from, errc::ws_bad_utf8);
    engine::report(hooks, from, errc::outbox_full);
    CHECK(
        seen ==
        "WebSocket 192.0.2.1 sid invalid UTF-8 in WebSocket text|"
        "Engine.IO 192.0.2.1 sid the peer does not read|");
}

TEST_CASE("engine/origin: packets are shown as they are over WebSocket") {
    socoro::hooks hooks;
    engine::origin const from{"sid", {}, "192.0.2.1"};
    auto const text = eio::packet::from({false, "hi"});
    engine::show(hooks, from, socoro::direction::sent, "websocket", text);
    std::string seen;
    hooks.packet = [&](socoro::wire_packet const& p) {
        seen += p.direction == socoro::direction::sent ? "> " : "< ";
        seen.append(p.binary ? "bytes " : "").append(p.data).append(" ");
        seen.append(p.sid).append(" ").append(p.address).append(" ").append(p.transport);
        seen.append(":").append(std::to_string(p.bytes)).append("|");
    };
    engine::show(hooks, from, socoro::direction::sent, "websocket", text);
    engine::show(
        hooks,
        from,
        socoro::direction::received,
        "polling",
        eio::packet::from({true, std::string("\0\xff", 2)}));
    engine::show(
        hooks,
        from,
        socoro::direction::received,
        "polling",
        eio::packet::of(eio::packet_type::pong, "probe"));
    CHECK(
        seen == std::string("> 4hi sid 192.0.2.1 websocket:3|< bytes ") + std::string("\0\xff", 2) +
                    " sid 192.0.2.1 polling:5|< 3probe sid 192.0.2.1 polling:6|");
    CHECK(engine::size_over("websocket", eio::packet::from({true, std::string("\0\xff", 2)})) == 2);
}
