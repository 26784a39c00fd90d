// SPDX-License-Identifier: BSL-1.0
// Random bytes of the operating system: identifiers must not be guessable.
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <random>
#include <string>
#include <system_error>
#if __has_include(<sys/random.h>)
#include <sys/random.h>
#endif
#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace socoro {

/// `count` bytes from the operating system's generator.
/// Throws `std::system_error` when it fails.
[[nodiscard]] std::string random_bytes(std::size_t count);

#if __has_include(<sys/random.h>)

inline std::string random_bytes(std::size_t count) {
    constexpr std::size_t most_at_once = 256;
    std::string bytes(count, '\0');
    for (std::size_t done = 0; done < count;) {
        auto const piece = std::min(count - done, most_at_once);
        if (::getentropy(bytes.data() + done, piece) != 0)
            throw std::system_error(errno, std::generic_category(), "getentropy");
        done += piece;
    }
    return bytes;
}

#else

inline std::string random_bytes(std::size_t count) {
    std::random_device device;
    std::string bytes;
    while (bytes.size() < count) {
        auto const word = device();
        bytes.append(reinterpret_cast<char const*>(&word), sizeof word);
    }
    bytes.resize(count);
    return bytes;
}

#endif

}  // namespace socoro
