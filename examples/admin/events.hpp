// SPDX-License-Identifier: BSL-1.0
// What a console and its server say to each other in the namespace /admin.
#pragma once

#include <socoro/event.hpp>

#include <cstddef>
#include <string>
#include <vector>

namespace admin {

/// A socket of the namespace `/`.
struct seen {
    std::string id, address;
    std::vector<std::string> rooms;
};
BOOST_DESCRIBE_STRUCT(seen, (), (id, address, rooms))

// Who is meant is a room, or a socket by its id, which is a room of its own.

/// Gives who they are; empty for everybody.
using list = socoro::event<"list", std::vector<seen>(std::string)>;
/// Who, out of which room, into which; gives how many.
using move = socoro::event<"move", std::size_t(std::string, std::string, std::string)>;
/// Gives how many were disconnected.
using kick = socoro::event<"kick", std::size_t(std::string)>;
/// To whom, and what.
using say = socoro::event<"say", std::string, std::string>;
/// Gives how many sockets each shard has.
using shares = socoro::event<"shares", std::vector<std::size_t>()>;

/// What those hear to whom a console says something.
using notice = socoro::event<"notice", std::string>;

}  // namespace admin
