// SPDX-License-Identifier: BSL-1.0
// Writing frames (RFC 6455 sections 5.4 to 5.6) for both roles: a client passes a masking key, a
// server none. Whether the text is UTF-8 is the caller's promise.
#pragma once

#include <socoro/ws/frame.hpp>
#include <socoro/ws/mask.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace socoro::ws {

/// Appends a whole message or a control frame. A client passes a fresh `key` for every frame.
/// Throws `std::invalid_argument` for `opcode::continuation`, a reserved opcode, or a control
/// payload over 125 bytes.
void append_frame(
    std::string& out,
    opcode op,
    std::string_view payload,
    std::optional<mask_key> key = std::nullopt);

/// Appends only the header of a whole message or control frame whose payload of `payload_size`
/// bytes follows by other means, so that a shared payload is written without a copy. With a
/// `key` the payload has to be masked with it, from offset 0. `rsv` are the reserved bits. Throws
/// as `append_frame`.
void append_message_header(
    std::string& out,
    opcode op,
    std::size_t payload_size,
    std::optional<mask_key> key = std::nullopt,
    std::uint8_t rsv = 0);

/// Appends one fragment of a message: the first says `text` or `binary`, the others
/// `continuation`, the last has `fin`. Throws `std::invalid_argument` for any other opcode.
void append_fragment(
    std::string& out,
    opcode op,
    bool fin,
    std::string_view payload,
    std::optional<mask_key> key = std::nullopt);

namespace detail {

inline void append_data_header(
    std::string& out,
    opcode op,
    bool fin,
    std::size_t size,
    std::optional<mask_key> const& key,
    std::uint8_t rsv = 0) {
    frame_header header;
    header.fin = fin;
    header.rsv = rsv;
    header.op = op;
    header.masked = key.has_value();
    header.key = key.value_or(mask_key{});
    header.length = size;
    append_header(out, header);
}

inline void
append_payload(std::string& out, std::string_view payload, std::optional<mask_key> const& key) {
    auto const start = out.size();
    out.append(payload);
    if (key)
        apply_mask(std::span(out).subspan(start), *key);
}

}  // namespace detail

inline void append_message_header(
    std::string& out,
    opcode op,
    std::size_t payload_size,
    std::optional<mask_key> key,
    std::uint8_t rsv) {
    if (op == opcode::continuation || is_reserved(op))
        throw std::invalid_argument("a WebSocket frame needs an opcode of its own");
    if (is_control(op) && payload_size > max_control_size)
        throw std::invalid_argument("a WebSocket control frame carries 125 bytes at most");
    detail::append_data_header(out, op, true, payload_size, key, rsv);
}

inline void
append_frame(std::string& out, opcode op, std::string_view payload, std::optional<mask_key> key) {
    append_message_header(out, op, payload.size(), key);
    detail::append_payload(out, payload, key);
}

inline void append_fragment(
    std::string& out,
    opcode op,
    bool fin,
    std::string_view payload,
    std::optional<mask_key> key) {
    if (is_control(op) || is_reserved(op))
        throw std::invalid_argument("only WebSocket messages are fragmented");
    detail::append_data_header(out, op, fin, payload.size(), key);
    detail::append_payload(out, payload, key);
}

}  // namespace socoro::ws
