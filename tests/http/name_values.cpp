// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/name_values.hpp>

#include <doctest/doctest.h>

namespace http = socoro::http;

namespace {

struct list : http::name_values {
    using http::name_values::add;
};

}  // namespace

TEST_CASE("http/name_values: keeps order and repetitions, and finds the first of a name") {
    list values;
    CHECK(values.empty());
    values.add("a", "1");
    values.add("b", "");
    values.add("a", "2");
    CHECK(values.size() == 3);
    CHECK(values.get("a") == "1");
    CHECK(values.find("b") == "");
    CHECK((values.end() - 1)->value == "2");
}

TEST_CASE("http/name_values: a name that is not there has no value, and case matters") {
    list values;
    values.add("a", "1");
    CHECK_FALSE(values.find("A"));
    CHECK_FALSE(values.contains("A"));
    CHECK(values.get("A") == "");
    CHECK(values.contains("a"));
}
