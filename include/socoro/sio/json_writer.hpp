// SPDX-License-Identifier: BSL-1.0
// Writes JSON text (RFC 8259) as JavaScript's JSON.stringify does: short numbers, null for what is
// no number. Boost.JSON's own serializer recurses, so a deep value would end the process.
#pragma once

#include <socoro/base/config.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::sio {

/// Appends `value` as JSON text. Any depth: the containers being written are kept in a list.
void append_json(std::string& out, boost::json::value const& value);

/// Appends `text`, which is UTF-8, as a JSON string with its quotes.
void append_json_string(std::string& out, std::string_view text);

namespace detail {

/// The two-character escape of a control character, a quote or a backslash; 0 if it has none.
[[nodiscard]] constexpr char short_escape(char c) noexcept {
    switch (c) {
    case '"': return '"';
    case '\\': return '\\';
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

inline void append_escaped(std::string& out, char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (char const escape = short_escape(c)) {
        out += '\\';
        out += escape;
        return;
    }
    auto const code = static_cast<unsigned char>(c);
    out += "\\u00";
    out += digits[code >> 4];
    out += digits[code & 15];
}

template <typename Integer>
void append_integer(std::string& out, Integer number) {
    std::array<char, 24> digits{};
    auto const end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
    out.append(digits.data(), end);
}

/// Writes 0.`digits` times ten to the `exponent` as JavaScript does (ECMA-262,
/// Number::toString): with an exponent only if it is long otherwise.
inline void append_decimal(std::string& out, std::string_view digits, int exponent) {
    auto const count = static_cast<int>(digits.size());
    if (exponent > 21 || exponent <= -6) {
        out += digits.substr(0, 1);
        if (count > 1)
            (out += '.') += digits.substr(1);
        out += exponent > 0 ? "e+" : "e";
        append_integer(out, exponent - 1);
    } else if (exponent <= 0) {
        out += "0.";
        out.append(static_cast<std::size_t>(-exponent), '0') += digits;
    } else if (exponent < count) {
        auto const whole = static_cast<std::size_t>(exponent);
        ((out += digits.substr(0, whole)) += '.') += digits.substr(whole);
    } else {
        (out += digits).append(static_cast<std::size_t>(exponent - count), '0');
    }
}

inline void append_double(std::string& out, double number) {
    if (!std::isfinite(number)) {
        out += "null";
        return;
    }
    if (number < 0)
        out += '-';
    std::array<char, 32> text{};
    auto* const begin = text.data();
    auto const format = std::chars_format::scientific;
    auto* const end = std::to_chars(begin, begin + text.size(), std::fabs(number), format).ptr;
    auto* const mark = std::find(begin, end, 'e');
    std::string digits(begin, mark);
    std::erase(digits, '.');
    int exponent = 0;
    std::from_chars(mark + (mark[1] == '+' ? 2 : 1), end, exponent);
    append_decimal(out, digits, exponent + 1);
}

inline void append_scalar(std::string& out, boost::json::value const& value) {
    switch (value.kind()) {
    case boost::json::kind::bool_: out += value.get_bool() ? "true" : "false"; break;
    case boost::json::kind::int64: append_integer(out, value.get_int64()); break;
    case boost::json::kind::uint64: append_integer(out, value.get_uint64()); break;
    case boost::json::kind::double_: append_double(out, value.get_double()); break;
    case boost::json::kind::string:
        append_json_string(out, {value.get_string().data(), value.get_string().size()});
        break;
    default: out += "null"; break;
    }
}

/// The containers that are open, outermost first, each with the number of items written.
class json_writer {
public:
    explicit json_writer(std::string& out) noexcept : out_(out) {}

    void write(boost::json::value const& root);

private:
    struct level {
        boost::json::value const* container;
        std::size_t written;
    };

    void begin(boost::json::value const& value);
    void next_item();

    std::string& out_;
    std::vector<level> open_;
};

inline void json_writer::write(boost::json::value const& root) {
    begin(root);
    while (!open_.empty())
        next_item();
}

inline void json_writer::begin(boost::json::value const& value) {
    if (!value.is_structured())
        return append_scalar(out_, value);
    out_ += value.is_array() ? '[' : '{';
    open_.push_back({&value, 0});
}

inline void json_writer::next_item() {
    auto& [container, written] = open_.back();
    auto const* array = container->if_array();
    auto const size = array ? array->size() : container->get_object().size();
    if (written == size) {
        out_ += array ? ']' : '}';
        return open_.pop_back();
    }
    if (written > 0)
        out_ += ',';
    auto const index = written++;
    if (array)
        return begin((*array)[index]);
    auto const& member = container->get_object().begin()[index];
    append_json_string(out_, {member.key().data(), member.key().size()});
    out_ += ':';
    begin(member.value());
}

}  // namespace detail

inline void append_json(std::string& out, boost::json::value const& value) {
    detail::json_writer(out).write(value);
}

namespace detail {

/// The length of the beginning of `text` that stands in a JSON string as it is.
[[nodiscard]] inline std::size_t plain_prefix(std::string_view text) noexcept {
    constexpr std::uint64_t ones = 0x0101010101010101, highs = 0x8080808080808080;
    // Whether any of eight bytes is below n (at most 128), or equals one of the two characters.
    auto const is_plain = [](std::uint64_t w) {
        auto const below = [](std::uint64_t x, std::uint64_t n) {
            return (x - ones * n) & ~x & highs;
        };
        return (below(w, 0x20) | below(w ^ (ones * '"'), 1) | below(w ^ (ones * '\\'), 1)) == 0;
    };
    std::size_t at = 0;
    for (; at + 8 <= text.size(); at += 8) {
        std::uint64_t word = 0;
        std::memcpy(&word, text.data() + at, 8);
        if (!is_plain(word))
            break;
    }
    auto const escaped = [](char c) {
        return static_cast<unsigned char>(c) < 0x20 || c == '"' || c == '\\';
    };
    while (at < text.size() && !escaped(text[at]))
        ++at;
    return at;
}

}  // namespace detail

inline void append_json_string(std::string& out, std::string_view text) {
    out += '"';
    for (;;) {
        auto const plain = detail::plain_prefix(text);
        out += text.substr(0, plain);
        if (plain == text.size())
            break;
        detail::append_escaped(out, text[plain]);
        text.remove_prefix(plain + 1);
    }
    out += '"';
}

}  // namespace socoro::sio
