// SPDX-License-Identifier: BSL-1.0
// Many events at once: each is given to the handler that takes its type, until the disconnect.
#pragma once

#include <socoro/served.hpp>

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

/// Handlers, and what of them runs.
template <typename Executor, typename... Handlers>
struct serving_state {
    using executor_type = Executor;
    using task = asio::awaitable<void, Executor>;

    explicit serving_state(net::shard& on, Handlers... each)
        : handlers(std::move(each)...)
        , running(std::make_shared<net::task_group>(on.shared_from_this()))
        , ended(on) {}

    /// The names that are served.
    [[nodiscard]] static std::vector<std::string_view> names() {
        std::vector<std::string_view> all;
        (add_name<Handlers>(all), ...);
        return all;
    }

    /// Gives the event to its handler. A coroutine is returned, to be run.
    [[nodiscard]] std::optional<task> start(channel_core& core, incoming&& event) {
        std::optional<task> started;
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
    std::size_t active = 0;
    std::shared_ptr<net::task_group> running;
    net::signal ended;

private:
    template <typename Handler>
    using event_of = typename served<typename parameter_of<Handler>::type>::type;

    template <typename Handler>
    static void add_name(std::vector<std::string_view>& all) {
        if constexpr (std::is_same_v<event_of<Handler>, any_event>)
            all.push_back(inbox::any_name);
        else
            all.emplace_back(event_of<Handler>::event_name);
    }

    template <bool Any, typename Handler>
    [[nodiscard]] static bool start_with(
        Handler& handler,
        channel_core& core,
        incoming& event,
        std::optional<task>& started) {
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
    static void run(Handler& handler, Value&& value, std::optional<task>& started) {
        try {
            if constexpr (std::is_void_v<std::invoke_result_t<Handler&, Value&&>>)
                handler(std::forward<Value>(value));
            else
                started.emplace(handler(std::forward<Value>(value)));
        } catch (...) {
            started.emplace(fail_with(std::current_exception()));
        }
    }

    /// So that a function fails as a coroutine does.
    [[nodiscard]] static task fail_with(std::exception_ptr failure) {
        std::rethrow_exception(failure);
        co_return;
    }
};

/// Runs one handler of several, and tells that it has ended.
template <typename State>
[[nodiscard]] typename State::task run_beside(
    std::shared_ptr<State> state,
    typename State::task task) {
    std::exception_ptr failure;
    try {
        co_await std::move(task);
    } catch (...) {
        failure = std::current_exception();
    }
    --state->active;
    state->ended.notify_all();
    if (failure)
        std::rethrow_exception(failure);
}

/// Runs one handler, which may have waited for the socket and been told of the disconnect.
template <typename Executor>
[[nodiscard]] asio::awaitable<void, Executor> run_in_turn(
    std::shared_ptr<channel_core> core,
    asio::awaitable<void, Executor> task) {
    try {
        co_await std::move(task);
    } catch (...) {
        // A client's socket that has lost its connection serves on.
        if (!core->is_told(engine::error_of(std::current_exception())))
            throw;
    }
}

/// Takes the next event out of the inbox, waiting for it. Gives why there is none, if so.
template <typename Executor>
[[nodiscard]] asio::awaitable<std::error_code, Executor> next_event(
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
        auto const failed = co_await core->wait<Executor>(std::nullopt);
        if (failed)
            co_return failed;
    }
}

/// Serves until there is nothing more to serve, and gives why.
template <typename State>
[[nodiscard]] asio::awaitable<std::error_code, typename State::executor_type> serve_all(
    std::shared_ptr<channel_core> core,
    std::shared_ptr<State> state) {
    using executor_type = typename State::executor_type;
    auto const names = State::names();
    core->inbox().ask_for(names);
    for (;;) {
        // An event is taken when there is a place for it.
        while (state->most > 0 && state->active >= state->most)
            std::ignore = co_await state->ended.template wait<executor_type>();
        std::optional<incoming> event;
        auto const ended = co_await next_event<executor_type>(core, names, event);
        if (ended)
            co_return ended;
        auto task = state->start(*core, std::move(*event));
        if (!task)
            continue;
        if (state->most == 0) {
            co_await run_in_turn(core, std::move(*task));
        } else {
            ++state->active;
            core->spawn(*state->running, run_beside(state, std::move(*task)));
        }
    }
}

/// Serves, and waits until no handler runs, whatever happens meanwhile: they may look at what the
/// caller has.
template <typename State>
[[nodiscard]] asio::awaitable<std::error_code, typename State::executor_type> serve(
    std::shared_ptr<channel_core> core,
    std::shared_ptr<State> state) {
    using executor_type = typename State::executor_type;
    std::error_code ended;
    std::exception_ptr failure;
    try {
        ended = co_await serve_all(core, state);
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure || ended != closed)
        state->running->cancel_all();
    // Who is cancelled must not be thrown out of the waiting.
    bool const throws = co_await asio::this_coro::throw_if_cancelled();
    co_await asio::this_coro::throw_if_cancelled(false);
    while (state->running->size() > 0) {
        auto const interrupted = co_await state->running->template wait<executor_type>();
        if (interrupted)
            state->running->cancel_all();
    }
    co_await asio::this_coro::throw_if_cancelled(throws);
    if (failure)
        std::rethrow_exception(failure);
    co_return ended;
}

}  // namespace detail

/// What `serve` gives: to be awaited, once.
template <typename State>
class [[nodiscard]] serving
    : public asio::awaitable<std::error_code, typename State::executor_type> {
public:
    serving(std::shared_ptr<detail::channel_core> core, std::shared_ptr<State> state)
        : serving::awaitable(detail::serve(std::move(core), state))
        , state_(std::move(state)) {}

    /// Lets up to `most` handlers run side by side; further events wait. An exception out of one of
    /// them is reported to the hook and disconnects the socket. All have ended when this has;
    /// when it is cancelled they are, too.
    serving concurrently(std::size_t most = 64) && {
        state_->most = std::max<std::size_t>(most, 1);
        return std::move(*this);
    }

private:
    std::shared_ptr<State> state_;
};

}  // namespace socoro
