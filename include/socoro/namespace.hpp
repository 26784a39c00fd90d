// SPDX-License-Identifier: BSL-1.0
// A namespace as the program sees it: who may connect, what happens then, and sending to all.
#pragma once

#include <socoro/broadcast.hpp>
#include <socoro/namespaces.hpp>
#include <socoro/rules.hpp>
#include <socoro/socket.hpp>
#include <socoro/whole_namespace.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro {

/// One namespace of a server: a handle, cheap to copy. Any thread may copy it and use what it
/// gives to send (`emit`, `send`, `to`, `except`, `volatile_`, `compress`); everything else is used
/// on an executor of the server, or before that runs. On several shards, handlers and middleware
/// run on all of them at once, and what is looked up (`find`, `sockets`, `size`) are the sockets of
/// the shard that the caller runs on.
template <typename Executor>
class basic_nsp : public detail::rules_of<basic_nsp<Executor>, Executor>,
                  public detail::receives_server_side<basic_nsp<Executor>, Executor>,
                  public detail::whole_namespace<basic_nsp<Executor>, Executor> {
public:
    using executor_type = Executor;
    using socket_type = basic_socket<Executor>;
    using broadcast_type = basic_broadcast<Executor>;

    explicit basic_nsp(std::shared_ptr<detail::namespace_ref const> whole)
        : whole_(std::move(whole)) {}

    [[nodiscard]] std::string const& name() const noexcept { return whole_->name(); }

    /// Sends an event to every socket of the namespace; the forms of `socket::emit`.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        everyone().emit(event);
    }
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        everyone().template emit<E>(std::forward<Args>(args)...);
    }
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        everyone().emit(name, args...);
    }

    /// Sends the event `message` to every socket of the namespace.
    template <typename... Args>
    void send(Args const&... args) const {
        everyone().send(args...);
    }

    /// Calls every socket of the namespace: see `basic_broadcast::call`.
    template <typename E, typename... Args>
    [[nodiscard]] auto call(Args&&... args) const {
        return everyone().template call<E>(std::forward<Args>(args)...);
    }

    /// To the sockets in a room.
    [[nodiscard]] broadcast_type to(std::string room) const {
        return everyone().to(std::move(room));
    }
    /// The same as `to`.
    [[nodiscard]] broadcast_type in(std::string room) const { return to(std::move(room)); }
    /// To everybody who is not in the room.
    [[nodiscard]] broadcast_type except(std::string room) const {
        return everyone().except(std::move(room));
    }
    /// To everybody to whom it can leave at once.
    [[nodiscard]] broadcast_type volatile_() const { return everyone().volatile_(); }
    /// Compressed or not: see `basic_socket::compress`.
    [[nodiscard]] broadcast_type compress(bool wanted) const { return everyone().compress(wanted); }
    /// To everybody; `call` waits no longer than this.
    [[nodiscard]] broadcast_type timeout(typename broadcast_type::duration within) const {
        return everyone().timeout(within);
    }

    /// The socket with this id, if it is connected.
    [[nodiscard]] std::optional<socket_type> find(std::string const& id) const {
        auto const here = whole_->here();
        auto found = here ? here->find(id) : nullptr;
        return found ? std::optional<socket_type>(std::move(found)) : std::nullopt;
    }

    /// Every connected socket, or those in a room.
    [[nodiscard]] std::vector<socket_type> sockets() const {
        std::vector<socket_type> all;
        if (auto const here = whole_->here())
            for (auto const& [id, core] : here->sockets())
                all.emplace_back(core);
        return all;
    }
    [[nodiscard]] std::vector<socket_type> sockets(std::string_view room) const {
        std::vector<socket_type> members;
        if (auto const here = whole_->here())
            for (auto* const member : here->adapter().members_of(room))
                if (member->connected())
                    members.emplace_back(member->share());
        return members;
    }

    /// How many sockets are connected.
    [[nodiscard]] std::size_t size() const {
        auto const here = whole_->here();
        return here ? here->size() : 0;
    }

private:
    friend class detail::rules_of<basic_nsp, Executor>;
    friend class detail::receives_server_side<basic_nsp, Executor>;
    friend class detail::whole_namespace<basic_nsp, Executor>;

    [[nodiscard]] std::shared_ptr<detail::namespace_ref const> whole() const { return whole_; }

    [[nodiscard]] broadcast_type everyone() const { return broadcast_type(whole_); }

    template <typename Change>
    void change(Change const& with) const {
        auto const changed = [with, whole = whole_](detail::namespaces& among, std::size_t) {
            if (auto const part = among.find(whole->name()))
                with(part->rules);
        };
        whole_->shards().configure(changed);
    }

    std::shared_ptr<detail::namespace_ref const> whole_;
};

/// The namespaces that one rule lets into being when clients ask for them: see `server::of`. A
/// handle, cheap to copy, used on the server's executor, or before that runs. What is decided here
/// is for namespaces that come into being afterwards. They go when their last socket goes.
template <typename Executor>
class basic_nsp_family : public detail::rules_of<basic_nsp_family<Executor>, Executor>,
                         public detail::receives_server_side<basic_nsp_family<Executor>, Executor> {
public:
    using executor_type = Executor;

    /// `by` is the rule on each shard.
    basic_nsp_family(
        std::shared_ptr<detail::server_shards const> on,
        std::vector<std::shared_ptr<detail::parent_core>> by)
        : shards_(std::move(on))
        , rules_(std::move(by)) {}

    /// The namespaces that are there now, on this shard, by name.
    [[nodiscard]] std::vector<basic_nsp<Executor>> members() const {
        std::vector<basic_nsp<Executor>> all;
        if (auto const here = shards_->here())
            for (auto const& [name, weak] : rules_[*here]->children)
                if (auto const member = weak.lock())
                    all.emplace_back(member->whole());
        return all;
    }

    /// Sends an event to every socket of all of them; the forms of `socket::emit`.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        spread(detail::encode_event(event));
    }
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        emit(detail::make_event<E>(std::forward<Args>(args)...));
    }
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        spread(detail::encode_untyped(name, args...));
    }

private:
    friend class detail::rules_of<basic_nsp_family, Executor>;
    friend class detail::receives_server_side<basic_nsp_family, Executor>;

    /// To the members on every shard, whose names are known there.
    void spread(detail::encoded_event&& event) const {
        auto const called = std::string(event.name);
        auto const sent = std::make_shared<detail::encoded_event const>(std::move(event));
        shards_->each([rules = rules_, sent, called](detail::namespaces&, std::size_t index) {
            for (auto const& [name, weak] : rules[index]->children)
                if (auto const member = weak.lock()) {
                    auto copy = *sent;
                    auto const frames = member->whole()->make_frames(std::nullopt, std::move(copy));
                    member->deliver(frames, called, {}, false);
                }
        });
    }

    template <typename Change>
    void change(Change const& with) const {
        shards_->configure([with, rules = rules_](detail::namespaces&, std::size_t index) {
            with(rules[index]->rules);
        });
    }

    std::shared_ptr<detail::server_shards const> shards_;
    std::vector<std::shared_ptr<detail::parent_core>> rules_;
};

/// A namespace, and a family of namespaces, of a `server`.
using nsp = basic_nsp<>;
using nsp_family = basic_nsp_family<>;

}  // namespace socoro
