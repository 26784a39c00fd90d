// SPDX-License-Identifier: BSL-1.0
// The date of a response, as header fields spell it (RFC 9110 section 5.6.7, IMF-fixdate), and the
// dates of cookies (RFC 6265 section 5.1.1), which are read as leniently as they are written.
#pragma once

#include <socoro/http/grammar.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace socoro::http {

/// Such as `Sun, 06 Nov 1994 08:49:37 GMT`; fractions of a second are cut. Years 0 to 9999.
[[nodiscard]] std::string format_date(std::chrono::system_clock::time_point when);

/// Reads a time of day, a day, a month and a year in any order, whatever is between; nothing when
/// one is missing or out of range. Years 1601 to 9999, more than the clock of the system can tell.
[[nodiscard]] std::optional<std::chrono::sys_seconds> parse_cookie_date(std::string_view text);

namespace detail {

inline constexpr std::array<std::string_view, 12>
    months{"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

inline void append_padded(std::string& out, long number, std::size_t width) {
    auto const text = std::to_string(number);
    out.append(width > text.size() ? width - text.size() : 0, '0').append(text);
}

}  // namespace detail

inline std::string format_date(std::chrono::system_clock::time_point when) {
    static constexpr std::array<std::string_view, 7>
        weekdays{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    auto const day = std::chrono::floor<std::chrono::days>(when);
    std::chrono::year_month_day const date(day);
    std::chrono::hh_mm_ss const time(std::chrono::floor<std::chrono::seconds>(when - day));
    std::string out(weekdays[std::chrono::weekday(day).c_encoding()]);
    out += ", ";
    detail::append_padded(out, static_cast<unsigned>(date.day()), 2);
    out.append(" ").append(detail::months[static_cast<unsigned>(date.month()) - 1]).append(" ");
    detail::append_padded(out, static_cast<int>(date.year()), 4);
    out += ' ';
    detail::append_padded(out, time.hours().count(), 2);
    out += ':';
    detail::append_padded(out, time.minutes().count(), 2);
    out += ':';
    detail::append_padded(out, time.seconds().count(), 2);
    return out += " GMT";
}

namespace detail {

/// What the words of a cookie's date have told so far.
struct cookie_date {
    std::optional<std::chrono::seconds> time;
    std::optional<unsigned> day, month;
    std::optional<int> year;

    void read(std::string_view word);
    [[nodiscard]] bool read_time(std::string_view word);
    [[nodiscard]] bool read_month(std::string_view word);
};

/// Takes the digits off the front of `text`, if they are so many.
[[nodiscard]] inline std::optional<int>
take_number(std::string_view& text, std::size_t least, std::size_t most) {
    auto const size = std::min(text.find_first_not_of(digits), text.size());
    if (size < least || size > most)
        return std::nullopt;
    int number = 0;
    for (char const digit : text.substr(0, size))
        number = number * 10 + (digit - '0');
    text.remove_prefix(size);
    return number;
}

inline bool cookie_date::read_time(std::string_view word) {
    std::array<int, 3> parts{};
    for (std::size_t i = 0; i < parts.size(); ++i) {
        auto const number = take_number(word, 1, 2);
        bool const ends = i == 2 || word.starts_with(':');
        if (!number || !ends)
            return false;
        parts[i] = *number;
        word.remove_prefix(i == 2 ? 0 : 1);
    }
    // What is out of range is a day too late, and refused as such.
    bool const exists = parts[0] < 24 && parts[1] < 60 && parts[2] < 60;
    time = exists ? std::chrono::seconds(parts[0] * 3600 + parts[1] * 60 + parts[2])
                  : std::chrono::days(1);
    return true;
}

inline bool cookie_date::read_month(std::string_view word) {
    auto const named = [word](std::string_view name) { return same_name(word.substr(0, 3), name); };
    auto const found = std::find_if(months.begin(), months.end(), named);
    if (found != months.end())
        month = static_cast<unsigned>(found - months.begin()) + 1;
    return month.has_value();
}

/// The order in which a word is tried decides what `10` is: a day, unless there is one already.
inline void cookie_date::read(std::string_view word) {
    if (!time && read_time(word))
        return;
    auto rest = word;
    auto const two = day ? std::nullopt : take_number(rest, 1, 2);
    if (two) {
        day = static_cast<unsigned>(*two);
        return;
    }
    if (!month && read_month(word))
        return;
    auto const number = year ? std::nullopt : take_number(word, 2, 4);
    if (number)
        year = *number + (*number < 70 ? 2000 : *number < 100 ? 1900 : 0);
}

}  // namespace detail

inline std::optional<std::chrono::sys_seconds> parse_cookie_date(std::string_view text) {
    detail::cookie_date parts;
    // Delimiters are all that is printed but letters, digits and the colon, and the tab.
    auto const in_word = [](char c) {
        return detail::is_one_of(c, detail::alphanumeric) || c == ':' ||
               (c != '\t' && (c < ' ' || c > '~'));
    };
    while (!text.empty()) {
        auto const end = std::find_if_not(text.begin(), text.end(), in_word);
        auto const word = text.substr(0, static_cast<std::size_t>(end - text.begin()));
        if (!word.empty())
            parts.read(word);
        text.remove_prefix(std::min(text.size(), word.size() + 1));
    }
    if (!parts.time || !parts.day || !parts.month || !parts.year)
        return std::nullopt;
    std::chrono::year_month_day const date(
        std::chrono::year(*parts.year),
        std::chrono::month(*parts.month),
        std::chrono::day(*parts.day));
    if (!date.ok() || *parts.year < 1601 || *parts.time >= std::chrono::days(1))
        return std::nullopt;
    return std::chrono::sys_days(date) + *parts.time;
}

}  // namespace socoro::http
