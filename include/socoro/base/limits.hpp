// SPDX-License-Identifier: BSL-1.0
// Every limit on what a peer may make us hold, with its default and the reason for it.
#pragma once

#include <socoro/base/config.hpp>

#include <cstddef>

namespace socoro {

/// Limits of the protocol rooms. Exceeding one costs the sender its request or its connection,
/// never more; the error code names the limit.
struct limits {
    /// Request line and header fields together, in bytes (431 beyond). Node's own default.
    std::size_t http_head = 16 * 1024;
    /// Header fields of one request (431 beyond). Browsers send about 20.
    std::size_t http_fields = 100;
    /// Chunk extensions and trailer fields of one body, in bytes: they carry nothing we read.
    std::size_t http_chunk_overhead = 16 * 1024;
    /// Body of one request, or one WebSocket message, in bytes. Announced as `maxPayload`.
    std::size_t max_http_buffer_size = 1'000'000;
    /// Fragments of one WebSocket message: bounds the cost of one-byte fragments.
    std::size_t ws_fragments = 65'536;
    /// Packets in one polling request. A browser packs what it queued, so this is generous.
    std::size_t eio_packets = 16'384;
    /// Attachments of one Socket.IO packet, as the reference's parser.
    std::size_t sio_attachments = 10;
    /// All attachments of one Socket.IO packet together, in bytes.
    std::size_t sio_attachment_bytes = 10'000'000;
    /// Namespaces that one client may be in, or on its way into, at once: each costs a handler, and
    /// a program may let clients choose names. Clients beyond get `connect_error`.
    std::size_t sio_namespaces = 100;
    /// Length of the name of a namespace that a regular expression is asked about: the standard
    /// library's need a stack as deep as the name is long.
    std::size_t sio_dynamic_name = 256;
    /// Nesting of arrays and objects in the data of one packet, as JSON or otherwise.
    std::size_t json_depth = 128;
};

}  // namespace socoro
