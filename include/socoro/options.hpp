// SPDX-License-Identifier: BSL-1.0
// The options of a Socket.IO server: those of Engine.IO and its own, with the reference's names
// and defaults.
#pragma once

#include <socoro/base/escape.hpp>
#include <socoro/engine/options.hpp>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>

namespace socoro {

/// An event whose arguments did not fit the type that was waited for; it was dropped.
struct invalid_payload {
    std::string_view socket;  ///< the socket's id
    std::string_view event;   ///< the event's name
    std::string where;        ///< such as `argument 1.author`
    std::string expected;     ///< such as `a string`
};

/// Called for rare events of sockets, on the server's executor; a hook must not throw. The
/// defaults print one line to `std::clog`, with everything from a peer escaped.
struct socket_hooks {
    std::function<void(invalid_payload const&)> invalid = [](invalid_payload const& e) {
        std::clog << "socoro: dropped \"" << escaped(e.event) << "\" of " << e.socket << ": "
                  << escaped(e.where) << " is not " << escaped(e.expected) << '\n';
    };
    /// A full inbox dropped an event that nobody had ever asked for.
    std::function<void(std::string_view socket, std::string_view event)> dropped =
        [](std::string_view socket, std::string_view event) {
            std::clog << "socoro: dropped \"" << escaped(event) << "\" of " << socket
                      << ": nobody receives it\n";
        };
    /// A client sent a packet that makes no sense; its connection was closed.
    std::function<void(std::string_view sid, std::error_code why)> protocol_error =
        [](std::string_view sid, std::error_code why) {
            std::clog << "socoro: closed " << sid << ": " << why.message() << '\n';
        };
};

/// The options of a Socket.IO server.
struct options : engine::options {
    options() { path = "/socket.io"; }

    /// A client that is in no namespace for this long is disconnected.
    std::chrono::milliseconds connect_timeout{45'000};
    /// Whether the browser's script is served under the path, as `/socket.io/socket.io.js`.
    bool serve_client = true;
    /// Where the script is: the folder `dist` of the npm package `socket.io-client`.
    /// Empty: no script is served.
    std::filesystem::path client_directory;
    /// Events that may wait for one socket's handler; beyond, the client has to wait.
    std::size_t inbox_events = 1024;
    /// Bytes of events that may wait for one socket's handler; beyond, the client has to wait.
    std::size_t inbox_bytes = 4'000'000;
    socoro::socket_hooks socket_hooks;
};

}  // namespace socoro
