// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/cookie.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <tuple>

namespace engine = socoro::engine;

TEST_CASE("engine/cookie: by default it is the reference's") {
    CHECK(engine::sid_cookie({}, "abc") == "io=abc; Path=/; HttpOnly; SameSite=Lax");
}

TEST_CASE("engine/cookie: what is set is there, in the reference's order") {
    engine::cookie_options options;
    options.name = "c";
    options.path = "/p";
    options.http_only = false;
    options.same_site = engine::same_site::strict;
    options.secure = true;
    options.domain = "a.b";
    options.max_age = std::chrono::minutes(1);
    CHECK(
        engine::sid_cookie(options, "abc") ==
        "c=abc; Max-Age=60; Domain=a.b; Path=/p; Secure; SameSite=Strict");
    options = {};
    options.partitioned = true;
    options.same_site = engine::same_site::none;
    CHECK(
        engine::sid_cookie(options, "abc") ==
        "io=abc; Path=/; HttpOnly; Partitioned; SameSite=None");
    options.same_site = engine::same_site::unspecified;
    options.path.clear();
    CHECK(engine::sid_cookie(options, "abc") == "io=abc; HttpOnly; Partitioned");
}

TEST_CASE("engine/cookie: what would be read as something else is refused") {
    engine::cookie_options options;
    options.name = "";
    CHECK_THROWS_AS(std::ignore = engine::sid_cookie(options, "abc"), std::invalid_argument);
    options = {};
    options.path = "/; Domain=evil";
    CHECK_THROWS_AS(std::ignore = engine::sid_cookie(options, "abc"), std::invalid_argument);
    options = {};
    options.domain = "a\r\n";
    CHECK_THROWS_AS(std::ignore = engine::sid_cookie(options, "abc"), std::invalid_argument);
}
