// SPDX-License-Identifier: BSL-1.0
// The options of an Engine.IO client, with the reference's names and defaults.
#pragma once

#include <socoro/engine/session_options.hpp>
#include <socoro/http/fields.hpp>
#include <socoro/http/name_values.hpp>
#include <socoro/net/connector.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::engine {

/// The options of an Engine.IO client.
struct client_options : session_options {
    client_options() {
        limits.max_http_buffer_size = 16'000'000;
        limits.sio_attachment_bytes = 16'000'000;
        limits.eio_packets = 262'144;
    }

    /// The path that the server answers under.
    std::string path = "/engine.io";
    /// Whether requests have a slash behind the path.
    bool add_trailing_slash = true;
    /// The transports that may be used. The first opens the session ...
    std::vector<std::string> transports{"polling", "websocket"};
    /// ... or, if that fails and this is set, the next.
    bool try_all_transports = false;
    /// Whether a session that began with polling goes on over WebSocket.
    bool upgrade = true;
    /// Whether a session begins with WebSocket if an earlier one of this client has got there.
    bool remember_upgrade = false;
    /// An attempt to open a session that takes longer has failed.
    std::chrono::milliseconds timeout{20'000};
    /// An upgrade that takes longer is given up; the session stays on polling.
    std::chrono::milliseconds upgrade_timeout{10'000};
    /// Parameters of every request, beside those of the URL.
    std::vector<http::name_value> query;
    /// Header fields of every request.
    http::fields extra_headers;
    /// Whether cookies that the server sets are sent back, until the client is destroyed.
    bool with_credentials = true;
    /// Whether requests have a parameter that is always another, so that nobody caches the answer:
    /// those of polling ...
    bool timestamp_polls = true;
    /// ... and those for a WebSocket.
    bool timestamp_requests = false;
    /// The name of that parameter.
    std::string timestamp_param = "t";
    /// The URL of an HTTP proxy, perhaps with a user and a password; empty: none.
    std::string proxy;
    /// TLS for `https` and `wss`: `socoro::tls()`, from <socoro/tls.hpp>.
    std::shared_ptr<net::stream_layer> tls;
    /// What opens the streams below TLS and proxy; null: TCP.
    std::shared_ptr<net::connector> connector;

    [[nodiscard]] bool allows(std::string_view transport) const {
        return std::find(transports.begin(), transports.end(), transport) != transports.end();
    }
};

}  // namespace socoro::engine
