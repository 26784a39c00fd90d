// SPDX-License-Identifier: BSL-1.0
// An event on its way from a packet to whoever receives it.
#pragma once

#include <socoro/sio/json_writer.hpp>
#include <socoro/sio/packet.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace socoro::detail {

/// An event as it arrived: its name, and the JSON array whose first item is the name.
struct incoming {
    std::string name;
    boost::json::array list;
    std::vector<std::string> attachments;
    /// Of the acknowledgement that the client waits for.
    std::optional<std::uint64_t> id;
    std::size_t size = 0;
    /// What the socket itself tells, an object of the type that has this name; null for what came
    /// from the peer.
    std::shared_ptr<void const> told;
};

/// The event in a packet whose messages had this size.
[[nodiscard]] inline incoming to_incoming(sio::packet&& packet, std::size_t size) {
    incoming event;
    event.list = std::move(packet.data->as_array());
    // The reference takes a number as a name, too: it is then the name's text.
    auto const& name = event.list.front();
    if (name.is_string())
        event.name = name.get_string();
    else
        sio::append_json(event.name, name);
    event.attachments = std::move(packet.attachments);
    event.id = packet.id;
    event.size = size + sizeof(incoming);
    return event;
}

}  // namespace socoro::detail
