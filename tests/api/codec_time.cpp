// SPDX-License-Identifier: BSL-1.0
#include <socoro/codec/time.hpp>
#include <socoro/event.hpp>
#include <socoro/sio/json_reader.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

namespace {

using namespace std::chrono_literals;
using std::chrono::sys_days;
using std::chrono::sys_seconds;
using std::chrono::sys_time;
using milliseconds = std::chrono::milliseconds;
using nanoseconds = std::chrono::nanoseconds;

template <typename T>
std::string written(T const& value) {
    std::string text;
    std::vector<std::string> binary;
    socoro::detail::write_value(text, value, binary);
    return text;
}

/// The value that JSON text gives; nothing if it does not fit, for `why` then.
template <typename T>
std::optional<T> read(std::string const& text, std::string* why = nullptr) {
    auto const parsed = socoro::sio::parse_json("[" + text + "]", {});
    REQUIRE(parsed.has_value());
    std::vector<std::string> const none;
    socoro::detail::value_reader reader(none);
    std::tuple<T> into;
    if (socoro::detail::read_arguments(parsed->as_array(), 0, reader, into))
        return std::get<0>(into);
    if (why)
        *why = reader.why().where + " is not " + reader.why().expected;
    return std::nullopt;
}

template <typename D>
std::optional<sys_time<D>> at(std::string const& text) {
    return read<sys_time<D>>("\"" + text + "\"");
}

constexpr auto noon = sys_days(std::chrono::year(2024) / 1 / 31) + 12h;

// What `new Date(milliseconds).toJSON()` gives in Node: the edges of Date, of years, of months and
// of leap days, and some times in between.
struct {
    std::int64_t milliseconds;
    std::string text;
} const dates[] = {
    {0LL, "1970-01-01T00:00:00.000Z"},
    {-1LL, "1969-12-31T23:59:59.999Z"},
    {1LL, "1970-01-01T00:00:00.001Z"},
    {999LL, "1970-01-01T00:00:00.999Z"},
    {8640000000000000LL, "+275760-09-13T00:00:00.000Z"},
    {-8640000000000000LL, "-271821-04-20T00:00:00.000Z"},
    {8639999999999999LL, "+275760-09-12T23:59:59.999Z"},
    {-62167219200000LL, "0000-01-01T00:00:00.000Z"},
    {-62167219200001LL, "-000001-12-31T23:59:59.999Z"},
    {253402300799999LL, "9999-12-31T23:59:59.999Z"},
    {253402300800000LL, "+010000-01-01T00:00:00.000Z"},
    {951782400000LL, "2000-02-29T00:00:00.000Z"},
    {951868799999LL, "2000-02-29T23:59:59.999Z"},
    {-2203891200001LL, "1900-02-28T23:59:59.999Z"},
    {4107542399999LL, "2100-02-28T23:59:59.999Z"},
    {4107542400000LL, "2100-03-01T00:00:00.000Z"},
    {-62198755200000LL, "-000001-01-01T00:00:00.000Z"},
    {-6746481688570653LL, "-211818-07-04T04:43:49.347Z"},
    {-29561452714365LL, "1033-03-27T13:21:25.635Z"},
    {7712479853369LL, "2214-05-26T19:30:53.369Z"},
    {2685899277438LL, "2055-02-10T19:07:57.438Z"},
    {-3013095253498956LL, "-093512-10-23T08:15:01.044Z"},
    {7619501050991LL, "2211-06-15T16:04:10.991Z"},
    {5877368703231LL, "2156-03-31T02:25:03.231Z"},
    {-868048999469LL, "1942-06-30T03:16:40.531Z"},
    {5446299285280684LL, "+174556-05-09T08:34:40.684Z"},
    {-39290764491436LL, "0724-12-04T18:45:08.564Z"},
    {9799902655997LL, "2280-07-18T19:10:55.997Z"},
    {3864456838099LL, "2092-06-16T12:13:58.099Z"},
    {-5846811773342775LL, "-183309-11-29T10:30:57.225Z"},
    {41089876684707LL, "3272-02-01T06:38:04.707Z"},
    {-440946023367LL, "1956-01-11T10:59:36.633Z"},
    {-1338103248782LL, "1927-08-07T16:39:11.218Z"},
};

}  // namespace

