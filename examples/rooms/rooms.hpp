// SPDX-License-Identifier: BSL-1.0
// Rooms: to enter and to leave them, to speak to those inside, or to those outside.
#pragma once

#include <socoro.hpp>

#include <string>
#include <tuple>
#include <vector>

namespace rooms {

using enter = socoro::event<"enter", std::vector<std::string>(std::string)>;  // gives who is there
using leave = socoro::event<"leave", std::string>;
using say = socoro::event<"say", std::string, std::string>;              // a room, and what to say
using outside = socoro::event<"say outside", std::string, std::string>;  // to all but that room
using said = socoro::event<"said", std::string, std::string>;            // who, and what
using left = socoro::event<"left", std::string>;

/// Who is in a room, by the ids of their sockets.
inline std::vector<std::string> members(socoro::server const& io, std::string const& room) {
    std::vector<std::string> ids;
    for (auto const& member : io.of("/").sockets(room))
        ids.push_back(member.id());
    return ids;
}

inline asio::awaitable<void> visit(socoro::server& io, socoro::socket socket) {
    auto const handlers = socoro::overloaded{
        [&](socoro::request<enter> const& asked) {
            socket.join(asked.args);
            asked.reply(members(io, asked.args));
        },
        [&](leave const& event) {
            auto const& [room] = event;
            socket.leave(room);
            socket.to(room).emit<left>(socket.id());
        },
        [&](say const& event) {
            auto const& [room, text] = event;
            socket.to(room).emit<said>(socket.id(), text);  // not to this socket
        },
        [&](outside const& event) {
            auto const& [room, text] = event;
            socket.except(room).emit<said>(socket.id(), text);
        }};
    std::ignore = co_await socket.serve(handlers);
    // It was in rooms to the end, that of its own id among them.
    for (auto const& room : socket.rooms())
        socket.to(room).emit<left>(socket.id());
}

inline void open(socoro::server& io) {
    io.on_connection([&io](socoro::socket socket) { return visit(io, socket); });
}

}  // namespace rooms
