// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/fields.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::http::field;
using socoro::http::fields;

TEST_CASE("http/fields: names are found in any case, the first field first") {
    fields const list{{"Host", "a"}, {"X-Id", "1"}, {"x-id", "2"}};
    CHECK(list.get("HOST") == "a");
    CHECK(list.get("x-ID") == "1");
    CHECK(list.count("X-ID") == 2);
}

TEST_CASE("http/fields: an absent field is nothing, an empty one is not") {
    fields const list{{"Empty", ""}};
    CHECK(list.get("None").empty());
    CHECK_FALSE(list.find("None").has_value());
    CHECK_FALSE(list.contains("None"));
    CHECK(list.find("empty") == "");
    CHECK(list.contains("empty"));
}

TEST_CASE("http/fields: fields keep the order in which they were added") {
    fields list;
    list.add("B", "1");
    list.add("A", "2");
    list.add("b", "3");
    std::string order;
    for (auto const& [name, value] : list)
        order += name + value;
    CHECK(order == "B1A2b3");
}

TEST_CASE("http/fields: setting a field replaces all of that name where the first stood") {
    fields list{{"A", "1"}, {"B", "2"}, {"a", "3"}, {"C", "4"}};
    list.set("a", "5");
    CHECK(list == fields{{"A", "5"}, {"B", "2"}, {"C", "4"}});
    list.set("D", "6");
    CHECK(list.get("D") == "6");
}

TEST_CASE("http/fields: erasing takes every field of that name and says how many") {
    fields list{{"A", "1"}, {"B", "2"}, {"a", "3"}};
    CHECK(list.erase("A") == 2);
    CHECK(list.erase("A") == 0);
    CHECK(list == fields{{"B", "2"}});
}

TEST_CASE("http/fields: a token is looked for in the list of all fields of that name") {
    fields const list{{"Connection", "keep-alive ,\tUpgrade"}, {"connection", ",,x"}};
    CHECK(list.has_token("Connection", "upgrade"));
    CHECK(list.has_token("Connection", "KEEP-ALIVE"));
    CHECK(list.has_token("Connection", "X"));
    CHECK_FALSE(list.has_token("Connection", "up"));
    CHECK_FALSE(list.has_token("Connection", "keep-alive ,\tUpgrade"));
    CHECK_FALSE(list.has_token("Other", "x"));
}

TEST_CASE("http/fields: all fields of one name make up one list, in their order") {
    fields const list{{"A", "1, 2"}, {"B", "x"}, {"a", "3"}};
    CHECK(list.list("A") == "1, 2, 3");
    CHECK(list.list("b") == "x");
    CHECK(list.list("C").empty());
}
