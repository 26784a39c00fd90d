// SPDX-License-Identifier: BSL-1.0
// The header of a WebSocket frame (RFC 6455 section 5.2): its 2 to 14 bytes, and every rule that
// concerns one header alone. How frames make up messages is the reader's business.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/ws/mask.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string>
#include <string_view>

namespace socoro::ws {

/// Which side of the connection we are: clients mask what they send, servers must not.
enum class role : std::uint8_t { server, client };

/// What a frame carries; the values are the wire's (section 11.8).
enum class opcode : std::uint8_t {
    continuation = 0,
    text = 1,
    binary = 2,
    close = 8,
    ping = 9,
    pong = 10,
};

/// Whether the frame is a control frame: never fragmented, 125 bytes at most.
[[nodiscard]] constexpr bool is_control(opcode op) noexcept {
    return (static_cast<unsigned>(op) & 0x8U) != 0;
}

/// Whether the opcode has no meaning (yet).
[[nodiscard]] constexpr bool is_reserved(opcode op) noexcept {
    return (op > opcode::binary && op < opcode::close) || op > opcode::pong;
}

/// The longest header: two bytes, a 64-bit length, a key.
inline constexpr std::size_t max_header_size = 14;

/// The longest payload of a control frame (section 5.5), in bytes.
inline constexpr std::size_t max_control_size = 125;

/// The bit among the reserved ones, RSV1, that an extension which compresses messages has for the
/// first frame of one.
inline constexpr std::uint8_t compressed_bit = 4;

/// A frame's header.
struct frame_header {
    bool fin = true;       ///< the last, or only, frame of its message
    std::uint8_t rsv = 0;  ///< RSV1, RSV2 and RSV3 as 4, 2 and 1; without an extension all are 0
    opcode op = opcode::binary;
    bool masked = false;
    mask_key key{};            ///< meaningful if `masked`
    std::uint64_t length = 0;  ///< of the payload, in bytes

