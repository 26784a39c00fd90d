// SPDX-License-Identifier: BSL-1.0
// Every error socoro reports, in one enumeration, and the conditions that group them.
// The messages of disconnect reasons and of packet errors are the reference's strings.
#pragma once

#include <socoro/base/config.hpp>

#include <string>
#include <string_view>
#include <system_error>

namespace socoro {

/// What went wrong, or why a socket was disconnected. `message()` is one line of plain text;
/// for a disconnect reason it is exactly the string that Socket.IO users know.
enum class errc {
    // Why a socket was disconnected.
    transport_error = 1,          ///< the connection broke, or the peer broke its rules
    transport_close,              ///< the peer closed the connection
    forced_close,                 ///< we closed it because of a packet that made no sense
    ping_timeout,                 ///< no pong within the ping timeout
    parse_error,                  ///< the peer sent an undecodable Engine.IO packet
    server_shutting_down,         ///< the server is closing
    forced_server_close,          ///< the server ended the whole connection
    client_namespace_disconnect,  ///< the client left the namespace
    server_namespace_disconnect,  ///< the server ended this namespace's socket
    io_server_disconnect,         ///< told to a client: the server ended its socket
    io_client_disconnect,         ///< told to a client: it ended its socket itself

    // Waiting and local misuse.
    timeout = 40,     ///< a deadline passed
    refused,          ///< the peer refused the connection to a namespace
    reserved_event,   ///< the event name is reserved by the protocol
    invalid_payload,  ///< an event's arguments do not fit its type
    inbox_full,       ///< a peer sends faster than its handler receives, past the hard limit
    outbox_full,      ///< a peer does not read what it is sent

    // Connecting, as a client.
    invalid_url = 60,  ///< not `http`, `https`, `ws` or `wss` with a host, or with what no URL has
    connect_timeout,   ///< the server did not answer in time
    poll_error,        ///< a poll failed
    post_error,        ///< packets could not be posted
    websocket_error,   ///< the WebSocket could not be opened, or broke
    server_error,      ///< the server's first packet does not open a session
    probe_error,       ///< the probe of an upgrade failed
    no_transports,     ///< no transport is left to be tried
    reconnect_failed,  ///< all attempts to connect have failed
    unsupported_server,  ///< the server speaks an older Socket.IO
    tls_unavailable,     ///< a URL asks for TLS, and the option for it is not set
    proxy_refused,       ///< the proxy does not let us through

    // HTTP/1.1 (RFC 9112).
    http_malformed = 80,       ///< a request that does not follow the grammar: 400
    http_head_too_large,       ///< request line and fields exceed the limit: 431
    http_too_many_fields,      ///< more header fields than the limit: 431
    http_body_too_large,       ///< the body exceeds the limit: 413
    http_unsupported_version,  ///< neither HTTP/1.0 nor HTTP/1.1: 505
    http_unsupported_coding,   ///< a transfer coding other than chunked: 501
    http_truncated,            ///< the connection ended inside a message

    // WebSocket (RFC 6455).
    ws_bad_handshake = 120,  ///< the upgrade request or answer is not acceptable
    ws_unsupported_version,  ///< Sec-WebSocket-Version is not 13
    ws_reserved_bits,        ///< a reserved bit is set without an extension
    ws_bad_opcode,           ///< a reserved opcode
    ws_bad_mask,             ///< a client frame without mask, or a server frame with one
    ws_bad_length,           ///< a length that is not minimal, or has its top bit set
    ws_bad_control_frame,    ///< a control frame that is fragmented or over 125 bytes
    ws_bad_continuation,     ///< a continuation without a start, or a start inside a message
    ws_bad_close_code,       ///< a close frame with a forbidden code or a single byte
    ws_bad_utf8,             ///< text that is not UTF-8
    ws_message_too_large,    ///< a message over the limit
    ws_too_many_fragments,   ///< a message in more fragments than the limit
    ws_bad_extensions,       ///< Sec-WebSocket-Extensions is malformed, or no answer to our offer
    ws_bad_compression,      ///< a message that cannot be decompressed

    // Engine.IO packets and payloads.
    eio_empty_packet = 160,  ///< a packet without a type
    eio_unknown_type,        ///< a packet type other than 0 to 6
    eio_bad_open,            ///< an open packet that is not understood
    eio_too_many_packets,    ///< a payload with more packets than the limit

