// SPDX-License-Identifier: BSL-1.0
// The options of a Socket.IO server: those of Engine.IO and its own, with the reference's names
// and defaults.
#pragma once

#include <socoro/base/escape.hpp>
#include <socoro/engine/options.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>

namespace socoro {

/// The options of a Socket.IO server.
struct options : engine::options {
    options() { path = "/socket.io"; }

    /// A client that is in no namespace for this long is disconnected.
    std::chrono::milliseconds connect_timeout{45'000};
    /// The attachments that a packet announced have to come within this time.
    std::chrono::milliseconds attachment_timeout{30'000};
    /// Whether the browser's script is served under the path, as `/socket.io/socket.io.js`.
    bool serve_client = true;
    /// Where the script is: the folder `dist` of the npm package `socket.io-client`.
    /// Empty: no script is served.
    std::filesystem::path client_directory;
    /// Events that may wait for one socket's handler; beyond, the client has to wait. But not
    /// while another coroutine of the same client waits for what only reading can bring, an event
    /// or a reply: then it is read on, and disconnected at twice the limit.
    std::size_t inbox_events = 1024;
    /// Bytes of events that may wait for one socket's handler; beyond, the client has to wait.
    std::size_t inbox_bytes = 4'000'000;
    /// Whether an event whose arguments do not fit disconnects its socket.
    bool disconnect_on_invalid_payload = false;
    /// Whether such an event is acknowledged, if it asked for that: with one object that has the
    /// member `error`, an object of `message`, `where` and `expected`.
    bool answer_invalid_payload = false;
};

}  // namespace socoro
