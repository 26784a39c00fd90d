// SPDX-License-Identifier: BSL-1.0
// What is known of a session from the beginning, and the hooks that are told so.
#pragma once

#include <socoro/base/hooks.hpp>
#include <socoro/eio/packet.hpp>
#include <socoro/http/message.hpp>
#include <socoro/net/certificate.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace socoro::engine {

/// Where a session comes from.
struct origin {
    std::string sid;
    http::request request;  ///< that opened it
    std::string address;    ///< of the client, without port
    bool secure = false;    ///< whether the connection of the request is encrypted
    /// The verified certificate of the client; null if it has none.
    std::shared_ptr<net::certificate const> certificate = {};
};

/// Tells the hook what the client did wrong.
inline void report(hooks const& to, origin const& from, std::error_code why) {
    auto protocol = protocol_of(static_cast<errc>(why.value()));
    // A full outbox is nobody's protocol: it is the session that gives up.
    if (protocol.empty())
        protocol = "Engine.IO";
    notify(to.violated, violation{protocol, from.address, from.sid, why});
}

/// The bytes that a packet is on a transport.
[[nodiscard]] inline std::size_t size_over(
    std::string_view transport,
    eio::packet const& packet) noexcept {
    bool const as_it_is = packet.binary && transport == "websocket";
    return as_it_is ? packet.data.size() : eio::text_size(packet);
}

/// Shows the hook a packet that came or goes over a transport, if it is there.
inline void show(
    hooks const& to,
    origin const& from,
    direction way,
    std::string_view transport,
    eio::packet const& packet) {
    if (!to.packet)
        return;
    std::string text;
    if (!packet.binary)
        text.append(1, static_cast<char>(packet.type)).append(packet.data);
    auto const& data = packet.binary ? packet.data : text;
    auto const bytes = size_over(transport, packet);
    to.packet({way, from.sid, from.address, packet.binary, data, transport, bytes});
}

}  // namespace socoro::engine
