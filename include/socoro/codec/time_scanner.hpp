// SPDX-License-Identifier: BSL-1.0
// Reads the text of a time (ECMA-262, "Date Time String Format"), with a fraction of up to nine
// digits: Python writes microseconds, and +00:00 for Z. Not the forms of that section that leave out
// the time or the offset, for which ECMA-262 takes the reader's own time zone or none.
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ratio>
#include <string_view>

namespace socoro::detail {

/// After which the calendar repeats itself, the days of the week included: 400 years.
using calendar_cycle = std::chrono::duration<std::int64_t, std::ratio<146'097LL * 86'400>>;

/// A time as a text gives it.
struct exact_time {
    std::chrono::sys_seconds second;
    std::chrono::nanoseconds fraction{};
};

/// Reads the text of a time from the front. After what does not belong there, all fails.
class time_scanner {
public:
    explicit time_scanner(std::string_view text) : rest_(text) {}

    /// A fraction may be missing, and have 1 to 9 digits. Midnight may be the end of a day, 24:00.
    [[nodiscard]] std::optional<exact_time> read() {
        auto const date = day();
        require(take('T'));
        auto const time = clock();
        auto const part = fraction();
        require(time < std::chrono::days(1) || part.count() == 0);
        auto const second = date + time - offset();
        require(rest_.empty());
        return fits_ ? std::optional(exact_time{second, part}) : std::nullopt;
    }

private:
    void require(bool condition) { fits_ = fits_ && condition; }

    [[nodiscard]] bool take(char c) {
        bool const there = rest_.starts_with(c);
        rest_.remove_prefix(there ? 1 : 0);
        return there;
    }

    /// A number of at most nine digits.
    [[nodiscard]] int number(std::size_t digits) {
        auto const text = rest_.substr(0, digits);
        rest_.remove_prefix(text.size());
        require(text.size() == digits);
        require(text.find_first_not_of("0123456789") == std::string_view::npos);
        int value = 0;
        if (fits_)
            std::from_chars(text.data(), text.data() + text.size(), value);
        return value;
    }

    [[nodiscard]] int year() {
        bool const negative = take('-');
        bool const expanded = negative || take('+');
        int const years = number(expanded ? 6 : 4);
        require(years > 0 || !negative);
        return negative ? -years : years;
    }

    [[nodiscard]] std::chrono::sys_days day() {
        int const years = year();
        int const in_cycle = (years % 400 + 400) % 400;
        require(take('-'));
        std::chrono::month const month(static_cast<unsigned>(number(2)));
        require(take('-'));
        std::chrono::day const day(static_cast<unsigned>(number(2)));
        auto const date = std::chrono::year(in_cycle) / month / day;
        require(date.ok());
        if (!fits_)
            return {};
        return std::chrono::sys_days(date) + calendar_cycle((years - in_cycle) / 400);
    }

    [[nodiscard]] std::chrono::seconds hours_and_minutes() {
        std::chrono::hours const hours(number(2));
        require(take(':'));
        std::chrono::minutes const minutes(number(2));
        require(hours <= std::chrono::days(1) && minutes < std::chrono::hours(1));
        return hours + minutes;
    }

    [[nodiscard]] std::chrono::seconds clock() {
        auto const minutes = hours_and_minutes();
        require(take(':'));
        std::chrono::seconds const seconds(number(2));
        require(seconds < std::chrono::minutes(1));
        require(minutes + seconds <= std::chrono::days(1));
        return minutes + seconds;
    }

    [[nodiscard]] std::chrono::nanoseconds fraction() {
        if (!take('.'))
            return {};
        auto const digits = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
        require(digits >= 1 && digits <= 9);
        std::chrono::nanoseconds part(fits_ ? number(digits) : 0);
        for (auto i = digits; i < 9; ++i)
            part *= 10;
        return part;
    }

    [[nodiscard]] std::chrono::seconds offset() {
        if (take('Z'))
            return {};
        bool const west = take('-');
        require(west || take('+'));
        auto const distance = hours_and_minutes();
        require(distance < std::chrono::days(1));
        return west ? -distance : distance;
    }

    std::string_view rest_;
    bool fits_ = true;
};

}  // namespace socoro::detail
