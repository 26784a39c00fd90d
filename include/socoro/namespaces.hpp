// SPDX-License-Identifier: BSL-1.0
// The namespaces of a server on one of its shards: those that the program named, and those that come
// into being when a client asks for them because a rule of the program says so.
#pragma once

#include <socoro/namespace_core.hpp>
#include <socoro/namespace_ref.hpp>
#include <socoro/net/task_group.hpp>
#include <socoro/options.hpp>

#include <boost/json.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro {

/// Says whether a namespace of this name may come into being for a client with these credentials.
using namespace_predicate =
    std::function<asio::awaitable<bool>(std::string const& name, boost::json::value const& auth)>;

namespace detail {

/// What the namespaces that one rule lets into being have in common, on one shard.
struct parent_core {
    namespace_predicate allows;
    namespace_rules rules;
    /// Those that are there now, by name.
    std::map<std::string, std::weak_ptr<namespace_core>, std::less<>> children;
};

/// All namespaces of one server, as far as they are on one shard. Lives there.
class namespaces : public std::enable_shared_from_this<namespaces> {
public:
    /// `kept_in` is what clients may come back from; null if they may not. `watching` is told about
    /// rooms; null if nobody is. What belongs to no socket runs in `tasks`.
    namespaces(
        std::shared_ptr<server_shards const> all,
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<options const> opts,
        std::shared_ptr<recovery> kept_in,
        std::shared_ptr<room_hook const> watching,
        std::shared_ptr<net::task_group> tasks)
        : shards_(std::move(all))
        , shard_(std::move(owner))
        , options_(std::move(opts))
        , recovery_(std::move(kept_in))
        , room_hook_(std::move(watching))
        , tasks_(std::move(tasks)) {}

    /// The name as it is in packets: it begins with a slash. Throws `std::invalid_argument` for a
    /// name with a comma.
    [[nodiscard]] static std::string checked_name(std::string name);

    /// This namespace, made if it is not there. It stays.
    std::shared_ptr<namespace_core> of(std::shared_ptr<namespace_ref const> const& whole);

    /// The namespace of this name, or null.
    [[nodiscard]] std::shared_ptr<namespace_core> find(std::string_view name) const;

    /// Adds a rule by which namespaces come into being; the oldest that agrees has its way.
    void add_parent(std::shared_ptr<parent_core> added) { parents_.push_back(std::move(added)); }

    [[nodiscard]] bool has_parents() const noexcept { return !parents_.empty(); }

    /// The namespace of this name, which may come into being for that; or null. What a rule
    /// throws is thrown on.
    [[nodiscard]] static asio::awaitable<std::shared_ptr<namespace_core>>
    resolve(std::shared_ptr<namespaces> self, std::string name, boost::json::value auth);

    /// Removes a namespace that came into being for clients, if nobody is in it.
    void forget_if_empty(namespace_core const& nsp);

    /// Lets go of all sockets, handlers and rules, for good.
    void release() noexcept {
        parents_.clear();
        for (auto const& [name, nsp] : namespaces_)
            nsp->release();
        if (recovery_)
            recovery_->close();
    }

    [[nodiscard]] auto const& all() const noexcept { return namespaces_; }

    /// Sends an event that all shards send, and that is kept.
    void deliver(std::string const& nsp, adapter::sent_event const& sent, std::string_view event) {
        recovery_->pass(sent.place.number);
        if (auto const there = find(nsp))
            there->deliver(sent, event);
    }

    /// Starts what the server waits for at its end.
    void spawn(asio::awaitable<void> task) const { tasks_->spawn(std::move(task)); }
    [[nodiscard]] std::shared_ptr<options const> const& opts() const noexcept { return options_; }

private:
    [[nodiscard]] std::shared_ptr<namespace_core> make_child(
        std::string const& name,
        std::shared_ptr<parent_core> const& parent);

