// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/message.hpp>

#include <doctest/doctest.h>

using socoro::http::fields;
using socoro::http::request;

namespace {

request get(std::string target, fields headers = {}, unsigned version = 11) {
    return {"GET", std::move(target), version, std::move(headers), ""};
}

}  // namespace

TEST_CASE("http/message: a target is a path and a query") {
    auto const r = get("/socket.io/?EIO=4&transport=polling");
    CHECK(r.path() == "/socket.io/");
    CHECK(r.query() == "EIO=4&transport=polling");
}

TEST_CASE("http/message: only the first question mark separates") {
    auto const r = get("/a?b?c");
    CHECK(r.path() == "/a");
    CHECK(r.query() == "b?c");
    CHECK(get("/a").query().empty());
    CHECK(get("/a?").query().empty());
}

TEST_CASE("http/message: of an absolute target the authority is left out") {
    auto const r = get("http://example.com:80/a/b?c=d");
    CHECK(r.path() == "/a/b");
    CHECK(r.query() == "c=d");
    CHECK(get("http://example.com").path() == "/");
    auto const bare = get("http://example.com?c=http://x/y");
    CHECK(bare.path() == "/");
    CHECK(bare.query() == "c=http://x/y");
}

TEST_CASE("http/message: a path with a colon and slashes in it is no absolute target") {
    auto const r = get("/redirect/http://x/y?to=http://z");
    CHECK(r.path() == "/redirect/http://x/y");
    CHECK(r.query() == "to=http://z");
    CHECK(get("*").path() == "*");
}

TEST_CASE("http/message: HTTP/1.1 keeps the connection unless told to close it") {
    CHECK(get("/").keep_alive());
    CHECK_FALSE(get("/", {{"Connection", "foo, Close"}}).keep_alive());
}

TEST_CASE("http/message: HTTP/1.0 closes the connection unless told to keep it") {
    CHECK_FALSE(get("/", {}, 10).keep_alive());
    CHECK(get("/", {{"Connection", "Keep-Alive"}}, 10).keep_alive());
    CHECK_FALSE(get("/", {{"Connection", "keep-alive, close"}}, 10).keep_alive());
}

TEST_CASE("http/message: an upgrade needs both fields, and HTTP/1.1") {
    fields const both{{"Connection", "keep-alive, Upgrade"}, {"Upgrade", "websocket"}};
    CHECK(get("/", both).wants_upgrade());
    CHECK_FALSE(get("/", both, 10).wants_upgrade());
    CHECK_FALSE(get("/", {{"Upgrade", "websocket"}}).wants_upgrade());
    CHECK_FALSE(get("/", {{"Connection", "upgrade"}}).wants_upgrade());
}

TEST_CASE("http/message: a client of HTTP/1.1 may wait for 100") {
    fields const expect{{"Expect", "100-Continue"}};
    CHECK(get("/", expect).expects_continue());
    CHECK_FALSE(get("/", expect, 10).expects_continue());
    CHECK_FALSE(get("/").expects_continue());
}

TEST_CASE("http/message: a text response says what it is") {
    auto const r = socoro::http::text(404, "not here", "text/html");
    CHECK(r.status == 404);
    CHECK(r.headers == fields{{"Content-Type", "text/html"}});
    CHECK(r.body == "not here");
}
