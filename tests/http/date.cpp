// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/date.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <string>

using socoro::http::format_date;
using socoro::http::parse_cookie_date;
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

TEST_CASE("http/date: a cookie's date is read in all the ways that servers write it") {
    auto const example = std::chrono::sys_seconds(std::chrono::seconds(784'111'777));
    for (std::string const text :
         {"Sun, 06 Nov 1994 08:49:37 GMT",
          "Sunday, 06-Nov-94 08:49:37 GMT",
          "Sun Nov  6 08:49:37 1994",
          "06 nOVEMBER 1994 8:49:37",
          "08:49:37 1994/6/Nov",
          "6\tNov\t94\t08:49:37x 1995 7 Dec",
          " ,;6th Nov 1994a 08:49:37.5"}) {
        CAPTURE(text);
        CHECK(parse_cookie_date(text) == example);
    }
}

TEST_CASE("http/date: what was formatted is read as the same second") {
    using std::chrono::sys_days;
    CHECK(parse_cookie_date("Thu, 01 Jan 1970 00:00:00 GMT") == sys_days());
    CHECK(parse_cookie_date("Fri, 31 Dec 9999 23:59:59 GMT").has_value());
    for (long seconds : {1L, 951'782'400L, 1'709'164'799L, 4'000'000'000L})
        CHECK(
            parse_cookie_date(format_date(clock_type::from_time_t(seconds))) ==
            std::chrono::sys_seconds(std::chrono::seconds(seconds)));
}

TEST_CASE("http/date: a year of two digits is within a century around 2000") {
    using namespace std::chrono;
    auto const year_of = [](std::string const& year) {
        auto const when = parse_cookie_date("1 Jan " + year + " 00:00:00");
        return when ? int(year_month_day(floor<days>(*when)).year()) : 0;
    };
    CHECK(year_of("70") == 1970);
    CHECK(year_of("99") == 1999);
    CHECK(year_of("00") == 2000);
    CHECK(year_of("69") == 2069);
}

TEST_CASE("http/date: a cookie's date that lacks something, or never was, is none") {
    for (std::string const text :
         {"",
          "soon",
          "06 Nov 1994",
          "Nov 1994 08:49:37",
          "06 1994 08:49:37",
          "06 Nov 08:49:37",
          "06 Nov 19945 08:49:37",
          "006 Nov 1994 08:49:37",
          "06 Nov 1994 24:00:00",
          "06 Nov 1994 08:60:00",
          "06 Nov 1994 08:49:60",
          "06 Nov 1994 08:49",
          "06 Nov 1994 008:49:37",
          "06 Nov 1994 08:49:371",
          "00 Nov 1994 08:49:37",
          "31 Nov 1994 08:49:37",
          "29 Feb 2023 08:49:37",
          "06 Nov\xa0"
          "1994 08:49:37",
          "06 Nov 1600 08:49:37"}) {
        CAPTURE(text);
        CHECK_FALSE(parse_cookie_date(text).has_value());
    }
    CHECK_FALSE(parse_cookie_date(std::string(100'000, '9')).has_value());
}
