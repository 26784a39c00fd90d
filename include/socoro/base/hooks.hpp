// SPDX-License-Identifier: BSL-1.0
// What a server tells its program about rare events, and whoever wants to watch it about all
// packets: one struct of callbacks, an option of every server. By default what is a nuisance to
// somebody prints one line, and the others are empty.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/base/escape.hpp>

#include <bit>
#include <cstddef>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro {

namespace http {
struct request;
class fields;
}  // namespace http

/// A request under the path of the server that was refused.
struct connection_error {
    http::request const& request;
    int code = 0;              ///< the reference's: 0 to 5, or an HTTP status
    std::string_view message;  ///< what the client was told
    std::string_view context;  ///< what exactly was wrong
    std::string_view address;  ///< who sent it
};

/// A session of a server that begins.
struct opened_session {
    std::string_view sid;
    std::string_view address;    ///< of its client
    std::string_view transport;  ///< `polling` or `websocket`
};

/// A session that goes on over another transport.
struct upgraded_session {
    std::string_view sid;
    std::string_view address;  ///< of its client
    std::string_view from;     ///< the transport so far
    std::string_view to;       ///< the one from now on
};

/// A session of a server that has ended.
struct closed_session {
    std::string_view sid;
    std::string_view address;    ///< of its client
    std::string_view transport;  ///< the last one
    std::error_code reason;      ///< equals `socoro::closed`
};

/// A connection that was closed as soon as it was accepted: there were `max_connections`.
struct dropped_connection {
    std::string_view address;  ///< whose it was
    std::size_t count = 1;     ///< how many of this server so far, this one included
};

/// A peer that broke a protocol, or went beyond a limit. It costs the peer its connection.
struct violation {
    std::string_view protocol;  ///< `HTTP`, `WebSocket`, `Engine.IO` or `Socket.IO`
    std::string_view address;   ///< who it was
    std::string_view sid;       ///< the session, if there is one
    std::error_code why;
};

/// A connection that never came to be, because its TLS handshake failed.
struct failed_handshake {
    std::string_view address;  ///< who it was
    /// What was wrong: `errc::timeout`, an error of TLS or one of the system.
    std::error_code why;
    std::size_t count = 1;  ///< how many of this server so far, this one included
};

/// An event whose arguments did not fit the type that was waited for; it was dropped.
struct invalid_payload {
    std::string_view socket;    ///< the socket's id
    std::string_view event;     ///< the event's name
    std::string_view where;     ///< such as `argument 1.author`
    std::string_view expected;  ///< such as `a string`
};

/// An event that was dropped because too much waited already.
struct dropped_event {
    std::string_view socket;  ///< the socket's id
    std::string_view event;   ///< the event's name
    /// `errc::inbox_full`: it came from the client, and nobody had ever waited for such an event.
    /// `errc::outbox_full`: it was for the client, which does not read.
    std::error_code why;
    std::size_t count = 1;  ///< how many of this socket so far, this one included
};

/// An event that the packet middleware of its socket refused.
struct refused_event {
    std::string_view socket;  ///< the socket's id
    std::string_view event;   ///< the event's name
    std::string_view what;    ///< why, in the words of the middleware
};

/// A Socket.IO socket that was disconnected.
struct closed_socket {
    std::string_view socket;  ///< its id
    std::string_view nsp;     ///< the name of its namespace
    std::error_code reason;   ///< equals `socoro::closed`
};

/// What happened to a room.
enum class room_change {
    created,  ///< it came into being, with its first member, whose `joined` follows
    joined,   ///< a socket is in it now
    left,     ///< a socket is in it no more
    deleted   ///< it vanished, with its last member, whose `left` came before
};

/// Something that happened to a room of a namespace, on whatever shard.
struct room_event {
    room_change change = room_change::created;
    std::string_view nsp;     ///< the name of the namespace
    std::string_view room;    ///< for a room that one socket is alone in by itself, its id
    std::string_view socket;  ///< the id of who joined or left; empty otherwise
};

/// Which way something goes, as the server sees it.
enum class direction { received, sent };

/// An Engine.IO packet of a session.
struct wire_packet {
    socoro::direction direction = socoro::direction::received;
    std::string_view sid;      ///< the session
    std::string_view address;  ///< its client
    bool binary = false;       ///< whether the data are bytes of a message
    /// The packet as over WebSocket: the digit of its type and its text, or bytes alone.
    std::string_view data;
    std::string_view transport;  ///< `polling` or `websocket`, as it is now
    /// Its bytes on that transport: over WebSocket those of `data`, over polling the base64 of
    /// what is binary; without the head of a frame, and before any compression.
    std::size_t bytes = 0;
};

