// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/random.hpp>

#include <doctest/doctest.h>

TEST_CASE("base/random: gives as many bytes as asked, and never the same twice") {
    CHECK(socoro::random_bytes(0).empty());
    CHECK(socoro::random_bytes(13).size() == 13);
    CHECK(socoro::random_bytes(16) != socoro::random_bytes(16));
}
