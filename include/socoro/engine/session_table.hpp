// SPDX-License-Identifier: BSL-1.0
// The sessions of a server by their sids, and those that are about to begin.
#pragma once

#include <socoro/engine/seats.hpp>
#include <socoro/engine/server_session_core.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace socoro::engine {

/// Whether a sid may stand in a URL as it is: RFC 3986's unreserved characters, one at least.
[[nodiscard]] inline bool is_sid(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == '-' || c == '.' || c == '_' || c == '~';
    });
}

/// Held by a `shared_ptr`. Not thread-safe; it lives on the executor of its shard.
class session_table : public std::enable_shared_from_this<session_table> {
public:
    using session_ptr = std::shared_ptr<server_session_core>;

    /// A sid that is nobody else's as long as this lives, and a seat for its session.
    class reservation {
    public:
        reservation(std::shared_ptr<session_table> in, std::string sid, seats::seat taken)
            : table_(std::move(in))
            , sid_(std::move(sid))
            , seat_(std::move(taken)) {}
        reservation(reservation&&) = default;
        reservation& operator=(reservation&&) = delete;
        ~reservation() {
            if (table_)
                table_->reserved_.erase(sid_);
        }
        [[nodiscard]] std::string const& sid() const noexcept { return sid_; }

    private:
        friend class session_table;
        std::shared_ptr<session_table> table_;
        std::string sid_;
        seats::seat seat_;
    };

    /// A place for a session of this sid; none if it is taken, or no sid.
    [[nodiscard]] std::optional<reservation> reserve(std::string sid, seats::seat taken) {
        if (!is_sid(sid) || sessions_.contains(sid) || !reserved_.insert(sid).second)
            return std::nullopt;
        return reservation(shared_from_this(), std::move(sid), std::move(taken));
    }

    /// Puts a session in its place: from then on it counts.
    void add(reservation place, session_ptr session) {
        place.seat_.begin();
        sessions_.emplace(place.sid(), entry{std::move(session), std::move(place.seat_)});
    }
    void remove(std::string const& sid) { sessions_.erase(sid); }
    [[nodiscard]] std::vector<session_ptr> all() const {
        std::vector<session_ptr> each;
        for (auto const& [sid, known] : sessions_)
            each.push_back(known.session);
        return each;
    }
    [[nodiscard]] std::vector<session_ptr> take_all() {
        auto taken = all();
        sessions_.clear();
        return taken;
    }

    /// The session, or null.
    [[nodiscard]] session_ptr find(std::string const& sid) const {
        auto const found = sessions_.find(sid);
        return found == sessions_.end() ? nullptr : found->second.session;
    }

private:
    struct entry {
        session_ptr session;
        seats::seat seat;
    };

    std::unordered_map<std::string, entry> sessions_;
    std::unordered_set<std::string> reserved_;
};

}  // namespace socoro::engine
