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
