// SPDX-License-Identifier: BSL-1.0
// The chat: what happens in it. It knows nothing of ports, threads or transports, and runs on any
// server that it is attached to.
#pragma once

#include <socoro.hpp>

#include "events.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace chat {

// ------------------------------------------------------------------------------------- the house

/// The rooms, who is in them, and what was said there.
class house {
public:
    static constexpr std::size_t longest_name = 32;
    static constexpr std::size_t longest_text = 4000;
    static constexpr std::size_t longest_history = 200;

    house() { rooms_[lobby]; }

    /// Takes a name, unless somebody has it.
    [[nodiscard]] signed_in take_name(std::string_view wanted) {
        std::string const name(trimmed(wanted));
        if (name.empty() || name.size() > 4 * longest_name)
            return {false, "Please choose a name of 1 to 32 characters.", ""};
        if (!names_.insert(name).second)
            return {false, "This name is taken.", ""};
        return {true, "", name};
    }
    void give_back(std::string const& name) { names_.erase(name); }

    [[nodiscard]] entered enter(std::string const& room, std::string const& name) {
        auto& place = rooms_[room];
        place.members.push_back(name);
        return {room, place.members, {place.history.begin(), place.history.end()}};
    }

    /// Gives who is left in the room.
    [[nodiscard]] std::vector<std::string> leave(std::string const& room, std::string const& name) {
        auto& place = rooms_[room];
        std::erase(place.members, name);
        auto remaining = place.members;
        if (remaining.empty() && room != lobby)
            rooms_.erase(room);
        return remaining;
    }

    void keep(std::string const& room, line spoken) {
        auto& history = rooms_[room].history;
        history.push_back(std::move(spoken));
        if (history.size() > longest_history)
            history.pop_front();
    }

    [[nodiscard]] rooms_changed summary() const {
        rooms_changed all;
        for (auto const& [name, place] : rooms_)
            all.rooms.push_back({name, place.members.size()});
        return all;
    }

    [[nodiscard]] static std::string_view trimmed(std::string_view text) {
        auto const first = text.find_first_not_of(" \t\r\n");
        if (first == std::string_view::npos)
            return {};
        return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
    }

private:
    static constexpr auto lobby = "lobby";
    struct entry {
        std::vector<std::string> members;
        std::deque<line> history;
    };

    std::map<std::string, entry> rooms_;
    std::set<std::string> names_;
};

// ------------------------------------------------------------------------------------ a visitor

/// One client in the chat. Its destruction is its goodbye, however its handler ends.
class visitor {
public:
    visitor(socoro::server& io, house& rooms, socoro::socket socket)
        : io_(io)
        , house_(rooms)
        , socket_(std::move(socket)) {}
    visitor(visitor const&) = delete;
    visitor& operator=(visitor const&) = delete;
    ~visitor() {
        if (name_.empty())
            return;
        leave();
        house_.give_back(name_);
        io_.emit(house_.summary());
    }

    void on(socoro::request<sign_in> const& ask) {
        if (!name_.empty())
            return ask.reply({false, "You are signed in already.", name_});
        auto const answer = house_.take_name(ask.args.name);
        name_ = answer.name;
        ask.reply(answer);
    }

    void on(socoro::request<join> const& ask) {
        std::string const room(house::trimmed(ask.args.room));
        if (name_.empty() || room.empty() || room.size() > 4 * house::longest_name)
            return ask.reply({});
        leave();
        room_ = room;
        socket_.join(group());
        auto const inside = house_.enter(room_, name_);
        socket_.to(group()).emit(user_joined{name_, room_, inside.members});
        ask.reply(inside);
        io_.emit(house_.summary());
    }

    void on(socoro::request<say> const& ask) {
        if (room_.empty() || ask.args.text.size() > 4 * house::longest_text)
            return ask.reply({});
        auto const now = milliseconds_now();
        house_.keep(room_, {name_, ask.args.text, now});
        socket_.to(group()).emit(said{room_, name_, ask.args.text, now});
        ask.reply({now});
    }

    void on(typing const& change) {
        if (!room_.empty())
            socket_.to(group()).emit(is_typing{name_, change.active});
    }

private:
    /// Every socket is in the room of its own id: rooms of the chat must never be mistaken for it.
    [[nodiscard]] std::string group() const { return "room:" + room_; }

    void leave() {
        if (room_.empty())
            return;
        socket_.leave(group());
        auto const remaining = house_.leave(room_, name_);
        socket_.to(group()).emit(user_left{name_, room_, remaining});
        room_.clear();
    }

    [[nodiscard]] static std::int64_t milliseconds_now() {
        auto const now = std::chrono::system_clock::now().time_since_epoch();
        return std::chrono::duration_cast<std::chrono::milliseconds>(now).count();
    }

    socoro::server& io_;
    house& house_;
    socoro::socket socket_;
    std::string name_;
    std::string room_;
};

// [handler]
/// Runs as long as one visitor is here. When the client leaves, `recv` throws, and `here` says
/// goodbye on its way out.
inline asio::awaitable<void>
welcome(socoro::server& io, std::shared_ptr<house> rooms, socoro::socket socket) {
    visitor here(io, *rooms, socket);
    for (;;) {
        auto const next = co_await socket.recv<sign_in, join, say, typing>();
        std::visit([&](auto const& event) { here.on(event); }, next);
    }
}

/// Opens the chat on a server.
inline void open(socoro::server& io) {
    auto const rooms = std::make_shared<house>();
    io.on_connection([&io, rooms](socoro::socket socket) { return welcome(io, rooms, socket); });
}
// [/handler]

}  // namespace chat
