// SPDX-License-Identifier: BSL-1.0
// The namespaces of a server: those that the program named, and those that come into being when a
// client asks for them because a rule of the program says so.
#pragma once

#include <socoro/namespace_core.hpp>

#include <boost/json.hpp>

#include <functional>
#include <map>
#include <memory>
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

/// What the namespaces that one rule lets into being have in common.
struct parent_core {
    namespace_predicate allows;
    namespace_rules rules;
    /// Those that are there now, by name.
    std::map<std::string, std::weak_ptr<namespace_core>, std::less<>> children;
};

/// All namespaces of one server. Lives on its shard.
class namespaces : public std::enable_shared_from_this<namespaces> {
public:
    /// `parser` is null for JSON. `kept_in` is what clients may come back from; null if they may not.
    /// `cleans_up` says whether a namespace that a rule let into being goes with its last socket.
    namespaces(
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<sio::parser const> parser,
        std::shared_ptr<recovery> kept_in,
        bool cleans_up)
        : shard_(std::move(owner))
        , parser_(std::move(parser))
        , recovery_(std::move(kept_in))
        , cleans_up_(cleans_up) {}

    /// The namespace of this name, made if it is not there. It stays.
    [[nodiscard]] std::shared_ptr<namespace_core> of(std::string name);

    /// The namespace of this name, or null.
    [[nodiscard]] std::shared_ptr<namespace_core> find(std::string_view name) const;

    /// Adds a rule by which namespaces come into being; the oldest that agrees has its way.
    [[nodiscard]] std::shared_ptr<parent_core> add_parent(namespace_predicate allows);

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

private:
    [[nodiscard]] std::shared_ptr<namespace_core> make_child(
        std::string const& name,
        std::shared_ptr<parent_core> const& parent);

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<sio::parser const> parser_;
    std::shared_ptr<recovery> recovery_;
    bool cleans_up_;
    std::map<std::string, std::shared_ptr<namespace_core>, std::less<>> namespaces_;
    std::vector<std::shared_ptr<parent_core>> parents_;
};

inline std::shared_ptr<namespace_core> namespaces::of(std::string name) {
    if (name.empty() || name.front() != '/')
        name.insert(0, "/");
    if (name.find(',') != std::string::npos)
        throw std::invalid_argument("socoro: the name of a namespace has no comma");
    if (auto found = find(name)) {
        found->on_empty = nullptr;
        return found;
    }
    auto made = net::make_on_shard<namespace_core>(shard_, name, shard_, parser_, recovery_);
    namespaces_.emplace(std::move(name), made);
    return made;
}

inline std::shared_ptr<namespace_core> namespaces::find(std::string_view name) const {
    auto const found = namespaces_.find(name);
    return found == namespaces_.end() ? nullptr : found->second;
}

inline std::shared_ptr<parent_core> namespaces::add_parent(namespace_predicate allows) {
    auto const parent = std::make_shared<parent_core>();
    parent->allows = std::move(allows);
    return parents_.emplace_back(parent);
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
    auto made =
        net::make_on_shard<namespace_core>(shard_, name, shard_, parser_, recovery_, parent->rules);
    if (cleans_up_)
        made->on_empty = [weak = weak_from_this(), child = made.get()] {
            if (auto const self = weak.lock())
                self->forget_if_empty(*child);
        };
    namespaces_.emplace(name, made);
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

}  // namespace detail

}  // namespace socoro
