// SPDX-License-Identifier: BSL-1.0
// The sessions of a server by their sids, and those that are about to begin.
#pragma once

#include <socoro/engine/server_session_core.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

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

    /// A sid that is nobody else's as long as this lives.
    class reservation {
    public:
        reservation(std::shared_ptr<session_table> in, std::string sid)
            : table_(std::move(in))
            , sid_(std::move(sid)) {}
        reservation(reservation&&) = default;
        reservation& operator=(reservation&&) = delete;
        ~reservation() {
            if (table_)
                table_->reserved_.erase(sid_);
        }
        [[nodiscard]] std::string const& sid() const noexcept { return sid_; }

    private:
        std::shared_ptr<session_table> table_;
        std::string sid_;
    };

    /// A place for a session of this sid; none if it is taken, or no sid.
    [[nodiscard]] std::optional<reservation> reserve(std::string sid) {
        if (!is_sid(sid) || sessions_.contains(sid) || !reserved_.insert(sid).second)
            return std::nullopt;
        return reservation(shared_from_this(), std::move(sid));
    }

    /// Puts a session in its place: from then on it counts, and the place does not.
    void add(reservation place, session_ptr session) {
        sessions_.emplace(place.sid(), std::move(session));
    }
    void remove(std::string const& sid) { sessions_.erase(sid); }
    [[nodiscard]] std::unordered_map<std::string, session_ptr> const& all() const noexcept {
        return sessions_;
    }
    [[nodiscard]] std::unordered_map<std::string, session_ptr> take_all() {
        return std::exchange(sessions_, {});
    }

    /// The session, or null.
    [[nodiscard]] session_ptr find(std::string const& sid) const {
        auto const found = sessions_.find(sid);
        return found == sessions_.end() ? nullptr : found->second;
    }
    /// How many sessions there are.
    [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }
    /// The same with those that are about to begin.
    [[nodiscard]] std::size_t claimed() const noexcept {
        return sessions_.size() + reserved_.size();
    }

private:
    std::unordered_map<std::string, session_ptr> sessions_;
    std::unordered_set<std::string> reserved_;
};

}  // namespace socoro::engine
