// SPDX-License-Identifier: BSL-1.0
// What a session asks of a transport: packets in, packets out, an end. WebSocket and long-polling
// are siblings with these verbs, and the session knows neither.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/eio/packet.hpp>
#include <socoro/net/asio.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>

namespace socoro::transport {

/// A packet on its way out. It is never changed, so one packet may be on its way to many.
using packet_ptr = std::shared_ptr<eio::packet const>;

/// How to end a transport.
enum class ending {
    orderly,  ///< tell the peer, over polling with the next poll if none is waiting
    discard,  ///< tell the peer only if that can be done now
};

/// A transport of Engine.IO packets, used by one session on one shard.
///
/// - `recv()` waits for the next packet. Its error is the disconnect reason: `transport_close`
///   when the transport has been closed, by the peer or by us, `transport_error` when the peer
///   broke it or its rules, `parse_error` for an undecodable packet. Errors are final.
/// - `failure()`: once `recv` has failed, what exactly the peer did wrong, if it did.
/// - `has_buffered()`: another packet may be there without waiting: it is too early to flush.
/// - `is_writable()`: `send` may be called now; `writable()` waits for that, while no `send` is
///   under way, and gives false when the transport is closing or has ended.
/// - `batch_limit()`: the most packets one `send` may carry.
/// - `send(packets)` sends them in order and waits until they are on their way; an error is
///   final. The packets must outlive the call, and calls may not overlap.
/// - `close(how)` ends the transport, after what was sent before. True when that is done: the
///   peer was told, or will not be. False when it is waited for: `recv` ends when it is done.
/// - `name()` is the transport's name in the query of a request.
///
/// The transport must outlive what is awaited on it.
template <typename T>
concept packet_transport =
    requires(T t, T const c, std::span<packet_ptr const> packets, ending how) {
    { t.recv() } -> std::same_as<asio::awaitable<result<eio::packet>>>;
    { c.failure() } -> std::same_as<std::error_code>;
    { c.has_buffered() } -> std::same_as<bool>;
    { c.is_writable() } -> std::same_as<bool>;
    { t.writable() } -> std::same_as<asio::awaitable<bool>>;
    { c.batch_limit() } -> std::same_as<std::size_t>;
    { t.send(packets) } -> std::same_as<asio::awaitable<std::error_code>>;
    { t.close(how) } -> std::same_as<bool>;
    { c.name() } -> std::same_as<std::string_view>;
};

}  // namespace socoro::transport
