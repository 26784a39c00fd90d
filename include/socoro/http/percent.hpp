// SPDX-License-Identifier: BSL-1.0
// Percent-encoding (RFC 3986 section 2.1); it is decoded leniently for query strings, and strictly
// elsewhere. Bytes are coded, not characters: what is decoded may be anything but valid UTF-8.
#pragma once

#include <socoro/http/grammar.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace socoro::http {

/// Decodes a name or value of `application/x-www-form-urlencoded` as the URL standard (section 5.1)
/// does: `+` is a space, and what is no proper escape stands for itself. Never fails.
[[nodiscard]] std::string decode_form(std::string_view text);

/// Decodes a path that is to name a file, once. Nothing when an escape is malformed or when a NUL
/// is in it, encoded or not. It does not judge `..`: look for it in what this returns.
[[nodiscard]] std::optional<std::string> percent_decode_path(std::string_view text);

/// Encodes text as one name or value of a query, or one segment of a path, as JavaScript's
/// `encodeURIComponent` does: all bytes but letters, digits and `-_.!~*'()` become escapes.
[[nodiscard]] std::string encode_component(std::string_view text);

namespace detail {

/// Decodes every escape; nothing when one is malformed.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text);

[[nodiscard]] constexpr int hex_digit(char c) noexcept {
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// The byte that the escape at `position` stands for, if there is a proper one.
[[nodiscard]] constexpr std::optional<char> escape_at(
    std::string_view text,
    std::size_t position) noexcept {
    if (text[position] != '%' || text.size() - position < 3)
        return std::nullopt;
    int const high = hex_digit(text[position + 1]), low = hex_digit(text[position + 2]);
    if (high < 0 || low < 0)
        return std::nullopt;
    return static_cast<char>(high * 16 + low);
}

}  // namespace detail

inline std::string decode_form(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const escaped = detail::escape_at(text, i);
        bytes.push_back(escaped ? *escaped : text[i] == '+' ? ' ' : text[i]);
        i += escaped ? 2 : 0;
    }
    return bytes;
}

inline std::optional<std::string> detail::percent_decode(std::string_view text) {
    std::string bytes;
    bytes.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        auto const escaped = escape_at(text, i);
        if (text[i] == '%' && !escaped)
            return std::nullopt;
        bytes.push_back(escaped.value_or(text[i]));
        i += escaped ? 2 : 0;
    }
    return bytes;
}

inline std::optional<std::string> percent_decode_path(std::string_view text) {
    auto bytes = detail::percent_decode(text);
    if (bytes && bytes->find('\0') != std::string::npos)
        return std::nullopt;
    return bytes;
}

inline std::string encode_component(std::string_view text) {
    static constexpr std::string_view hex = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size());
    for (char const c : text) {
        if (detail::is_one_of(c, detail::alphanumeric) || detail::is_one_of(c, "-_.!~*'()")) {
            out.push_back(c);
            continue;
        }
        auto const byte = static_cast<unsigned char>(c);
        out.append({'%', hex[byte >> 4U], hex[byte & 15U]});
    }
    return out;
}

}  // namespace socoro::http
