// SPDX-License-Identifier: BSL-1.0
// What a program can do with either end of a namespace: receive, serve, emit, call, spawn.
#pragma once

#include <socoro/contract.hpp>
#include <socoro/net/first_of.hpp>
#include <socoro/net/run_on_shard.hpp>
#include <socoro/receive.hpp>
#include <socoro/serve.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>

namespace socoro {

namespace detail {

/// Whether the last of these is the token that asks for no exceptions.
template <typename... Args>
inline constexpr bool ends_with_token = false;
template <typename Last>
inline constexpr bool ends_with_token<Last> =
    std::is_same_v<std::remove_cvref_t<Last>, net::as_tuple_type>;
template <typename First, typename Second, typename... Rest>
inline constexpr bool ends_with_token<First, Second, Rest...> = ends_with_token<Second, Rest...>;

/// Calls `make` with all but the last.
template <typename Make, typename... Args>
[[nodiscard]] auto without_last(Make make, std::tuple<Args...> args) {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return make(std::get<I>(std::move(args))...);
    }
    (std::make_index_sequence<sizeof...(Args) - 1>());
}

/// Fails to compile, naming the mistake, for what only a client's socket tells.
template <typename Core, typename E>
[[nodiscard]] constexpr bool check_told() {
    static_assert(
        Core::tells || !lifecycle_event<E>,
        "socoro: only a client's socket tells this; a handler of a server runs as long as its "
        "socket is connected");
    return true;
}

/// The same for what a handler takes that is given to `serve`.
template <typename Core, typename Handler>
[[nodiscard]] constexpr bool check_told_to() {
    if constexpr (takes_one_event<Handler>)
        return check_told<Core, typename parameter_of<Handler>::type>();
    return true;
}

}  // namespace detail

template <typename Core, typename Executor, typename Contract>
class channel;

namespace detail {

/// How we get at the shared state behind a handle.
struct handle_access {
    template <typename Core, typename Executor, typename Contract>
    [[nodiscard]] static std::shared_ptr<Core> const& core_of(
        channel<Core, Executor, Contract> const& handle) noexcept {
        return handle.core_;
    }
};

/// Whether a handle may become one for another executor, or under another contract.
template <typename From, typename FromContract, typename To, typename ToContract>
inline constexpr bool becomes =
    (std::is_same_v<From, To> || std::is_same_v<To, asio::any_io_executor>)&&(
        std::is_same_v<FromContract, ToContract> || FromContract::is_open || ToContract::is_open);

}  // namespace detail

/// One end of a namespace: a handle, cheap to copy, that stays valid after the disconnect.
///
/// Any thread may copy it, `emit`, `send` and `disconnect`; everything else is used on the
/// executor of the socket, where its handler runs. What is awaited is so by coroutines on an
/// `Executor`, which is `asio::any_io_executor` unless the server was made on another type.
template <typename Core, typename Executor, typename Contract>
class channel {
public:
    using executor_type = Executor;
    using duration = std::chrono::steady_clock::duration;

    /// The socket's identifier, 20 characters.
    [[nodiscard]] std::string const& id() const noexcept { return core_->id(); }

    /// The name of the namespace.
    [[nodiscard]] std::string const& nsp() const noexcept { return core_->nsp_name(); }

    [[nodiscard]] bool connected() const noexcept { return core_->connected(); }

    /// Why it was disconnected; empty while it is connected.
    [[nodiscard]] std::error_code reason() const noexcept {
        auto const why = core_->reason();
        return why ? make_error_code(*why) : std::error_code();
    }

    // ------------------------------------------------------------------------------ receiving

    /// Waits for the next event of one of these types and gives it: an `E`, a `request<E>` if the
    /// event is acknowledged, a `std::variant` of these for several. Without a type: an
    /// `any_event`, the next one that nobody has received. Others stay for whoever waits for
    /// them. Arguments that do not fit are reported to the hook and passed over.
    ///
    /// Throws `std::system_error`: with the reason, which equals `socoro::closed`, once the
    /// socket is disconnected and what came before has been received; with `errc::timeout` after
    /// the time given; with `operation_aborted` if the coroutine was cancelled, which takes no
    /// event. Several coroutines may wait at once; each event is given to one of them.
    template <typename... Es>
    [[nodiscard]] asio::awaitable<received_t<Es...>, Executor> recv(
        std::optional<duration> within = std::nullopt) const {
        static_assert((detail::check_told<Core, Es>() && ...));
        static_assert((detail::check_received<Contract, Es>() && ...));
        return detail::receive<Executor, Es...>(core_, deadline(within));
    }

    /// As above, without exceptions: `auto [error, said] = co_await recv<E>(socoro::as_tuple)`.
    template <typename... Es>
    [[nodiscard]] auto recv(net::as_tuple_type) const {
        static_assert((detail::check_told<Core, Es>() && ...));
        static_assert((detail::check_received<Contract, Es>() && ...));
        return detail::try_receive<Executor, Es...>(core_, std::nullopt);
    }
    template <typename... Es>
    [[nodiscard]] auto recv(duration within, net::as_tuple_type) const {
        static_assert((detail::check_told<Core, Es>() && ...));
        static_assert((detail::check_received<Contract, Es>() && ...));
        return detail::try_receive<Executor, Es...>(core_, deadline(within));
    }

