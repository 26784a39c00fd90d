// SPDX-License-Identifier: BSL-1.0
// What both ends of a session have options for.
#pragma once

#include <socoro/base/hooks.hpp>
#include <socoro/base/limits.hpp>
#include <socoro/ws/compression.hpp>

#include <cstddef>
#include <memory>

namespace socoro::engine {

/// What happens to packets that a peer does not take in time. What was sent with a topic is an
/// event, anything else is indispensable: acknowledgements, the packets of a protocol.
enum class outbox_policy {
    /// The peer is disconnected when more than `outbox_bytes` wait.
    disconnect,
    /// An event that does not fit any more is dropped. What is indispensable may fill the outbox
    /// to twice its size; then the peer is disconnected.
    drop_newest,
    /// When more than `outbox_bytes` wait, only the newest event of each topic stays. If that is
    /// still too much, the peer is disconnected. One that keeps up misses nothing.
    keep_latest,
};

/// The options of a session, at either end.
struct session_options {
    /// Bytes that may wait for one peer ...
    std::size_t outbox_bytes = 16 * 1024 * 1024;
    /// ... and what happens beyond: a peer that does not read is disconnected, or misses events.
    outbox_policy when_outbox_full = outbox_policy::disconnect;
    /// Compresses messages over WebSocket, with peers that can: `socoro::per_message_deflate()`, from
    /// <socoro/deflate.hpp>. Null: off, as in the reference's server.
    std::shared_ptr<ws::extension const> per_message_deflate;
    socoro::hooks hooks;
    /// Limits on what a peer may send; `max_http_buffer_size` among them.
    socoro::limits limits;
};

}  // namespace socoro::engine
