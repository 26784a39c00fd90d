// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/deflated_messages.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace ws = socoro::ws;

TEST_CASE("ws/deflated_messages: what was deflated is forgotten with the last who needs it") {
    ws::deflated_messages kept;
    auto first = std::make_shared<std::string const>("one");
    auto const second = std::make_shared<std::string const>("two");
    kept.keep(first, 15, "1");
    kept.keep(second, 15, "2");
    CHECK(*kept.find(first, 15) == "1");
    CHECK(kept.find(first, 14) == nullptr);
    kept.forget(first, 15);
    CHECK(kept.find(first, 15) == nullptr);
    CHECK(*kept.find(second, 15) == "2");
    CHECK(kept.size() == 1);
}

TEST_CASE("ws/deflated_messages: what nobody needs any more makes room, then all does") {
    ws::deflated_messages kept;
    std::string const large(ws::deflated_messages::most_bytes / 2, 'x');
    auto const alive = std::make_shared<int const>(0);
    kept.keep(alive, 15, large);
    kept.keep(std::make_shared<int const>(1), 15, large);
    kept.keep(std::make_shared<int const>(2), 15, large);
    CHECK(kept.size() == 3);
    auto const next = std::make_shared<int const>(3);
    kept.keep(next, 15, large);
    CHECK(kept.size() == 2);
    CHECK(kept.find(alive, 15) != nullptr);
    auto const third = std::make_shared<int const>(4);
    kept.keep(third, 15, large);
    auto const fourth = std::make_shared<int const>(5);
    kept.keep(fourth, 15, large);
    CHECK(kept.size() == 1);
    CHECK(kept.find(fourth, 15) != nullptr);

    ws::deflated_messages many;
    std::vector<std::shared_ptr<int const>> sources;
    for (int i = 0; i < 10'000; ++i) {
        sources.push_back(std::make_shared<int const>(i));
        many.keep(sources.back(), 15, "x");
        REQUIRE(many.size() <= ws::deflated_messages::most_messages);
    }
}
