// SPDX-License-Identifier: BSL-1.0
// The options of an Engine.IO server, with the reference's names and defaults.
#pragma once

#include <socoro/engine/session_options.hpp>
#include <socoro/http/content_coding.hpp>
#include <socoro/net/http_connection.hpp>
#include <socoro/net/server_layer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::engine {

/// Which pages of other origins may talk to the server from a browser.
///
/// As in the reference this is about the answers to polling only: browsers ask no leave for a
/// WebSocket, and none is refused for its origin. A server that trusts cookies has to look at
/// the `Origin` of the request that opened the session itself.
struct cors_options {
    /// The allowed origins, such as `https://example.com`; `*` allows every origin, but then
    /// never with credentials. Empty: no other origin, and no CORS header is sent.
    std::vector<std::string> origins;
    /// Whether browsers may send cookies along.
    bool credentials = false;
};

/// The options of an Engine.IO server.
struct options : session_options {
    /// Requests whose path begins with this and a slash are the engine's. One slash at its end
    /// is left out.
    std::string path = "/engine.io";
    /// The transports that clients may use.
    std::vector<std::string> transports{"polling", "websocket"};
    /// Whether a session that began with polling may go on over WebSocket.
    bool allow_upgrades = true;
    /// A ping is sent this long after the opening or the last pong ...
    std::chrono::milliseconds ping_interval{25'000};
    /// ... and has to be answered within this time: `ping timeout` otherwise.
    std::chrono::milliseconds ping_timeout{20'000};
    /// An upgrade that takes longer is given up; the session stays on polling.
    std::chrono::milliseconds upgrade_timeout{10'000};
    /// The most packets that answer one poll: python clients refuse more than 16.
    std::size_t packets_per_poll = 16;
    /// Compresses the answers to polls, for clients that accept that: `socoro::http_compression()`,
    /// from <socoro/deflate.hpp>. Null: off; the reference's is on.
    std::shared_ptr<http::compression const> http_compression;
    cors_options cors;
    /// How many reverse proxies of one's own every request comes through. Each appends to
    /// `X-Forwarded-For` whom it got the request from; the address of a client is then what the
    /// outermost of them wrote there. 0: that of the connection, since without a proxy anybody may
    /// write that field. A request that came through fewer has the address of its connection.
    std::size_t trusted_proxies = 0;
    net::http_deadlines deadlines;
    /// Speaks TLS on every connection that `listen` accepts: `socoro::tls_server()`, from
    /// <socoro/tls.hpp>. Null: plain HTTP. An HTTP server that this one attaches to has an option
    /// of its own, and streams that are handed over are taken as they are.
    std::shared_ptr<net::server_layer> tls;

    [[nodiscard]] bool allows(std::string_view transport) const {
        return std::find(transports.begin(), transports.end(), transport) != transports.end();
    }
};

/// The options with no slash at the end of the path: the reference takes `/engine.io/` for
/// `/engine.io`.
[[nodiscard]] inline options normalized(options opts) {
    if (opts.path.ends_with('/'))
        opts.path.pop_back();
    return opts;
}

}  // namespace socoro::engine
