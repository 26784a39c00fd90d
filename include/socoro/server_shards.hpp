// SPDX-License-Identifier: BSL-1.0
// The shards of one server: how any thread reaches its part on each of them.
#pragma once

#include <socoro/engine/shard_name.hpp>
#include <socoro/event_order.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/room_census.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace socoro::detail {

class namespaces;
class cluster_node;

/// The shards of a server, in an order that stays. Thread-safe, once every part is in its place.
class server_shards {
public:
    explicit server_shards(std::vector<std::shared_ptr<net::shard>> owners) {
        if (owners.empty())
            throw std::invalid_argument("socoro: a server needs an executor");
        for (auto& owner : owners)
            parts_.push_back({std::move(owner), {}});
    }
    server_shards(server_shards const&) = delete;
    server_shards& operator=(server_shards const&) = delete;

    /// What the server has on one of its shards. Comes once for each, before anything runs.
    void place(std::size_t index, std::weak_ptr<namespaces> part) {
        parts_[index].part = std::move(part);
    }

    [[nodiscard]] std::size_t size() const noexcept { return parts_.size(); }
    [[nodiscard]] std::shared_ptr<net::shard> const& owner(std::size_t index) const noexcept {
        return parts_[index].owner;
    }

    /// The shard that the caller runs on. A server of one shard does not ask: it is used there, or
    /// before anything runs.
    [[nodiscard]] std::optional<std::size_t> here() const noexcept;

    /// A new identifier, which names the shard that the caller runs on if there are several.
    [[nodiscard]] std::string make_id() const {
        return size() == 1 ? engine::make_id()
                           : engine::make_id(engine::name_of_shard(here().value_or(0)));
    }

    /// The part on that shard; null if there is none, or no server any more.
    [[nodiscard]] std::shared_ptr<namespaces> part_here() const {
        auto const index = here();
        return index ? parts_[*index].part.lock() : nullptr;
    }

    /// Calls `visit(part, index)` on every shard, in the order of the caller's thread: before this
    /// returns where the caller runs, later elsewhere, unless the server is gone by then.
    template <typename Visit>
    void each(Visit const& visit) const;

    /// Calls `visit(part, index)` on one shard, as above.
    template <typename Visit>
    void at(std::size_t index, Visit const& visit) const;

    /// The shard of the caller; who runs on none counts as being on the first.
    [[nodiscard]] std::size_t home() const noexcept { return here().value_or(0); }

    /// How other servers are reached; null if there are none. Set before anything runs.
    [[nodiscard]] std::shared_ptr<cluster_node> const& cluster() const noexcept { return cluster_; }
    /// Tells them of a namespace of this server.
    void announce(std::string const& nsp) const;
    void set_cluster(std::shared_ptr<cluster_node> node) { cluster_ = std::move(node); }

    /// The same for what a server is told before it runs, which a server of one shard does at once.
    template <typename Visit>
    void configure(Visit const& visit) const;

    /// Whether this is the first to ask about a namespace, so that the shards have to be told.
    [[nodiscard]] bool is_first(std::string const& nsp) const;

    /// Submits `visit(part, index)` to one shard, whoever runs there.
    template <typename Visit>
    void submit(std::size_t index, Visit const& visit) const {
        auto const& [owner, part] = parts_[index];
        owner->submit([part = part, index, visit] { visit_part(part, index, visit); });
    }

    /// The order of events that are kept for clients that may come back; null if none may, or if
    /// there is one shard. Set before anything runs.
    [[nodiscard]] std::shared_ptr<event_order> const& order() const noexcept { return order_; }
    void set_order(std::shared_ptr<event_order> kept) { order_ = std::move(kept); }

    /// Counts the rooms of all shards, if there are several and somebody wants to know.
    [[nodiscard]] room_census& rooms() const noexcept { return rooms_; }

private:
    struct part_of_server {
        std::shared_ptr<net::shard> owner;
        std::weak_ptr<namespaces> part;
    };

    template <typename Visit>
    static void visit_part(std::weak_ptr<namespaces> const& part, std::size_t index, Visit& visit) {
        if (auto const there = part.lock())
            visit(*there, index);
    }

    std::vector<part_of_server> parts_;
    std::shared_ptr<cluster_node> cluster_;
    mutable std::mutex mutex_;
    mutable std::set<std::string, std::less<>> told_;
    mutable room_census rooms_;
    std::shared_ptr<event_order> order_;
};

inline std::optional<std::size_t> server_shards::here() const noexcept {
    if (size() == 1)
        return 0;
    for (std::size_t i = 0; i < size(); ++i)
        if (parts_[i].owner->is_here())
            return i;
    return std::nullopt;
}

template <typename Visit>
void server_shards::each(Visit const& visit) const {
    for (std::size_t i = 0; i < size(); ++i)
        at(i, visit);
}

template <typename Visit>
void server_shards::at(std::size_t index, Visit const& visit) const {
    auto const& [owner, part] = parts_[index];
    if (owner->is_in_order())
        visit_part(part, index, visit);
    else
        owner->submit([part = part, index, visit] { visit_part(part, index, visit); });
}

template <typename Visit>
void server_shards::configure(Visit const& visit) const {
    if (size() == 1)
        visit_part(parts_.front().part, 0, visit);
    else
        each(visit);
}

inline bool server_shards::is_first(std::string const& nsp) const {
    if (size() == 1)
        return true;
    std::lock_guard const lock(mutex_);
    return told_.insert(nsp).second;
}

}  // namespace socoro::detail