TEST_CASE("api/codec/time: is written and read as JavaScript's Date does") {
    for (auto const& date : dates) {
        CAPTURE(date.text);
        sys_time<milliseconds> const time(milliseconds(date.milliseconds));
        CHECK(written(time) == "\"" + date.text + "\"");
        CHECK(at<milliseconds>(date.text) == time);
    }
}

TEST_CASE("api/codec/time: days of all months, over 800 years, come back in order") {
    auto const first = sys_days(std::chrono::year(1999) / 12 / 31);
    std::string before;
    for (auto day = first; day < first + std::chrono::years(800); day += std::chrono::days(59)) {
        auto const text = written(day);
        CAPTURE(text);
        CHECK(read<sys_days>(text) == day);
        CHECK(text > before);
        before = text;
    }
}

TEST_CASE("api/codec/time: goes to the millisecond, rounded down") {
    CHECK(written(noon) == "\"2024-01-31T12:00:00.000Z\"");
    CHECK(written(sys_time(noon + 1999us)) == "\"2024-01-31T12:00:00.001Z\"");
    CHECK(written(sys_time(noon - 1ns)) == "\"2024-01-31T11:59:59.999Z\"");
    CHECK(written(sys_time<nanoseconds>(-1ns)) == "\"1969-12-31T23:59:59.999Z\"");
    using in_double = sys_time<std::chrono::duration<double>>;
    CHECK(
        written(in_double(std::chrono::duration<double>(0.25))) == "\"1970-01-01T00:00:00.250Z\"");
}

