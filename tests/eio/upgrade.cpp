// SPDX-License-Identifier: BSL-1.0
#include <socoro/eio/upgrade.hpp>

#include <doctest/doctest.h>

using socoro::eio::packet;
using socoro::eio::packet_type;
using socoro::eio::time_point;
using socoro::eio::upgrade;
using action = upgrade::action;
using namespace std::chrono_literals;

namespace {

time_point at(std::chrono::milliseconds since_open) {
    return time_point() + since_open;
}

auto const probe = packet::of(packet_type::ping, "probe");
auto const switched = packet::of(packet_type::upgrade);

}  // namespace

TEST_CASE("eio/upgrade: probe, answer, switch") {
    upgrade attempt(at(0s));
    CHECK(attempt.on_packet(probe, at(10ms)) == action::answer_probe);
    CHECK_FALSE(attempt.done());
    CHECK(attempt.on_packet(switched, at(20ms)) == action::switch_transport);
    CHECK(attempt.done());
}

TEST_CASE("eio/upgrade: after the probe waiting polls are released every 100 ms") {
    upgrade attempt(at(0s));
    CHECK(attempt.deadline() == at(10s));
    CHECK(attempt.on_packet(probe, at(10ms)) == action::answer_probe);
    CHECK(attempt.deadline() == at(110ms));
    CHECK(attempt.on_timer(at(109ms)) == action::none);
    CHECK(attempt.on_timer(at(110ms)) == action::release_poll);
    CHECK(attempt.on_timer(at(110ms)) == action::none);
    CHECK(attempt.on_timer(at(230ms)) == action::release_poll);
    CHECK(attempt.deadline() == at(330ms));
}

TEST_CASE("eio/upgrade: a second probe is answered and starts the 100 ms anew") {
    upgrade attempt(at(0s));
    CHECK(attempt.on_packet(probe, at(10ms)) == action::answer_probe);
    CHECK(attempt.on_packet(probe, at(60ms)) == action::answer_probe);
    CHECK(attempt.deadline() == at(160ms));
}

TEST_CASE("eio/upgrade: the switch needs no probe before it, as in the reference") {
    upgrade attempt(at(0s));
    CHECK(attempt.on_packet(switched, at(1ms)) == action::switch_transport);
}

TEST_CASE("eio/upgrade: any other packet abandons") {
    for (auto const& other :
         {packet::of(packet_type::ping),
          packet::of(packet_type::ping, "probe "),
          packet::of(packet_type::pong, "probe"),
          packet::of(packet_type::open),
          packet::of(packet_type::close),
          packet::of(packet_type::noop),
          packet::from({false, "probe"}),
          packet::from({true, "probe"})}) {
        upgrade attempt(at(0s));
        CHECK(attempt.on_packet(other, at(1ms)) == action::abandon);
        upgrade probed(at(0s));
        CHECK(probed.on_packet(probe, at(1ms)) == action::answer_probe);
        CHECK(probed.on_packet(other, at(2ms)) == action::abandon);
        CHECK(probed.done());
    }
}

TEST_CASE("eio/upgrade: a transport that never probes is abandoned after 10 s") {
    upgrade attempt(at(0s));
    CHECK(attempt.on_timer(at(9999ms)) == action::none);
    CHECK(attempt.on_timer(at(10s)) == action::abandon);
    CHECK(attempt.done());
}

TEST_CASE("eio/upgrade: probing does not lengthen the 10 s") {
    upgrade attempt(at(0s));
    for (auto now = 0ms; now < 10s; now += 50ms) {
        CHECK(attempt.on_packet(probe, at(now)) == action::answer_probe);
        CHECK(attempt.on_timer(at(now)) == action::none);
    }
    CHECK(attempt.deadline() == at(10s));
    CHECK(attempt.on_timer(at(10s)) == action::abandon);
}

TEST_CASE("eio/upgrade: the time to finish is an option") {
    upgrade attempt(at(0s), 50ms);
    CHECK(attempt.on_packet(probe, at(1ms)) == action::answer_probe);
    CHECK(attempt.on_timer(at(50ms)) == action::abandon);
}

TEST_CASE("eio/upgrade: when it has ended nothing is asked of the session any more") {
    upgrade attempt(at(0s));
    CHECK(attempt.on_packet(switched, at(1ms)) == action::switch_transport);
    CHECK(attempt.on_packet(switched, at(2ms)) == action::none);
    CHECK(attempt.on_packet(probe, at(2ms)) == action::none);
    CHECK(attempt.on_timer(at(1h)) == action::none);
}
