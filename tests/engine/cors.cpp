// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/cors.hpp>

#include <doctest/doctest.h>

namespace engine = socoro::engine;
namespace http = socoro::http;

namespace {

http::request from(std::string origin, std::string method = "GET") {
    http::request made;
    made.method = std::move(method);
    made.headers.add("Origin", std::move(origin));
    return made;
}

engine::cors_options allowing(std::vector<std::string> origins, bool credentials = false) {
    engine::cors_options options;
    options.origins = std::move(origins);
    options.credentials = credentials;
    return options;
}

}  // namespace

TEST_CASE("engine/cors: nothing is said unless origins are allowed") {
    CHECK(engine::cors_fields({}, from("http://a")) == http::fields());
    CHECK_FALSE(engine::is_preflight({}, from("http://a", "OPTIONS")));
}

TEST_CASE("engine/cors: an allowed origin is named, another one is not, and caches are told") {
    auto const options = allowing({"http://a", "http://b"}, true);
    auto const allowed = engine::cors_fields(options, from("http://b"));
    CHECK(allowed.get("Access-Control-Allow-Origin") == "http://b");
    CHECK(allowed.get("Access-Control-Allow-Credentials") == "true");
    CHECK(allowed.get("Vary") == "Origin");
    for (auto const* const other : {"http://c", "http://a.evil", "", "null"}) {
        auto const fields = engine::cors_fields(options, from(other));
        CHECK_FALSE(fields.contains("Access-Control-Allow-Origin"));
        CHECK(fields.get("Vary") == "Origin");
    }
}

TEST_CASE("engine/cors: every origin is never allowed together with credentials") {
    // CVE-2020-28481
    auto const fields = engine::cors_fields(allowing({"*"}, true), from("http://a"));
    CHECK(fields.get("Access-Control-Allow-Origin") == "*");
    CHECK_FALSE(fields.contains("Access-Control-Allow-Credentials"));
}

TEST_CASE("engine/cors: a preflight is answered as the reference answers it") {
    auto const options = allowing({"http://a"});
    auto asked = from("http://a", "OPTIONS");
    asked.headers.add("Access-Control-Request-Headers", "x-one, x-two");
    REQUIRE(engine::is_preflight(options, asked));
    auto const answer = engine::preflight(options, asked);
    CHECK(answer.status == 204);
    CHECK(answer.body.empty());
    CHECK(answer.headers.get("Access-Control-Allow-Origin") == "http://a");
    CHECK(answer.headers.get("Vary") == "Origin, Access-Control-Request-Headers");
    CHECK(answer.headers.get("Access-Control-Allow-Methods") == "GET,HEAD,PUT,PATCH,POST,DELETE");
    CHECK(answer.headers.get("Access-Control-Allow-Headers") == "x-one, x-two");
    CHECK(answer.headers.get("Content-Length") == "0");
    CHECK_FALSE(engine::is_preflight(options, from("http://a")));
}
