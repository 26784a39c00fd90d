// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/cookie.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::http::cookies;

TEST_CASE("http/cookie: cookies come in order, without the space around them") {
    cookies const jar(" a=1;b = 2 ;\tc=3=4");
    std::string all;
    for (auto const& [name, value] : jar)
        all += "<" + name + "|" + value + ">";
    CHECK(all == "<a|1><b|2><c|3=4>");
}

TEST_CASE("http/cookie: of several with one name the first is found") {
    cookies const jar("io=one; io=two");
    CHECK(jar.get("io") == "one");
    CHECK(jar.size() == 2);
}

TEST_CASE("http/cookie: a quoted value loses its quotes") {
    cookies const jar("a=\"x y\"; b=\"; c=\"\"; d=x\"; e=\"a\\\"b\"");
    CHECK(jar.get("a") == "x y");
    CHECK(jar.get("b") == "\"");
    CHECK(jar.find("c") == "");
    CHECK(jar.get("d") == "x\"");
    CHECK(jar.get("e") == "a\\\"b");
}

TEST_CASE("http/cookie: values are not percent-decoded") {
    CHECK(cookies("a=%20+").get("a") == "%20+");
}

TEST_CASE("http/cookie: parts without a name are passed over") {
    CHECK(cookies("").empty());
    CHECK(cookies(";;").empty());
    CHECK(cookies("a; =b; c=").size() == 1);
    CHECK(cookies("a; =b; c=").find("c") == "");
}

TEST_CASE("http/cookie: names are exact, and none is special") {
    cookies const jar("__proto__=1; A=2");
    CHECK(jar.get("__proto__") == "1");
    CHECK_FALSE(jar.contains("a"));
    CHECK(jar.get("a").empty());
}

TEST_CASE("http/cookie: a flood of cookies is read in linear time") {
    std::string header;
    for (int i = 0; i < 200'000; ++i)
        header += "a=;";
    CHECK(cookies(header).size() == 200'000);
}
