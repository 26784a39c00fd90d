// SPDX-License-Identifier: BSL-1.0
// Text from a peer, made safe for a log or a terminal.
#pragma once

#include <socoro/base/config.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace socoro {

/// The text with control characters, quotes, backslashes and bytes beyond ASCII as `\xNN`, cut
/// behind `longest` characters of it. The result is printable ASCII on one line.
[[nodiscard]] inline std::string escaped(std::string_view text, std::size_t longest = 200) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string safe;
    for (char const c : text.substr(0, longest)) {
        auto const byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte < 0x7f && c != '\\' && c != '"') {
            safe += c;
        } else {
            safe += "\\x";
            safe += digits[byte >> 4];
            safe += digits[byte & 15];
        }
    }
    if (text.size() > longest)
        safe += "...";
    return safe;
}

}  // namespace socoro
