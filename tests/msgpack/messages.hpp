// SPDX-License-Identifier: BSL-1.0
// Messages of MessagePack as the tests spell them: in hexadecimal, spaces where they help.
#pragma once

#include <string>
#include <string_view>

namespace test {

[[nodiscard]] inline std::string to_hex(std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    for (char const c : bytes) {
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
    }
    return out;
}

[[nodiscard]] inline std::string from_hex(std::string_view hex) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string out;
    bool half = false;
    for (char const c : hex) {
        if (c == ' ')
            continue;
        auto const value = static_cast<char>(digits.find(c));
        if (half)
            out.back() = static_cast<char>(out.back() << 4 | value);
        else
            out += value;
        half = !half;
    }
    return out;
}

/// The message of an event, in hexadecimal, whose data are these: an array that begins with a name.
[[nodiscard]] inline std::string event_hex(std::string_view data) {
    std::string out;
    for (char const c :
         std::string("83 a474797065 02 a464617461") + std::string(data) + "a36e7370 a12f")
        if (c != ' ')
            out += c;
    return out;
}

}  // namespace test
