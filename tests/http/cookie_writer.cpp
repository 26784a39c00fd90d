// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/cookie_writer.hpp>

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

namespace http = socoro::http;

TEST_CASE("http/cookie_writer: name, value and attributes, in the order they are given") {
    http::cookie_writer cookie("name", "a=b/+");
    CHECK(cookie.text() == "name=a=b/+");
    cookie.add("Path", "/ x").add("Secure");
    CHECK(cookie.text() == "name=a=b/+; Path=/ x; Secure");
}

TEST_CASE("http/cookie_writer: nothing that would be read as something else") {
    CHECK_NOTHROW(http::cookie_writer("a", ""));
    for (std::string const name : {"", "a b", "a=b", "a;b", "\xc3\xb6"})
        CHECK_THROWS_AS(http::cookie_writer(name, "x"), std::invalid_argument);
    for (std::string const value : {"a;b", "a b", "a,b", "a\"b", "a\\b", "a\tb", "a\nb", "\x7f"})
        CHECK_THROWS_AS(http::cookie_writer("a", value), std::invalid_argument);
    http::cookie_writer cookie("a", "b");
    for (std::string const value : {"a;b", "a\r\nb"})
        CHECK_THROWS_AS(cookie.add("Path", value), std::invalid_argument);
    CHECK(cookie.text().starts_with("a=b"));
}
