// SPDX-License-Identifier: BSL-1.0
// Servers and clients of ours with MessagePack.
#include <socoro/msgpack.hpp>
#include <socoro/test.hpp>

#include "api/parser_suite.hpp"
#include "msgpack/msgpack.hpp"

#include <doctest/doctest.h>

TEST_CASE("msgpack: events, binary data and requests go either way") {
    test::check_events_and_requests(socoro::msgpack_parser());
}

TEST_CASE("msgpack: namespaces, refusals and rooms work") {
    test::check_namespaces_and_rooms(socoro::msgpack_parser());
}

TEST_CASE("msgpack: sessions recover") {
    test::check_recovery(socoro::msgpack_parser());
}

TEST_CASE("msgpack: an end that speaks JSON is disconnected at once") {
    test::check_mismatch(socoro::msgpack_parser());
}

TEST_CASE(
    "msgpack: the example notes the largest value of each sensor, and others get the sample") {
    socoro::test::server server(telemetry::with_msgpack());
    telemetry::open(server.io());
    auto const sensor = server.connect(), watcher = server.connect();
    auto const none = sensor.ask<telemetry::peak>("roof");
    REQUIRE(none);
    CHECK_FALSE(*none);
    telemetry::sample sample;
    sample.sensor = "roof";
    sample.at += std::chrono::milliseconds(1'700'000'000'123);
    sample.values = {0.1, 21.5, -3};
    sample.raw = std::string("\0\xff", 2);
    sensor.emit(sample);
    auto const seen = watcher.take<telemetry::sample>();
    REQUIRE(seen);
    CHECK(seen->at == sample.at);
    CHECK(seen->values == sample.values);
    CHECK(seen->raw == sample.raw);
    CHECK(watcher.ask<telemetry::peak>("roof") == 21.5);
}
