// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/origin_policy.hpp>

#include <doctest/doctest.h>

#include <string>
#include <utility>

namespace engine = socoro::engine;
namespace http = socoro::http;

namespace {

http::request from(std::string origin, std::string host = "page.example:3000") {
    http::request made;
    made.headers.add("Host", std::move(host));
    made.headers.add("Origin", std::move(origin));
    return made;
}

}  // namespace

TEST_CASE("engine/origin_policy: a page of the same host and port is no stranger") {
    CHECK(engine::is_same_origin(from("http://page.example:3000")));
    CHECK(engine::is_same_origin(from("https://page.example:3000")));
    CHECK(engine::is_same_origin(from("http://Page.Example:3000", "pagE.example:3000")));
    CHECK(engine::is_same_origin(from("http://[::1]:80", "[::1]")));
    CHECK(engine::is_same_origin(from("http://page.example", "page.example:80")));
    CHECK(engine::is_same_origin(from("https://page.example", "page.example:443")));
    for (auto const* const other :
         {"http://page.example",
          "http://page.example:30000",
          "http://page.example:3000.evil",
          "http://evil/page.example:3000",
          "http://user@page.example:3000",
          "page.example:3000",
          "null",
          "",
          "://",
          "file://"}) {
        CAPTURE(other);
        CHECK_FALSE(engine::is_same_origin(from(other)));
    }
    CHECK_FALSE(engine::is_same_origin(from("https://page.example", "page.example:80")));
    CHECK_FALSE(engine::is_same_origin(from("http://page.example", "page.example:443")));
    CHECK_FALSE(engine::is_same_origin(from("http://", "")));
    CHECK_FALSE(engine::is_same_origin({}));
}

TEST_CASE("engine/origin_policy: foreign is who has an origin that is neither ours nor allowed") {
    engine::cors_options options;
    options.origins = {"http://friend.example"};
    options.allows_origin = [](std::string_view origin) { return origin == "null"; };
    CHECK_FALSE(engine::is_foreign(options, {}));
    for (auto const* const good : {"http://page.example:3000", "http://friend.example", "null"})
        CHECK_FALSE(engine::is_foreign(options, from(good)));
    for (auto const* const bad : {"http://evil", "http://friend.example.evil", "", "NULL"})
        CHECK(engine::is_foreign(options, from(bad)));
    auto twice = from("http://friend.example");
    twice.headers.add("Origin", "http://friend.example");
    CHECK(engine::is_foreign(options, twice));
    options = {};
    CHECK(engine::is_foreign(options, from("null")));
    options.origins = {"*"};
    CHECK_FALSE(engine::is_foreign(options, from("http://evil")));
}