/// Called on the executor of the server; the views last as long as the call. A hook must not
/// throw; one that is empty is not called. The defaults that are not empty print one line to
/// `std::clog`, in which everything that came from a peer is escaped.
struct hooks {
    /// A request was refused. The default says who sent it and what was wrong; what it asked for
    /// is in the request.
    std::function<void(socoro::connection_error const&)> connection_error =
        [](socoro::connection_error const& e) {
            std::clog << "socoro: refused a request of " << e.address << ": " << escaped(e.message)
                      << " (" << escaped(e.context) << ")\n";
        };

    /// A peer was disconnected because its bytes follow no protocol, or because of a limit. Packets
    /// that are well-formed but out of place end the connection without a call.
    std::function<void(violation const&)> violated = [](violation const& e) {
        std::clog << "socoro: " << e.protocol << " violated by " << e.address
                  << (e.sid.empty() ? "" : ", session ") << e.sid << ": " << e.why.message()
                  << '\n';
    };

    /// A TLS handshake failed: the peer speaks something else, or a TLS that is too old, wants
    /// nothing of our certificate, or has none where one is needed. Who left without a word is not
    /// told. Peers can cause any number of them, so the default prints the first, the second, the
    /// fourth and so on.
    std::function<void(failed_handshake const&)> tls_failed = [](failed_handshake const& e) {
        if (std::has_single_bit(e.count))
            std::clog << "socoro: TLS failed with " << e.address << ": " << e.why.message() << " ("
                      << e.count << " so far)\n";
    };

    /// The arguments of an event did not fit.
    std::function<void(invalid_payload const&)> invalid = [](invalid_payload const& e) {
        std::clog << "socoro: dropped \"" << escaped(e.event) << "\" of " << e.socket << ": "
                  << escaped(e.where) << " is not " << escaped(e.expected) << '\n';
    };

    /// An event was dropped. A peer can cause any number of them, so the default prints the first,
    /// the second, the fourth and so on of each socket.
    std::function<void(dropped_event const&)> dropped = [](dropped_event const& e) {
        if (std::has_single_bit(e.count))
            std::clog << "socoro: dropped \"" << escaped(e.event) << "\" of " << e.socket << ": "
                      << e.why.message() << " (" << e.count << " so far)\n";
    };

    /// Packet middleware refused an event.
    std::function<void(refused_event const&)> packet_refused = [](refused_event const& e) {
        std::clog << "socoro: refused \"" << escaped(e.event) << "\" of " << e.socket << ": "
                  << escaped(e.what) << '\n';
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

    /// A connection was closed because of `max_connections`. Anybody can cause any number of them,
    /// so the default prints the first, the second, the fourth and so on.
    std::function<void(dropped_connection const&)> connection_dropped =
        [](dropped_connection const& e) {
            if (std::has_single_bit(e.count))
                std::clog << "socoro: too many connections: closed that of " << e.address << " ("
                          << e.count << " so far)\n";
        };

    /// A session has begun, before its handler is started. Servers only.
    std::function<void(opened_session const&)> session_opened;

    /// A session goes on over another transport.
    std::function<void(upgraded_session const&)> upgraded;

    /// A session that was told to have begun has ended. Servers only.
    std::function<void(closed_session const&)> session_closed;

    /// May change the header fields of the answer that opens a session: that to the first request
    /// of long-polling, or the 101 of a WebSocket. As in the reference, the fields that make a 101
    /// one are not among them.
    std::function<void(http::fields&, http::request const&)> initial_headers;

    /// The same for every answer to a request of a session, the first and those with 101 among
    /// them; but not for refusals. Comes after `initial_headers`.
    std::function<void(http::fields&, http::request const&)> headers;

    /// A socket was disconnected, for whatever reason.
    std::function<void(closed_socket const&)> closed;

    /// A room came into being or vanished, or a socket joined or left one: its own as well, and also
    /// while middleware looks at it. Who is disconnected leaves all rooms, in alphabetical order,
    /// before `closed`. The calls of one server never overlap, not even those of several shards, each
    /// of which calls on its own executor and waits for the others meanwhile: so that every `joined`
    /// and `left` is between `created` and `deleted` of its room. Servers only.
    std::function<void(room_event const&)> room;

    /// A session received a packet, or queued one for its client: every packet, those of the
    /// heartbeat and of an upgrade too, but not what a transport says to end itself.
    std::function<void(wire_packet const&)> packet;
};

/// Calls a hook that is not empty.
template <typename Hook, typename... Args>
void notify(Hook const& hook, Args&&... args) {
    if (hook)
        hook(std::forward<Args>(args)...);
}

}  // namespace socoro
