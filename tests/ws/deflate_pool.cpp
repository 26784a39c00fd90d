// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/deflate_pool.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace ws = socoro::ws;

TEST_CASE("ws/deflate_pool: streams without context are lent for one message") {
    ws::deflate_pool pool({});
    auto taken = pool.take_inflater(15);
    auto* const first = taken.get();
    pool.give_back(15, std::move(taken));
    CHECK(pool.take_inflater(14).get() != first);
    CHECK(pool.take_inflater(15).get() == first);
}

TEST_CASE("ws/deflate_pool: what forgets each message has one stream for each window") {
    ws::deflate_pool pool({});
    auto* const first = &pool.shared_deflater(15);
    CHECK(&pool.shared_deflater(15) == first);
    CHECK(&pool.shared_deflater(14) != first);
    CHECK(pool.make_deflater(8) != nullptr);
}

TEST_CASE("ws/deflate_pool: the buffer is empty each time, and gives large memory back") {
    ws::deflate_pool pool({});
    pool.buffer().assign(1'000'000, 'x');
    CHECK(pool.buffer().empty());
    CHECK(pool.buffer().capacity() < 100'000);
}
