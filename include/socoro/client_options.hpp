// SPDX-License-Identifier: BSL-1.0
// The options of a Socket.IO client: those of Engine.IO and its own, with the reference's names and
// defaults.
#pragma once

#include <socoro/backoff.hpp>
#include <socoro/channel_options.hpp>
#include <socoro/credentials.hpp>
#include <socoro/engine/client_options.hpp>

#include <chrono>
#include <cstddef>
#include <optional>

namespace socoro {

/// The options of a Socket.IO client.
struct client_options : engine::client_options, channel_options {
    client_options() { path = "/socket.io"; }

    /// Whether the client connects again by itself when an attempt has failed or the connection is
    /// lost. Not after the server or the program has disconnected a socket on purpose.
    bool reconnection = true;
    /// How often in a row that is tried; without a number, for ever. Then the sockets end with
    /// `errc::reconnect_failed`.
    std::optional<std::size_t> reconnection_attempts;
    /// The time before each attempt: `reconnectionDelay`, `reconnectionDelayMax` and
    /// `randomizationFactor` of the reference.
    socoro::backoff backoff;
    /// What is shown to each namespace that is not given its own.
    credentials auth;
    /// Bytes of events and requests that wait while a socket is not connected. What does not fit is
    /// dropped, and told to the hook `dropped`.
    std::size_t offline_bytes = 1'000'000;
    /// With a number every event is sent until the server has acknowledged it, that many times more
    /// than once, and the next only then: at least once, in order. The server has to acknowledge
    /// events, and to know one that it gets twice. Volatile events are sent once. Set `ack_timeout`
    /// as well: without it only a lost connection makes an event go again.
    std::optional<std::size_t> retries;
    /// How long the reply to a request is waited for; without a time, until the connection is lost.
    std::optional<std::chrono::milliseconds> ack_timeout;
};

}  // namespace socoro
