// SPDX-License-Identifier: BSL-1.0
// Sending one event to many sockets of a namespace; it is encoded once.
#pragma once

#include <socoro/contract.hpp>
#include <socoro/namespaces.hpp>
#include <socoro/replies.hpp>
#include <socoro/socket_core.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace socoro {

/// Whom to send to: `io.to("a").to("b").except("c").emit(event)`. A value: each step gives a new
/// one, which may be kept and used again. Any thread may make one, copy it, `emit` and `send`;
/// `call` is used on an executor of the server.
template <typename Executor, typename Contract>
class basic_broadcast {
public:
    using duration = std::chrono::steady_clock::duration;

    explicit basic_broadcast(
        std::shared_ptr<detail::namespace_ref const> nsp,
        broadcast_target target = {})
        : nsp_(std::move(nsp))
        , target_(std::move(target)) {}

    /// Also to the sockets in this room. Without any room it goes to everybody.
    [[nodiscard]] basic_broadcast to(std::string room) const {
        auto next = *this;
        next.target_.rooms.push_back(std::move(room));
        return next;
    }

    /// The same as `to`.
    [[nodiscard]] basic_broadcast in(std::string room) const { return to(std::move(room)); }

    /// But not to the sockets in this room.
    [[nodiscard]] basic_broadcast except(std::string room) const {
        auto next = *this;
        next.target_.except.push_back(std::move(room));
        return next;
    }

    /// Only to those to whom it can leave at once: see `basic_socket::volatile_`.
    [[nodiscard]] basic_broadcast volatile_() const {
        auto next = *this;
        next.is_volatile_ = true;
        return next;
    }

    /// Compressed or not: see `basic_socket::compress`.
    [[nodiscard]] basic_broadcast compress(bool wanted) const {
        auto next = *this;
        next.compress_ = wanted;
        return next;
    }

    /// `call` waits no longer than this.
    [[nodiscard]] basic_broadcast timeout(duration within) const {
        auto next = *this;
        next.timeout_ = within;
        return next;
    }

    /// Sends an event.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        static_assert(detail::check_emitted<Contract, E>());
        emit_encoded(detail::encode_event(event));
    }

    /// Sends an event made of these arguments.
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        static_assert(detail::check_emitted<Contract, E>());
        auto const event = detail::make_event<E>(std::forward<Args>(args)...);
        emit_encoded(detail::encode_event(event));
    }

    /// Sends an event whose name is known at run time only. Throws `std::system_error` with
    /// `errc::reserved_event` for a name that the protocol keeps for itself.
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        static_assert(detail::check_untyped<Contract>());
        emit_encoded(detail::encode_untyped(name, args...));
    }

    /// Sends on an event that was received, under the name that it has now.
    void emit(any_event const& event) const {
        static_assert(detail::check_untyped<Contract>());
        emit_encoded(detail::encode_event(event));
    }

    /// Sends the event `message`.
    template <typename... Args>
    void send(Args const&... args) const {
        emit("message", args...);
    }

    /// Sends an event to all of them and gives an awaitable for their replies, `replies<R>`. The
    /// event is encoded and sent before `call` returns. It waits until everybody has replied or
    /// left, or for the time set with `timeout`; then it gives what came, and never throws.
    template <typename E, typename... Args>
    [[nodiscard]] auto call(Args&&... args) const {
        static_assert(detail::check_called<Contract, E>());
        auto const event = detail::make_event<E>(std::forward<Args>(args)...);
        auto const until = timeout_ ? std::optional(owner().now() + *timeout_) : std::nullopt;
        return detail::await_replies<Executor, detail::reply_of_t<E>>(
            ask(detail::encode_event(event)),
            until);
    }

private:
    void emit_encoded(detail::encoded_event&& event) const {
        auto const name = event.name;
        event.compress = compress_;
        auto frames = nsp_->make_frames(std::nullopt, std::move(event));
        nsp_->broadcast(std::move(frames), name, target_, is_volatile_);
    }

    [[nodiscard]] detail::group_guard ask(detail::encoded_event&& event) const {
        owner().run_submitted();
        event.compress = compress_;
        auto const call = std::make_shared<detail::group_call>(owner());
        auto const part = nsp_->here();
        if (!part)
            return {call, 0};
        auto const id = part->next_ack_id();
        auto const frames = nsp_->make_frames(id, std::move(event));
        part->adapter().for_each(target_, [&](detail::socket_core& whom) {
            call->ask(whom, id, call);
            whom.send_request(frames);
        });
        return {call, id};
    }

    /// The shard that the caller runs on.
    [[nodiscard]] net::shard& owner() const {
        auto const& shards = nsp_->shards();
        return *shards.owner(shards.here().value_or(0));
    }

    std::shared_ptr<detail::namespace_ref const> nsp_;
    broadcast_target target_;
    std::optional<duration> timeout_;
    bool is_volatile_ = false;
    bool compress_ = true;
};

}  // namespace socoro