    std::shared_ptr<server_shards const> shards_;
    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<options const> options_;
    std::shared_ptr<recovery> recovery_;
    std::shared_ptr<room_hook const> room_hook_;
    std::shared_ptr<net::task_group> tasks_;
    std::map<std::string, std::shared_ptr<namespace_core>, std::less<>> namespaces_;
    std::vector<std::shared_ptr<parent_core>> parents_;
};

inline std::string namespaces::checked_name(std::string name) {
    if (name.empty() || name.front() != '/')
        name.insert(0, "/");
    if (name.find(',') != std::string::npos)
        throw std::invalid_argument("socoro: the name of a namespace has no comma");
    return name;
}

inline std::shared_ptr<namespace_core> namespaces::of(
    std::shared_ptr<namespace_ref const> const& whole) {
    if (auto found = find(whole->name())) {
        found->on_empty = nullptr;
        return found;
    }
    auto made = net::make_on_shard<namespace_core>(shard_, whole, shard_, recovery_, room_hook_);
    namespaces_.emplace(whole->name(), made);
    return made;
}

inline std::shared_ptr<namespace_core> namespaces::find(std::string_view name) const {
    auto const found = namespaces_.find(name);
    return found == namespaces_.end() ? nullptr : found->second;
}

inline asio::awaitable<std::shared_ptr<namespace_core>>
namespaces::resolve(std::shared_ptr<namespaces> self, std::string name, boost::json::value auth) {
    // A rule that waits may see others being added.
    auto const parents = self->parents_;
    for (auto const& parent : parents) {
        bool const allowed = co_await parent->allows(name, auth);
        if (!allowed)
            continue;
        // Another client may have been let in meanwhile.
        auto there = self->find(name);
        co_return there ? there : self->make_child(name, parent);
    }
    co_return nullptr;
}

inline std::shared_ptr<namespace_core> namespaces::make_child(
    std::string const& name,
    std::shared_ptr<parent_core> const& parent) {
    auto const whole = std::make_shared<namespace_ref const>(shards_, name, options_->parser);
    auto made = net::make_on_shard<namespace_core>(
        shard_,
        whole,
        shard_,
        recovery_,
        room_hook_,
        parent->rules);
    // Where clients choose the names, they could make us keep any number.
    if (options_->cleanup_empty_child_namespaces)
        made->on_empty = [weak = weak_from_this(), child = made.get()] {
            if (auto const self = weak.lock())
                self->forget_if_empty(*child);
        };
    namespaces_.emplace(name, made);
    shards_->announce(name);
    parent->children.insert_or_assign(name, made);
    return made;
}

inline void namespaces::forget_if_empty(namespace_core const& nsp) {
    if (!nsp.on_empty || !nsp.is_empty())
        return;
    std::string const name = nsp.name();
    for (auto const& parent : parents_)
        parent->children.erase(name);
    namespaces_.erase(name);
}

inline void namespace_ref::send_in_order(
    frame_list const& frames,
    std::string_view event,
    broadcast_target const& target) const {
    std::function<void(namespaces&, std::size_t)> deliver;
    std::optional<std::size_t> own;
    shards_->order()->send(shards_->owner(0)->clock()->date(), [&](adapter::event_number number) {
        auto const sent = std::make_shared<adapter::sent_event const>(
            adapter::sent_event{{number}, with_place(parser_.get(), frames, {number}), target});
        deliver = [sent, nsp = name_, name = std::string(event)](namespaces& among, std::size_t) {
            among.deliver(nsp, *sent, name);
        };
        for (std::size_t i = 0; i < shards_->size(); ++i)
            if (shards_->owner(i)->is_in_order())
                own = i;
            else
                shards_->submit(i, deliver);
    });
    // It may call the program.
    auto const part = own ? shards_->part_here() : nullptr;
    if (part)
        deliver(*part, *own);
}

inline std::shared_ptr<namespace_core> namespace_ref::here() const {
    auto const among = shards_->part_here();
    return among ? among->find(name_) : nullptr;
}

}  // namespace detail

}  // namespace socoro
