// SPDX-License-Identifier: BSL-1.0
// What the shards of a server do with a message about one of its namespaces, whoever sent it: each
// carries it out with the sockets that live there, and answers if it was asked.
#pragma once

#include <socoro/adapter/message.hpp>
#include <socoro/base/describe.hpp>
#include <socoro/engine/failure.hpp>
#include <socoro/gathering.hpp>
#include <socoro/namespaces.hpp>
#include <socoro/replies.hpp>
#include <socoro/server_side.hpp>
#include <socoro/sio/json_reader.hpp>
#include <socoro/socket_details.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

/// Which shards something is for.
struct shard_range {
    /// All of them ...
    [[nodiscard]] static shard_range all() noexcept { return {}; }
    /// ... one ...
    [[nodiscard]] static shard_range only(std::size_t index) noexcept {
        return {index, std::nullopt};
    }
    /// ... or all but one.
    [[nodiscard]] static shard_range others(std::size_t than) noexcept {
        return {std::nullopt, than};
    }

    template <typename Visit>
    void for_each(server_shards const& shards, Visit const& visit) const {
        for (std::size_t i = 0; i < shards.size(); ++i)
            if (i != but.value_or(shards.size()) && i == one.value_or(i))
                visit(i);
    }
    [[nodiscard]] std::size_t count(server_shards const& shards) const noexcept {
        return one ? 1 : shards.size() - (but ? 1 : 0);
    }

    std::optional<std::size_t> one = std::nullopt;
    std::optional<std::size_t> but = std::nullopt;
};

/// The connected sockets that are selected. What is done with one may change the rooms.
[[nodiscard]] inline std::vector<std::shared_ptr<socket_core>> selected(
    namespace_core& part,
    broadcast_target const& target) {
    std::vector<std::shared_ptr<socket_core>> chosen;
    part.adapter().for_each(target, [&](socket_core& each) {
        if (each.connected())
            chosen.push_back(each.share());
    });
    return chosen;
}

inline void carry_out(namespace_core& part, adapter::sockets_join const& order) {
    for (auto const& each : selected(part, order.whom.target))
        for (auto const& room : order.rooms)
            part.adapter().join(*each, room);
}

inline void carry_out(namespace_core& part, adapter::sockets_leave const& order) {
    for (auto const& each : selected(part, order.whom.target))
        for (auto const& room : order.rooms)
            part.adapter().leave(*each, room);
}

/// Those who wait for these sockets are resumed.
inline void carry_out(namespace_core& part, adapter::disconnect_sockets const& order) {
    for (auto const& each : selected(part, order.whom.target))
        each->disconnect(order.close);
}

/// Calls `visit` with the namespace on these shards, as far as it is there, in the order of the
/// caller's thread. `visit` must not throw where the caller does not run.
template <typename Visit>
void visit_parts(
    server_shards const& shards,
    shard_range const& where,
    std::string const& nsp,
    Visit const& visit) {
    where.for_each(shards, [&](std::size_t index) {
        shards.at(index, [nsp, visit](namespaces& among, std::size_t) {
            if (auto const part = among.find(nsp))
                visit(among, *part);
        });
    });
}

/// Has an order carried out. All shards share it.
template <typename Order>
void carry_out_on(
    server_shards const& shards,
    shard_range const& where,
    std::string const& nsp,
    std::shared_ptr<Order const> order) {
    visit_parts(shards, where, nsp, [order](namespaces&, namespace_core& part) {
        carry_out(part, *order);
    });
}

/// An event in its frames, as all shards of a server share it.
struct shared_event {
    frame_list frames;
    std::string name;
    broadcast_target target;
    bool is_volatile = false;
};

inline void carry_out(namespace_core& part, shared_event const& sent) {
    part.deliver(sent.frames, sent.name, sent.target, sent.is_volatile);
}

/// Where what comes from the shard `home` goes to.
[[nodiscard]] inline shard_range range_of(std::size_t home, bool is_local) noexcept {
    return is_local ? shard_range::only(home) : shard_range::all();
}

inline void namespace_ref::spread(
    frame_list&& frames,
    std::string_view event,
    adapter::selection const& whom,
    bool is_local) const {
    auto const& shards = *shards_;
    if (shards.order() && !whom.is_volatile && !is_local)
        return send_in_order(frames, event, whom.target);
    // Nothing is made for others where there are none.
    if (shards.size() == 1 && shards.owner(0)->is_in_order()) {
        if (auto const nsp = here())
            nsp->deliver(frames, event, whom.target, whom.is_volatile);
        return;
    }
    auto const sent = std::make_shared<shared_event const>(
        shared_event{std::move(frames), std::string(event), whom.target, whom.is_volatile});
    carry_out_on(shards, range_of(shards.home(), is_local), name_, sent);
}

// ---------------------------------------------------------------------------------------- calls

