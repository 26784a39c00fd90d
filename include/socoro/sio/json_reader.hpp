// SPDX-License-Identifier: BSL-1.0
// Reads JSON text that a peer sent: Boost.JSON with our limit of depth, and with JavaScript's
// tolerance for half a surrogate pair, which cutting a string in a browser leaves behind.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

namespace socoro::sio {

/// The deepest nesting that can be allowed: the parser recurses for each level.
inline constexpr std::size_t deepest_json = 1024;

/// Parses `text`; an escaped surrogate without its other half becomes U+FFFD. Errors:
/// sio_too_deep beyond `limits::json_depth` (at most `deepest_json`), sio_invalid_payload.
[[nodiscard]] result<boost::json::value> parse_json(std::string_view text, limits const& bounds);

namespace detail {

/// The UTF-16 unit that the escape at `text[at]` stands for, or 0 if there is none.
[[nodiscard]] inline unsigned unit_at(std::string_view text, std::size_t at) noexcept {
    if (text.size() < at + 6 || text[at] != '\\' || text[at + 1] != 'u')
        return 0;
    unsigned unit = 0;
    for (char const c : text.substr(at + 2, 4)) {
        unsigned const digit = c >= '0' && c <= '9'   ? static_cast<unsigned>(c - '0')
                               : c >= 'a' && c <= 'f' ? static_cast<unsigned>(c - 'a') + 10
                               : c >= 'A' && c <= 'F' ? static_cast<unsigned>(c - 'A') + 10
                                                      : 16;
        if (digit == 16)
            return 0;
        unit = unit * 16 + digit;
    }
    return unit;
}

/// The length of the escape at `text[at]`: two characters, six, or twelve for a whole pair.
[[nodiscard]] inline std::size_t escape_size(std::string_view text, std::size_t at) noexcept {
    unsigned const unit = unit_at(text, at);
    if (unit == 0)
        return 2;
    unsigned const second = unit_at(text, at + 6);
    bool const pair = unit >= 0xd800 && unit < 0xdc00 && second >= 0xdc00 && second < 0xe000;
    return pair ? 12 : 6;
}

/// `text` with every half of a surrogate pair replaced; in JSON escapes occur in strings only.
[[nodiscard]] inline std::string without_lone_surrogates(std::string_view text) {
    std::string clean;
    clean.reserve(text.size());
    while (!text.empty()) {
        auto const plain = std::min(text.find('\\'), text.size());
        clean += text.substr(0, plain);
        text.remove_prefix(plain);
        if (text.empty())
            break;
        auto const size = std::min(escape_size(text, 0), text.size());
        unsigned const unit = unit_at(text, 0);
        bool const lone = size == 6 && unit >= 0xd800 && unit < 0xe000;
        clean += lone ? std::string_view("\\ufffd") : text.substr(0, size);
        text.remove_prefix(size);
    }
    return clean;
}

/// Boost.JSON misses the last place of many doubles, unless it is told to be precise, which it
/// can be from 1.83 on.
template <typename Options>
void read_precisely(Options& options) noexcept {
    if constexpr (requires { options.numbers; })
        options.numbers = decltype(options.numbers)::precise;
}

}  // namespace detail

inline result<boost::json::value> parse_json(std::string_view text, limits const& bounds) {
    boost::json::parse_options options;
    options.max_depth = std::min(bounds.json_depth, deepest_json);
    detail::read_precisely(options);
    boost::system::error_code error;
    auto value = boost::json::parse(text, error, {}, options);
    if (error == boost::json::error::too_deep)
        return errc::sio_too_deep;
    if (!error)
        return value;
    // Boost.JSON has several errors for half a pair, a plain syntax error among them.
    auto const clean = detail::without_lone_surrogates(text);
    if (clean == text)
        return errc::sio_invalid_payload;
    value = boost::json::parse(clean, error, {}, options);
    if (error)
        return error == boost::json::error::too_deep ? errc::sio_too_deep
                                                     : errc::sio_invalid_payload;
    return value;
}

/// Reads JSON text that we have written ourselves; null where it nests deeper than can be read.
[[nodiscard]] inline boost::json::value parse_own_json(std::string_view text) {
    limits bounds;
    bounds.json_depth = deepest_json;
    auto read = parse_json(text, bounds);
    return read ? std::move(*read) : boost::json::value();
}

}  // namespace socoro::sio
