// SPDX-License-Identifier: BSL-1.0
// The options of an Engine.IO server, with the reference's names and defaults.
#pragma once

#include <socoro/engine/cookie.hpp>
#include <socoro/engine/cors.hpp>
#include <socoro/engine/origin_policy.hpp>
#include <socoro/engine/pending_request.hpp>
#include <socoro/engine/session_options.hpp>
#include <socoro/http/content_coding.hpp>
#include <socoro/net/http_connection.hpp>
#include <socoro/net/server_layer.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

namespace socoro::engine {

/// The options of an Engine.IO server.
struct options : session_options {
    /// Requests whose path begins with this and a slash are the engine's. One slash at its end
    /// is left out.
    std::string path = "/engine.io";
    /// Whether that slash has to be there. Without it the path alone is the engine's as well, but
    /// unlike in the reference nothing that only begins like it, as `/engine.iox`.
    bool add_trailing_slash = true;
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
    /// When requests that open a session or a WebSocket are refused for the page that they come
    /// from, with code 4. The reference never does, so that any page could act as the user.
    origin_check check_origin = origin_check::with_credentials;
    cookie_options cookie;
    /// Looks at each request that would open a session, after all that can be seen at once but the
    /// version of the protocol. A `refused` refuses it with code 4 and its message; any other
    /// exception with `Forbidden`, and goes to the hook `handler_failed`. Empty: everybody may.
    request_step allow_request;
    /// Makes the sid of a session for the request that opens it, which has to be another one each
    /// time, hard to guess, of letters, digits, `-`, `.`, `_` and `~`. If it throws, which goes to
    /// the hook `handler_failed`, or gives one that cannot be, the request is refused with code 3.
    /// A server on several shards adds two characters, which name the shard. Empty: 20 characters out
    /// of 15 random bytes, of several shards 18 and the two.
    std::function<std::string(http::request const&)> generate_id;
    /// The most sessions at once, on all shards together; a request that would open one more is
    /// answered with 503. Without a number, as many as come.
    std::optional<std::size_t> max_clients;
    /// The most connections that the server's own HTTP server has at once, on all shards together,
    /// those that became WebSockets among them; one more is closed as soon as it is accepted.
    /// Without a number, as many as come. Node's `server.maxConnections`.
    std::optional<std::size_t> max_connections;
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
/// `/engine.io`. Throws `std::invalid_argument` for what could not be kept to.
[[nodiscard]] inline options normalized(options opts) {
    if (opts.path.ends_with('/'))
        opts.path.pop_back();
    check(opts.cors);
    if (opts.cookie.enabled)
        std::ignore = sid_cookie(opts.cookie, "sid");
    return opts;
}

}  // namespace socoro::engine
