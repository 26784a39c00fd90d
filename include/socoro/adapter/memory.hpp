// SPDX-License-Identifier: BSL-1.0
// Who is in which room of a namespace, in the memory of this process.
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace socoro {

namespace detail {
class socket_core;
}

/// Whom a broadcast goes to: everybody, or the union of `rooms`; in either case nobody who is in
/// one of the rooms of `except`. Each socket is also alone in the room of its own id.
struct broadcast_target {
    std::vector<std::string> rooms;
    std::vector<std::string> except;
};

namespace adapter {

/// Who is told about rooms and their members, whenever those are in order.
class room_listener {
public:
    virtual ~room_listener() = default;
    /// `is_first` says whether the room has come into being with it.
    virtual void on_join(detail::socket_core& member, std::string_view room, bool is_first) = 0;
    /// `is_last` says whether the room has vanished with it.
    virtual void on_leave(detail::socket_core& member, std::string_view room, bool is_last) = 0;
};

/// Rooms and their members. Rooms come into being with their first member and vanish with the
/// last. Names are kept in trees, whose cost a peer that chooses names cannot make linear.
class memory {
public:
    using member = detail::socket_core;

    /// `told` is null if nobody wants to know.
    explicit memory(room_listener* told = nullptr) : told_(told) {}

    /// Adds a socket, in no room.
    void add(member& socket) { rooms_of_.try_emplace(&socket); }

    /// Removes a socket from everything.
    void remove(member& socket);

    void join(member& socket, std::string_view room);
    void leave(member& socket, std::string_view room);

    /// The rooms that a socket is in, in alphabetical order.
    [[nodiscard]] std::vector<std::string> rooms_of(member& socket) const;

    /// The sockets in a room, without order.
    [[nodiscard]] std::vector<member*> members_of(std::string_view room) const;

    /// Calls `visit` once with every socket that the target names. `visit` must not change rooms.
    template <typename Visit>
    void for_each(broadcast_target const& target, Visit visit) const;

    [[nodiscard]] std::size_t sockets() const noexcept { return rooms_of_.size(); }
    [[nodiscard]] std::size_t rooms() const noexcept { return members_.size(); }

private:
    using member_set = std::set<member*>;

    [[nodiscard]] member_set const* find(std::string_view room) const;
    [[nodiscard]] bool is_in_any(member* socket, std::vector<std::string> const& rooms) const;
    /// Whether it was the last.
    bool erase_member(std::string_view room, member* socket);
    void tell_left(member& socket, std::string_view room, bool is_last) const {
        if (told_)
            told_->on_leave(socket, room, is_last);
    }

    room_listener* told_;
    std::map<std::string, member_set, std::less<>> members_;
    std::unordered_map<member*, std::set<std::string, std::less<>>> rooms_of_;
};

inline void memory::remove(member& socket) {
    auto const found = rooms_of_.find(&socket);
    if (found == rooms_of_.end())
        return;
    auto const left = std::move(found->second);
    rooms_of_.erase(found);
    for (auto const& room : left) {
        bool const was_last = erase_member(room, &socket);
        tell_left(socket, room, was_last);
    }
}

inline void memory::join(member& socket, std::string_view room) {
    auto const found = rooms_of_.find(&socket);
    if (found == rooms_of_.end() || !found->second.emplace(room).second)
        return;
    auto place = members_.find(room);
    if (place == members_.end())
        place = members_.emplace(room, member_set()).first;
    place->second.insert(&socket);
    if (told_)
        told_->on_join(socket, room, place->second.size() == 1);
}

inline void memory::leave(member& socket, std::string_view room) {
    auto const found = rooms_of_.find(&socket);
    if (found == rooms_of_.end())
        return;
    auto const place = found->second.find(room);
    if (place == found->second.end())
        return;
    bool const was_last = erase_member(room, &socket);
    found->second.erase(place);
    tell_left(socket, room, was_last);
}

inline bool memory::erase_member(std::string_view room, member* socket) {
    auto const place = members_.find(room);
    if (place == members_.end())
        return false;
    place->second.erase(socket);
    if (!place->second.empty())
        return false;
    members_.erase(place);
    return true;
}

inline std::vector<std::string> memory::rooms_of(member& socket) const {
    auto const found = rooms_of_.find(&socket);
    if (found == rooms_of_.end())
        return {};
    return {found->second.begin(), found->second.end()};
}

inline std::vector<memory::member*> memory::members_of(std::string_view room) const {
    auto const* const members = find(room);
    if (!members)
        return {};
    return {members->begin(), members->end()};
}

inline memory::member_set const* memory::find(std::string_view room) const {
    auto const place = members_.find(room);
    return place == members_.end() ? nullptr : &place->second;
}

inline bool memory::is_in_any(member* socket, std::vector<std::string> const& rooms) const {
    return std::any_of(rooms.begin(), rooms.end(), [&](std::string const& room) {
        auto const* const members = find(room);
        return members && members->contains(socket);
    });
}

template <typename Visit>
void memory::for_each(broadcast_target const& target, Visit visit) const {
    auto const visit_unless_excepted = [&](member* socket) {
        if (target.except.empty() || !is_in_any(socket, target.except))
            visit(*socket);
    };
    if (target.rooms.empty()) {
        for (auto const& [socket, rooms] : rooms_of_)
            visit_unless_excepted(socket);
        return;
    }
    member_set chosen;
    for (auto const& room : target.rooms) {
        auto const* const members = find(room);
        if (!members)
            continue;
        if (target.rooms.size() > 1)
            chosen.insert(members->begin(), members->end());
        else
            std::for_each(members->begin(), members->end(), visit_unless_excepted);
    }
    std::for_each(chosen.begin(), chosen.end(), visit_unless_excepted);
}

}  // namespace adapter

}  // namespace socoro
