// SPDX-License-Identifier: BSL-1.0
// How a namespace sends and asks: on all shards of its server, and on the servers beyond, if there
// are any.
#pragma once

#include <socoro/carrying_out.hpp>
#include <socoro/cluster_node.hpp>
#include <socoro/namespace_ref.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace socoro::detail {

inline void namespace_ref::broadcast(
    encoded_event&& event,
    adapter::selection const& whom,
    bool is_local) const {
    auto const cluster = is_local ? nullptr : shards_->cluster();
    std::optional<adapter::broadcast> said;
    if (cluster)
        said = adapter::broadcast{whom, adapter::event_text(encoded_event(event)), {}};
    auto const name = event.name;
    // What is resumed by it may destroy the handle that this is.
    auto const nsp = cluster ? name_ : std::string();
    spread(make_frames(std::nullopt, std::move(event)), name, whom, is_local);
    if (said)
        cluster->publish(nsp, std::move(*said));
}

template <typename Order>
void namespace_ref::order(Order what, bool is_local) const {
    auto const cluster = is_local ? nullptr : shards_->cluster();
    auto const shared = std::make_shared<Order const>(std::move(what));
    // Who is resumed by a disconnect may destroy the handle that this is.
    auto const shards = shards_;
    auto const name = name_;
    if (cluster)
        cluster->publish(name, *shared);
    carry_out_on(*shards, range_of(shards->home(), is_local), name, shared);
}

/// What is about to ask is behind all that its thread has sent. Anybody may be resumed by it.
inline void settle(net::shard& owner) {
    if (owner.is_here())
        owner.run_submitted();
}

inline group_guard
namespace_ref::ask(encoded_event&& event, adapter::selection const& whom, bool is_local) const {
    auto const home = shards_->home();
    auto const& owner = shards_->owner(home);
    settle(*owner);
    auto const cluster = is_local ? nullptr : shards_->cluster();
    auto const range = range_of(home, is_local);
    auto const call = net::make_on_shard<group_call>(owner, owner);
    call->expect(range.count(*shards_));
    adapter::broadcast asked{whom, adapter::event_text(std::move(event)), std::nullopt};
    if (cluster)
        asked.request = cluster->enroll(*call);
    auto const request = std::make_shared<adapter::broadcast const>(std::move(asked));
    group_guard guard(call);
    ask_on(*shards_, range, name_, request, guard);
    if (cluster)
        cluster->request(*request->request, call, name_, *request);
    return guard;
}

inline std::shared_ptr<fetched_sockets> namespace_ref::fetch(
    adapter::selection const& whom,
    bool is_local) const {
    auto const home = shards_->home();
    auto const& owner = shards_->owner(home);
    settle(*owner);
    auto const cluster = is_local ? nullptr : shards_->cluster();
    auto const range = range_of(home, is_local);
    auto const all = net::make_on_shard<fetched_sockets>(owner, owner);
    all->expect(range.count(*shards_));
    auto const request = cluster ? cluster->enroll(*all) : std::string();
    fetch_on(*shards_, range, name_, whom.target, all);
    if (cluster)
        cluster->request(request, all, name_, adapter::fetch_sockets{whom, request});
    return all;
}

inline std::optional<net::time_point> namespace_ref::deadline(
    gathering const& of,
    std::optional<net::duration> within) const {
    if (!within && shards_->cluster())
        within = shards_->cluster()->patience();
    return within ? std::optional(of.owner()->now() + *within) : std::nullopt;
}

inline void namespace_ref::server_side_emit(encoded_event&& event) const {
    auto const sent =
        std::make_shared<adapter::event_text const>(adapter::event_text(std::move(event)));
    server_side_on(*shards_, shard_range::others(shards_->home()), name_, sent, nullptr);
    if (auto const& cluster = shards_->cluster())
        cluster->publish(name_, adapter::server_side_emit{*sent, std::nullopt});
}

inline std::shared_ptr<server_side_call> namespace_ref::server_side_ask(
    encoded_event&& event) const {
    auto const home = shards_->home();
    auto const& owner = shards_->owner(home);
    settle(*owner);
    auto const& cluster = shards_->cluster();
    auto const others = shard_range::others(home);
    auto const call = net::make_on_shard<server_side_call>(owner, owner);
    call->expect(others.count(*shards_));
    call->on_asked(others.count(*shards_));
    auto const sent =
        std::make_shared<adapter::event_text const>(adapter::event_text(std::move(event)));
    auto const request = cluster ? cluster->enroll(*call) : std::string();
    server_side_on(*shards_, others, name_, sent, call);
    if (cluster)
        cluster->request(request, call, name_, adapter::server_side_emit{*sent, request});
    return call;
}

}  // namespace socoro::detail
