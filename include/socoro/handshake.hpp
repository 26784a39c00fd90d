// SPDX-License-Identifier: BSL-1.0
// What a client brought when it connected.
#pragma once

#include <socoro/http/cookie.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/query.hpp>
#include <socoro/net/certificate.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace socoro {

/// The request that opened the connection, and the credentials sent to the namespace. It does
/// not change, whatever later requests of the same client bring.
struct handshake {
    http::fields headers;
    http::cookies cookies;
    /// The parameters of the URL, those of the protocol (`EIO`, `transport`) included.
    http::query query;
    /// The client's `auth`: an object, empty if it sent none.
    boost::json::value auth = boost::json::object();
    /// The client's address without port; behind a proxy, the proxy's unless the option
    /// `trusted_proxies` says otherwise.
    std::string address;
    /// The target of the request.
    std::string url;
    /// When the client connected to the namespace.
    std::chrono::system_clock::time_point time;
    /// Whether the connection is encrypted (`https`, `wss`) when it reaches this server: one that
    /// passed a proxy may have been so before. As that of the other members, it is the connection
    /// that opened the session.
    bool secure = false;
    /// The certificate that the client presented, where the server asks for one and trusts who
    /// signed it; null otherwise.
    std::shared_ptr<net::certificate const> certificate;

    /// Whether a page may have sent the request that belongs to another origin: whether it names
    /// one. Browsers do so for every WebSocket.
    [[nodiscard]] bool xdomain() const { return !headers.get("origin").empty(); }
    /// `time` in milliseconds since 1970.
    [[nodiscard]] std::int64_t issued() const {
        using std::chrono::milliseconds;
        return std::chrono::floor<milliseconds>(time).time_since_epoch() / milliseconds(1);
    }
};

}  // namespace socoro
