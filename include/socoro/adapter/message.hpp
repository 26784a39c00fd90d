// SPDX-License-Identifier: BSL-1.0
// What the nodes of one Socket.IO service say to each other about a namespace: the messages of the
// reference's cluster adapters, as types. How they are written for a wire: envelope.hpp.
#pragma once

#include <socoro/adapter/memory.hpp>
#include <socoro/event.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace socoro {

/// A socket as it is known to those who asked for it, perhaps on another node: a copy.
struct socket_details {
    std::string id;
    /// In the shape that it has in the reference: `headers`, `time`, `address`, `xdomain`, `secure`,
    /// `issued`, `url`, `query` and `auth`.
    json::value handshake;
    std::vector<std::string> rooms;
    /// The program's own data; null if there is none, or if it is of a type that is no JSON.
    json::value data;
};

/// One room, or several: `"a"`, or `{"a", "b"}`.
class room_names {
public:
    room_names(char const* one) : names_{one} {}             // NOLINT(google-explicit-constructor)
    room_names(std::string one) : names_{std::move(one)} {}  // NOLINT(google-explicit-constructor)
    room_names(std::vector<std::string> some)
        : names_(std::move(some)) {}  // NOLINT(google-explicit-constructor)
    room_names(std::initializer_list<std::string> some) : names_(some) {}

    [[nodiscard]] std::vector<std::string>&& take() && noexcept { return std::move(names_); }

private:
    std::vector<std::string> names_;
};

namespace adapter {

/// Which sockets a message is about, and how an event is sent to them.
struct selection {
    broadcast_target target;
    bool is_volatile = false;
    bool compress = true;
    /// How long the sender waits for replies.
    std::optional<std::chrono::steady_clock::duration> timeout;
};

/// An event with its arguments, encoded: JSON text with placeholders for binary data.
struct event_text {
    event_text() = default;
    explicit event_text(detail::encoded_event&& encoded)
        : name(encoded.name)
        , json(std::move(encoded.json))
        , binary(std::move(encoded.binary)) {}

    /// The same, to be put into packets.
    [[nodiscard]] detail::encoded_event encoded(bool compress) const {
        return {json, binary, name, compress};
    }

    std::string name;
    std::string json;
    std::vector<std::string> binary;
};

/// The arguments of an answer, with placeholders for binary data.
struct answer_values {
    json::array list;
    std::vector<std::string> binary;
};

/// An event for sockets; with a request, for their replies: first a `broadcast_client_count` is
/// answered, then a `broadcast_ack` for each that replies.
struct broadcast {
    selection whom;
    event_text event;
    std::optional<std::string> request;
};

struct sockets_join {
    selection whom;
    std::vector<std::string> rooms;
};

struct sockets_leave {
    selection whom;
    std::vector<std::string> rooms;
};

struct disconnect_sockets {
    selection whom;
    /// Whether their connections end as well.
    bool close = false;
};

/// Asks which sockets there are: each node answers once.
struct fetch_sockets {
    selection whom;
    std::string request;
};

struct fetch_sockets_response {
    std::string request;
    std::vector<socket_details> sockets;
};

/// An event for the programs themselves; with a request each node answers once.
struct server_side_emit {
    event_text event;
    std::optional<std::string> request;
};

struct server_side_emit_response {
    std::string request;
    answer_values values;
};

struct broadcast_client_count {
    std::string request;
    std::size_t count = 0;
};

struct broadcast_ack {
    std::string request;
    answer_values values;
};

using message = std::variant<
    broadcast,
    sockets_join,
    sockets_leave,
    disconnect_sockets,
    fetch_sockets,
    fetch_sockets_response,
    server_side_emit,
    server_side_emit_response,
    broadcast_client_count,
    broadcast_ack>;

/// A message of one node about one namespace.
struct envelope {
    /// The node, by its name among all.
    std::string from;
    std::string nsp;
    message content;
};

}  // namespace adapter

}  // namespace socoro
