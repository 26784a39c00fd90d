// SPDX-License-Identifier: BSL-1.0
// Masking of client payloads (RFC 6455 section 5.3): an XOR with four repeating bytes, done a word
// at a time. It hides nothing; it keeps a client's bytes from looking like HTTP to a proxy.
#pragma once

#include <socoro/base/config.hpp>
#include <socoro/base/random.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace socoro::ws {

/// The four bytes a client's payload is masked with, in the order of the wire.
using mask_key = std::array<std::uint8_t, 4>;

/// A key from the operating system's generator. Every frame needs a fresh one (section 5.3).
[[nodiscard]] mask_key make_mask_key();

/// Masks or unmasks `bytes` in place. `offset` is where `bytes` begins within the payload, so that
/// a payload may be masked in pieces of any size.
void apply_mask(std::span<char> bytes, mask_key key, std::uint64_t offset = 0) noexcept;

namespace detail {

/// The key repeated over one word, beginning with the byte that `offset` calls for.
[[nodiscard]] inline std::uint64_t mask_word(mask_key key, std::uint64_t offset) noexcept {
    std::array<std::uint8_t, sizeof(std::uint64_t)> repeated{};
    for (std::size_t i = 0; i < repeated.size(); ++i)
        repeated[i] = key[(offset + i) % key.size()];
    std::uint64_t word = 0;
    std::memcpy(&word, repeated.data(), sizeof word);
    return word;
}

}  // namespace detail

inline mask_key make_mask_key() {
    mask_key key{};
    std::memcpy(key.data(), random_bytes(key.size()).data(), key.size());
    return key;
}

inline void apply_mask(std::span<char> bytes, mask_key key, std::uint64_t offset) noexcept {
    auto const mask = detail::mask_word(key, offset);
    std::size_t i = 0;
    for (; i + sizeof mask <= bytes.size(); i += sizeof mask) {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + i, sizeof word);
        word ^= mask;
        std::memcpy(bytes.data() + i, &word, sizeof word);
    }
    for (; i < bytes.size(); ++i)
        bytes[i] = static_cast<char>(bytes[i] ^ key[(offset + i) % key.size()]);
}

}  // namespace socoro::ws
