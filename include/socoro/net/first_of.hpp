// SPDX-License-Identifier: BSL-1.0
// Several awaitables side by side, until the first of them ends.
//
// Asio's parallel group would do most of that, but it starts every awaitable, also when the first
// is ready, so that each would have to be told before it takes anything that it has lost; and
// what it gives must be default-constructible.
#pragma once

#include <socoro/net/asio.hpp>

#include <array>
#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>

namespace socoro::net {

/// What `first_of` gives: one alternative for each awaitable, `std::monostate` for `void`.
template <typename... Ts>
using first_of_t = std::variant<std::conditional_t<std::is_void_v<Ts>, std::monostate, Ts>...>;

namespace detail {

/// The awaitables that run side by side, and who waits for them. Owned by those that run.
template <typename Executor, typename Handler, typename... Ts>
class contest : public std::enable_shared_from_this<contest<Executor, Handler, Ts...>> {
public:
    contest(Executor ex, Handler handler)
        : executor_(std::move(ex))
        , handler_(std::move(handler)) {}

    void start(asio::awaitable<Ts, Executor>&... each) {
        follow_parent();
        start_each(std::index_sequence_for<Ts...>(), each...);
        // Whoever waits is about to be suspended, and must not be resumed before.
        if (running_ == 1)
            asio::post(executor_, [self = this->shared_from_this()] { self->leave(); });
        else
            leave();
    }

private:
    using self_ptr = std::shared_ptr<contest>;

    void follow_parent() {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.assign([weak = this->weak_from_this()](asio::cancellation_type) {
                if (auto const self = weak.lock())
                    self->cancel_but(sizeof...(Ts));
            });
    }

    template <std::size_t... Is>
    void start_each(std::index_sequence<Is...>, asio::awaitable<Ts, Executor>&... each) {
        (start_one<Is>(std::move(each)), ...);
    }

    template <std::size_t I, typename T>
    void start_one(asio::awaitable<T, Executor> each) {
        if (decided_)
            return;
        ++running_;
        auto end = [self = this->shared_from_this()](std::exception_ptr const& why) {
            // That of one that was cancelled before it had started.
            if (why)
                self->fail(I, why);
            self->leave();
        };
        asio::co_spawn(
            executor_,
            run<I>(this->shared_from_this(), std::move(each)),
            asio::bind_cancellation_slot(cancels_[I].slot(), std::move(end)));
    }

    template <std::size_t I, typename T>
    [[nodiscard]] static asio::awaitable<void, Executor> run(
        self_ptr self,
        asio::awaitable<T, Executor> each) {
        try {
            if constexpr (std::is_void_v<T>) {
                co_await std::move(each);
                self->template win<I>(std::monostate());
            } else {
                auto value = co_await std::move(each);
                self->template win<I>(std::move(value));
            }
        } catch (...) {
            self->fail(I, std::current_exception());
        }
    }

    template <std::size_t I, typename Value>
    void win(Value&& value) {
        if (std::exchange(decided_, true))
            return;
        value_.emplace(std::in_place_index<I>, std::forward<Value>(value));
        cancel_but(I);
    }

    void fail(std::size_t which, std::exception_ptr why) {
        if (std::exchange(decided_, true))
            return;
        failure_ = std::move(why);
        cancel_but(which);
    }

    void cancel_but(std::size_t winner) {
        for (std::size_t i = 0; i < cancels_.size(); ++i)
            if (i != winner)
                cancels_[i].emit(asio::cancellation_type::all);
    }

    void leave() {
        if (--running_ > 0)
            return;
        auto handler = std::move(handler_);
        std::move(handler)(std::move(failure_), std::move(value_));
    }

    Executor executor_;
    Handler handler_;
    std::array<asio::cancellation_signal, sizeof...(Ts)> cancels_;
    // Those that have not ended, and one more until all are started.
    std::size_t running_ = 1;
    bool decided_ = false;
    std::optional<first_of_t<Ts...>> value_;
    std::exception_ptr failure_;
};

}  // namespace detail

/// Runs the awaitables side by side, on the executor of the caller, and gives the value of the
/// first that ends, or throws what it ended with; `index()` tells which. The others are
/// cancelled, and have ended when this returns; what they end with is dropped.
///
/// They are started one after the other, and no more once one has ended: if the first is ready,
/// the others never begin. One that is cancelled while it waits for our own signals, as `recv`
/// does, takes nothing; an operation of Asio may have completed by then, and what it brings is
/// lost. Cancelling this cancels all of them.
template <typename Executor, typename... Ts>
requires(sizeof...(Ts) > 0) [[nodiscard]] asio::awaitable<first_of_t<Ts...>, Executor> first_of(
    asio::awaitable<Ts, Executor>... each) {
    auto const ex = co_await asio::this_coro::executor;
    auto initiate = [&](auto handler) {
        using contest_type = detail::contest<Executor, decltype(handler), Ts...>;
        std::make_shared<contest_type>(ex, std::move(handler))->start(each...);
    };
    using result = std::optional<first_of_t<Ts...>>;
    using token_type = asio::use_awaitable_t<Executor>;
    token_type token;
    auto won = co_await asio::async_initiate<token_type, void(std::exception_ptr, result)>(
        initiate,
        token);
    co_return std::move(*won);
}

}  // namespace socoro::net

namespace socoro {

using net::as_tuple;
using net::first_of;

}  // namespace socoro
