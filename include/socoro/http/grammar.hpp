// SPDX-License-Identifier: BSL-1.0
// The small productions that HTTP's grammar is made of (RFC 9110 section 5.6). All but
// `is_control` are for this room alone.
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <string>
#include <string_view>

namespace socoro::http {

/// Whether a byte is a control character other than the tab, which no line of HTTP has.
[[nodiscard]] constexpr bool is_control(char c) {
    auto const code = static_cast<unsigned char>(c);
    return (code < 0x20 && c != '\t') || code == 0x7f;
}

namespace detail {

inline constexpr std::string_view digits = "0123456789";
inline constexpr std::string_view alphanumeric =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

[[nodiscard]] constexpr bool is_one_of(char c, std::string_view characters) {
    return characters.find(c) != std::string_view::npos;
}

[[nodiscard]] constexpr bool is_made_of(std::string_view text, std::string_view characters) {
    return text.find_first_not_of(characters) == std::string_view::npos;
}

/// 1*DIGIT: no sign, no space, not empty.
[[nodiscard]] constexpr bool is_number(std::string_view text) {
    return !text.empty() && is_made_of(text, digits);
}

/// token: what a method or a field name may be.
[[nodiscard]] constexpr bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return is_one_of(c, alphanumeric) || is_one_of(c, "!#$%&'*+-.^_`|~");
    });
}

[[nodiscard]] constexpr char lower_case(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether two field names or tokens are the same (RFC 9110 section 5.1): ASCII case, no locale.
/// Boost.Beast's `iequals` looks at one byte behind what it compares.
[[nodiscard]] constexpr bool same_name(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char left, char right) {
        return lower_case(left) == lower_case(right);
    });
}

/// `text` with its ASCII letters in lower case.
[[nodiscard]] inline std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        c = lower_case(c);
    return lower;
}

/// `text` without spaces and tabs at either end (OWS).
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
    auto const first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Takes what stands before the next `separator` off the front of `text`, the separator with it.
[[nodiscard]] constexpr std::string_view take_until(std::string_view& text, char separator) {
    auto const part = text.substr(0, text.find(separator));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    return part;
}

}  // namespace detail

}  // namespace socoro::http
