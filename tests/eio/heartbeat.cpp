// SPDX-License-Identifier: BSL-1.0
#include <socoro/eio/heartbeat.hpp>

#include <doctest/doctest.h>

using socoro::eio::heartbeat;
using socoro::eio::ping_watch;
using socoro::eio::time_point;
using action = heartbeat::action;
using namespace std::chrono_literals;

namespace {

time_point at(std::chrono::milliseconds since_open) {
    return time_point() + since_open;
}

heartbeat opened() {
    return {at(0s), 25s, 20s};
}

}  // namespace

TEST_CASE("eio/heartbeat: the first ping goes out one interval after the opening") {
    auto beat = opened();
    CHECK(beat.deadline() == at(25s));
    CHECK(beat.on_timer(at(24999ms)) == action::none);
    CHECK(beat.on_timer(at(25s)) == action::send_ping);
    CHECK(beat.on_timer(at(25s)) == action::none);
}

TEST_CASE("eio/heartbeat: each pong is followed by the next ping one interval later") {
    auto beat = opened();
    for (auto now = 0s; now < 36000s; now += 26s) {
        CHECK(beat.deadline() == at(now + 25s));
        CHECK(beat.on_timer(at(now + 25s)) == action::send_ping);
        beat.on_pong(at(now + 26s));
    }
}

TEST_CASE("eio/heartbeat: a peer that never answers is gone after interval and timeout") {
    auto beat = opened();
    CHECK(beat.on_timer(at(25s)) == action::send_ping);
    CHECK(beat.deadline() == at(45s));
    CHECK(beat.on_timer(at(44999ms)) == action::none);
    CHECK(beat.on_timer(at(45s)) == action::timed_out);
}

TEST_CASE("eio/heartbeat: a timer that is late does not lengthen the timeout") {
    auto beat = opened();
    CHECK(beat.on_timer(at(40s)) == action::send_ping);
    CHECK(beat.deadline() == at(45s));
    CHECK(beat.on_timer(at(45s)) == action::timed_out);
}

TEST_CASE("eio/heartbeat: after a stall over both deadlines the peer is gone, pinged or not") {
    auto beat = opened();
    CHECK(beat.on_timer(at(1h)) == action::timed_out);
}

TEST_CASE("eio/heartbeat: the deadline counts from the last pong, not from the ping") {
    auto beat = opened();
    CHECK(beat.on_timer(at(25s)) == action::send_ping);
    beat.on_pong(at(44s));
    CHECK(beat.deadline() == at(69s));
    CHECK(beat.on_timer(at(70s)) == action::send_ping);
    CHECK(beat.deadline() == at(89s));
}

TEST_CASE("eio/heartbeat: a pong nobody asked for starts the interval anew") {
    auto beat = opened();
    beat.on_pong(at(10s));
    CHECK(beat.deadline() == at(35s));
    CHECK(beat.on_timer(at(25s)) == action::none);
    CHECK(beat.on_timer(at(35s)) == action::send_ping);
}

TEST_CASE("eio/heartbeat: while reading is paused pings go on and nobody times out") {
    auto beat = opened();
    CHECK(beat.on_timer(at(25s)) == action::send_ping);
    beat.suspend();
    for (auto now = 50s; now <= 1000s; now += 25s) {
        CHECK(beat.deadline() == at(now));
        CHECK(beat.on_timer(at(now)) == action::send_ping);
    }
    beat.resume(at(1010s));
    // The pong may be behind what was not read: until it comes, the client goes on counting pings.
    CHECK(beat.deadline() == at(1025s));
    CHECK(beat.on_timer(at(1025s)) == action::send_ping);
    CHECK(beat.deadline() == at(1030s));
    CHECK(beat.on_timer(at(1030s)) == action::timed_out);
}

TEST_CASE("eio/heartbeat: however short the pauses, pings go on until the pong has come") {
    auto beat = opened();
    int pings = 0;
    for (auto now = 1s; now <= 1000s; now += 1s) {
        beat.suspend();
        beat.resume(at(now));
        if (beat.deadline() <= at(now) && beat.on_timer(at(now)) == action::send_ping)
            ++pings;
    }
    CHECK(pings == 40);
    beat.on_pong(at(1001s));
    CHECK(beat.deadline() == at(1026s));
    CHECK(beat.on_timer(at(1026s)) == action::send_ping);
    CHECK(beat.deadline() == at(1046s));
    CHECK(beat.on_timer(at(1046s)) == action::timed_out);
}

TEST_CASE("eio/heartbeat: the pong that waited behind a pause re-arms as any other") {
    auto beat = opened();
    beat.suspend();
    CHECK(beat.on_timer(at(25s)) == action::send_ping);
    CHECK(beat.on_timer(at(50s)) == action::send_ping);
    beat.resume(at(60s));
    beat.on_pong(at(61s));
    CHECK(beat.deadline() == at(86s));
    CHECK(beat.on_timer(at(86s)) == action::send_ping);
    CHECK(beat.deadline() == at(106s));
}

TEST_CASE("eio/heartbeat: a pause between two pings changes nothing") {
    auto beat = opened();
    beat.suspend();
    beat.resume(at(5s));
    CHECK(beat.deadline() == at(25s));
    CHECK(beat.on_timer(at(25s)) == action::send_ping);
    CHECK(beat.deadline() == at(45s));
}

TEST_CASE("eio/heartbeat: a late timer during a pause sends one ping, not one for each interval") {
    auto beat = opened();
    beat.suspend();
    CHECK(beat.on_timer(at(100s)) == action::send_ping);
    CHECK(beat.on_timer(at(100s)) == action::none);
    CHECK(beat.deadline() == at(125s));
}

TEST_CASE("eio/heartbeat: resuming after a stall gives the peer its whole timeout") {
    auto beat = opened();
    beat.suspend();
    beat.resume(at(100s));
    CHECK(beat.on_timer(at(100s)) == action::send_ping);
    CHECK(beat.deadline() == at(120s));
}

TEST_CASE("eio/heartbeat: the client gives up when no ping came for interval and timeout") {
    ping_watch watch(at(0s), 25s, 20s);
    CHECK(watch.deadline() == at(45s));
    CHECK(watch.on_timer(at(44999ms)) == ping_watch::action::none);
    CHECK(watch.on_timer(at(45s)) == ping_watch::action::timed_out);
}

TEST_CASE("eio/heartbeat: each ping gives the client's server the whole time again") {
    ping_watch watch(at(0s), 25s, 20s);
    for (auto now = 44s; now < 36000s; now += 44s) {
        CHECK(watch.on_timer(at(now)) == ping_watch::action::none);
        watch.on_ping(at(now));
        CHECK(watch.deadline() == at(now + 45s));
    }
}
