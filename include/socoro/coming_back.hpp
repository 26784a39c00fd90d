// SPDX-License-Identifier: BSL-1.0
// How a client whose connection broke becomes the socket again that it was: the claim that it
// makes in its credentials, what it is given back, and what it missed.
#pragma once

#include <socoro/engine/server_core.hpp>
#include <socoro/socket_core.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

/// What a client says of the socket that it was: its secret, and the last event that it got, if it
/// got any.
struct claim {
    std::string pid;
    adapter::event_place last;
};

/// The socket that a client becomes again, and the event behind which those begin that it missed.
struct comeback {
    adapter::kept_session origin;
    adapter::event_place last;
    adapter::event_place missed_after;
};

[[nodiscard]] inline std::optional<claim> read_claim(json::value const& auth) {
    auto const* const fields = auth.if_object();
    auto const* const pid = fields ? fields->if_contains("pid") : nullptr;
    if (!pid || !pid->is_string())
        return std::nullopt;
    auto const* const offset = fields->if_contains("offset");
    std::string secret(pid->get_string());
    if (!offset)
        return claim{std::move(secret), {}};
    auto const last = offset->is_string() ? adapter::parse_place(offset->get_string())
                                          : std::optional<adapter::event_place>();
    return last ? std::optional(claim{std::move(secret), *last}) : std::nullopt;
}

/// The rooms of a socket, sorted.
struct room_list {
    std::string const& sid;
    std::vector<std::string> rooms;
    /// Those that it has to do without since.
    std::vector<std::string> left = {};
};

/// Whether an event was for the socket that was in these rooms.
[[nodiscard]] inline bool is_for(adapter::sent_event const& event, room_list const& in) {
    auto const has = [](std::vector<std::string> const& list) {
        return [&list](std::string const& room) {
            return std::binary_search(list.begin(), list.end(), room);
        };
    };
    auto const any = [](std::vector<std::string> const& list, auto which) {
        return std::any_of(list.begin(), list.end(), which);
    };
    auto const& target = event.target;
    bool const included = target.rooms.empty() || any(target.rooms, has(in.rooms));
    bool const excepted = any(target.except, has(in.rooms)) || any(target.except, has(in.left));
    return included && !excepted && (!event.again || event.again->sid == in.sid);
}

/// What a client missed that was in these rooms, in order. Nothing, if some of it is gone, or if it
/// is more than may wait for one client.
[[nodiscard]] inline std::optional<std::vector<adapter::sent_event>> find_missed(
    namespace_core const& nsp,
    adapter::event_place const& after,
    room_list const& in,
    std::size_t most_bytes) {
    std::vector<adapter::sent_event> missed;
    std::size_t bytes = 0;
    bool const whole = nsp.log().for_each_after(after, [&](adapter::sent_event const& event) {
        if (!is_for(event, in))
            return;
        missed.push_back(event);
        bytes += engine::cost_of(event.frames);
    });
    return whole && bytes <= most_bytes ? std::optional(std::move(missed)) : std::nullopt;
}

/// The place of an event that a client had got by the time when it moved here, or missed until then.
[[nodiscard]] inline std::optional<adapter::event_place> place_in(
    namespace_core const& nsp,
    adapter::beginning const& begun,
    adapter::event_place const& shown) {
    if (shown == begun.shown)
        return begun.at;
    auto const found = std::find(begun.missed.begin(), begun.missed.end(), shown);
    if (found == begun.missed.end())
        return std::nullopt;
    auto const nth = static_cast<std::uint64_t>(found - begun.missed.begin()) + 1;
    return adapter::event_place{begun.at.number, begun.at.behind + nth, nsp.recovery()->index()};
}

/// The place behind which everything is that a client missed that got this event last; nothing if
/// that is not known.
[[nodiscard]] inline std::optional<adapter::event_place> missed_after(
    namespace_core const& nsp,
    adapter::kept_session const& origin,
    adapter::event_place const& last) {
    // A client that was sent nothing for long got what it should, though the event is forgotten.
    if (last == origin.last_sent)
        return origin.newest;
    if (auto const place = origin.begun ? place_in(nsp, *origin.begun, last) : std::nullopt)
        return place;
    return nsp.log().contains(last) ? std::optional(last) : std::nullopt;
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
    auto const after = missed_after(nsp, *origin, claimed->last);
    auto const most = session.options().outbox_bytes;
    if (!after || !find_missed(nsp, *after, {origin->sid, origin->rooms}, most))
        return std::nullopt;
    return comeback{std::move(*origin), claimed->last, *after};
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
        auto const& nsp = *socket.nsp();
        if (auto const& order = nsp.whole()->shards().order())
            line.listed = std::make_shared<adapter::listing>(
                order->sessions(),
                line.pid,
                nsp.recovery()->index());
        return;
    }
    line.pid = from->origin.pid;
    line.last_sent = from->last;
    line.missed_after = from->missed_after;
    line.begun = from->origin.begun;
    line.listed = from->origin.listed;
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
    room_list in{socket.id(), {}};
    for (auto const& room : origin.rooms)
        (std::binary_search(is_in.begin(), is_in.end(), room) ? in.rooms : in.left).push_back(room);
    auto& session = socket.session();
    auto const missed =
        find_missed(*socket.nsp(), socket.line->missed_after, in, session.options().outbox_bytes);
    if (!missed)
        return false;
    for (auto const& event : *missed) {
        std::ignore = session.send(event.frames);
        socket.line->last_sent = event.shown();
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
    kept.begun = line.begun;
    kept.listed = line.listed;
    nsp->keep_socket(std::move(kept), std::nullopt);
}

}  // namespace socoro::detail
