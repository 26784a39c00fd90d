// SPDX-License-Identifier: BSL-1.0
// From a Socket.IO packet to the Engine.IO packets that carry it, encoded once however many
// clients they go to.
#pragma once

#include <socoro/event.hpp>
#include <socoro/sio/encoder.hpp>
#include <socoro/sio/parser.hpp>
#include <socoro/transport/transport.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

/// The text and the attachments of one Socket.IO packet, which stay together.
using frame_list = std::vector<transport::packet_ptr>;

[[nodiscard]] inline transport::packet_ptr
make_frame(bool binary, std::string data, bool compress = true) {
    auto packet = eio::packet::from(message{binary, std::move(data)});
    packet.compress = compress;
    return std::make_shared<eio::packet const>(std::move(packet));
}

[[nodiscard]] inline frame_list to_frames(std::vector<message>&& messages, bool compress) {
    frame_list out;
    out.reserve(messages.size());
    for (auto& message : messages)
        out.push_back(make_frame(message.binary, std::move(message.data), compress));
    return out;
}

/// The frames of an event or an acknowledgement, by a parser or, if it is null, as JSON.
[[nodiscard]] inline frame_list
make_frames(sio::parser const* by, sio::header header, encoded_event&& content) {
    header.attachments = content.binary.size();
    if (by)
        return to_frames(
            by->encode(header, content.json, std::move(content.binary)),
            content.compress);
    frame_list out;
    out.reserve(1 + content.binary.size());
    out.push_back(make_frame(false, sio::encode(header, content.json), content.compress));
    for (auto& data : content.binary)
        out.push_back(make_frame(true, std::move(data), content.compress));
    return out;
}

/// The frames of a packet without attachments. Null as data is the same as none.
[[nodiscard]] inline frame_list make_frames(
    sio::parser const* by,
    sio::packet_type type,
    std::string_view nsp,
    std::optional<json::value> const& data = std::nullopt) {
    encoded_event content;
    if (data && !data->is_null())
        sio::append_json(content.json, *data);
    return make_frames(by, {.type = type, .nsp = nsp}, std::move(content));
}

}  // namespace socoro::detail
