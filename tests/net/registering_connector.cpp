// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/registering_connector.hpp>

#include "support/memory_connector.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

namespace net = socoro::net;

TEST_CASE("net/registering_connector: knows each stream until nobody holds it, and no failure") {
    test::world w;
    auto const streams = std::make_shared<net::open_streams>(w.shard);
    auto const below = std::make_shared<test::memory_connector>(w.shard);
    net::registering_connector connector(below, streams);
    auto const stop = std::make_shared<net::stop_source>();
    net::remote const to{"server.test", 80, false};
    auto opened = w.spawn(connector.connect(w.shard, to, stop));
    REQUIRE(opened->value);
    REQUIRE(opened->value->has_value());
    CHECK_FALSE(streams->empty());
    CHECK(below->asked == std::vector{to});
    below->fail_next(asio::error::connection_refused);
    auto const failed = w.spawn(connector.connect(w.shard, to, stop));
    CHECK(failed->value->error() == asio::error::connection_refused);
    streams->close_all();
    w.run();
    CHECK(below->peers.at(0).closed());
    auto const waiting = w.spawn(streams->wait());
    CHECK_FALSE(waiting->done());
    opened.reset();
    w.run();
    CHECK(waiting->done());
}
