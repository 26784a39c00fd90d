// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/error.hpp>

#include <doctest/doctest.h>

using socoro::condition;
using socoro::errc;

TEST_CASE("base/error: a disconnect reason is spelt as Socket.IO users know it") {
    CHECK(std::error_code(errc::transport_close).message() == "transport close");
    CHECK(
        std::error_code(errc::server_namespace_disconnect).message() ==
        "server namespace disconnect");
}

TEST_CASE("base/error: every disconnect reason is closed, other errors are not") {
    CHECK(std::error_code(errc::transport_error) == socoro::closed);
    CHECK(std::error_code(errc::server_namespace_disconnect) == socoro::closed);
    CHECK(std::error_code(errc::timeout) != socoro::closed);
    CHECK(std::make_error_code(std::errc::timed_out) != socoro::closed);
}

TEST_CASE("base/error: the peer's faults and exceeded limits are conditions") {
    CHECK(std::error_code(errc::ws_bad_utf8) == condition::remote);
    CHECK(std::error_code(errc::reserved_event) != condition::remote);
    CHECK(std::error_code(errc::http_body_too_large) == condition::limit);
    CHECK(std::error_code(errc::http_malformed) != condition::limit);
}

TEST_CASE("base/error: an error tells whose protocol it is about, if it is about one") {
    CHECK(socoro::protocol_of(errc::http_malformed) == "HTTP");
    CHECK(socoro::protocol_of(errc::http_truncated) == "HTTP");
    CHECK(socoro::protocol_of(errc::ws_bad_handshake) == "WebSocket");
    CHECK(socoro::protocol_of(errc::ws_too_many_fragments) == "WebSocket");
    CHECK(socoro::protocol_of(errc::eio_empty_packet) == "Engine.IO");
    CHECK(socoro::protocol_of(errc::eio_too_many_packets) == "Engine.IO");
    CHECK(socoro::protocol_of(errc::sio_unknown_type) == "Socket.IO");
    CHECK(socoro::protocol_of(errc::sio_too_deep) == "Socket.IO");
    CHECK(socoro::protocol_of(errc::outbox_full).empty());
    CHECK(socoro::protocol_of(errc::transport_error).empty());
}