    // Socket.IO packets.
    sio_unknown_type = 200,     ///< a packet type other than 0 to 6
    sio_invalid_payload,        ///< the data does not fit the packet's type
    sio_illegal_header,         ///< attachment count, namespace or id is malformed
    sio_too_many_attachments,   ///< more attachments announced than the limit
    sio_illegal_attachments,    ///< a placeholder that names no attachment
    sio_unexpected_text,        ///< text while attachments are awaited
    sio_unexpected_binary,      ///< an attachment nobody announced
    sio_attachments_too_large,  ///< the attachments of one packet exceed the limit
    sio_too_deep,               ///< JSON nested deeper than the limit
    sio_malformed,              ///< a message that is no packet to the parser in use
};

/// Conditions to compare an error code with: `if (e.code() == socoro::closed)`.
enum class condition {
    closed = 1,  ///< any disconnect reason
    remote,      ///< the peer broke a protocol's rules
    limit,       ///< a limit was exceeded
};

/// True of every disconnect reason.
inline constexpr condition closed = condition::closed;

/// The category of `errc`; messages are static text, safe from any thread.
[[nodiscard]] std::error_category const& errc_category() noexcept;

/// The category of `condition`.
[[nodiscard]] std::error_category const& condition_category() noexcept;

[[nodiscard]] inline std::error_code make_error_code(errc e) noexcept {
    return {static_cast<int>(e), errc_category()};
}

[[nodiscard]] inline std::error_condition make_error_condition(condition c) noexcept {
    return {static_cast<int>(c), condition_category()};
}

/// The protocol whose rules or limits an error is about: `HTTP`, `WebSocket`, `Engine.IO`,
/// `Socket.IO`, or empty.
[[nodiscard]] constexpr std::string_view protocol_of(errc e) noexcept {
    if (e >= errc::sio_unknown_type)
        return "Socket.IO";
    if (e >= errc::eio_empty_packet)
        return "Engine.IO";
    if (e >= errc::ws_bad_handshake)
        return "WebSocket";
    return e >= errc::http_malformed ? "HTTP" : "";
}

}  // namespace socoro

template <>
struct std::is_error_code_enum<socoro::errc> : std::true_type {};
template <>
struct std::is_error_condition_enum<socoro::condition> : std::true_type {};