TEST_CASE("api/codec/time: what no Date can hold is written as null, as an invalid Date is") {
    auto const last = sys_time<milliseconds>(8'640'000'000'000'000ms);
    CHECK(written(last) == "\"+275760-09-13T00:00:00.000Z\"");
    CHECK(written(sys_time(last + 999us)) == "\"+275760-09-13T00:00:00.000Z\"");
    CHECK(written(last + 1ms) == "null");
    CHECK(written(sys_time<milliseconds>(-last.time_since_epoch() - 1ms)) == "null");
    CHECK(
        written(sys_time(sys_time<std::chrono::microseconds>(-last.time_since_epoch()) - 1us)) ==
        "null");
    CHECK(written(sys_time<milliseconds>::max()) == "null");
    CHECK(written(sys_time<milliseconds>::min()) == "null");
    CHECK(written(sys_seconds::max()) == "null");
    CHECK(written(sys_time<std::chrono::hours>::min()) == "null");
    using in_double = sys_time<std::chrono::duration<double>>;
    for (double const seconds : {std::numeric_limits<double>::infinity(), 1e300, -1e300})
        CHECK(written(in_double(std::chrono::duration<double>(seconds))) == "null");
    CHECK(written(in_double(std::chrono::duration<double>(std::nan("")))) == "null");
}

TEST_CASE("api/codec/time: is read with or without a fraction, in Z or at an offset") {
    CHECK(at<nanoseconds>("2024-01-31T12:00:00Z") == noon);
    CHECK(at<nanoseconds>("2024-01-31T12:00:00.5Z") == noon + 500ms);
    CHECK(at<nanoseconds>("2024-01-31T12:00:00.05Z") == noon + 50ms);
    CHECK(at<nanoseconds>("2024-01-31T12:00:00.123456789Z") == noon + 123'456'789ns);
    CHECK(at<nanoseconds>("2024-01-31T12:00:00.000001+00:00") == noon + 1us);
    CHECK(at<nanoseconds>("2024-01-31T12:00:00-00:00") == noon);
    CHECK(at<nanoseconds>("2024-01-31T17:45:00+05:45") == noon);
    CHECK(at<nanoseconds>("2024-01-30T12:01:00.000-23:59") == noon);
    CHECK(at<nanoseconds>("2024-02-01T00:30:00+12:30") == noon);
    CHECK(at<nanoseconds>("+002024-01-31T12:00:00.000Z") == noon);
    // The end of a day is the beginning of the next, as in ECMA-262.
    CHECK(at<nanoseconds>("2024-01-31T24:00:00.000Z") == noon + 12h);
}

TEST_CASE("api/codec/time: is rounded down to the units that it is read in") {
    CHECK(at<std::chrono::microseconds>("2024-01-31T12:00:00.123456789Z") == noon + 123'456us);
    CHECK(at<std::chrono::seconds>("2024-01-31T12:00:00.999Z") == noon);
    CHECK(at<std::chrono::days>("2024-01-31T12:00:00.999Z") == floor<std::chrono::days>(noon));
    CHECK(at<std::chrono::seconds>("1969-12-31T23:59:58.001Z") == sys_seconds(-2s));
    CHECK(at<std::chrono::milliseconds>("1969-12-31T23:59:59.9999Z") == sys_seconds(0s) - 1ms);
    CHECK(at<std::chrono::days>("1969-12-31T23:59:59Z") == sys_days(std::chrono::days(-1)));
    using tenths = std::chrono::duration<int, std::deci>;
    CHECK(at<tenths>("1969-12-31T23:59:59.85Z") == sys_time<tenths>(tenths(-2)));
    using in_double = std::chrono::duration<double>;
    CHECK(at<in_double>("1970-01-01T00:00:01.500Z") == sys_time<in_double>(in_double(1.5)));
}

TEST_CASE("api/codec/time: any other text, or no text, is a misfit that gives an example") {
    auto const refused = [](std::string const& json) {
        std::string why;
        CHECK_FALSE(read<sys_time<milliseconds>>(json, &why));
        return why == "argument 1 is not a time such as 2024-01-31T12:00:00.000Z";
    };
    for (std::string const text :
         {"",
          "2024",
          "2024-01",
          "2024-01-31",
          "2024-01-31T12:00",
          "2024-01-31T12:00Z",
          "2024-01-31T12:00:00",
          "2024-01-31T12:00:00.",
          "2024-01-31T12:00:00.Z",
          "2024-01-31T12:00:00.0000000000Z",
          "2024-01-31T12:00:00,5Z",
          "2024-01-31T12:00:00.-5Z",
          "2024-01-31t12:00:00Z",
          "2024-01-31T12:00:00z",
          "2024-01-31 12:00:00Z",
          " 2024-01-31T12:00:00Z",
          "2024-01-31T12:00:00Z ",
          "2024-01-31T12:00:00 Z",
          "2024-01-31T12:00:00ZZ",
          "2024-01-31T12:00:00Z\\u0000",
          "2024-01-31T12:00:00+00",
          "2024-01-31T12:00:00+0000",
          "2024-01-31T12:00:00+00:00:00",
          "2024-01-31T12:00:00+24:00",
          "2024-01-31T12:00:00+00:60",
          "2024-01-31T12:00:00+-1:00",
          "2024-01-31T12:00:60Z",
          "2024-01-31T12:60:00Z",
          "2024-01-31T24:00:01Z",
          "2024-01-31T24:01:00Z",
          "2024-01-31T24:00:00.001Z",
          "2024-01-31T25:00:00Z",
          "2024-01-00T12:00:00Z",
          "2024-01-32T12:00:00Z",
          "2024-02-30T12:00:00Z",
          "2023-02-29T12:00:00Z",
          "1900-02-29T12:00:00Z",
          "2024-04-31T12:00:00Z",
          "2024-00-31T12:00:00Z",
          "2024-13-31T12:00:00Z",
          "2024-1-31T12:00:00Z",
          "20240131T120000Z",
          "2024-W05-3T12:00:00Z",
          "02024-01-31T12:00:00Z",
          "+2024-01-31T12:00:00Z",
          "+02024-01-31T12:00:00Z",
          "-2024-01-31T12:00:00Z",
          "-000000-01-31T12:00:00Z",
          "\u0662\u0660\u0662\u0664-01-31T12:00:00Z",
          "Wed, 31 Jan 2024 12:00:00 GMT"}) {
        CAPTURE(text);
        CHECK(refused("\"" + text + "\""));
    }
    CHECK(refused("null"));
    CHECK(refused("1706702400000"));
    CHECK(refused("{}"));
    CHECK(at<nanoseconds>("2024-01-31T12:00:00Z").has_value());
}

TEST_CASE("api/codec/time: is refused where the units end, and where Date does") {
    // 2^63 nanoseconds around 1970; the text has all of their digits.
    CHECK(at<nanoseconds>("2262-04-11T23:47:16.854775807Z") == sys_time<nanoseconds>::max());
    CHECK(at<nanoseconds>("1677-09-21T00:12:43.145224192Z") == sys_time<nanoseconds>::min());
    CHECK_FALSE(at<nanoseconds>("2262-04-11T23:47:16.854775808Z"));
    CHECK_FALSE(at<nanoseconds>("1677-09-21T00:12:43.145224191Z"));
    CHECK_FALSE(at<nanoseconds>("+012345-01-01T00:00:00Z"));
    CHECK_FALSE(at<nanoseconds>("-000001-01-01T00:00:00Z"));
    using seconds_of_1901 = std::chrono::duration<std::int32_t>;
    CHECK(at<seconds_of_1901>("2038-01-19T03:14:07.999Z") == sys_time<seconds_of_1901>::max());
    CHECK(at<seconds_of_1901>("1901-12-13T20:45:52Z") == sys_time<seconds_of_1901>::min());
    CHECK_FALSE(at<seconds_of_1901>("2038-01-19T03:14:08Z"));
    CHECK_FALSE(at<seconds_of_1901>("1901-12-13T20:45:51.999Z"));
    using unsigned_hours = std::chrono::duration<std::uint16_t, std::ratio<3600>>;
    CHECK(at<unsigned_hours>("1977-06-23T15:59:59Z") == sys_time<unsigned_hours>::max());
    CHECK_FALSE(at<unsigned_hours>("1977-06-23T16:00:00Z"));
    CHECK_FALSE(at<unsigned_hours>("1969-12-31T23:59:59Z"));
    CHECK(at<milliseconds>("+275760-09-13T00:00:00.000999Z").has_value());
    CHECK_FALSE(at<milliseconds>("+275760-09-13T00:00:00.001Z"));
    CHECK(at<milliseconds>("+275760-09-12T23:00:00.000-01:00").has_value());
    CHECK_FALSE(at<milliseconds>("+275760-09-13T00:00:00.000-00:01"));
    CHECK(at<milliseconds>("-271821-04-20T00:00:00.000Z").has_value());
    CHECK_FALSE(at<milliseconds>("-271821-04-19T23:59:59.999Z"));
    CHECK_FALSE(at<std::chrono::hours>("+999999-12-31T23:59:59.999Z"));
    CHECK_FALSE(at<std::chrono::hours>("-999999-01-01T00:00:00.000Z"));
}

namespace codec_time_test {

struct entry {
    std::string title;
    sys_seconds begin;
    std::optional<sys_time<milliseconds>> end;
    bool operator==(entry const&) const = default;
};
BOOST_DESCRIBE_STRUCT(entry, (), (title, begin, end))

}  // namespace codec_time_test

TEST_CASE("api/codec/time: may stand wherever a value may") {
    using codec_time_test::entry;
    using diary = std::map<std::string, std::vector<entry>>;
    diary const value{{"a", {{"t", noon, noon + 1ms}, {"u", noon, std::nullopt}}}};
    std::string const text =
        R"({"a":[{"title":"t","begin":"2024-01-31T12:00:00.000Z","end":"2024-01-31T12:00:00.001Z"},)"
        R"({"title":"u","begin":"2024-01-31T12:00:00.000Z"}]})";
    CHECK(written(value) == text);
    CHECK(read<diary>(text) == value);
    std::string why;
    CHECK_FALSE(read<diary>(R"({"a":[{"title":"t","begin":"yesterday"}]})", &why));
    CHECK(why == "argument 1.a[0].begin is not a time such as 2024-01-31T12:00:00.000Z");

    using either = std::variant<sys_seconds, std::string>;
    CHECK(written(either(noon)) == "\"2024-01-31T12:00:00.000Z\"");
    CHECK(read<either>("\"2024-01-31T12:00:00.000Z\"") == either(noon));
    CHECK(read<either>("\"noon\"") == either("noon"));
    using several = std::tuple<sys_days, std::optional<sys_seconds>>;
    CHECK(written(several{sys_days(), std::nullopt}) == "[\"1970-01-01T00:00:00.000Z\",null]");
    CHECK(read<several>("[\"1970-01-01T00:00:00.000Z\",null]") == several{});
}
