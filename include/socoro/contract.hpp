// SPDX-License-Identifier: BSL-1.0
// Which events go which way: a contract is written down once, and checked by the compiler wherever
// a socket of it is used. It is about types alone; nothing of it is there at run time.
#pragma once

#include <socoro/event.hpp>
#include <socoro/handles.hpp>

#include <type_traits>

namespace socoro {

/// The events that the server receives.
template <typename... Es>
struct receives {};

/// The events that the server sends.
template <typename... Es>
struct sends {};

/// The events of a namespace, seen from the server:
/// `using chat = socoro::contract<socoro::receives<message>, socoro::sends<message, joined>>;`
/// A handler that takes a `chat::socket` can receive and send no others, nor can who has a
/// `chat::client_socket`. On an executor of another type: `basic_socket<Executor, chat>`.
template <typename Receives, typename Sends>
struct contract;

template <typename... In, typename... Out>
struct contract<receives<In...>, sends<Out...>> {
    /// The same contract, seen from the client.
    using mirrored = contract<receives<Out...>, sends<In...>>;
    /// The server's socket.
    using socket = basic_socket<asio::any_io_executor, contract>;
    /// The client's.
    using client_socket = basic_client_socket<asio::any_io_executor, mirrored>;

    template <typename E>
    static constexpr bool is_received = (std::is_same_v<E, In> || ...);
    template <typename E>
    static constexpr bool is_sent = (std::is_same_v<E, Out> || ...);
    static constexpr bool is_open = false;
};

/// No contract: every event may go either way.
struct no_contract {
    template <typename>
    static constexpr bool is_received = true;
    template <typename>
    static constexpr bool is_sent = true;
    static constexpr bool is_open = true;
};

namespace detail {

/// Fails to compile, naming the mistake, for an event that may not be received.
template <typename Contract, typename E>
[[nodiscard]] constexpr bool check_received() {
    static_assert(check_event<E>());
    constexpr bool fits = Contract::template is_received<E> || lifecycle_event<E>;
    static_assert(
        fits || !Contract::template is_sent<E>,
        "socoro: wrong direction: by its contract this socket sends the event");
    static_assert(
        fits || Contract::template is_sent<E>,
        "socoro: this event is not in the contract of the socket");
    return true;
}

/// As `check_received`, for one that may not be sent.
template <typename Contract, typename E>
[[nodiscard]] constexpr bool check_sent() {
    static_assert(check_event<E>());
    static_assert(
        !lifecycle_event<E>,
        "socoro: this is what a client's socket tells itself: it cannot be sent");
    constexpr bool fits = Contract::template is_sent<E>;
    static_assert(
        fits || !Contract::template is_received<E>,
        "socoro: wrong direction: by its contract this socket receives the event");
    static_assert(
        fits || Contract::template is_received<E>,
        "socoro: this event is not in the contract of the socket");
    return true;
}

/// As `check_sent`, for one that is sent without waiting for a reply.
template <typename Contract, typename E>
[[nodiscard]] constexpr bool check_emitted() {
    static_assert(check_sent<Contract, E>());
    static_assert(
        Contract::is_open || !acknowledged_event<E>,
        "socoro: by the contract this event is acknowledged: use call");
    return true;
}

/// As `check_sent`, for one that waits for a reply.
template <typename Contract, typename E>
[[nodiscard]] constexpr bool check_called() {
    static_assert(check_call<E>());
    static_assert(check_sent<Contract, E>());
    return true;
}

/// Fails to compile for an event without a type, where the contract knows types only.
template <typename Contract>
[[nodiscard]] constexpr bool check_untyped() {
    static_assert(
        Contract::is_open,
        "socoro: a contract knows no events by name: emit one of its types");
    return true;
}

}  // namespace detail

}  // namespace socoro
