// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/date.hpp>

#include <doctest/doctest.h>

#include <chrono>

using socoro::http::format_date;
using clock_type = std::chrono::system_clock;

TEST_CASE("http/date: spells the example of RFC 9110") {
    CHECK(format_date(clock_type::from_time_t(784'111'777)) == "Sun, 06 Nov 1994 08:49:37 GMT");
}

TEST_CASE("http/date: pads every number and cuts fractions of a second") {
    auto const start = clock_type::time_point();
    CHECK(format_date(start) == "Thu, 01 Jan 1970 00:00:00 GMT");
    CHECK(format_date(start + std::chrono::milliseconds(1999)) == "Thu, 01 Jan 1970 00:00:01 GMT");
}

TEST_CASE("http/date: knows leap days") {
    CHECK(format_date(clock_type::from_time_t(1'709'164'800)) == "Thu, 29 Feb 2024 00:00:00 GMT");
}
