// SPDX-License-Identifier: BSL-1.0
// How a client reaches a server: what gives it a stream. What is below, TCP, a proxy, TLS or
// memory, is the business of the classes derived from these.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/net/stream.hpp>

#include <cstdint>
#include <memory>
#include <string>

namespace socoro::net {

/// A server, as a client names it.
struct remote {
    std::string host;        ///< a name or an address, IPv6 without brackets
    std::uint16_t port = 0;  ///< in the byte order of the host
    bool secure = false;     ///< whether TLS is spoken

    [[nodiscard]] friend bool operator==(remote const&, remote const&) = default;
};

/// Opens streams. One may serve several clients of one shard; it outlives what is awaited on it.
class connector {
public:
    connector() = default;
    connector(connector const&) = delete;
    connector& operator=(connector const&) = delete;
    virtual ~connector() = default;

    /// Waits for a stream to `to`. Ends soon with `operation_aborted` once `stop` says so; there is
    /// no other deadline. Errors are those of the system, of TLS, and `errc::tls_unavailable`.
    [[nodiscard]] virtual asio::awaitable<result<std::shared_ptr<stream>>>
    connect(std::shared_ptr<shard> on, remote to, std::shared_ptr<stop_source> stop) = 0;
};

/// A protocol on top of a client's stream that gives a stream again: TLS. A server's is a
/// `server_layer`.
class stream_layer {
public:
    stream_layer() = default;
    stream_layer(stream_layer const&) = delete;
    stream_layer& operator=(stream_layer const&) = delete;
    virtual ~stream_layer() = default;

    /// Waits for the handshake over `plain`, which leads to `to`. Ends as `connector::connect`.
    [[nodiscard]] virtual asio::awaitable<result<std::shared_ptr<stream>>> wrap(
        std::shared_ptr<shard> on,
        std::shared_ptr<stream> plain,
        remote to,
        std::shared_ptr<stop_source> stop) = 0;
};

}  // namespace socoro::net
