// SPDX-License-Identifier: BSL-1.0
// The events of the chat, as the server, the client in a terminal and the page know them.
#pragma once

#include <socoro/event.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace chat {

// [events]
struct line {
    std::string author, text;
    std::int64_t time = 0;  // milliseconds since 1970, as JavaScript counts
};
BOOST_DESCRIBE_STRUCT(line, (), (author, text, time))

struct signed_in {
    bool ok = false;
    std::string error, name;
};
BOOST_DESCRIBE_STRUCT(signed_in, (), (ok, error, name))

struct sign_in {
    static constexpr auto event_name = "sign in";
    using reply = signed_in;
    std::string name;
};
BOOST_DESCRIBE_STRUCT(sign_in, (), (name))
// [/events]

struct entered {
    std::string room;
    std::vector<std::string> members;
    std::vector<line> history;
};
BOOST_DESCRIBE_STRUCT(entered, (), (room, members, history))

struct join {
    static constexpr auto event_name = "join";
    using reply = entered;
    std::string room;
};
BOOST_DESCRIBE_STRUCT(join, (), (room))

struct sent {
    std::int64_t time = 0;
};
BOOST_DESCRIBE_STRUCT(sent, (), (time))

struct say {
    static constexpr auto event_name = "message";
    using reply = sent;
    std::string text;
};
BOOST_DESCRIBE_STRUCT(say, (), (text))

struct typing {
    static constexpr auto event_name = "typing";
    bool active = false;
};
BOOST_DESCRIBE_STRUCT(typing, (), (active))

struct said {
    static constexpr auto event_name = "message";
    std::string room, author, text;
    std::int64_t time = 0;
};
BOOST_DESCRIBE_STRUCT(said, (), (room, author, text, time))

struct is_typing {
    static constexpr auto event_name = "typing";
    std::string author;
    bool active = false;
};
BOOST_DESCRIBE_STRUCT(is_typing, (), (author, active))

struct user_joined {
    static constexpr auto event_name = "user joined";
    std::string name, room;
    std::vector<std::string> members;
};
BOOST_DESCRIBE_STRUCT(user_joined, (), (name, room, members))

struct user_left {
    static constexpr auto event_name = "user left";
    std::string name, room;
    std::vector<std::string> members;
};
BOOST_DESCRIBE_STRUCT(user_left, (), (name, room, members))

struct room_summary {
    std::string name;
    std::size_t members = 0;
};
BOOST_DESCRIBE_STRUCT(room_summary, (), (name, members))

struct rooms_changed {
    static constexpr auto event_name = "rooms";
    std::vector<room_summary> rooms;
};
BOOST_DESCRIBE_STRUCT(rooms_changed, (), (rooms))

}  // namespace chat
