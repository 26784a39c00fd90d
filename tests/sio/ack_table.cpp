// SPDX-License-Identifier: BSL-1.0
#include <socoro/sio/ack_table.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

using table = socoro::sio::ack_table<std::string>;

TEST_CASE("sio/ack_table: ids count up from 0") {
    table acks;
    CHECK(acks.add("a") == 0);
    CHECK(acks.add("b") == 1);
    CHECK(acks.take(1) == "b");
    CHECK(acks.add("c") == 2);
    CHECK(acks.size() == 2);
}

TEST_CASE("sio/ack_table: an answer is given once, a repeated or unknown id is nobody's") {
    table acks;
    acks.add("a");
    CHECK_FALSE(acks.take(1).has_value());
    CHECK_FALSE(acks.take(std::numeric_limits<std::uint64_t>::max()).has_value());
    CHECK(acks.take(0) == "a");
    CHECK_FALSE(acks.take(0).has_value());
    CHECK(acks.empty());
}

TEST_CASE("sio/ack_table: a flood of unknown ids leaves nothing behind") {
    table acks;
    for (std::uint64_t id = 0; id < 100'000; ++id)
        CHECK_FALSE(acks.take(id).has_value());
    CHECK(acks.empty());
}

TEST_CASE("sio/ack_table: the caller may count the ids") {
    table acks;
    acks.add(7, "a");
    CHECK(acks.add("b") == 8);
    acks.add(3, "c");
    CHECK(acks.add("d") == 9);
    CHECK(acks.take(3) == "c");
    CHECK_THROWS_AS(acks.add(7, "again"), std::invalid_argument);
    CHECK(acks.take(7) == "a");
}

TEST_CASE("sio/ack_table: when the peer is gone all waiters are taken, oldest first") {
    table acks;
    acks.add("a");
    acks.add("b");
    acks.add("c");
    CHECK(acks.take(1) == "b");
    CHECK(acks.take_all() == std::vector<std::string>{"a", "c"});
    CHECK(acks.empty());
    CHECK(acks.take_all().empty());
    CHECK(acks.add("d") == 3);
}

TEST_CASE("sio/ack_table: waiters need not be copyable") {
    socoro::sio::ack_table<std::unique_ptr<int>> acks;
    acks.add(std::make_unique<int>(1));
    acks.add(std::make_unique<int>(2));
    CHECK(**acks.take(0) == 1);
    CHECK(*acks.take_all().front() == 2);
}
