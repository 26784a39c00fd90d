// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/queue.hpp>

#include "engine/packets.hpp"

#include <doctest/doctest.h>

#include <string>

namespace eio = socoro::eio;
using namespace engine_test;
using socoro::engine::queue;

TEST_CASE("engine/queue: packets leave in order, in batches") {
    queue q;
    CHECK(q.empty());
    for (char c = 'a'; c <= 'g'; ++c)
        q.push(packet(std::string(1, c)));
    CHECK(q.size() == 7);
    CHECK(joined(q.take(3)) == "abc");
    CHECK(joined(q.take(4)) == "defg");
    CHECK(q.take(4).empty());
    CHECK(q.empty());
}

TEST_CASE("engine/queue: a long queue leaves in order, however small the batches") {
    queue q;
    for (int i = 0; i < 1000; ++i)
        q.push(packet(std::to_string(i) + ","));
    std::string all, expected;
    while (!q.empty())
        all += joined(q.take(7));
    for (int i = 0; i < 1000; ++i)
        expected += std::to_string(i) + ",";
    CHECK(all == expected);
    CHECK(q.bytes() == 0);
}

TEST_CASE("engine/queue: bytes are counted, empty packets too, and given back") {
    constexpr auto each = sizeof(eio::packet);
    queue q;
    q.push(packet("abc"));
    q.push(packet(""));
    q.push(packet("12345"));
    CHECK(q.bytes() == 8 + 3 * each);
    std::ignore = q.take(2);
    CHECK(q.bytes() == 5 + each);
    std::ignore = q.take(1);
    CHECK(q.bytes() == 0);
    q.push(packet("abc"));
    q.clear();
    CHECK(q.bytes() == 0);
    CHECK(q.empty());
}