namespace socoro {
namespace detail {

[[nodiscard]] constexpr char const* message_of(errc e) noexcept {
    switch (e) {
    case errc::transport_error: return "transport error";
    case errc::transport_close: return "transport close";
    case errc::forced_close: return "forced close";
    case errc::ping_timeout: return "ping timeout";
    case errc::parse_error: return "parse error";
    case errc::server_shutting_down: return "server shutting down";
    case errc::forced_server_close: return "forced server close";
    case errc::client_namespace_disconnect: return "client namespace disconnect";
    case errc::server_namespace_disconnect: return "server namespace disconnect";
    case errc::io_server_disconnect: return "io server disconnect";
    case errc::io_client_disconnect: return "io client disconnect";
    case errc::timeout: return "operation has timed out";
    case errc::refused: return "connection refused";
    case errc::reserved_event: return "reserved event name";
    case errc::invalid_payload: return "the arguments do not fit the event";
    case errc::inbox_full: return "too many events wait for a handler";
    case errc::outbox_full: return "the peer does not read";
    case errc::invalid_url: return "invalid URL";
    case errc::connect_timeout: return "timeout";
    case errc::poll_error: return "xhr poll error";
    case errc::post_error: return "xhr post error";
    case errc::websocket_error: return "websocket error";
    case errc::server_error: return "server error";
    case errc::probe_error: return "probe error";
    case errc::no_transports: return "No transports available";
    case errc::reconnect_failed: return "reconnection failed";
    case errc::unsupported_server:
        return "It seems you are trying to reach a Socket.IO server in v2.x with a v3.x client, "
               "but they are not compatible (more information here: "
               "https://socket.io/docs/v3/migrating-from-2-x-to-3-0/)";
    case errc::tls_unavailable: return "TLS is not available: set the option tls (socoro/tls.hpp)";
    case errc::proxy_refused: return "the proxy refused the connection";
    case errc::http_malformed: return "malformed HTTP message";
    case errc::http_head_too_large: return "HTTP head too large";
    case errc::http_too_many_fields: return "too many HTTP header fields";
    case errc::http_body_too_large: return "HTTP body too large";
    case errc::http_unsupported_version: return "unsupported HTTP version";
    case errc::http_unsupported_coding: return "unsupported transfer coding";
    case errc::http_truncated: return "connection ended inside an HTTP message";
    case errc::ws_bad_handshake: return "bad WebSocket handshake";
    case errc::ws_unsupported_version: return "unsupported WebSocket version";
    case errc::ws_reserved_bits: return "reserved WebSocket bits set";
    case errc::ws_bad_opcode: return "reserved WebSocket opcode";
    case errc::ws_bad_mask: return "wrong WebSocket masking";
    case errc::ws_bad_length: return "malformed WebSocket length";
    case errc::ws_bad_control_frame: return "malformed WebSocket control frame";
    case errc::ws_bad_continuation: return "misplaced WebSocket continuation";
    case errc::ws_bad_close_code: return "malformed WebSocket close";
    case errc::ws_bad_utf8: return "invalid UTF-8 in WebSocket text";
    case errc::ws_message_too_large: return "Max payload size exceeded";
    case errc::ws_too_many_fragments: return "too many WebSocket fragments";
    case errc::ws_bad_extensions: return "Invalid or unacceptable Sec-WebSocket-Extensions header";
    case errc::ws_bad_compression: return "invalid compressed WebSocket message";
    case errc::eio_empty_packet: return "empty Engine.IO packet";
    case errc::eio_unknown_type: return "unknown Engine.IO packet type";
    case errc::eio_bad_open: return "malformed open packet";
    case errc::eio_too_many_packets: return "too many packets in payload";
    case errc::sio_unknown_type: return "unknown packet type";
    case errc::sio_invalid_payload: return "invalid payload";
    case errc::sio_illegal_header: return "Illegal attachments";
    case errc::sio_too_many_attachments: return "too many attachments";
    case errc::sio_illegal_attachments: return "illegal attachments";
    case errc::sio_unexpected_text: return "got plaintext data when reconstructing a packet";
    case errc::sio_unexpected_binary: return "got binary data when not reconstructing a packet";
    case errc::sio_attachments_too_large: return "attachments too large";
    case errc::sio_too_deep: return "payload nested too deeply";
    case errc::sio_malformed: return "malformed packet";
    }
    return "unknown error";
}

[[nodiscard]] constexpr bool is_disconnect_reason(errc e) noexcept {
    return e >= errc::transport_error && e <= errc::io_client_disconnect;
}

[[nodiscard]] constexpr bool is_limit(errc e) noexcept {
    switch (e) {
    case errc::inbox_full:
    case errc::outbox_full:
    case errc::http_head_too_large:
    case errc::http_too_many_fields:
    case errc::http_body_too_large:
    case errc::ws_message_too_large:
    case errc::ws_too_many_fragments:
    case errc::eio_too_many_packets:
    case errc::sio_too_many_attachments:
    case errc::sio_attachments_too_large:
    case errc::sio_too_deep: return true;
    default: return false;
    }
}

class error_category_impl final : public std::error_category {
public:
    [[nodiscard]] char const* name() const noexcept override { return "socoro"; }
    [[nodiscard]] std::string message(int code) const override {
        return message_of(static_cast<errc>(code));
    }
};

class condition_category_impl final : public std::error_category {
public:
    [[nodiscard]] char const* name() const noexcept override { return "socoro condition"; }
    [[nodiscard]] std::string message(int code) const override {
        switch (static_cast<condition>(code)) {
        case condition::closed: return "disconnected";
        case condition::remote: return "the peer broke the protocol";
        case condition::limit: return "a limit was exceeded";
        }
        return "unknown condition";
    }
    [[nodiscard]] bool equivalent(std::error_code const& code, int wanted) const noexcept override {
        if (code.category() != errc_category())
            return false;
        auto const e = static_cast<errc>(code.value());
        switch (static_cast<condition>(wanted)) {
        case condition::closed: return is_disconnect_reason(e);
        case condition::remote: return e >= errc::http_malformed;
        case condition::limit: return is_limit(e);
        }
        return false;
    }
};

}  // namespace detail

inline std::error_category const& errc_category() noexcept {
    static detail::error_category_impl const instance;
    return instance;
}

inline std::error_category const& condition_category() noexcept {
    static detail::condition_category_impl const instance;
    return instance;
}

}  // namespace socoro
