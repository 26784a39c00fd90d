// SPDX-License-Identifier: BSL-1.0
// How a client whose connection broke becomes the socket again that it was: the claim that it
// makes in its credentials, what it is given back, and what it missed.
#pragma once

#include <socoro/engine/server_core.hpp>
#include <socoro/socket_core.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

/// What a client says of the socket that it was: its secret, and the last event that it got.
struct claim {
    std::string_view pid;
    /// 0 if it got none.
    adapter::event_number last;
};

/// The socket that a client becomes again, and the event behind which those begin that it missed.
struct comeback {
    adapter::kept_session origin;
    adapter::event_number last;
    adapter::event_number missed_after;
};

[[nodiscard]] inline std::optional<claim> read_claim(json::value const& auth) {
    auto const* const fields = auth.if_object();
    auto const* const pid = fields ? fields->if_contains("pid") : nullptr;
    if (!pid || !pid->is_string())
        return std::nullopt;
    auto const* const offset = fields->if_contains("offset");
    if (!offset)
        return claim{pid->get_string(), 0};
    auto const last = offset->is_string() ? adapter::parse_offset(offset->get_string())
                                          : std::optional<adapter::event_number>();
    return last ? std::optional(claim{pid->get_string(), *last}) : std::nullopt;
}

/// Whether an event was for somebody in these rooms, all sorted. `left` are the rooms that he has
/// to do without since.
[[nodiscard]] inline bool is_for(
    broadcast_target const& target,
    std::vector<std::string> const& rooms,
    std::vector<std::string> const& left) {
    auto const has = [](std::vector<std::string> const& list) {
        return [&list](std::string const& room) {
            return std::binary_search(list.begin(), list.end(), room);
        };
    };
    auto const any = [](std::vector<std::string> const& list, auto which) {
        return std::any_of(list.begin(), list.end(), which);
    };
    bool const included = target.rooms.empty() || any(target.rooms, has(rooms));
    return included && !any(target.except, has(rooms)) && !any(target.except, has(left));
}

/// What a client missed that was a socket of the session kept as `origin`, in order. Nothing, if
/// some of it is gone, or if it is more than may wait for one client.
[[nodiscard]] inline std::optional<std::vector<numbered_event>> find_missed(
    namespace_core const& nsp,
    adapter::event_number after,
    std::vector<std::string> const& rooms,
    std::vector<std::string> const& left,
    std::size_t most_bytes) {
    std::vector<numbered_event> missed;
    std::size_t bytes = 0;
    bool const whole = nsp.log().for_each_after(after, [&](adapter::kept_event const& event) {
        if (!is_for(event.target, rooms, left))
            return;
        missed.push_back({event.number, event.frames});
        bytes += engine::cost_of(event.frames);
    });
    return whole && bytes <= most_bytes ? std::optional(std::move(missed)) : std::nullopt;
}

/// Takes out the socket that a client with these credentials was. A connection of the same client
/// that nobody has noticed to be dead makes way, by which handlers may be resumed.
[[nodiscard]] inline std::optional<comeback>
take_back(namespace_core& nsp, json::value const& auth, engine::session_core const& session) {
    auto const claimed = nsp.recovery() ? read_claim(auth) : std::nullopt;
    if (!claimed)
        return std::nullopt;
    if (auto* const old = nsp.connected_as(claimed->pid))
        old->make_way();
    auto origin = nsp.take_socket(claimed->pid);
    if (!origin)
        return std::nullopt;
    // A client that was sent nothing for long got what it should, though the event is forgotten.
    bool const got_all = claimed->last == origin->last_sent;
    auto const after = got_all ? origin->newest : claimed->last;
    bool const known = got_all || nsp.log().contains(claimed->last);
    auto const most = session.options().outbox_bytes;
    if (!known || !find_missed(nsp, after, origin->rooms, {}, most))
        return std::nullopt;
    return comeback{std::move(*origin), claimed->last, after};
}

/// Keeps the socket that was taken out for a client that has gone again.
inline void give_back(namespace_core& nsp, std::optional<comeback>&& taken) {
    if (!taken)
        return;
    auto const until = taken->origin.until;
    nsp.keep_socket(std::move(taken->origin), until);
}

/// Gives a new socket what it was, or makes it one that may come back.
inline void begin_line(socket_core& socket, std::optional<comeback>&& from) {
    if (!socket.nsp()->recovery())
        return;
    socket.line = std::make_unique<lineage>();
    auto& line = *socket.line;
    if (!from) {
        line.pid = socket.nsp()->whole()->shards().make_id();
        return;
    }
    line.pid = from->origin.pid;
    line.last_sent = from->last;
    line.missed_after = from->missed_after;
    line.recovered = true;
    socket.adopt_data(from->origin.data);
    for (auto const& room : from->origin.rooms)
        socket.nsp()->adapter().join(socket, room);
    line.origin = std::move(from->origin);
}

/// Sends what a socket that has come back missed. False if that is not possible any more.
[[nodiscard]] inline bool send_missed(socket_core& socket) {
    if (!socket.line || !socket.line->origin)
        return true;
    auto const origin = *std::exchange(socket.line->origin, std::nullopt);
    // Middleware may have taken it out of rooms.
    auto const is_in = socket.nsp()->adapter().rooms_of(socket);
    std::vector<std::string> rooms, left;
    for (auto const& room : origin.rooms)
        (std::binary_search(is_in.begin(), is_in.end(), room) ? rooms : left).push_back(room);
    auto& session = socket.session();
    auto const missed = find_missed(
        *socket.nsp(),
        socket.line->missed_after,
        rooms,
        left,
        session.options().outbox_bytes);
    if (!missed)
        return false;
    for (auto const& event : *missed) {
        std::ignore = session.send(event.frames);
        socket.line->last_sent = event.number;
    }
    return true;
}

/// Keeps a socket that ends for this reason, if its client may come back.
inline void keep_line(socket_core& socket, errc reason) {
    if (!socket.line || !is_recoverable(reason))
        return;
    auto const nsp = socket.nsp();
    auto& line = *socket.line;
    if (line.origin) {
        // It has not been accepted yet, so that all is as it was.
        auto origin = std::move(*std::exchange(line.origin, std::nullopt));
        auto const until = origin.until;
        return nsp->keep_socket(std::move(origin), until);
    }
    if (!socket.connected())
        return;
    adapter::kept_session kept;
    kept.sid = socket.id();
    kept.pid = line.pid;
    kept.rooms = nsp->adapter().rooms_of(socket);
    kept.data = socket.shared_data();
    kept.last_sent = line.last_sent;
    kept.newest = nsp->log().newest();
    nsp->keep_socket(std::move(kept), std::nullopt);
}

}  // namespace socoro::detail