inline void asked_sockets::ask(namespace_core& part, adapter::broadcast const& request) {
    id_ = part.next_ack_id();
    auto const& whom = request.whom;
    auto const frames = part.whole()->make_frames(id_, request.event.encoded(whom.compress));
    part.adapter().for_each(whom.target, [&](socket_core& each) {
        if (each.expect_reply(id_, shared_from_this())) {
            ++open_;
            asked_.push_back(each.weak_from_this());
        }
        each.send_request(frames);
    });
}

/// Asks the sockets on these shards for replies. Throws what encoding throws, if the caller runs on
/// the shard of the call.
inline void ask_on(
    server_shards const& shards,
    shard_range const& where,
    std::string const& nsp,
    std::shared_ptr<adapter::broadcast const> const& request,
    group_guard& guard) {
    auto const& call = guard.call();
    where.for_each(shards, [&](std::size_t index) {
        auto const owed = std::make_shared<owed_answer<group_call>>(call);
        auto const asked = guard.add(shards.owner(index));
        bool const is_own = call->owner() == shards.owner(index) && call->owner()->is_in_order();
        shards.at(index, [=](namespaces& among, std::size_t) {
            try {
                if (auto const part = among.find(nsp))
                    asked->ask(*part, *request);
            } catch (...) {
                if (is_own)
                    throw;
            }
            owed->give([count = asked->count()](group_call& by) { by.on_asked(count); });
        });
    });
}

// -------------------------------------------------------------------------------------- sockets

/// What all nodes know about their sockets.
class fetched_sockets final : public gathering {
public:
    struct answers {
        std::vector<socket_details> sockets;
        /// Whether all nodes have answered.
        bool is_known = true;
    };
    using gathering::gathering;

    void add(std::vector<socket_details>&& some) {
        for (auto& each : some)
            got_.sockets.push_back(std::move(each));
    }
    [[nodiscard]] answers take() {
        got_.is_known = is_answered();
        return std::exchange(got_, {});
    }

private:
    answers got_;
};

inline void fetch_on(
    server_shards const& shards,
    shard_range const& where,
    std::string const& nsp,
    broadcast_target const& target,
    std::shared_ptr<fetched_sockets> const& into) {
    where.for_each(shards, [&](std::size_t index) {
        auto const owed = std::make_shared<owed_answer<fetched_sockets>>(into);
        shards.at(index, [owed, nsp, target](namespaces& among, std::size_t) {
            std::vector<socket_details> found;
            if (auto const part = among.find(nsp))
                for (auto const& each : selected(*part, target))
                    found.push_back(details_of(*each));
            owed->give([found = std::move(found)](fetched_sockets& all) mutable {
                all.add(std::move(found));
            });
        });
    });
}

// ----------------------------------------------------------------------------- between servers

using owed_reply = owed_answer<server_side_call>;

/// Runs one receiver; the first of several that give an answer has its way.
[[nodiscard]] inline asio::awaitable<void> run_receiver(
    server_side_receiver by,
    std::shared_ptr<adapter::answer_values const> args,
    std::shared_ptr<owed_reply> owed,
    std::shared_ptr<options const> opts,
    std::string nsp) {
    std::exception_ptr failure;
    try {
        auto values = co_await by(*args);
        if (owed)
            owed->give([values = std::move(values)](server_side_call& all) mutable {
                all.on_reply(std::move(values));
            });
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure && engine::error_of(failure) != asio::error::operation_aborted)
        notify(opts->hooks.handler_failed, nsp, describe(engine::unwrapped(failure)));
}

/// Starts who receives the event on this shard. `owed` is null if nobody wants an answer.
inline void receive_server_side(
    namespaces& among,
    namespace_core& part,
    adapter::event_text const& event,
    std::shared_ptr<owed_reply> const& owed) {
    auto const found = part.rules.server_side.find(event.name);
    if (found == part.rules.server_side.end())
        return;
    auto read = sio::parse_own_json(event.json);
    if (!read.is_array())
        return;
    auto list = std::move(read.get_array());
    list.erase(list.begin());
    auto const args = std::make_shared<adapter::answer_values const>(
        adapter::answer_values{std::move(list), event.binary});
    auto const receivers = found->second;
    for (auto const& each : receivers)
        among.spawn(run_receiver(each, args, owed, among.opts(), part.name()));
}

/// Sends an event to the programs on these shards. With `into`, their answers are gathered.
inline void server_side_on(
    server_shards const& shards,
    shard_range const& where,
    std::string const& nsp,
    std::shared_ptr<adapter::event_text const> const& event,
    std::shared_ptr<server_side_call> const& into) {
    where.for_each(shards, [&](std::size_t index) {
        auto const owed = into ? std::make_shared<owed_reply>(into) : nullptr;
        shards.at(index, [=](namespaces& among, std::size_t) {
            if (auto const part = among.find(nsp))
                receive_server_side(among, *part, *event, owed);
        });
    });
}

}  // namespace socoro::detail
