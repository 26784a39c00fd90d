// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/open_streams.hpp>

#include "support/memory_stream.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>

using namespace std::chrono_literals;
namespace net = socoro::net;

namespace {

struct streams_world : test::world {
    std::shared_ptr<net::open_streams> streams = std::make_shared<net::open_streams>(shard);
    test::memory_connection first{shard};
    test::memory_connection second{shard};
    std::shared_ptr<net::stream> one = streams->add(std::move(first.stream));
    std::shared_ptr<net::stream> other = streams->add(std::move(second.stream));
};

}  // namespace

TEST_CASE("net/open_streams: a stream counts until nobody holds it, closed or not") {
    streams_world w;
    auto const waited = w.spawn(w.streams->wait());
    w.one->close();
    auto share = w.one;
    w.one.reset();
    w.other.reset();
    w.run();
    CHECK(w.second.peer.closed());
    CHECK_FALSE(waited->done());
    CHECK_FALSE(w.streams->empty());
    asio::post(*w.context, [&] {
        share.reset();
        CHECK(w.streams->empty());
        // Who lets go of a stream is in the middle of something.
        CHECK_FALSE(waited->done());
    });
    w.run();
    CHECK(waited->value == std::error_code());
}

TEST_CASE("net/open_streams: waiting ends at the deadline") {
    streams_world w;
    auto const waited = w.spawn(w.streams->wait(w.clock->now() + 1s));
    w.advance(999ms);
    CHECK_FALSE(waited->done());
    w.advance(1ms);
    CHECK(waited->value == socoro::errc::timeout);
}

TEST_CASE("net/open_streams: all can be closed at once, and outlive whoever counted them") {
    streams_world w;
    w.streams->close_all();
    w.run();
    CHECK(w.first.peer.closed());
    CHECK(w.second.peer.closed());
    w.streams.reset();
    w.one.reset();
    w.context.reset();
    w.other.reset();
}
