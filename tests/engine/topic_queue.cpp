// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/topic_queue.hpp>

#include "engine/packets.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>

using namespace engine_test;
using socoro::engine::topic_queue;

TEST_CASE("engine/topic_queue: packets leave in order, in batches, whatever their topics") {
    topic_queue q;
    CHECK(q.empty());
    q.push(group({"a", "b", "c"}), 1);
    q.push(group({"d"}), 0);
    q.push(group({"e", "f"}), 1);
    CHECK(joined(q.take(2)) == "ab");
    CHECK(joined(q.take(3)) == "cde");
    CHECK_FALSE(q.empty());
    CHECK(joined(q.take(9)) == "f");
    CHECK(q.empty());
    CHECK(q.bytes() == 0);
    CHECK(q.take(9).empty());
}

TEST_CASE("engine/topic_queue: of one topic the newest stays, and what has no topic") {
    topic_queue q;
    q.push(group({"a1,"}), 1);
    q.push(group({"x,"}), 0);
    q.push(group({"b1,"}), 2);
    q.push(group({"a2,", "with,"}), 1);
    q.push(group({"y,"}), 0);
    q.push(group({"a3,", "its,", "own,"}), 1);
    CHECK(q.drop_outdated() == 2);
    CHECK(q.drop_outdated() == 0);
    CHECK(joined(q.take(99)) == "x,b1,y,a3,its,own,");
    CHECK(q.bytes() == 0);
}

TEST_CASE("engine/topic_queue: what was begun to be taken is no longer dropped") {
    topic_queue q;
    q.push(group({"a", "b", "c"}), 1);
    CHECK(joined(q.take(1)) == "a");
    q.push(group({"d"}), 1);
    CHECK(q.drop_outdated() == 0);
    SUBCASE("also when it was outdated before") {
        q.push(group({"e", "f"}), 1);
        CHECK(joined(q.take(3)) == "bcd");
        q.push(group({"g"}), 1);
        CHECK(joined(q.take(1)) == "e");
        CHECK(q.drop_outdated() == 0);
        CHECK(joined(q.take(9)) == "fg");
    }
    SUBCASE("but the next one is") {
        q.push(group({"e"}), 1);
        CHECK(q.drop_outdated() == 1);
        CHECK(joined(q.take(9)) == "bce");
    }
    CHECK(q.bytes() == 0);
}

TEST_CASE("engine/topic_queue: bytes are counted as by the other queue") {
    topic_queue q;
    socoro::engine::queue other;
    for (auto const& texts : {group({"abc", ""}), group({"12345"}), group({""})}) {
        q.push(texts, 1);
        other.push(texts);
    }
    CHECK(q.bytes() == other.bytes());
    q.drop_outdated();
    CHECK(q.bytes() == sizeof(socoro::eio::packet));
    q.clear();
    CHECK(q.bytes() == 0);
    CHECK(q.empty());
    CHECK(q.drop_outdated() == 0);
}

TEST_CASE("engine/topic_queue: whatever is pushed, taken and dropped, it keeps what a list keeps") {
    struct entry {
        std::string text;
        std::uint64_t topic;
        std::size_t group;
    };
    std::minstd_rand random(11);
    topic_queue q;
    std::vector<entry> model;
    std::size_t groups = 0;
    for (int step = 0; step < 5000; ++step) {
        auto const what = random() % 8;
        if (what < 5) {
            std::vector<std::string> texts(1 + random() % 3);
            auto const topic = random() % 4;
            ++groups;
            for (auto& text : texts) {
                text = std::to_string(step) + ",";
                model.push_back({text, topic, groups});
            }
            q.push(group(texts), topic);
        } else if (what < 7) {
            auto const most = random() % 5;
            std::string expected;
            for (auto left = most; left > 0 && !model.empty(); --left) {
                expected += model.front().text;
                auto const taken = model.front().group;
                model.erase(model.begin());
                for (auto& e : model)
                    if (e.group == taken)
                        e.topic = 0;
            }
            REQUIRE(joined(q.take(most)) == expected);
        } else {
            auto const before = model;
            std::erase_if(model, [&](entry const& e) {
                return e.topic != 0 && std::any_of(before.begin(), before.end(), [&](auto& b) {
                           return b.topic == e.topic && b.group > e.group;
                       });
            });
            q.drop_outdated();
        }
        std::size_t bytes = 0;
        for (auto const& e : model)
            bytes += e.text.size() + sizeof(socoro::eio::packet);
        REQUIRE(q.bytes() == bytes);
    }
}

TEST_CASE("engine/topic_queue: a client that never reads costs no more for each event") {
    // One of a hundred thousand waiting groups is dropped each time: to look at all of them each
    // time would take minutes.
    topic_queue q;
    auto const one = group({"x"});
    for (std::uint64_t topic = 1; topic <= 100'000; ++topic)
        q.push(one, topic);
    std::size_t dropped = 0;
    for (std::uint64_t topic = 1; topic <= 100'000; ++topic) {
        q.push(one, topic);
        dropped += q.drop_outdated();
    }
    CHECK(dropped == 100'000);
    CHECK(q.take(200'000).size() == 100'000);
}
