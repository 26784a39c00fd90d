// SPDX-License-Identifier: BSL-1.0
// One Socket.IO packet (Socket.IO protocol v5, "Packet encoding") as the program sees it. Its text
// is written by encoder.hpp and read by decoder.hpp.
#pragma once

#include <socoro/base/config.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::sio {

/// The packet types; the values are the digits on the wire.
enum class packet_type : std::uint8_t {
    connect = 0,        ///< joins a namespace; also the server's answer
    disconnect = 1,     ///< leaves a namespace
    event = 2,          ///< a name and arguments
    ack = 3,            ///< the arguments of an answer
    connect_error = 4,  ///< refuses a connect
    binary_event = 5,   ///< on the wire only: an event with attachments
    binary_ack = 6,     ///< on the wire only: an ack with attachments
};

/// One packet. Each attachment stands in `data` as a placeholder (see attachments.hpp), and its
/// bytes in `attachments` at the placeholder's number.
struct packet {
    packet_type type = packet_type::event;
    std::string nsp = "/";
    /// Of an event that asks to be acknowledged, and of the answer.
    std::optional<std::uint64_t> id;
    std::optional<boost::json::value> data;
    std::vector<std::string> attachments;

    [[nodiscard]] friend bool operator==(packet const&, packet const&) = default;
};

/// Whether the protocol keeps this event name for itself: it can be neither sent nor received.
[[nodiscard]] constexpr bool is_reserved_event(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 6> reserved{
        "connect",
        "connect_error",
        "disconnect",
        "disconnecting",
        "newListener",
        "removeListener"};
    return std::find(reserved.begin(), reserved.end(), name) != reserved.end();
}

}  // namespace socoro::sio
