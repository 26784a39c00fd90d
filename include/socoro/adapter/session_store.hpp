// SPDX-License-Identifier: BSL-1.0
// The sockets of clients that may come back: what each takes up again, until its time is over.
#pragma once

#include <socoro/adapter/offset.hpp>
#include <socoro/adapter/secret_map.hpp>
#include <socoro/adapter/session_directory.hpp>
#include <socoro/net/clock.hpp>
#include <socoro/program_data.hpp>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::adapter {

/// Who kept a session, and wants to know when it is dropped.
class session_owner {
public:
    virtual ~session_owner() = default;
    virtual void on_session_dropped() = 0;
};

/// Where a client began on a shard that it moved to.
struct beginning {
    /// What it had got by then.
    event_place shown;
    /// The place there behind which everything is that it is going to get ...
    event_place at;
    /// ... and what comes first: what it missed, one place after the other, by what the frames tell.
    std::vector<event_place> missed;
};

/// A socket of a client that may come back.
struct kept_session {
    std::string sid;
    /// What the client proves with that it is the same.
    std::string pid;
    std::vector<std::string> rooms;
    /// The program's; null if it never asked for any.
    std::shared_ptr<socoro::detail::program_data> data;
    /// The newest event that was sent to it, if any was.
    event_place last_sent;
    /// The newest event that was sent to anybody before it left.
    event_place newest;
    /// If it has moved here from another shard.
    std::optional<beginning> begun;
    /// Its entry in what says where sessions are; null on a server of one shard.
    std::shared_ptr<listing> listed;
    /// It may not come back from then on.
    net::time_point until;
    std::weak_ptr<session_owner> owner;
};

/// The kept sessions of all namespaces of a server. Who takes one out is told nothing about it;
/// the rest have to be told by whoever drops them, once that is safe.
class session_store {
public:
    explicit session_store(std::size_t most) : most_(most) {}

    /// Keeps a session. Gives the one that had to go for it, the one with the least time left.
    [[nodiscard]] std::optional<kept_session> keep(kept_session session);

    /// Takes a session out, for good: nobody else will come back as it.
    [[nodiscard]] std::optional<kept_session>
    take(std::string_view pid, session_owner const& owner, net::time_point now);

    /// Takes out all whose time is over.
    [[nodiscard]] std::vector<kept_session> take_expired(net::time_point now);

    /// When the first one's time is over.
    [[nodiscard]] std::optional<net::time_point> earliest() const {
        return sessions_.empty() ? std::nullopt : std::optional(sessions_.begin()->first);
    }
    [[nodiscard]] std::size_t size() const noexcept { return sessions_.size(); }

private:
    using sessions = std::multimap<net::time_point, kept_session>;

    [[nodiscard]] kept_session take(sessions::iterator place) {
        by_pid_.erase(place->second.pid);
        return std::move(sessions_.extract(place).mapped());
    }

    std::size_t most_;
    sessions sessions_;
    secret_map<sessions::iterator> by_pid_;
};

inline std::optional<kept_session> session_store::keep(kept_session session) {
    auto const until = session.until;
    auto const place = sessions_.emplace(until, std::move(session));
    by_pid_.put(place->second.pid, place);
    if (sessions_.size() <= most_)
        return std::nullopt;
    return take(sessions_.begin());
}

inline std::optional<kept_session>
session_store::take(std::string_view pid, session_owner const& owner, net::time_point now) {
    auto const* const found = by_pid_.find(pid);
    if (!found || (*found)->second.owner.lock().get() != &owner || (*found)->first <= now)
        return std::nullopt;
    return take(*found);
}

inline std::vector<kept_session> session_store::take_expired(net::time_point now) {
    std::vector<kept_session> expired;
    while (!sessions_.empty() && sessions_.begin()->first <= now)
        expired.push_back(take(sessions_.begin()));
    return expired;
}

}  // namespace socoro::adapter
