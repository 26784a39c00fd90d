// SPDX-License-Identifier: BSL-1.0
#include <socoro/transport/any_transport.hpp>

#include "support/memory_transport.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

using socoro::transport::any_transport;

TEST_CASE("transport/any_transport: those that share a transport are equal, however made") {
    test::world const w;
    test::memory_transport_pair const pair(w.shard);
    any_transport const first(pair.first);
    CHECK(first == any_transport(pair.first));
    CHECK(first != any_transport(pair.second));
    CHECK(first != any_transport());
    CHECK(any_transport() == any_transport());
    CHECK(first.target<test::memory_transport>() == pair.first);
    CHECK(any_transport().target<test::memory_transport>() == nullptr);
}
