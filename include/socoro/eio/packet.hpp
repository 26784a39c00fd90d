// SPDX-License-Identifier: BSL-1.0
// One Engine.IO packet and its encodings (Engine.IO protocol v4, "Packet encoding"): a type digit
// and text. Binary messages are raw in a WebSocket frame and base64 behind a `b` in polling.
// Not the joining of packets into a polling body: that is payload.hpp.
#pragma once

#include <socoro/base/base64.hpp>
#include <socoro/base/message.hpp>
#include <socoro/base/result.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::eio {

/// The packet types; the values are the digits on the wire.
enum class packet_type : char {
    open = '0',     ///< the handshake, from the server
    close = '1',    ///< ends a polling session
    ping = '2',     ///< from the server; with `probe`, from the client that upgrades
    pong = '3',     ///< the answer to a ping
    message = '4',  ///< what the layer above sends
    upgrade = '5',  ///< the client has switched to this transport
    noop = '6',     ///< releases a waiting poll
};

/// Whether `c` is the digit of a packet type.
[[nodiscard]] constexpr bool is_packet_type(char c) noexcept {
    return c >= '0' && c <= '6';
}

/// One packet. Only a message can be binary.
struct packet {
    packet_type type = packet_type::message;
    bool binary = false;
    /// Whether a transport may compress it on its way out.
    bool compress = true;
    std::string data;

    /// A packet of any type that carries text.
    [[nodiscard]] static packet of(packet_type type, std::string data = {});
    /// The packet that carries a message of the layer above.
    [[nodiscard]] static packet from(message&& content);

    [[nodiscard]] friend bool operator==(packet const&, packet const&) = default;
};

/// Appends the text form, as in a polling body and a WebSocket text frame; binary data becomes
/// `b` and base64, which is for polling alone: a WebSocket frame carries `data` as it is.
void append_text(std::string& out, packet const& p);

/// The number of bytes `append_text` appends.
[[nodiscard]] std::size_t text_size(packet const& p) noexcept;

/// Decodes the text form. `b` and base64 (read leniently) is a binary message on either
/// transport, as in the reference. Errors: eio_empty_packet, eio_unknown_type.
[[nodiscard]] result<packet> decode(std::string_view text);

/// Decodes a WebSocket message and keeps its memory: a binary one is a message packet as it is.
/// Errors: as for text.
[[nodiscard]] result<packet> decode(message&& frame);

inline packet packet::of(packet_type type, std::string data) {
    packet p;
    p.type = type;
    p.data = std::move(data);
    return p;
}

inline packet packet::from(message&& content) {
    packet p;
    p.binary = content.binary;
    p.data = std::move(content.data);
    return p;
}

inline void append_text(std::string& out, packet const& p) {
    if (p.binary) {
        out += 'b';
        out += base64::encode(p.data);
    } else {
        out += static_cast<char>(p.type);
        out += p.data;
    }
}

inline std::size_t text_size(packet const& p) noexcept {
    return 1 + (p.binary ? (p.data.size() + 2) / 3 * 4 : p.data.size());
}

namespace detail {

/// What is wrong with the first character of `text`, if anything.
[[nodiscard]] inline std::error_code type_error(std::string_view text) noexcept {
    if (text.empty())
        return errc::eio_empty_packet;
    if (text.front() != 'b' && !is_packet_type(text.front()))
        return errc::eio_unknown_type;
    return {};
}

}  // namespace detail

inline result<packet> decode(std::string_view text) {
    if (auto const error = detail::type_error(text))
        return error;
    std::string_view const rest = text.substr(1);
    if (text.front() == 'b')
        return packet::from({true, base64::decode(rest)});
    return packet::of(static_cast<packet_type>(text.front()), std::string(rest));
}

inline result<packet> decode(message&& frame) {
    if (frame.binary)
        return packet::from(std::move(frame));
    if (frame.data.empty() || !is_packet_type(frame.data.front()))
        return decode(std::string_view(frame.data));
    auto const type = static_cast<packet_type>(frame.data.front());
    frame.data.erase(0, 1);
    return packet::of(type, std::move(frame.data));
}

}  // namespace socoro::eio
