// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/cors.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>
#include <string>
#include <vector>

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

/// Fields as they are written.
std::string lines(http::fields const& fields) {
    std::string all;
    for (auto const& field : fields)
        all += field.name + ": " + field.value + "\n";
    return all;
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
    CHECK_THROWS_AS(engine::check(allowing({"*"}, true)), std::invalid_argument);
    auto const fields = engine::cors_fields(allowing({"*"}, true), from("http://a"));
    CHECK(fields.get("Access-Control-Allow-Origin") == "*");
    CHECK_FALSE(fields.contains("Access-Control-Allow-Credentials"));
}

TEST_CASE("engine/cors: a predicate may allow any origin, which is then named") {
    engine::cors_options options;
    options.credentials = true;
    options.allows_origin = [](std::string_view origin) { return origin.ends_with(".example"); };
    CHECK_NOTHROW(engine::check(options));
    CHECK(
        lines(engine::cors_fields(options, from("http://a.example"))) ==
        "Access-Control-Allow-Origin: http://a.example\nVary: Origin\n"
        "Access-Control-Allow-Credentials: true\n");
    // Unlike in the reference caches are told here, too.
    CHECK(
        lines(engine::cors_fields(options, from("http://a"))) ==
        "Vary: Origin\nAccess-Control-Allow-Credentials: true\n");
    CHECK_FALSE(engine::cors_fields(options, {}).contains("Access-Control-Allow-Origin"));
    options.origins = {"http://b"};
    for (auto const* const each : {"http://b", "http://a.example"})
        CHECK(engine::cors_fields(options, from(each)).get("Access-Control-Allow-Origin") == each);
    CHECK(engine::is_preflight(options, from("http://a", "OPTIONS")));
}

TEST_CASE("engine/cors: what cannot stand in a header field is refused") {
    CHECK_NOTHROW(engine::check({}));
    CHECK_NOTHROW(engine::check(allowing({"http://a"}, true)));
    CHECK_THROWS_AS(engine::check(allowing({"http://a\r\n"})), std::invalid_argument);
    engine::cors_options options;
    options.exposed_headers = {""};
    CHECK_THROWS_AS(engine::check(options), std::invalid_argument);
    options.exposed_headers = {"X"};
    CHECK_NOTHROW(engine::check(options));
    options.methods = {"A\n"};
    CHECK_THROWS_AS(engine::check(options), std::invalid_argument);
}

TEST_CASE("engine/cors: a preflight is answered as the reference answers it") {
    auto const options = allowing({"http://a"});
    auto asked = from("http://a", "OPTIONS");
    asked.headers.add("Access-Control-Request-Headers", "x-one, x-two");
    REQUIRE(engine::is_preflight(options, asked));
    auto const answer = engine::preflight(options, asked);
    CHECK(answer.status == 204);
    CHECK(answer.body.empty());
    CHECK(
        lines(answer.headers) ==
        "Access-Control-Allow-Origin: http://a\nVary: Origin, Access-Control-Request-Headers\n"
        "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\n"
        "Access-Control-Allow-Headers: x-one, x-two\nContent-Length: 0\n");
    CHECK_FALSE(engine::is_preflight(options, from("http://a")));
    CHECK(
        lines(engine::preflight(allowing({"*"}), from("http://b", "OPTIONS")).headers) ==
        "Access-Control-Allow-Origin: *\n"
        "Access-Control-Allow-Methods: GET,HEAD,PUT,PATCH,POST,DELETE\n"
        "Vary: Access-Control-Request-Headers\nContent-Length: 0\n");
}

TEST_CASE("engine/cors: all that can be set is in the reference's order") {
    auto options = allowing({"http://a"}, true);
    options.methods = {"GET", "POST"};
    options.allowed_headers = {"x-a", "x-b"};
    options.exposed_headers = {"X-One", "X-Two"};
    options.max_age = std::chrono::minutes(10);
    CHECK(
        lines(engine::cors_fields(options, from("http://a"))) ==
        "Access-Control-Allow-Origin: http://a\nVary: Origin\n"
        "Access-Control-Allow-Credentials: true\nAccess-Control-Expose-Headers: X-One,X-Two\n");
    std::string const rest =
        "Vary: Origin\nAccess-Control-Allow-Credentials: true\n"
        "Access-Control-Allow-Methods: GET,POST\nAccess-Control-Allow-Headers: x-a,x-b\n"
        "Access-Control-Max-Age: 600\nAccess-Control-Expose-Headers: X-One,X-Two\n"
        "Content-Length: 0\n";
    CHECK(
        lines(engine::preflight(options, from("http://a", "OPTIONS")).headers) ==
        "Access-Control-Allow-Origin: http://a\n" + rest);
    CHECK(lines(engine::preflight(options, from("http://evil", "OPTIONS")).headers) == rest);
}
