// SPDX-License-Identifier: BSL-1.0
// The options of a Socket.IO server: those of Engine.IO and its own, with the reference's names
// and defaults.
#pragma once

#include <socoro/base/escape.hpp>
#include <socoro/channel_options.hpp>
#include <socoro/engine/options.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>

namespace socoro {

/// Connection state recovery: a client whose connection broke comes back as the socket it was, with
/// its id, its rooms and its data, and gets what was emitted to it meanwhile. The client has to be
/// one that asks for it, as the reference's in JavaScript does by itself. On a server of several
/// shards it may come back to any; on another than before it has a copy of its data, if handlers of
/// the socket that it was still hold that.
///
/// Every event that is neither volatile nor acknowledged then carries one more argument, a text at
/// its end that tells the client how far it got. Programs in C++ pass over it.
struct recovery_options {
    bool enabled = false;
    /// How long after the end of its connection a client may come back as the same.
    std::chrono::milliseconds max_disconnection_duration{120'000};
    /// Whether middleware is passed over by those who come back. Unlike the reference's, ours asks
    /// them again by default: who was allowed in two minutes ago may not be any more.
    bool skip_middlewares = false;
    /// Bytes of events that are kept for those who may come back, in all namespaces of the server
    /// together; the oldest go first. A client that needs one that is gone starts anew, which is no
    /// error; and so does one that missed more than `outbox_bytes`. Of several shards each has an
    /// equal part, and what they send together counts once.
    std::size_t event_bytes = 16'000'000;
    /// Clients that may come back, counted once for each namespace. Beyond, those that have the
    /// least time left may not. It bounds what clients that connect and vanish can make us keep. Of
    /// several shards each has an equal part, rounded up.
    std::size_t sessions = 10'000;
};

class cluster_adapter;

using engine::cookie_options;
using engine::cors_options;
using engine::origin_check;
using engine::pending_request;
using engine::request_step;
using engine::same_site;

/// The options of a Socket.IO server.
struct options : engine::options, channel_options {
    options() { path = "/socket.io"; }

    /// A client that is in no namespace for this long is disconnected.
    std::chrono::milliseconds connect_timeout{45'000};
    /// Whether the browser's script is served under the path, as `/socket.io/socket.io.js`.
    bool serve_client = true;
    /// Where the script is: the folder `dist` of the npm package `socket.io-client`.
    /// Empty: no script is served.
    std::filesystem::path client_directory;
    recovery_options connection_state_recovery;
    /// Whether a namespace that a rule let into being goes with its last socket. Unlike in the
    /// reference it does: where clients choose the names, they could make us keep any number.
    bool cleanup_empty_child_namespaces = true;
    /// Connects the server with others of the same service, in other processes: see
    /// `cluster_adapter`. Null: the server is alone. Each server needs one of its own.
    std::shared_ptr<cluster_adapter> adapter;
    /// How long a server with an `adapter` waits for the answers of others, and of their clients,
    /// unless `timeout` says otherwise: they may be gone without a word.
    std::chrono::milliseconds requests_timeout{5'000};
};

}  // namespace socoro
