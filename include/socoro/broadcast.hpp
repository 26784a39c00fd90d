// SPDX-License-Identifier: BSL-1.0
// Sending one event to many sockets of a namespace, encoded once; and what else can be done with
// many sockets at once, wherever they are.
#pragma once

#include <socoro/contract.hpp>
#include <socoro/namespace_requests.hpp>
#include <socoro/remote_socket.hpp>
#include <socoro/replies.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro {

/// Whom to send to: `io.to("a").to("b").except("c").emit(event)`. A value: each step gives a new
/// one, which may be kept and used again. It reaches the sockets of all shards of the server, and
/// those of other servers if there is an `options::adapter`. Any thread may use it.
template <typename Executor, typename Contract>
class basic_broadcast {
public:
    using duration = std::chrono::steady_clock::duration;

    explicit basic_broadcast(
        std::shared_ptr<detail::namespace_ref const> nsp,
        broadcast_target target = {})
        : nsp_(std::move(nsp)) {
        whom_.target = std::move(target);
    }

    /// Also to the sockets in this room. Without any room it goes to everybody.
    [[nodiscard]] basic_broadcast to(std::string room) const {
        auto next = *this;
        next.whom_.target.rooms.push_back(std::move(room));
        return next;
    }

    /// The same as `to`.
    [[nodiscard]] basic_broadcast in(std::string room) const { return to(std::move(room)); }

    /// But not to the sockets in this room.
    [[nodiscard]] basic_broadcast except(std::string room) const {
        auto next = *this;
        next.whom_.target.except.push_back(std::move(room));
        return next;
    }

    /// Only to those to whom it can leave at once: see `basic_socket::volatile_`.
    [[nodiscard]] basic_broadcast volatile_() const {
        auto next = *this;
        next.whom_.is_volatile = true;
        return next;
    }

    /// Compressed or not: see `basic_socket::compress`.
    [[nodiscard]] basic_broadcast compress(bool wanted) const {
        auto next = *this;
        next.whom_.compress = wanted;
        return next;
    }

    /// Only to those of this node: of the shard that the caller runs on when it sends or asks; who
    /// runs on none counts as being on the first.
    [[nodiscard]] basic_broadcast local() const {
        auto next = *this;
        next.is_local_ = true;
        return next;
    }

    /// `call` and `fetch_sockets` wait no longer than this.
    [[nodiscard]] basic_broadcast timeout(duration within) const {
        auto next = *this;
        next.whom_.timeout = within;
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
    /// left, or for the time set with `timeout`, or with an `options::adapter` for
    /// `requests_timeout`; then it gives what came, and never throws. It may be awaited on any
    /// executor.
    template <typename E, typename... Args>
    [[nodiscard]] auto call(Args&&... args) const {
        static_assert(detail::check_called<Contract, E>());
        auto const event = detail::make_event<E>(std::forward<Args>(args)...);
        auto guard = nsp_->ask(flagged(detail::encode_event(event)), whom_, is_local_);
        auto const until = nsp_->deadline(*guard.call(), whom_.timeout);
        return detail::await_replies<Executor, detail::reply_of_t<E>>(std::move(guard), until);
    }

    /// Who they are: gives an awaitable for a `std::vector<remote_socket>`, copies of what is known
    /// about each now. It may be awaited on any executor. Throws `std::system_error` with
    /// `errc::timeout` if a server has not answered in time: see `call`.
    [[nodiscard]] asio::awaitable<std::vector<basic_remote_socket<Executor, Contract>>, Executor>
    fetch_sockets() const {
        auto all = nsp_->fetch(whom_, is_local_);
        auto const until = nsp_->deadline(*all, whom_.timeout);
        return detail::await_sockets<Executor, Contract>(std::move(all), nsp_, until);
    }

    /// Makes all of them enter a room, or several.
    void sockets_join(room_names rooms) const {
        nsp_->order(adapter::sockets_join{whom_, std::move(rooms).take()}, is_local_);
    }

    /// Makes all of them leave a room, or several.
    void sockets_leave(room_names rooms) const {
        nsp_->order(adapter::sockets_leave{whom_, std::move(rooms).take()}, is_local_);
    }

    /// Disconnects all of them, with the reason `server namespace disconnect`; with `close` all
    /// sockets of their clients and their connections as well. What was sent before is still
    /// delivered. On their executor, those who wait for them are resumed before this returns.
    void disconnect_sockets(bool close = false) const {
        nsp_->order(adapter::disconnect_sockets{whom_, close}, is_local_);
    }

private:
    void emit_encoded(detail::encoded_event&& event) const {
        nsp_->broadcast(flagged(std::move(event)), whom_, is_local_);
    }

    /// The same event, as it is sent to these.
    [[nodiscard]] detail::encoded_event&& flagged(detail::encoded_event&& event) const noexcept {
        event.compress = whom_.compress;
        return std::move(event);
    }

    std::shared_ptr<detail::namespace_ref const> nsp_;
    adapter::selection whom_;
    bool is_local_ = false;
};

template <typename Executor, typename Contract>
basic_broadcast<Executor, Contract> basic_remote_socket<Executor, Contract>::itself() const {
    return basic_broadcast<Executor, Contract>(nsp_).to(id);
}

}  // namespace socoro
