// SPDX-License-Identifier: BSL-1.0
#include <socoro/reconnection.hpp>
#include <socoro/retry_queue.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

using namespace std::chrono_literals;
using socoro::backoff;
using socoro::backoff_delay;
using socoro::detail::retry_queue;

namespace {

/// What the reference gives for its defaults, a second that doubles up to five and varies by half,
/// computed with its own code.
struct sample {
    std::size_t attempt;
    double random;
    std::int64_t milliseconds;
};

socoro::detail::encoded_event event(std::string_view name) {
    socoro::detail::encoded_event made;
    made.json = "[\"x\"]";
    made.name = name;
    return made;
}

}  // namespace

TEST_CASE("backoff: the times are those of the reference") {
    for (auto const& [attempt, random, expected] : {
             sample{0, 0, 1000},     sample{0, 0.25, 875},  sample{0, 0.5, 1250},
             sample{0, 0.75, 1375},  sample{0, 0.95, 1475}, sample{1, 0.1, 2100},
             sample{1, 0.33, 2330},  sample{1, 0.66, 1340}, sample{2, 0.05, 3900},
             sample{2, 0.41, 3180},  sample{2, 0.59, 5000}, sample{2, 0.99, 5000},
             sample{3, 0.2, 5000},   sample{3, 0.31, 5000}, sample{4, 0.9, 5000},
             sample{4, 0.88, 5000},  sample{5, 0.95, 5000}, sample{10, 0.5, 5000},
             sample{30, 0.99, 5000},
         }) {
        CAPTURE(attempt);
        CAPTURE(random);
        CHECK(backoff_delay(backoff(), attempt, random).count() == expected);
    }
}

TEST_CASE("backoff: without randomness a time doubles up to the longest, however often") {
    backoff const times{100ms, 700ms, 0};
    std::string all;
    for (std::size_t const attempt : {0, 1, 2, 3, 4, 62, 1000, 100'000})
        all += std::to_string(backoff_delay(times, attempt, 0.99).count()) + " ";
    CHECK(all == "100 200 400 700 700 700 700 700 ");
    CHECK(backoff_delay({100ms, 700ms, 1}, 100'000, 0.5) <= 700ms);
    CHECK(backoff_delay({100ms, 700ms, 2}, 0, 0.5) == 100ms);
    CHECK(backoff_delay({100ms, 700ms, -1}, 0, 0.5) == 100ms);
}

TEST_CASE("reconnection: the first attempt is made at once, those after a failure in time") {
    socoro::reconnection machine({1s, 5s, 0}, std::nullopt);
    CHECK_FALSE(machine.is_delayed());
    machine.on_failure();
    CHECK(machine.is_delayed());
    CHECK(machine.next(0) == 1000ms);
    CHECK(machine.attempt() == 1);
    CHECK(machine.next(0) == 2000ms);
    machine.reset();
    CHECK_FALSE(machine.is_delayed());
    machine.on_failure();
    CHECK(machine.next(0) == 1000ms);
}

TEST_CASE("reconnection: attempts in a row may be limited") {
    socoro::reconnection none({1s, 5s, 0}, 0);
    none.on_failure();
    CHECK_FALSE(none.next(0));
    socoro::reconnection two({1s, 5s, 0}, 2);
    two.on_failure();
    CHECK(two.next(0));
    CHECK(two.next(0));
    CHECK_FALSE(two.next(0));
    two.reset();
    CHECK(two.next(0));
}

TEST_CASE("retry_queue: one event is under way, the next follows its acknowledgement") {
    retry_queue queue(1, 10'000);
    CHECK(queue.next(false) == nullptr);
    CHECK(queue.push(event("a"), nullptr));
    CHECK(queue.push(event("b"), nullptr));
    auto const* const first = queue.next(false);
    REQUIRE(first);
    CHECK(first->name == "a");
    CHECK(queue.next(false) == nullptr);
    CHECK(queue.on_reply().name == "a");
    CHECK(queue.next(false)->name == "b");
}

TEST_CASE("retry_queue: an event is sent again until it has been tried often enough") {
    retry_queue queue(2, 10'000);
    CHECK(queue.push(event("a"), nullptr));
    for (int tries = 1; tries <= 2; ++tries) {
        CHECK(queue.next(false)->name == "a");
        CHECK_FALSE(queue.on_failure());
    }
    CHECK(queue.next(false)->tries == 3);
    CHECK(queue.on_failure()->name == "a");
    CHECK(queue.empty());
}

TEST_CASE("retry_queue: over another connection the event under way goes again") {
    retry_queue queue(0, 10'000);
    CHECK(queue.push(event("a"), nullptr));
    CHECK(queue.next(false));
    CHECK_FALSE(queue.next(false));
    CHECK(queue.next(true)->name == "a");
}

TEST_CASE("retry_queue: what does not fit is refused, and room is made by what leaves") {
    auto const size = sizeof(retry_queue::entry) + 5;
    retry_queue queue(0, 2 * size);
    CHECK(queue.push(event("a"), nullptr));
    CHECK(queue.push(event("b"), nullptr));
    CHECK_FALSE(queue.push(event("c"), nullptr));
    CHECK(queue.next(false));
    CHECK(queue.on_reply().name == "a");
    CHECK(queue.push(event("c"), nullptr));
    CHECK(queue.take_all().size() == 2);
    CHECK(queue.empty());
    CHECK(queue.push(event("d"), nullptr));
}
