// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/query.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::http::query;

namespace {

std::string listed(query const& q) {
    std::string all;
    for (auto const& [name, value] : q)
        all += "<" + name + "|" + value + ">";
    return all;
}

}  // namespace

TEST_CASE("http/query: parameters come decoded and in order") {
    query const q("EIO=4&transport=polling&t=a%26b&x+y=%3D");
    CHECK(listed(q) == "<EIO|4><transport|polling><t|a&b><x y|=>");
    CHECK(q.get("transport") == "polling");
    CHECK(q.get("x y") == "=");
}

TEST_CASE("http/query: of several values the first is found") {
    query const q("a=1&a=2");
    CHECK(q.get("a") == "1");
    CHECK(q.size() == 2);
}

TEST_CASE("http/query: an absent parameter is nothing, an empty one is not") {
    query const q("a&b=&=c");
    CHECK(listed(q) == "<a|><b|><|c>");
    CHECK(q.find("a") == "");
    CHECK(q.contains("b"));
    CHECK(q.get("") == "c");
    CHECK_FALSE(q.find("c").has_value());
    CHECK(q.get("c").empty());
}

TEST_CASE("http/query: empty parts are passed over, and only the first equals sign separates") {
    CHECK(listed(query("&&a=b=c&")) == "<a|b=c>");
    CHECK(query("").empty());
    CHECK(query("&").empty());
}

TEST_CASE("http/query: names are exact, and none is special (CVE-2023-31125)") {
    query const q("__proto__=1&constructor=2&Transport=x");
    CHECK(q.get("__proto__") == "1");
    CHECK(q.get("constructor") == "2");
    CHECK_FALSE(q.contains("transport"));
    CHECK_FALSE(q.contains("toString"));
}

TEST_CASE("http/query: there is no structure in names") {
    CHECK(listed(query("a[b]=1&a[]=2&a.c=3")) == "<a[b]|1><a[]|2><a.c|3>");
}

TEST_CASE("http/query: a flood of parameters is read in linear time") {
    std::string raw;
    for (int i = 0; i < 200'000; ++i)
        raw += "&a";
    CHECK(query(raw).size() == 200'000);
}
