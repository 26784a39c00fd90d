// SPDX-License-Identifier: BSL-1.0
// What a server tells its program about rare events: one struct of callbacks, an option of every
// server. By default each prints one line.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/base/escape.hpp>

#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro {

/// A request under the path of the server that was refused.
struct connection_error {
    int code = 0;              ///< the reference's: 0 to 5, or an HTTP status
    std::string_view message;  ///< what the client was told
    std::string_view context;  ///< what exactly was wrong
    std::string_view address;  ///< who sent it
    std::string_view target;   ///< the target of the request, as sent
};

/// A peer that broke a protocol, or went beyond a limit. It costs the peer its connection.
struct violation {
    std::string_view protocol;  ///< `HTTP`, `WebSocket`, `Engine.IO` or `Socket.IO`
    std::string_view address;   ///< who it was
    std::string_view sid;       ///< the session, if there is one
    std::error_code why;
};

/// An event whose arguments did not fit the type that was waited for; it was dropped.
struct invalid_payload {
    std::string_view socket;    ///< the socket's id
    std::string_view event;     ///< the event's name
    std::string_view where;     ///< such as `argument 1.author`
    std::string_view expected;  ///< such as `a string`
};

/// Called for rare events, on the executor of the server; the views last as long as the call. A
/// hook must not throw; one that is empty is not called. The defaults print one line to
/// `std::clog`, in which everything that came from a peer is escaped.
struct hooks {
    /// A request was refused.
    std::function<void(connection_error const&)> refused = [](connection_error const& e) {
        std::clog << "socoro: refused a request of " << e.address << ": " << e.message << " ("
                  << escaped(e.context) << ") \"" << escaped(e.target) << "\"\n";
    };

    /// A peer was disconnected because its bytes follow no protocol, or because of a limit. Packets
    /// that are well-formed but out of place end the connection without a call.
    std::function<void(violation const&)> violated = [](violation const& e) {
        std::clog << "socoro: " << e.protocol << " violated by " << e.address
                  << (e.sid.empty() ? "" : ", session ") << e.sid << ": " << e.why.message()
                  << '\n';
    };

    /// The arguments of an event did not fit.
    std::function<void(invalid_payload const&)> invalid = [](invalid_payload const& e) {
        std::clog << "socoro: dropped \"" << escaped(e.event) << "\" of " << e.socket << ": "
                  << escaped(e.where) << " is not " << escaped(e.expected) << '\n';
    };

    /// A full inbox dropped an event that nobody had ever waited for.
    std::function<void(std::string_view socket, std::string_view event)> dropped =
        [](std::string_view socket, std::string_view event) {
            std::clog << "socoro: dropped \"" << escaped(event) << "\" of " << socket
                      << ": nobody receives it\n";
        };

    /// A handler ended with an exception that was not the disconnect of its own socket. `where`
    /// is the namespace, the path or the session that the handler belongs to.
    std::function<void(std::string_view where, std::string_view what)> handler_failed =
        [](std::string_view where, std::string_view what) {
            std::clog << "socoro: a handler of \"" << escaped(where)
                      << "\" failed: " << escaped(what) << '\n';
        };

    /// No connection can be accepted for now; it is tried again.
    std::function<void(std::error_code)> accept_failed = [](std::error_code ec) {
        std::clog << "socoro: cannot accept connections: " << ec.message() << '\n';
    };
};

/// Calls a hook that is not empty.
template <typename Hook, typename... Args>
void notify(Hook const& hook, Args&&... args) {
    if (hook)
        hook(std::forward<Args>(args)...);
}

}  // namespace socoro