    [[nodiscard]] friend bool operator==(frame_header const&, frame_header const&) = default;
};

/// Whether `bytes` hold the header at their front up to its length, be the key there or not.
[[nodiscard]] bool has_length(std::string_view bytes) noexcept;

/// Decodes the header at the front of `bytes`, which `self` received, into `header`.
/// Returns its size, or 0 if more bytes are needed (14 always suffice). The first broken rule is
/// the error, even when the header is not complete yet: `ws_reserved_bits`, `ws_bad_opcode`,
/// `ws_bad_control_frame`, `ws_bad_mask` or `ws_bad_length`. Reserved bits are refused, except for
/// those in `extension_bits` in the first frame of a message.
[[nodiscard]] result<std::size_t> decode_header(
    std::string_view bytes,
    role self,
    frame_header& header,
    std::uint8_t extension_bits = 0);

/// Appends the header with the shortest form of its length. Writes what it is told: the rules of
/// sending are the writer's.
void append_header(std::string& out, frame_header const& header);

namespace detail {

/// Second bytes that announce a longer length after them.
inline constexpr std::uint8_t length_in_16_bits = 126;
inline constexpr std::uint8_t length_in_64_bits = 127;

[[nodiscard]] inline std::error_code
decode_first_byte(std::uint8_t byte, frame_header& header, std::uint8_t extension_bits) {
    header.fin = (byte & 0x80U) != 0;
    header.rsv = static_cast<std::uint8_t>((byte >> 4U) & 0x7U);
    header.op = static_cast<opcode>(byte & 0xfU);
    bool const is_first = header.op == opcode::text || header.op == opcode::binary;
    if ((header.rsv & ~(is_first ? extension_bits : 0U)) != 0)
        return errc::ws_reserved_bits;
    if (is_reserved(header.op))
        return errc::ws_bad_opcode;
    if (is_control(header.op) && !header.fin)
        return errc::ws_bad_control_frame;
    return {};
}

[[nodiscard]] inline std::error_code
decode_second_byte(std::uint8_t byte, role self, frame_header& header) {
    header.masked = (byte & 0x80U) != 0;
    header.length = byte & 0x7fU;
    if (header.masked != (self == role::server))
        return errc::ws_bad_mask;
    if (is_control(header.op) && header.length > max_control_size)
        return errc::ws_bad_control_frame;
    return {};
}

[[nodiscard]] inline std::error_code decode_long_length(
    std::string_view bytes,
    frame_header& header) {
    std::uint64_t length = 0;
    for (char c : bytes)
        length = length << 8U | static_cast<std::uint8_t>(c);
    bool const minimal = bytes.size() == sizeof(std::uint16_t)
                             ? length >= length_in_16_bits
                             : length > std::numeric_limits<std::uint16_t>::max();
    if (!minimal || length >> 63U != 0)
        return errc::ws_bad_length;
    header.length = length;
    return {};
}

inline void append_big_endian(std::string& out, std::uint64_t number, std::size_t bytes) {
    for (std::size_t i = bytes; i-- > 0;)
        out.push_back(static_cast<char>(static_cast<std::uint8_t>(number >> (8 * i))));
}

}  // namespace detail

inline bool has_length(std::string_view bytes) noexcept {
    if (bytes.size() < 2)
        return false;
    auto const length = static_cast<std::uint8_t>(bytes[1]) & 0x7fU;
    auto const extended = length == detail::length_in_16_bits   ? sizeof(std::uint16_t)
                          : length == detail::length_in_64_bits ? sizeof(std::uint64_t)
                                                                : 0;
    return bytes.size() >= 2 + extended;
}

inline result<std::size_t> decode_header(
    std::string_view bytes,
    role self,
    frame_header& header,
    std::uint8_t extension_bits) {
    constexpr std::size_t incomplete = 0;
    if (bytes.empty())
        return incomplete;
    auto const first = static_cast<std::uint8_t>(bytes[0]);
    if (auto const ec = detail::decode_first_byte(first, header, extension_bits))
        return ec;
    if (bytes.size() < 2)
        return incomplete;
    if (auto const ec =
            detail::decode_second_byte(static_cast<std::uint8_t>(bytes[1]), self, header))
        return ec;

    std::size_t size = 2;
    if (header.length >= detail::length_in_16_bits) {
        auto const extended = header.length == detail::length_in_16_bits ? sizeof(std::uint16_t)
                                                                         : sizeof(std::uint64_t);
        if (bytes.size() < size + extended)
            return incomplete;
        if (auto const ec = detail::decode_long_length(bytes.substr(size, extended), header))
            return ec;
        size += extended;
    }
    if (header.masked) {
        if (bytes.size() < size + header.key.size())
            return incomplete;
        std::memcpy(header.key.data(), bytes.data() + size, header.key.size());
        size += header.key.size();
    }
    return size;
}

inline void append_header(std::string& out, frame_header const& header) {
    auto const first = (header.fin ? 0x80U : 0U) | (header.rsv & 0x7U) << 4U |
                       (static_cast<unsigned>(header.op) & 0xfU);
    auto const mask_bit = header.masked ? 0x80U : 0U;
    detail::append_big_endian(out, first, 1);
    if (header.length < detail::length_in_16_bits) {
        detail::append_big_endian(out, mask_bit | header.length, 1);
    } else if (header.length <= std::numeric_limits<std::uint16_t>::max()) {
        detail::append_big_endian(out, mask_bit | detail::length_in_16_bits, 1);
        detail::append_big_endian(out, header.length, sizeof(std::uint16_t));
    } else {
        detail::append_big_endian(out, mask_bit | detail::length_in_64_bits, 1);
        detail::append_big_endian(out, header.length, sizeof(std::uint64_t));
    }
    if (header.masked)
        out.append(reinterpret_cast<char const*>(header.key.data()), header.key.size());
}

}  // namespace socoro::ws
