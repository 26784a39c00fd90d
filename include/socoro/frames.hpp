// SPDX-License-Identifier: BSL-1.0
// From a Socket.IO packet to the Engine.IO packets that carry it, encoded once however many
// clients they go to.
#pragma once

#include <socoro/event.hpp>
#include <socoro/sio/encoder.hpp>
#include <socoro/transport/transport.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace socoro::detail {

/// The text and the attachments of one Socket.IO packet, which stay together.
using frame_list = std::vector<transport::packet_ptr>;

[[nodiscard]] inline transport::packet_ptr make_frame(bool binary, std::string data) {
    return std::make_shared<eio::packet const>(eio::packet::from(message{binary, std::move(data)}));
}

/// The frames of an event or an acknowledgement.
[[nodiscard]] inline frame_list make_frames(sio::header header, encoded_event&& content) {
    frame_list out;
    header.attachments = content.binary.size();
    out.reserve(1 + content.binary.size());
    out.push_back(make_frame(false, sio::encode(header, content.json)));
    for (auto& data : content.binary)
        out.push_back(make_frame(true, std::move(data)));
    return out;
}

/// The frames of a packet without attachments.
[[nodiscard]] inline frame_list make_frames(
    sio::packet_type type,
    std::string_view nsp,
    std::optional<json::value> data = std::nullopt) {
    sio::packet packet;
    packet.type = type;
    packet.nsp = nsp;
    packet.data = std::move(data);
    return {make_frame(false, sio::encode(packet))};
}

}  // namespace socoro::detail
