// SPDX-License-Identifier: BSL-1.0
// What a client brought when it connected.
#pragma once

#include <socoro/http/cookie.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/query.hpp>

#include <boost/json.hpp>

#include <chrono>
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
};

}  // namespace socoro
