// SPDX-License-Identifier: BSL-1.0
// Writes the text of a packet (Socket.IO protocol v5, "Packet encoding"): type, attachment count,
// namespace, id, JSON. The attachments follow as messages of their own, in order, with nothing in
// between; sending them is the caller's.
#pragma once

#include <socoro/sio/json_writer.hpp>
#include <socoro/sio/packet.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace socoro::sio {

/// What stands before the JSON of a packet.
struct header {
    packet_type type = packet_type::event;
    std::string_view nsp = "/";
    std::optional<std::uint64_t> id = std::nullopt;
    std::size_t attachments = 0;
};

/// Appends the text before the JSON. Whether an event or ack is written as binary follows from
/// the number of attachments alone. Throws std::invalid_argument if another type has any, or if
/// the namespace does not start with a slash or has a comma (an empty one is "/").
void append_header(std::string& out, header const& h);

/// The whole text for JSON that is serialised already; empty for none. Throws as above.
[[nodiscard]] std::string encode(header const& h, std::string_view json);

/// The whole text of `p`; null as data is the same as none, as in the reference. Throws as above.
[[nodiscard]] std::string encode(packet const& p);

namespace detail {

[[nodiscard]] inline packet_type wire_type(packet_type type, std::size_t attachments) {
    switch (type) {
    case packet_type::event:
    case packet_type::binary_event:
        return attachments > 0 ? packet_type::binary_event : packet_type::event;
    case packet_type::ack:
    case packet_type::binary_ack:
        return attachments > 0 ? packet_type::binary_ack : packet_type::ack;
    default: break;
    }
    if (attachments > 0)
        throw std::invalid_argument("only events and acks can have attachments");
    return type;
}

inline void append_namespace(std::string& out, std::string_view nsp) {
    if (nsp.empty() || nsp == "/")
        return;
    if (nsp.front() != '/' || nsp.find(',') != std::string_view::npos)
        throw std::invalid_argument("a namespace starts with a slash and has no comma");
    out += nsp;
    out += ',';
}

}  // namespace detail

inline void append_header(std::string& out, header const& h) {
    auto const type = detail::wire_type(h.type, h.attachments);
    out += static_cast<char>('0' + static_cast<int>(type));
    if (h.attachments > 0) {
        out += std::to_string(h.attachments);
        out += '-';
    }
    detail::append_namespace(out, h.nsp);
    if (h.id)
        out += std::to_string(*h.id);
}

inline std::string encode(header const& h, std::string_view json) {
    std::string text;
    text.reserve(h.nsp.size() + 32 + json.size());
    append_header(text, h);
    text += json;
    return text;
}

inline std::string encode(packet const& p) {
    std::string text;
    append_header(text, {p.type, p.nsp, p.id, p.attachments.size()});
    if (p.data && !p.data->is_null())
        append_json(text, *p.data);
    return text;
}

}  // namespace socoro::sio
