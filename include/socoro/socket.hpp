// SPDX-License-Identifier: BSL-1.0
// A Socket.IO socket as its handler sees it: events in, events out, rooms, data.
#pragma once

#include <socoro/broadcast.hpp>
#include <socoro/socket_core.hpp>

#include <any>
#include <array>
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace socoro {

namespace detail {

template <typename E>
struct received {
    using type = E;
};
template <acknowledged_event E>
struct received<E> {
    using type = request<E>;
};

template <typename... Es>
struct received_any {
    using type = std::variant<typename received<Es>::type...>;
};
template <typename E>
struct received_any<E> {
    using type = typename received<E>::type;
};

}  // namespace detail

/// What `recv<Es...>` gives: an event, or a `request` for one that is acknowledged; of several
/// the variant.
template <typename... Es>
using received_t = typename detail::received_any<Es...>::type;

/// One client in one namespace: a handle, cheap to copy, that stays valid after the disconnect.
/// After it, sending does nothing, while `broadcast`, `to` and `rooms` go on to work, so that a
/// handler can say goodbye. Not thread-safe; it is used on the server's executor.
class socket {
public:
    using duration = std::chrono::steady_clock::duration;

    explicit socket(std::shared_ptr<detail::socket_core> core) : core_(std::move(core)) {}

    /// The socket's identifier, 20 characters; also the name of a room that only it is in.
    [[nodiscard]] std::string const& id() const noexcept { return core_->id(); }

    /// The name of the namespace.
    [[nodiscard]] std::string const& nsp() const noexcept { return core_->nsp()->name(); }

    [[nodiscard]] bool connected() const noexcept { return core_->connected(); }

    /// What the client brought: headers, cookies, query, `auth`, address.
    [[nodiscard]] socoro::handshake const& handshake() const noexcept { return core_->brought(); }

    /// The name of the transport: `polling` or `websocket`, as it is now.
    [[nodiscard]] std::string_view transport() const { return core_->session().transport_name(); }

    // ------------------------------------------------------------------------------ receiving

    /// Waits for the next event of one of these types and gives it: an `E`, a `request<E>` if the
    /// event is acknowledged, a `std::variant` of these for several. Others stay for whoever
    /// waits for them. Arguments that do not fit are reported to the hook and passed over.
    ///
    /// Throws `std::system_error`: with the reason, which equals `socoro::closed`, once the
    /// socket is disconnected and what came before has been received; with `errc::timeout` after
    /// the time given; with `operation_aborted` if the coroutine was cancelled.
    /// Several coroutines may wait at once.
    template <typename... Es>
    requires(sizeof...(Es) > 0) [[nodiscard]] asio::awaitable<received_t<Es...>> recv(
        std::optional<duration> within = std::nullopt) const {
        static_assert((detail::check_event<Es>() && ...));
        return recv_one_of<Es...>(core_, deadline(within));
    }

    /// Waits for the next event of any name that nobody has received. Throws as above.
    [[nodiscard]] asio::awaitable<any_event> recv(
        std::optional<duration> within = std::nullopt) const {
        return recv_any(core_, deadline(within));
    }

    // -------------------------------------------------------------------------------- sending

    /// Sends an event to the client. Never waits: what cannot leave at once is queued, up to the
    /// outbox limit, beyond which the client is disconnected.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        core_->emit(detail::encode_event(event));
    }

    /// Sends an event made of these arguments.
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        core_->emit(detail::encode_event(detail::make_event<E>(std::forward<Args>(args)...)));
    }

    /// Sends an event whose name is known at run time only. Throws `std::system_error` with
    /// `errc::reserved_event` for a name that the protocol keeps for itself.
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        core_->emit(detail::encode_untyped(name, args...));
    }

    /// Sends on an event that was received, under the name that it has now.
    void emit(any_event const& event) const { core_->emit(detail::encode_event(event)); }

    /// Sends an event and gives an awaitable for the reply. The event is encoded and sent before
    /// `call` returns. The awaitable throws `std::system_error`: with the reason when the socket
    /// is disconnected, with `errc::timeout` after the time set with `timeout`, with
    /// `errc::invalid_payload` if the reply does not fit.
    template <typename E, typename... Args>
    [[nodiscard]] auto call(Args&&... args) const {
        static_assert(detail::check_call<E>());
        auto event = detail::encode_event(detail::make_event<E>(std::forward<Args>(args)...));
        return detail::await_reply<detail::reply_of_t<E>>(
            core_->call(std::move(event)),
            deadline(timeout_));
    }

    /// A handle of the same socket whose `call` gives up after this time.
    [[nodiscard]] socket timeout(duration within) const {
        auto limited = *this;
        limited.timeout_ = within;
        return limited;
    }

    /// To everybody in the namespace but this socket.
    [[nodiscard]] broadcast_operator broadcast() const {
        return broadcast_operator(core_->nsp()).except(id());
    }

    /// To the sockets in a room, but not to this one.
    [[nodiscard]] broadcast_operator to(std::string room) const {
        return broadcast().to(std::move(room));
    }

    /// The same as `to`.
    [[nodiscard]] broadcast_operator in(std::string room) const { return to(std::move(room)); }

    /// To everybody but this socket and those in the room.
    [[nodiscard]] broadcast_operator except(std::string room) const {
        return broadcast().except(std::move(room));
    }

    /// Waits until everything sent has left, or the connection has ended.
    [[nodiscard]] asio::awaitable<void> drain() const { return core_->session().drain(); }

    // ----------------------------------------------------------------------- rooms, data, end

    /// Enters a room, which comes into being if it is not there. Nothing after the disconnect.
    void join(std::string_view room) const { core_->nsp()->adapter().join(*core_, room); }

    /// Leaves a room.
    void leave(std::string_view room) const { core_->nsp()->adapter().leave(*core_, room); }

    /// The rooms it is in, that of its own id among them; after the disconnect those it was in.
    [[nodiscard]] std::vector<std::string> rooms() const {
        return core_->reason() ? core_->last_rooms : core_->nsp()->adapter().rooms_of(*core_);
    }

    /// The program's own data of this socket: a `T` that is default-constructed at first use and
    /// lives as long as any handle of the socket, so it should not hold one. `T` is copyable.
    /// Throws `std::bad_any_cast` if it was used with another type before.
    template <typename T>
    [[nodiscard]] T& data() const {
        if (!core_->data().has_value())
            core_->data().emplace<T>();
        return std::any_cast<T&>(core_->data());
    }

    /// Disconnects from the namespace, with the reason `server namespace disconnect`; with
    /// `close` all sockets of this client and its connection as well. What was sent before is
    /// still delivered.
    void disconnect(bool close = false) const;

    /// Whether both are handles of the same socket.
    [[nodiscard]] friend bool operator==(socket const& a, socket const& b) noexcept {
        return a.core_ == b.core_;
    }

