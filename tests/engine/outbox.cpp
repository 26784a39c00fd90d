// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/outbox.hpp>

#include "engine/packets.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace engine_test;
using engine_policy = socoro::engine::outbox_policy;
using socoro::engine::outbox;
using socoro::engine::sent;

namespace {

/// A packet that counts for 100 bytes.
std::vector<packet_ptr> hundred(char name) {
    return group({std::string(100 - sizeof(socoro::eio::packet), name)});
}

/// The names of the packets that wait.
std::string names(outbox& of) {
    std::string all;
    for (auto const& packet : of.take(999))
        all += packet->data.front();
    return all;
}

}  // namespace

TEST_CASE("engine/outbox: packets leave in order under every policy") {
    for (auto const policy :
         {engine_policy::disconnect, engine_policy::drop_newest, engine_policy::keep_latest}) {
        outbox box(policy, 1000);
        CHECK(box.empty());
        CHECK(box.push(group({"a", "b"}), 1) == sent::queued);
        CHECK(box.push(group({"c"}), 0) == sent::queued);
        CHECK(box.push(group({"d"}), 1) == sent::queued);
        CHECK_FALSE(box.empty());
        CHECK(joined(box.take(1)) == "a");
        CHECK(joined(box.take(9)) == "bcd");
        CHECK(box.bytes() == 0);
        CHECK(box.push(hundred('e'), 1) == sent::queued);
        CHECK(box.bytes() == 100);
        box.clear();
        CHECK(box.empty());
        CHECK(box.dropped() == 0);
    }
}

TEST_CASE("engine/outbox: it may be full, but not more, whatever the topics") {
    outbox box(engine_policy::disconnect, 300);
    for (auto const topic : {0U, 1U, 1U})
        CHECK(box.push(hundred('x'), topic) == sent::queued);
    CHECK_FALSE(box.is_overfull());
    CHECK(box.push(hundred('x'), 1) == sent::queued);
    CHECK(box.is_overfull());
}

TEST_CASE("engine/outbox: drop_newest drops the event that does not fit, whole") {
    outbox box(engine_policy::drop_newest, 300);
    CHECK(box.push(hundred('a'), 1) == sent::queued);
    CHECK(box.push(hundred('b'), 1) == sent::queued);
    auto two = hundred('c');
    two.push_back(two.front());
    CHECK(box.push(two, 2) == sent::dropped);
    CHECK(box.push(hundred('d'), 2) == sent::queued);
    CHECK(box.push(group({""}), 2) == sent::dropped);
    CHECK(box.dropped() == 2);
    CHECK_FALSE(box.is_overfull());
    CHECK(names(box) == "abd");
    // It fits again.
    CHECK(box.push(two, 2) == sent::queued);
    // What is larger than everything never fits, and is no reason to disconnect.
    CHECK(box.push(group({std::string(1000, 'x')}), 1) == sent::dropped);
    CHECK_FALSE(box.is_overfull());
    CHECK(names(box) == "cc");
}

TEST_CASE("engine/outbox: drop_newest leaves room for what is indispensable, but not for ever") {
    outbox box(engine_policy::drop_newest, 300);
    for (char const name : {'a', 'b', 'c'})
        CHECK(box.push(hundred(name), 1) == sent::queued);
    for (char const name : {'x', 'y', 'z'}) {
        CHECK(box.push(hundred(name), 0) == sent::queued);
        CHECK(box.push(hundred('d'), 1) == sent::dropped);
        CHECK_FALSE(box.is_overfull());
    }
    CHECK(box.push(hundred('!'), 0) == sent::queued);
    CHECK(box.is_overfull());
    CHECK(names(box) == "abcxyz!");
}

TEST_CASE("engine/outbox: keep_latest drops nothing as long as all fits") {
    outbox box(engine_policy::keep_latest, 300);
    for (char const name : {'a', 'b', 'c'})
        CHECK(box.push(hundred(name), 1) == sent::queued);
    CHECK(names(box) == "abc");
    CHECK(box.dropped() == 0);
}

TEST_CASE("engine/outbox: keep_latest then keeps the newest of each topic, in their order") {
    outbox box(engine_policy::keep_latest, 500);
    for (char const name : {'a', 'b', 'c'})
        CHECK(box.push(hundred(name), 1) == sent::queued);
    CHECK(box.push(hundred('k'), 2) == sent::queued);
    CHECK(box.push(hundred('!'), 0) == sent::queued);
    CHECK(box.push(hundred('l'), 2) == sent::replaced);
    CHECK(box.dropped() == 3);
    CHECK_FALSE(box.is_overfull());
    CHECK(box.bytes() == 300);
    CHECK(names(box) == "c!l");
}

TEST_CASE("engine/outbox: keep_latest makes room for what is indispensable as well") {
    outbox box(engine_policy::keep_latest, 200);
    CHECK(box.push(hundred('a'), 1) == sent::queued);
    CHECK(box.push(hundred('b'), 1) == sent::queued);
    CHECK(box.push(hundred('!'), 0) == sent::replaced);
    CHECK_FALSE(box.is_overfull());
    // Now nothing is left that could go.
    CHECK(box.push(hundred('?'), 0) == sent::queued);
    CHECK(box.is_overfull());
    CHECK(names(box) == "b!?");
}

TEST_CASE("engine/outbox: keep_latest cannot help with topics without number, or one huge event") {
    outbox box(engine_policy::keep_latest, 300);
    for (auto const topic : {1U, 2U, 3U})
        CHECK(box.push(hundred('x'), topic) == sent::queued);
    CHECK(box.push(hundred('x'), 4) == sent::queued);
    CHECK(box.is_overfull());

    outbox other(engine_policy::keep_latest, 300);
    CHECK(other.push(group({std::string(300, 'x')}), 1) == sent::queued);
    CHECK(other.is_overfull());
}
