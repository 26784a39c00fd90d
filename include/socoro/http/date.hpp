// SPDX-License-Identifier: BSL-1.0
// The date of a response, as header fields spell it (RFC 9110 section 5.6.7, IMF-fixdate).
#pragma once

#include <socoro/base/config.hpp>

#include <array>
#include <chrono>
#include <string>
#include <string_view>

namespace socoro::http {

/// Such as `Sun, 06 Nov 1994 08:49:37 GMT`; fractions of a second are cut. Years 0 to 9999.
[[nodiscard]] std::string format_date(std::chrono::system_clock::time_point when);

namespace detail {

inline void append_padded(std::string& out, long number, std::size_t width) {
    auto const text = std::to_string(number);
    out.append(width > text.size() ? width - text.size() : 0, '0').append(text);
}

}  // namespace detail

inline std::string format_date(std::chrono::system_clock::time_point when) {
    static constexpr std::array<std::string_view, 7>
        weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr std::array<std::string_view, 12>
        months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    auto const day = std::chrono::floor<std::chrono::days>(when);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss const time(std::chrono::floor<std::chrono::seconds>(when - day));
    std::string out(weekdays[std::chrono::weekday(day).c_encoding()]);
    out += ", ";
    detail::append_padded(out, static_cast<unsigned>(date.day()), 2);
    out.append(" ").append(months[static_cast<unsigned>(date.month()) - 1]).append(" ");
    detail::append_padded(out, static_cast<int>(date.year()), 4);
    out += ' ';
    detail::append_padded(out, time.hours().count(), 2);
    out += ':';
    detail::append_padded(out, time.minutes().count(), 2);
    out += ':';
    detail::append_padded(out, time.seconds().count(), 2);
    return out += " GMT";
}

}  // namespace socoro::http
