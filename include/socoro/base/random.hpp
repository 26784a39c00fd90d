// SPDX-License-Identifier: BSL-1.0
// Random bytes of the operating system: identifiers must not be guessable.
#pragma once

#include <socoro/base/config.hpp>

#include <cstddef>
#include <random>
#include <string>

namespace socoro {

/// `count` bytes from the operating system's generator.
/// Throws what `std::random_device` throws when there is none.
[[nodiscard]] inline std::string random_bytes(std::size_t count) {
    std::random_device device;
    std::string bytes;
    while (bytes.size() < count) {
        auto const word = device();
        bytes.append(reinterpret_cast<char const*>(&word), sizeof word);
    }
    bytes.resize(count);
    return bytes;
}

}  // namespace socoro
