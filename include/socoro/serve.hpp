// SPDX-License-Identifier: BSL-1.0
// Many events at once: each is given to the handler that takes its type, until the disconnect.
#pragma once

#include <socoro/receive.hpp>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro {

/// Handlers for different events, as `serve` takes them; the usual helper of `std::visit`, too.
template <typename... Handlers>
struct overloaded : Handlers... {
    using Handlers::operator()...;
};
template <typename... Handlers>
overloaded(Handlers...) -> overloaded<Handlers...>;

namespace detail {

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
template <typename Contract, typename Handler>
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
            std::is_void_v<result> || std::is_same_v<result, asio::awaitable<void>>,
            "socoro: a handler given to serve is a coroutine, asio::awaitable<void>, or gives "
            "void");
    }
    return true;
}

/// Handlers, and what of them runs.
template <typename... Handlers>
struct serving_state {
    explicit serving_state(net::shard& owner, Handlers... each)
        : handlers(std::move(each)...)
        , ended(owner) {}

    /// The names that are served; none where one handler takes any.
    [[nodiscard]] static std::vector<std::string_view> names() {
        std::vector<std::string_view> all;
        bool const any = (add_name<Handlers>(all) || ...);
        if (any)
            all.clear();
        return all;
    }

    /// Gives the event to its handler. A coroutine is returned, to be run.
    [[nodiscard]] std::optional<asio::awaitable<void>> start(channel_core& core, incoming&& event) {
        std::optional<asio::awaitable<void>> started;
        std::apply(
            [&](auto&... each) {
                // What takes any event is asked last.
                std::ignore = (start_with<false>(each, core, event, started) || ...) ||
                              (start_with<true>(each, core, event, started) || ...);
            },
            handlers);
        return started;
    }

    std::tuple<Handlers...> handlers;
    /// How many coroutines may run at once; 0: one after the other, in the order of the events.
    std::size_t most = 0;
    std::size_t running = 0;
    net::signal ended;

private:
    template <typename Handler>
    using event_of = typename served<typename parameter_of<Handler>::type>::type;

    template <typename Handler>
    [[nodiscard]] static bool add_name(std::vector<std::string_view>& all) {
        if constexpr (std::is_same_v<event_of<Handler>, any_event>) {
            return true;
        } else {
            all.emplace_back(event_of<Handler>::event_name);
            return false;
        }
    }

    template <bool Any, typename Handler>
    [[nodiscard]] static bool start_with(
        Handler& handler,
        channel_core& core,
        incoming& event,
        std::optional<asio::awaitable<void>>& started) {
        using event_type = event_of<Handler>;
        if constexpr (std::is_same_v<event_type, any_event> != Any) {
            return false;
        } else if constexpr (Any) {
            auto const id = event.id;
            run(handler, any_event(std::move(event), core.reply_to(id)), started);
            return true;
        } else {
            if (event.name != event_type::event_name)
                return false;
            if (auto value = read_event<event_type>(core, event))
                run(handler, std::move(*value), started);
            return true;
        }
    }

    template <typename Handler, typename Value>
    static void
    run(Handler& handler, Value&& value, std::optional<asio::awaitable<void>>& started) {
        if constexpr (std::is_void_v<std::invoke_result_t<Handler&, Value&&>>)
            handler(std::forward<Value>(value));
        else
            started.emplace(handler(std::forward<Value>(value)));
    }
};

template <typename State>
[[nodiscard]] asio::awaitable<void> run_beside(
    std::shared_ptr<State> state,
    asio::awaitable<void> task) {
    std::exception_ptr failure;
    try {
        co_await std::move(task);
    } catch (...) {
        failure = std::current_exception();
    }
    --state->running;
    state->ended.notify_all();
    if (failure)
        std::rethrow_exception(failure);
}

/// Runs what an event started, or has it run beside others.
template <typename State>
[[nodiscard]] asio::awaitable<void> run_started(
    std::shared_ptr<channel_core> core,
    std::shared_ptr<State> state,
    asio::awaitable<void> task) {
    if (state->most == 0)
        co_return co_await std::move(task);
    while (state->running >= state->most)
        std::ignore = co_await state->ended.wait();
    ++state->running;
    core->spawn(run_beside(state, std::move(task)));
}

/// Takes the next event out of the inbox, waiting for it. Gives why there is none, if so.
[[nodiscard]] inline asio::awaitable<std::error_code> next_event(
    std::shared_ptr<channel_core> core,
    std::vector<std::string_view> const& names,
    std::optional<incoming>& into) {
    for (;;) {
        into = core->inbox().take(names);
        if (into) {
            core->on_taken();
            co_return std::error_code();
        }
        if (auto const reason = core->ended())
            co_return *reason;
        auto const failed = co_await core->wait(std::nullopt);
        if (failed)
            co_return failed;
    }
}

template <typename State>
[[nodiscard]] asio::awaitable<std::error_code> serve(
    std::shared_ptr<channel_core> core,
    std::shared_ptr<State> state) {
    auto const names = State::names();
    core->inbox().ask_for(names);
    std::error_code ended;
    try {
        while (!ended) {
            std::optional<incoming> event;
            ended = co_await next_event(core, names, event);
            auto task = event ? state->start(*core, std::move(*event)) : std::nullopt;
            if (task)
                co_await run_started(core, state, std::move(*task));
        }
    } catch (std::system_error const& e) {
        // A handler that waited for the socket was told of the disconnect.
        if (e.code() != closed || !core->reason())
            throw;
        ended = e.code();
    }
    while (state->running > 0)
        std::ignore = co_await state->ended.wait();
    co_return ended;
}

}  // namespace detail

/// What `serve` gives: to be awaited, once.
template <typename State>
class [[nodiscard]] serving : public asio::awaitable<std::error_code> {
public:
    serving(std::shared_ptr<detail::channel_core> core, std::shared_ptr<State> state)
        : asio::awaitable<std::error_code>(detail::serve(std::move(core), state))
        , state_(std::move(state)) {}

    /// Lets up to `most` handlers run side by side. An exception out of one of them is reported
    /// to the hook and disconnects the socket.
    serving concurrently(std::size_t most = 64) && {
        state_->most = std::max<std::size_t>(most, 1);
        return std::move(*this);
    }

private:
    std::shared_ptr<State> state_;
};

}  // namespace socoro
