// SPDX-License-Identifier: BSL-1.0
// What was said in a load, and to whom: every thread and every coroutine of a handler that sends is
// a *speaker*, and numbers all that it says.
#pragma once

#include <socoro/server.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace test::load {

/// Who said it, and its number among all that this one has said, to whomever.
using said = socoro::event<"said", int, int>;

/// Whoever visits goes in and out of the first two rooms, and is always in one of the others.
inline constexpr std::array<char const*, 4> rooms{"a", "b", "even", "odd"};
[[nodiscard]] constexpr int room_for_good(int visitor) {
    return 2 + visitor % 2;
}

/// Whom something was said to.
struct audience {
    enum class kind { everybody, one, others, room, two_rooms, all_but_room };
    kind whom = kind::everybody;
    int which = 0;  ///< the one, the one left out, or a room
};

/// All that was said.
class ledger {
public:
    explicit ledger(int speakers)
        : logs_(static_cast<std::size_t>(speakers))
        , begun_(static_cast<std::size_t>(speakers)) {}

    /// Something is about to be said; gives its number. Called by its speaker alone.
    [[nodiscard]] int begin(int speaker, audience to) {
        auto& log = logs_.at(static_cast<std::size_t>(speaker));
        log.push_back(to);
        begun_.at(static_cast<std::size_t>(speaker)).store(count(log), std::memory_order_relaxed);
        return count(log) - 1;
    }

    /// How much each has begun to say. What is said later has at least these numbers. Nobody is
    /// synchronised by it, so that it hides no race.
    [[nodiscard]] std::vector<int> begun() const {
        std::vector<int> all;
        for (auto const& each : begun_)
            all.push_back(each.load(std::memory_order_relaxed));
        return all;
    }

    /// What each said, by number; for when nobody speaks any more.
    [[nodiscard]] std::vector<std::vector<audience>> const& logs() const noexcept { return logs_; }

private:
    [[nodiscard]] static int count(std::vector<audience> const& log) {
        return static_cast<int>(log.size());
    }

    std::vector<std::vector<audience>> logs_;
    std::vector<std::atomic<int>> begun_;
};

/// The sockets that are there, for any thread.
class guests {
public:
    explicit guests(int most) : seats_(static_cast<std::size_t>(most)) {}

    void put(int visitor, std::optional<socoro::socket> who) {
        auto& place = seats_.at(static_cast<std::size_t>(visitor));
        std::lock_guard const lock(place.mutex);
        place.who.swap(who);
    }
    [[nodiscard]] std::optional<socoro::socket> find(int visitor) const {
        auto const& place = seats_.at(static_cast<std::size_t>(visitor));
        std::lock_guard const lock(place.mutex);
        return place.who;
    }
    [[nodiscard]] int most() const noexcept { return static_cast<int>(seats_.size()); }

private:
    struct seat {
        mutable std::mutex mutex;
        std::optional<socoro::socket> who;
    };
    std::vector<seat> seats_;
};

/// Says things to audiences that it draws by lot. Used by one thread, or on one shard.
class speaker {
public:
    speaker(int id, std::uint64_t seed, socoro::server& io, ledger& in, guests const& whom)
        : id_(id)
        , random_(seed * 1000 + static_cast<std::uint64_t>(id))
        , io_(&io)
        , ledger_(&in)
        , guests_(&whom) {}

    /// Says something to somebody.
    void speak() {
        constexpr int kinds = 6;
        auto const whom = static_cast<audience::kind>(draw(kinds));
        switch (whom) {
        case audience::kind::everybody:
        case audience::kind::two_rooms: return speak({whom, 0}, {});
        case audience::kind::room: return speak({whom, draw(4)}, {});
        case audience::kind::all_but_room: return speak({whom, 2 + draw(2)}, {});
        case audience::kind::one:
        case audience::kind::others: break;
        }
        auto const visitor = draw(guests_->most());
        if (auto const guest = guests_->find(visitor))
            speak({whom, visitor}, guest);
    }

    /// A number below `end`.
    [[nodiscard]] int draw(int end) {
        return static_cast<int>(random_() % static_cast<std::uint64_t>(end));
    }

private:
    void speak(audience to, std::optional<socoro::socket> const& guest) {
        auto const number = ledger_->begin(id_, to);
        auto const* const room = rooms.at(static_cast<std::size_t>(to.which % 4));
        switch (to.whom) {
        case audience::kind::everybody: return io_->emit<said>(id_, number);
        case audience::kind::one: return guest->emit<said>(id_, number);
        case audience::kind::others: return guest->broadcast().emit<said>(id_, number);
        case audience::kind::room: return io_->to(room).emit<said>(id_, number);
        case audience::kind::two_rooms:
            return io_->to(rooms[0]).to(rooms[1]).emit<said>(id_, number);
        case audience::kind::all_but_room: return io_->except(room).emit<said>(id_, number);
        }
    }

    int id_;
    std::mt19937_64 random_;
    socoro::server* io_;
    ledger* ledger_;
    guests const* guests_;
};

}  // namespace test::load