    /// Gives each event to the handler that takes its type, until the disconnect, whose reason it
    /// gives: `co_await socket.serve(socoro::overloaded{[&](message m) { ... }, ...})`. A handler
    /// is a coroutine, `asio::awaitable<void, Executor>`, or a function. An acknowledged event is taken as
    /// `request<E>`, all that are left as `any_event`.
    ///
    /// Handlers run one after the other, in the order of the events; with `.concurrently()`
    /// behind, side by side. An exception out of a handler is thrown on, unless it is the
    /// disconnect: then what came before that is served still. The handlers are kept as long as one
    /// of them runs. Cancelled, it gives or throws `operation_aborted`.
    template <typename... Handlers>
    [[nodiscard]] auto serve(overloaded<Handlers...> handlers) const {
        static_assert((detail::check_told_to<Core, Handlers>() && ...));
        static_assert((detail::check_server<Executor, Contract, Handlers>() && ...));
        using state = detail::serving_state<Executor, Handlers...>;
        return serving<state>(
            core_,
            std::make_shared<state>(core_->owner(), static_cast<Handlers&&>(handlers)...));
    }
    template <typename Handler>
    [[nodiscard]] auto serve(Handler handler) const {
        static_assert(detail::check_told_to<Core, Handler>());
        static_assert(detail::check_server<Executor, Contract, Handler>());
        using state = detail::serving_state<Executor, Handler>;
        return serving<state>(core_, std::make_shared<state>(core_->owner(), std::move(handler)));
    }

    // -------------------------------------------------------------------------------- sending

    /// Sends an event. Never waits, resumes nobody: what cannot leave at once is queued, up to the outbox limit;
    /// what happens beyond is an option. Ignored after the disconnect. Safe from any thread, in
    /// the order of each thread's calls.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        static_assert(detail::check_emitted<Contract, E>());
        core_->emit(flagged(detail::encode_event(event)), is_volatile_);
    }

    /// Sends an event made of these arguments.
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        static_assert(detail::check_emitted<Contract, E>());
        auto const event = detail::make_event<E>(std::forward<Args>(args)...);
        core_->emit(flagged(detail::encode_event(event)), is_volatile_);
    }

    /// Sends an event whose name is known at run time only. Throws `std::system_error` with
    /// `errc::reserved_event` for a name that the protocol keeps for itself.
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        static_assert(detail::check_untyped<Contract>());
        core_->emit(flagged(detail::encode_untyped(name, args...)), is_volatile_);
    }

    /// Sends on an event that was received, under the name that it has now.
    void emit(any_event const& event) const {
        static_assert(detail::check_untyped<Contract>());
        core_->emit(flagged(detail::encode_event(event)), is_volatile_);
    }

    /// Sends the event `message`.
    template <typename... Args>
    void send(Args const&... args) const {
        emit("message", args...);
    }

    /// Sends an event and gives an awaitable for the reply. The event is encoded and sent before
    /// `call` returns. The awaitable throws `std::system_error`: with the reason when the socket
    /// is disconnected, with `errc::timeout` after the time set with `timeout`, with
    /// `errc::invalid_payload` if the reply does not fit. With `socoro::as_tuple` as the last
    /// argument it gives the error beside the reply instead.
    template <typename E, typename... Args>
    [[nodiscard]] auto call(Args&&... args) const {
        static_assert(detail::check_called<Contract, E>());
        using reply = detail::reply_of_t<E>;
        if constexpr (detail::ends_with_token<Args...>) {
            auto const make = [](auto&&... each) {
                return detail::make_event<E>(std::forward<decltype(each)>(each)...);
            };
            auto const event =
                detail::without_last(make, std::forward_as_tuple(std::forward<Args>(args)...));
            return detail::try_await_reply<Executor, reply>(
                core_->call(flagged(detail::encode_event(event))),
                call_deadline());
        } else {
            auto const event = detail::make_event<E>(std::forward<Args>(args)...);
            return detail::await_reply<Executor, reply>(
                core_->call(flagged(detail::encode_event(event))),
                call_deadline());
        }
    }

    /// Waits until everything sent has left, or the connection has ended.
    [[nodiscard]] asio::awaitable<void, Executor> drain() const {
        return net::awaited_as<Executor>(core_->owner().shared_from_this(), core_->drain());
    }

    // ----------------------------------------------------------------------------- lifetime

    /// Starts a coroutine that belongs to the socket: what it awaits of the socket ends with the
    /// disconnect, `server::close` waits for it, and an exception out of it, other than the
    /// disconnect, is reported to the hook and disconnects the socket. Events that it has not
    /// received when the handler of the socket returns are dropped.
    void spawn(asio::awaitable<void, Executor> task) const { core_->spawn(std::move(task)); }

    /// The same for a function that gives the coroutine. It is kept as long as that runs, so that
    /// it may be a lambda that captures.
    template <typename Function>
    requires std::is_invocable_r_v<asio::awaitable<void, Executor>, Function&> void spawn(
        Function function) const {
        auto const kept = [](Function run) -> asio::awaitable<void, Executor> { co_await run(); };
        core_->spawn(kept(std::move(function)));
    }

    /// Whether both are handles of the same socket.
    [[nodiscard]] friend bool operator==(channel const& a, channel const& b) noexcept {
        return a.core_ == b.core_;
    }

protected:
    friend struct detail::handle_access;

    explicit channel(std::shared_ptr<Core> core) : core_(std::move(core)) {}

    [[nodiscard]] std::optional<net::time_point> deadline(std::optional<duration> within) const {
        if (!within)
            return std::nullopt;
        return core_->owner().now() + *within;
    }

    [[nodiscard]] std::optional<net::time_point> call_deadline() const {
        return deadline(timeout_ ? timeout_ : core_->call_timeout());
    }

    /// The same event, as this handle sends it.
    [[nodiscard]] detail::encoded_event&& flagged(detail::encoded_event&& event) const noexcept {
        event.compress = compress_;
        return std::move(event);
    }

    std::shared_ptr<Core> core_;
    std::optional<duration> timeout_;
    bool is_volatile_ = false;
    bool compress_ = true;
};

}  // namespace socoro
