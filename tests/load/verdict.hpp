// SPDX-License-Identifier: BSL-1.0
// What must hold after a load: nobody heard anything twice, out of order, or that was not for them,
// and nobody missed anything.
#pragma once

#include "load/visitor.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace test::load {

/// What one visitor should have heard of one speaker.
class expectation {
public:
    expectation(visitor const& by, std::size_t of) : visitor_(by), speaker_(of) {}

    /// Whether it was certainly said to the visitor.
    [[nodiscard]] bool is_certain(int number, audience const& to) const {
        if (visitor_.from.empty() || number < visitor_.from[speaker_])
            return false;
        return is_for(to, [&](int room) { return is_certainly_in(room, number); });
    }

    /// Whether it may have been.
    [[nodiscard]] bool is_possible(int number, audience const& to) const {
        // It is let in before it is in its room.
        auto const& from = visitor_.from;
        bool const is_new = from.empty() || number < from[speaker_];
        if (is_new && to.whom == audience::kind::all_but_room)
            return true;
        return is_for(to, [&](int room) { return may_be_in(room, number); });
    }

    /// What has a smaller number must have been heard by now, if it was for the visitor.
    [[nodiscard]] int horizon(std::size_t all) const {
        auto const& heard = visitor_.heard[speaker_];
        if (visitor_.has_settled)
            return static_cast<int>(all);
        return heard.empty() ? 0 : heard.back() + 1;
    }

private:
    template <typename IsIn>
    [[nodiscard]] bool is_for(audience const& to, IsIn is_in) const {
        switch (to.whom) {
        case audience::kind::everybody: return true;
        case audience::kind::one: return to.which == visitor_.id();
        case audience::kind::others: return to.which != visitor_.id();
        case audience::kind::room: return is_in(to.which);
        case audience::kind::two_rooms: return is_in(0) || is_in(1);
        case audience::kind::all_but_room: return room_for_good(visitor_.id()) != to.which;
        }
        return false;
    }
    [[nodiscard]] bool is_certainly_in(int room, int number) const {
        return is_in(room, [&](stay const& each) {
            return !each.from.empty() && number >= each.from[speaker_] &&
                   (each.until.empty() || number < each.until[speaker_]);
        });
    }
    [[nodiscard]] bool may_be_in(int room, int number) const {
        return is_in(room, [&](stay const& each) {
            return each.gone.empty() || number < each.gone[speaker_];
        });
    }
    template <typename Fits>
    [[nodiscard]] bool is_in(int room, Fits fits) const {
        if (room >= 2)
            return room_for_good(visitor_.id()) == room;
        return std::any_of(visitor_.stays.begin(), visitor_.stays.end(), [&](stay const& each) {
            return each.room == room && fits(each);
        });
    }

    visitor const& visitor_;
    std::size_t speaker_;
};

/// What was wrong; empty if nothing was.
inline void judge(visitor const& by, ledger const& all, std::vector<std::string>& wrong) {
    auto const name = "visitor " + std::to_string(by.id()) + ": ";
    for (auto const& fault : by.faults)
        wrong.push_back(name + fault);
    if (by.calls_begun != by.calls_ended)
        wrong.push_back(name + "a call has not ended");
    for (std::size_t speaker = 0; speaker < by.heard.size(); ++speaker) {
        auto const about = name + "speaker " + std::to_string(speaker) + ", ";
        auto const& heard = by.heard[speaker];
        auto const& log = all.logs()[speaker];
        expectation const expected(by, speaker);
        if (std::adjacent_find(heard.begin(), heard.end(), std::greater_equal<>()) != heard.end())
            wrong.push_back(about + "twice or out of order");
        auto const horizon = expected.horizon(log.size());
        for (int number = 0; number < static_cast<int>(log.size()); ++number) {
            auto const& to = log[static_cast<std::size_t>(number)];
            auto const was_heard = std::find(heard.begin(), heard.end(), number) != heard.end();
            auto const what = about + "number " + std::to_string(number) + " of audience " +
                              std::to_string(static_cast<int>(to.whom)) + ": ";
            if (was_heard && !expected.is_possible(number, to))
                wrong.push_back(what + "was not for it");
            if (!was_heard && number < horizon && expected.is_certain(number, to))
                wrong.push_back(what + "missed");
        }
    }
}

}  // namespace test::load