private:
    using core_ptr = std::shared_ptr<detail::socket_core>;

    [[nodiscard]] std::optional<net::time_point> deadline(std::optional<duration> within) const {
        if (!within)
            return std::nullopt;
        return core_->session().owner().now() + *within;
    }

    /// Takes the oldest event with one of the names, waiting for it.
    [[nodiscard]] static asio::awaitable<detail::incoming> next(
        core_ptr core,
        std::vector<std::string_view> names,
        std::optional<net::time_point> deadline);

    template <typename... Es>
    [[nodiscard]] static asio::awaitable<received_t<Es...>> recv_one_of(
        core_ptr core,
        std::optional<net::time_point> deadline);
    [[nodiscard]] static asio::awaitable<any_event> recv_any(
        core_ptr core,
        std::optional<net::time_point> deadline);

    template <typename Result, typename E>
    [[nodiscard]] static bool
    decode(detail::socket_core& core, detail::incoming const& event, std::optional<Result>& into);

    core_ptr core_;
    std::optional<duration> timeout_;
};

inline asio::awaitable<detail::incoming> socket::next(
    core_ptr core,
    std::vector<std::string_view> names,
    std::optional<net::time_point> deadline) {
    auto const state = co_await asio::this_coro::cancellation_state;
    if (state.slot().is_connected() && core->inbox().contains(names)) {
        // Started side by side with others that are ready as well, as `||` does: the first one
        // cancels the rest, which must not have taken anything by then.
        co_await asio::post(core->session().owner().get_executor(), asio::use_awaitable);
        if (state.cancelled() != asio::cancellation_type::none)
            throw std::system_error(asio::error::operation_aborted);
    }
    for (;;) {
        if (auto event = core->inbox().take(names)) {
            core->on_taken();
            co_return std::move(*event);
        }
        if (auto const reason = core->reason())
            throw std::system_error(*reason);
        core->on_wait();
        auto const ec = co_await core->inbox().wait(deadline);
        if (ec)
            throw std::system_error(ec);
    }
}

template <typename... Es>
asio::awaitable<received_t<Es...>> socket::recv_one_of(
    core_ptr core,
    std::optional<net::time_point> deadline) {
    std::vector<std::string_view> const names{std::string_view(Es::event_name)...};
    core->inbox().ask_for(names);
    for (;;) {
        auto const event = co_await next(core, names, deadline);
        std::optional<received_t<Es...>> result;
        bool const fits = (decode<received_t<Es...>, Es>(*core, event, result) || ...);
        if (fits)
            co_return std::move(*result);
    }
}

template <typename Result, typename E>
bool socket::decode(
    detail::socket_core& core,
    detail::incoming const& event,
    std::optional<Result>& into) {
    if (event.name != E::event_name)
        return false;
    detail::value_reader reader(event.attachments);
    detail::arguments_of_t<E> values;
    if (!detail::read_arguments(event.list, 1, reader, values)) {
        core.report_invalid(event.name, reader.why());
        return false;
    }
    if constexpr (acknowledged_event<E>)
        into.emplace(request<E>(std::move(values), core.reply_to(event.id)));
    else if constexpr (detail::positional_event<E>)
        into.emplace(std::make_from_tuple<E>(std::move(values)));
    else
        into.emplace(std::get<0>(std::move(values)));
    return true;
}

inline asio::awaitable<any_event> socket::recv_any(
    core_ptr core,
    std::optional<net::time_point> deadline) {
    std::vector<std::string_view> const any_name;
    core->inbox().ask_for(any_name);
    auto event = co_await next(core, any_name, deadline);
    auto const id = event.id;
    co_return any_event(std::move(event), core->reply_to(id));
}

}  // namespace socoro
