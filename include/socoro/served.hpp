// SPDX-License-Identifier: BSL-1.0
// Which event a handler given to `serve` takes: the type of its one parameter says it.
#pragma once

#include <socoro/contract.hpp>
#include <socoro/receive.hpp>

#include <type_traits>

namespace socoro::detail {

template <typename R, typename T, typename E>
E parameter(R (T::*)(E));
template <typename R, typename T, typename E>
E parameter(R (T::*)(E) const);
template <typename R, typename T, typename E>
E parameter(R (T::*)(E) noexcept);
template <typename R, typename T, typename E>
E parameter(R (T::*)(E) const noexcept);

/// What a handler takes, if that is one thing.
template <typename Handler>
struct parameter_of {};
template <typename Handler>
requires requires {
    parameter(&Handler::operator());
}
struct parameter_of<Handler> {
    using type = std::remove_cvref_t<decltype(parameter(&Handler::operator()))>;
};
template <typename R, typename E>
struct parameter_of<R (*)(E)> {
    using type = std::remove_cvref_t<E>;
};

/// The event that a handler takes; `any_event` for one that takes all others.
template <typename Parameter>
struct served {
    using type = Parameter;
};
template <typename E>
struct served<request<E>> {
    using type = E;
};

template <typename Handler>
inline constexpr bool takes_one_event = requires {
    typename parameter_of<Handler>::type;
};

/// Fails to compile, naming the mistake, for what cannot serve events.
template <typename Executor, typename Contract, typename Handler>
[[nodiscard]] constexpr bool check_server() {
    static_assert(
        takes_one_event<Handler>,
        "socoro: a handler given to serve takes one event, whose type is written down");
    if constexpr (takes_one_event<Handler>) {
        using parameter = typename parameter_of<Handler>::type;
        using event = typename served<parameter>::type;
        if constexpr (!std::is_same_v<event, any_event>) {
            static_assert(check_received<Contract, event>());
            static_assert(
                std::is_same_v<parameter, received_t<event>>,
                "socoro: this event is acknowledged: its handler takes a socoro::request of it");
        }
        using result = std::invoke_result_t<Handler&, parameter>;
        static_assert(
            std::is_void_v<result> || std::is_same_v<result, asio::awaitable<void, Executor>>,
            "socoro: a handler given to serve is a coroutine, asio::awaitable<void>, or gives "
            "void; the coroutine has the executor of the socket");
    }
    return true;
}

}  // namespace socoro::detail
