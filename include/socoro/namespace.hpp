// SPDX-License-Identifier: BSL-1.0
// A namespace as the program sees it: who may connect, what happens then, and sending to all.
#pragma once

#include <socoro/broadcast.hpp>
#include <socoro/namespaces.hpp>
#include <socoro/socket.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro {

namespace detail {

/// Fails to compile, naming the mistake, for what cannot be a handler, or a middleware.
template <typename Handler>
[[nodiscard]] connection_handler as_handler(Handler handler) {
    static_assert(
        std::is_invocable_r_v<asio::awaitable<void>, Handler&, socket>,
        "socoro: a connection handler is asio::awaitable<void>(socoro::socket)");
    return handler;
}
template <typename Middleware>
[[nodiscard]] middleware as_middleware(Middleware step) {
    static_assert(
        std::is_invocable_r_v<asio::awaitable<void>, Middleware&, socket&>,
        "socoro: a middleware is asio::awaitable<void>(socoro::socket&)");
    return step;
}
template <typename Middleware>
[[nodiscard]] packet_middleware as_packet_middleware(Middleware step) {
    static_assert(
        std::is_invocable_r_v<asio::awaitable<void>, Middleware&, socket&, any_event&>,
        "socoro: a packet middleware is "
        "asio::awaitable<void>(socoro::socket&, socoro::any_event&)");
    return step;
}

/// What the handles of one namespace, and of a family of namespaces, let the program decide.
template <typename Derived>
class rules_of {
public:
    /// Starts `handler(socket)` for each socket that connects from now on, and keeps it as long as
    /// it runs. When it returns, the socket is disconnected; an exception other than the
    /// disconnect of its own socket is reported to the hook, and ends that socket alone.
    /// It starts again for a socket whose client came back: see `basic_socket::recovered`.
    template <typename Handler>
    Derived const& on_connection(Handler handler) const {
        auto kept = std::make_shared<connection_handler const>(as_handler(std::move(handler)));
        self().change([kept](namespace_rules& rules) { rules.handler = kept; });
        return self();
    }

    /// Runs `step(socket)` before a socket is connected, after the steps added earlier. It may
    /// wait, set data, join rooms and look at the handshake. An exception refuses the socket: a
    /// `refused` with its message and data, another with its message. It is asked again for a
    /// socket whose client comes back, with the rooms and the data of before, unless the option
    /// `connection_state_recovery.skip_middlewares` is set.
    template <typename Middleware>
    Derived const& use(Middleware step) const {
        auto kept = std::make_shared<middleware const>(as_middleware(std::move(step)));
        self().change([kept](namespace_rules& rules) { rules.middlewares.push_back(kept); });
        return self();
    }

    /// Runs `step(socket, event)` for each event before it can be received, one event after the
    /// other, after the steps added earlier; for sockets that connect from now on. It may wait,
    /// meanwhile the client has to, and may change or answer the event. An exception drops the
    /// event and is reported to the hook `packet_refused`; the client is not told.
    template <typename Middleware>
    Derived const& use_packets(Middleware step) const {
        auto kept =
            std::make_shared<packet_middleware const>(as_packet_middleware(std::move(step)));
        self().change([kept](namespace_rules& rules) { rules.packet_middlewares.push_back(kept); });
        return self();
    }

private:
    [[nodiscard]] Derived const& self() const { return static_cast<Derived const&>(*this); }
};

}  // namespace detail

/// One namespace of a server: a handle, cheap to copy. Any thread may copy it and use what it
/// gives to send (`emit`, `send`, `to`, `except`, `volatile_`, `compress`); everything else is used
/// on an executor of the server, or before that runs. On several shards, handlers and middleware
/// run on all of them at once, and what is looked up (`find`, `sockets`, `size`) are the sockets of
/// the shard that the caller runs on.
class nsp : public detail::rules_of<nsp> {
public:
    explicit nsp(std::shared_ptr<detail::namespace_ref const> whole) : whole_(std::move(whole)) {}

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
    [[nodiscard]] broadcast_operator to(std::string room) const {
        return everyone().to(std::move(room));
    }
    /// The same as `to`.
    [[nodiscard]] broadcast_operator in(std::string room) const { return to(std::move(room)); }
    /// To everybody who is not in the room.
    [[nodiscard]] broadcast_operator except(std::string room) const {
        return everyone().except(std::move(room));
    }
    /// To everybody to whom it can leave at once.
    [[nodiscard]] broadcast_operator volatile_() const { return everyone().volatile_(); }
    /// Compressed or not: see `basic_socket::compress`.
    [[nodiscard]] broadcast_operator compress(bool wanted) const {
        return everyone().compress(wanted);
    }
    /// To everybody; `call` waits no longer than this.
    [[nodiscard]] broadcast_operator timeout(broadcast_operator::duration within) const {
        return everyone().timeout(within);
    }

    /// The socket with this id, if it is connected.
    [[nodiscard]] std::optional<socket> find(std::string const& id) const {
        auto const here = whole_->here();
        auto found = here ? here->find(id) : nullptr;
        return found ? std::optional<socket>(std::move(found)) : std::nullopt;
    }

    /// Every connected socket, or those in a room.
    [[nodiscard]] std::vector<socket> sockets() const {
        std::vector<socket> all;
        if (auto const here = whole_->here())
            for (auto const& [id, core] : here->sockets())
                all.emplace_back(core);
        return all;
    }
    [[nodiscard]] std::vector<socket> sockets(std::string_view room) const {
        std::vector<socket> members;
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
    friend class detail::rules_of<nsp>;

    [[nodiscard]] broadcast_operator everyone() const { return broadcast_operator(whole_); }

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
class nsp_family : public detail::rules_of<nsp_family> {
public:
    /// `by` is the rule on each shard.
    nsp_family(
        std::shared_ptr<detail::server_shards const> on,
        std::vector<std::shared_ptr<detail::parent_core>> by)
        : shards_(std::move(on))
        , rules_(std::move(by)) {}

    /// The namespaces that are there now, on this shard, by name.
    [[nodiscard]] std::vector<nsp> members() const {
        std::vector<nsp> all;
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
    friend class detail::rules_of<nsp_family>;

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

}  // namespace socoro
