// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/stop.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <optional>

using socoro::net::stop_callback;
using socoro::net::stop_source;

TEST_CASE("net/stop: calls every callback, each once") {
    auto const source = std::make_shared<stop_source>();
    int first = 0, second = 0;
    stop_callback const a(source, [&] { ++first; });
    stop_callback const b(source, [&] { ++second; });
    CHECK_FALSE(source->stop_requested());
    CHECK(first + second == 0);
    source->request_stop();
    CHECK(source->stop_requested());
    CHECK(first == 1);
    CHECK(second == 1);
    source->request_stop();
    CHECK(first == 1);
    CHECK(second == 1);
}

TEST_CASE("net/stop: a callback that comes late is called at once") {
    auto const source = std::make_shared<stop_source>();
    source->request_stop();
    int calls = 0;
    stop_callback const late(source, [&] { ++calls; });
    CHECK(calls == 1);
    source->request_stop();
    CHECK(calls == 1);
}

TEST_CASE("net/stop: a callback that is gone is not called") {
    auto const source = std::make_shared<stop_source>();
    int calls = 0;
    stop_callback const stays(source, [&] { calls += 1; });
    {
        stop_callback const gone(source, [&] { calls += 10; });
    }
    source->request_stop();
    CHECK(calls == 1);
}

TEST_CASE("net/stop: callbacks may destroy each other and themselves, and add others") {
    auto const source = std::make_shared<stop_source>();
    std::optional<stop_callback> one, other, added;
    int calls = 0, late = 0;
    auto const end_all = [&] {
        ++calls;
        CHECK(source->stop_requested());
        one.reset();
        other.reset();
        added.emplace(source, [&] { ++late; });
    };
    one.emplace(source, end_all);
    other.emplace(source, end_all);
    source->request_stop();
    CHECK(calls == 1);
    CHECK(late == 1);
}

TEST_CASE("net/stop: a callback keeps its source") {
    auto source = std::make_shared<stop_source>();
    std::weak_ptr<stop_source> const watched = source;
    {
        stop_callback const callback(source, [] {});
        source.reset();
        CHECK_FALSE(watched.expired());
    }
    CHECK(watched.expired());
}
