// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/pacemaker.hpp>

#include "support/world.hpp"

#include <doctest/doctest.h>

#include <optional>
#include <string>

namespace engine = socoro::engine;
using namespace std::chrono_literals;

namespace {

/// A heartbeat whose pings and end are written down.
struct beating : test::world {
    beating() {
        engine::options options;
        options.ping_interval = 10s;
        options.ping_timeout = 5s;
        heart.emplace(
            *shard,
            options,
            [this] { seen += "ping "; },
            [this] {
                heart.reset();
                seen += "gone ";
            });
        heart->start();
    }
    std::string after(test::net::duration time) {
        advance(time);
        return std::exchange(seen, {});
    }
    std::string seen;
    std::optional<engine::pacemaker> heart;
};

}  // namespace

TEST_CASE("engine/pacemaker: pings, waits for the pong, and pings again") {
    beating b;
    CHECK(b.after(10s - 1ms).empty());
    CHECK(b.after(1ms) == "ping ");
    b.advance(4s);
    b.heart->on_pong();
    CHECK(b.after(10s - 1ms).empty());
    CHECK(b.after(1ms) == "ping ");
}

TEST_CASE("engine/pacemaker: says when the client is gone, and may be destroyed by that") {
    beating b;
    CHECK(b.after(15s - 1ms) == "ping ");
    CHECK(b.after(1ms) == "gone ");
    CHECK_FALSE(b.heart);
    CHECK(b.clock->armed() == 0);
}

TEST_CASE("engine/pacemaker: while suspended it pings, and nobody is gone") {
    beating b;
    b.heart->suspend();
    CHECK(b.after(35s) == "ping ping ping ");
    b.heart->resume();
    CHECK(b.after(5s - 1ms).find("gone") == std::string::npos);
    CHECK(b.after(1ms).find("gone") != std::string::npos);
}

TEST_CASE("engine/pacemaker: once stopped it calls nobody, whatever it is told") {
    beating b;
    b.heart->stop();
    b.heart->on_pong();
    b.heart->suspend();
    b.heart->resume();
    CHECK(b.clock->armed() == 0);
    CHECK(b.after(1h).empty());
}
