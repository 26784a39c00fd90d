// SPDX-License-Identifier: BSL-1.0
// What a client's socket tells about its connection. These are received like events, by `recv` and
// `serve`, in order with what came from the server.
#pragma once

#include <socoro/base/error.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace socoro {

// Their names are no UTF-8, so that no server can send an event that has one.

/// The socket is connected, for the first time or again.
struct on_connect {
    static constexpr std::string_view event_name =
        "\xff"
        "connect";
    static constexpr bool is_lifecycle = true;

    /// Whether the server has restored the session: the id, the rooms and the data are those of
    /// before, and the events that were missed have been received.
    bool recovered = false;
};

/// The socket is not connected any more. Unless it has ended, it connects again by itself.
struct on_disconnect {
    static constexpr std::string_view event_name =
        "\xff"
        "disconnect";
    static constexpr bool is_lifecycle = true;

    /// Equals `socoro::closed`.
    std::error_code reason;
};

/// An attempt to connect has failed.
struct connect_error {
    static constexpr std::string_view event_name =
        "\xff"
        "connect_error";
    static constexpr bool is_lifecycle = true;

    /// What the server's middleware says, or what failed: `xhr poll error`, `websocket error`,
    /// `timeout` ...
    std::string message;
    /// What the server's middleware adds; null if nothing.
    boost::json::value data;
    /// What failed: `errc::refused` if the server has refused the socket, which then has ended.
    std::error_code code;
    /// Why exactly, such as what the system or TLS says, or the status of the server's answer.
    std::error_code why;
};

/// Another attempt to connect begins, after one that failed or a connection that was lost.
struct reconnect_attempt {
    static constexpr std::string_view event_name =
        "\xff"
        "reconnect_attempt";
    static constexpr bool is_lifecycle = true;

    /// 1 for the first; it starts anew once there was a connection.
    std::size_t attempt = 0;
};

}  // namespace socoro
