// SPDX-License-Identifier: BSL-1.0
// How a coroutine on any executor waits for one that runs on a shard. Asio's `co_spawn` alone
// carries a cancellation over in the thread of who cancels, where nothing of the shard may be used.
#pragma once

#include <socoro/net/shard.hpp>

#include <exception>
#include <memory>
#include <stdexcept>
#include <type_traits>
#include <utility>

namespace socoro::net {

/// Runs `task` on `owner` and waits until it has ended; throws what it throws. Safe from any
/// executor. Who is cancelled meanwhile has the task cancelled, in its own thread, and waits on for
/// its end.
template <typename Executor = executor>
[[nodiscard]] asio::awaitable<void, Executor> run_on_shard(
    std::shared_ptr<shard> owner,
    asio::awaitable<void> task);

/// What a coroutine on `Executor` awaits in place of `task`, where both run on `owner`.
template <typename Executor>
[[nodiscard]] asio::awaitable<void, Executor> awaited_as(
    std::shared_ptr<shard> owner,
    asio::awaitable<void> task) {
    if constexpr (std::is_same_v<Executor, executor>)
        return task;
    else
        return run_on_shard<Executor>(std::move(owner), std::move(task));
}

namespace detail {

template <typename T, typename Executor>
[[nodiscard]] asio::awaitable<T> run_typed(asio::awaitable<T, Executor> task) {
    auto const ex = co_await asio::this_coro::executor;
    auto const* const own = target_of<Executor>(ex);
    if (!own)
        throw std::logic_error("socoro: this runs on an executor of another type");
    co_return co_await asio::co_spawn(*own, std::move(task), asio::use_awaitable);
}

}  // namespace detail

/// The other way round: what a coroutine of ours awaits in place of a `task` of the program, where
/// both run on the same executor.
template <typename T, typename Executor>
[[nodiscard]] asio::awaitable<T> erased(asio::awaitable<T, Executor> task) {
    if constexpr (std::is_same_v<Executor, executor>)
        return task;
    else
        return detail::run_typed(std::move(task));
}

namespace detail {

template <typename Handler>
void start_on_shard(
    std::shared_ptr<shard> const& owner,
    asio::awaitable<void> task,
    Handler handler) {
    auto const cancel = std::make_shared<asio::cancellation_signal>();
    auto const inner = cancel->slot();
    auto outer = asio::get_associated_cancellation_slot(handler);
    if (outer.is_connected())
        outer.assign([owner, cancel](asio::cancellation_type how) {
            owner->execute([cancel, how] { cancel->emit(how); });
        });
    auto const back =
        asio::prefer(handler.get_executor(), asio::execution::outstanding_work.tracked);
    // The signal is there as long as Asio may look at its slot.
    auto ended = [cancel, outer, back, waits = std::move(handler)](
                     std::exception_ptr const& failure) mutable {
        asio::dispatch(back, [outer, failure, resume = std::move(waits)]() mutable {
            if (outer.is_connected())
                outer.clear();
            std::move(resume)(failure);
        });
    };
    asio::co_spawn(
        owner->get_executor(),
        std::move(task),
        asio::bind_cancellation_slot(inner, std::move(ended)));
}

}  // namespace detail

template <typename Executor>
asio::awaitable<void, Executor> run_on_shard(
    std::shared_ptr<shard> owner,
    asio::awaitable<void> task) {
    auto initiate = [on = std::move(owner), started = std::move(task)](auto handler) mutable {
        detail::start_on_shard(on, std::move(started), std::move(handler));
    };
    using token_type = asio::use_awaitable_t<Executor>;
    token_type token;
    return asio::async_initiate<token_type, void(std::exception_ptr)>(std::move(initiate), token);
}

}  // namespace socoro::net
