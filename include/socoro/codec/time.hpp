// SPDX-License-Identifier: BSL-1.0
// Times as JavaScript's Date writes them into JSON (ECMA-262, "Date Time String Format"), such as
// 2024-01-31T12:00:00.000Z, in years that Date has and std::chrono::year has not. g++ 12 can neither
// format nor parse them, and Boost.DateTime has the years 1400 to 9999 only. Not the dates of HTTP:
// http/date.hpp.
#pragma once

#include <socoro/codec/time_scanner.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <ratio>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::detail {

template <typename T>
inline constexpr bool is_time = false;
template <typename D>
inline constexpr bool is_time<std::chrono::sys_time<D>> = true;

using date_time = std::chrono::sys_time<std::chrono::milliseconds>;

/// The first and the last time that a Date can hold are as far from 1970.
inline constexpr std::chrono::milliseconds date_limit = std::chrono::days(100'000'000);

/// `time` as a Date has it, in whole milliseconds; nothing if it is none that a Date can hold.
template <typename D>
[[nodiscard]] std::optional<date_time> to_date(std::chrono::sys_time<D> time) {
    using namespace std::chrono;
    auto const roughly = duration<double>(time.time_since_epoch()) / duration<double>(date_limit);
    if (!(std::abs(roughly) < 1.1))
        return std::nullopt;
    auto const date = floor<milliseconds>(time);
    auto const distance = abs(date.time_since_epoch());
    return distance <= date_limit ? std::optional(date) : std::nullopt;
}

inline void append_padded(std::string& out, std::int64_t number, std::size_t width) {
    auto const digits = std::to_string(number);
    out.append(width - digits.size(), '0') += digits;
}

inline void append_year(std::string& out, std::int64_t year) {
    bool const short_form = year >= 0 && year <= 9999;
    if (!short_form)
        out += year < 0 ? '-' : '+';
    append_padded(out, std::abs(year), short_form ? 4 : 6);
}

/// Appends the text of `date`, which is within the limit.
inline void append_date(std::string& out, date_time date) {
    using namespace std::chrono;
    auto const day = floor<days>(date);
    auto const cycle = floor<calendar_cycle>(day.time_since_epoch());
    year_month_day const calendar(day - cycle);
    hh_mm_ss const clock(date - day);
    append_year(out, int(calendar.year()) + 400 * cycle.count());
    append_padded(out += '-', unsigned(calendar.month()), 2);
    append_padded(out += '-', unsigned(calendar.day()), 2);
    append_padded(out += 'T', clock.hours().count(), 2);
    append_padded(out += ':', clock.minutes().count(), 2);
    append_padded(out += ':', clock.seconds().count(), 2);
    append_padded(out += '.', clock.subseconds().count(), 3);
    out += 'Z';
}

/// Whole units of less than a second; nothing if there are too many of them.
template <typename Units>
[[nodiscard]] std::optional<Units> count_small(
    std::chrono::seconds second,
    std::chrono::nanoseconds fraction) {
    using namespace std::chrono;
    // Both of one sign, so that the sum exceeds nothing on its way to what is in range.
    if (second < second.zero() && fraction > fraction.zero()) {
        second += seconds(1);
        fraction -= seconds(1);
    }
    auto const parts_of = [](Units units) {
        return std::pair(
            duration_cast<seconds>(units),
            duration_cast<nanoseconds>(units % seconds(1)));
    };
    std::pair const parts(second, fraction);
    if (parts < parts_of(Units::min()) || parts > parts_of(Units::max()))
        return std::nullopt;
    return duration_cast<Units>(second) + floor<Units>(fraction);
}

/// `time` in the units of D, rounded down; nothing if it is out of their range.
template <typename D>
[[nodiscard]] std::optional<std::chrono::sys_time<D>> in_units(exact_time time) {
    using rep = typename D::rep;
    using period = typename D::period;
    using units = std::chrono::duration<std::int64_t, period>;
    auto const second = time.second.time_since_epoch();
    if constexpr (std::chrono::treat_as_floating_point_v<rep>) {
        return std::chrono::sys_time<D>(D(second) + D(time.fraction));
    } else {
        std::optional<units> count;
        if constexpr (std::ratio_less_v<period, std::ratio<1>>)
            count = count_small<units>(second, time.fraction);
        else
            count = std::chrono::floor<units>(second);
        if (!count || !std::in_range<rep>(count->count()))
            return std::nullopt;
        return std::chrono::sys_time<D>(D(static_cast<rep>(count->count())));
    }
}

/// Reads the text of a time, rounded down to the units of D; nothing for any other text, and for
/// times that a Date or a D cannot hold.
template <typename D>
[[nodiscard]] std::optional<std::chrono::sys_time<D>> parse_time(std::string_view text) {
    using namespace std::chrono;
    auto const time = time_scanner(text).read();
    if (!time || !to_date(time->second + floor<milliseconds>(time->fraction)))
        return std::nullopt;
    return in_units<D>(*time);
}

}  // namespace socoro::detail
