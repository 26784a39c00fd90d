// SPDX-License-Identifier: BSL-1.0
// The numbers of events that may be missed, and the text by which clients tell the last one they
// got: the reference's, the time in milliseconds to the base 64, with what tells events of one
// millisecond apart behind a dot. It is opaque to clients.
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <chrono>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace socoro::adapter {

/// The place of an event in the order of sending: the milliseconds since the epoch, then a count.
/// No event has the number 0.
using event_number = std::uint64_t;

inline constexpr int count_bits = 22;
inline constexpr event_number count_mask = (event_number(1) << count_bits) - 1;

/// Gives numbers, each larger than the one before, also when the clock is set back.
class event_numbers {
public:
    [[nodiscard]] event_number next(std::chrono::system_clock::time_point date) noexcept {
        auto const since = date.time_since_epoch();
        auto const ms = std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
        auto const earliest = static_cast<event_number>(std::max<decltype(ms)>(ms, 0));
        last_ = std::max(last_ + 1, earliest << count_bits);
        return last_;
    }

private:
    event_number last_ = 0;
};

/// The digits to the base 64, in the order of their values.
inline constexpr std::string_view offset_digits =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";

inline void append_digits(std::string& out, event_number value) {
    auto const begin = out.size();
    do
        out += offset_digits[value % 64];
    while ((value /= 64) > 0);
    std::reverse(out.begin() + static_cast<std::ptrdiff_t>(begin), out.end());
}

[[nodiscard]] inline std::optional<event_number> read_digits(std::string_view text) {
    // Ten digits have 60 bits.
    if (text.empty() || text.size() > 10)
        return std::nullopt;
    event_number value = 0;
    for (char const c : text) {
        auto const digit = offset_digits.find(c);
        if (digit == std::string_view::npos)
            return std::nullopt;
        value = value * 64 + digit;
    }
    return value;
}

/// The text of a number.
[[nodiscard]] inline std::string offset_text(event_number number) {
    std::string out;
    append_digits(out, number >> count_bits);
    if (auto const count = number & count_mask) {
        out += '.';
        append_digits(out, count - 1);
    }
    return out;
}

/// The number with exactly this text.
[[nodiscard]] inline std::optional<event_number> parse_offset(std::string_view text) {
    auto const dot = text.find('.');
    auto const ms = read_digits(text.substr(0, dot));
    auto const count = dot == std::string_view::npos ? std::optional<event_number>(0)
                                                     : read_digits(text.substr(dot + 1));
    if (!ms || !count)
        return std::nullopt;
    auto const behind = dot == std::string_view::npos ? 0 : *count + 1;
    auto const number = (*ms << count_bits) | (behind & count_mask);
    return offset_text(number) == text ? std::optional(number) : std::nullopt;
}

/// The place of an event in what one shard sends: its number; or, where a server has several shards
/// and this one alone sends it, the number of the last event of all shards before it, how many of
/// its own came behind that, and which shard it is.
struct event_place {
    event_number number = 0;
    std::uint64_t behind = 0;
    std::uint64_t shard = 0;

    friend auto operator<=>(event_place const&, event_place const&) = default;
    /// Whether there is an event there.
    explicit operator bool() const noexcept { return number != 0 || behind != 0; }
};

/// Behind all that shards send on their own before the next event of all.
[[nodiscard]] constexpr event_place end_of(event_number number) noexcept {
    constexpr auto most = std::numeric_limits<std::uint64_t>::max();
    return {number, most, most};
}

/// The text of a place. Of an event of all shards it is that of its number.
[[nodiscard]] inline std::string offset_text(event_place const& place) {
    auto out = offset_text(place.number);
    if (place.behind > 0) {
        out += '~';
        append_digits(out, place.behind);
        out += '~';
        append_digits(out, place.shard);
    }
    return out;
}

/// The place with exactly this text.
[[nodiscard]] inline std::optional<event_place> parse_place(std::string_view text) {
    auto const first = text.find('~');
    auto const number = parse_offset(text.substr(0, first));
    if (!number)
        return std::nullopt;
    if (first == std::string_view::npos)
        return event_place{*number};
    auto const second = std::min(text.find('~', first + 1), text.size() - 1);
    auto const behind = read_digits(text.substr(first + 1, second - first - 1));
    auto const shard = read_digits(text.substr(second + 1));
    if (!behind || !shard)
        return std::nullopt;
    event_place const place{*number, *behind, *shard};
    return offset_text(place) == text ? std::optional(place) : std::nullopt;
}

}  // namespace socoro::adapter
