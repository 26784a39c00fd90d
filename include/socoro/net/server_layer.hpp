// SPDX-License-Identifier: BSL-1.0
// A layer of the streams that a server accepts: TLS. That of a client's streams is in
// net/connector.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/net/stream.hpp>

#include <memory>

namespace socoro::net {

/// A protocol on top of accepted streams that gives streams again. One may serve several servers,
/// in any threads.
class server_layer {
public:
    server_layer() = default;
    server_layer(server_layer const&) = delete;
    server_layer& operator=(server_layer const&) = delete;
    virtual ~server_layer() = default;

    /// Waits for the handshake over `plain`, which is closed if that fails. Ends soon with
    /// `operation_aborted` once `stop` says so; there is no other deadline. The error is
    /// `asio::error::eof` for a peer that left without a word. This may be gone while it is
    /// awaited. Safe from any thread, for different streams.
    [[nodiscard]] virtual asio::awaitable<result<std::shared_ptr<stream>>> accept(
        std::shared_ptr<shard> on,
        std::shared_ptr<stream> plain,
        std::shared_ptr<stop_source> stop) = 0;
};

}  // namespace socoro::net
