// SPDX-License-Identifier: BSL-1.0
// Executors that run one task at a time, and whether the caller is one of their tasks.
#pragma once

#include <socoro/net/asio.hpp>

#include <concepts>
#include <type_traits>
#include <utility>

namespace socoro::net {

namespace detail {

template <typename>
inline constexpr bool is_of_pool = false;
template <typename Allocator, unsigned int Bits>
inline constexpr bool is_of_pool<asio::thread_pool::basic_executor_type<Allocator, Bits>> = true;

}  // namespace detail

/// An executor that runs one task at a time and can tell whether the caller is one of them: that of
/// an `io_context` of one thread, a strand, or one of the program that says so by having the member.
/// That of a `thread_pool` has it as well, but its tasks overlap.
template <typename E>
concept serial_executor = !detail::is_of_pool<E> && requires(E const& ex) {
    { ex.running_in_this_thread() } -> std::convertible_to<bool>;
};

/// Fails to compile, naming the mistake, for an executor on which no shard can live.
template <typename E>
[[nodiscard]] constexpr bool check_executor() {
    static_assert(
        std::is_same_v<E, executor> || serial_executor<E>,
        "socoro: this executor may run several tasks at once: take an asio::strand of it, or "
        "socoro::server, which makes one; one of your own that runs one task at a time says so by "
        "having running_in_this_thread()");
    static_assert(
        std::is_constructible_v<executor, E>,
        "socoro: an executor has the properties that asio::any_io_executor asks for");
    return true;
}

/// Tells whether the caller runs on an executor: a few nanoseconds, from any thread. It points
/// into the executor it was made from, which must stay where it is.
class here {
public:
    here() = default;
    explicit here(executor const& ex) noexcept {
        look_for<asio::io_context::executor_type>(ex);
        look_for<asio::strand<asio::io_context::executor_type>>(ex);
        look_for<asio::strand<asio::any_io_executor>>(ex);
        look_for<asio::strand<asio::thread_pool::executor_type>>(ex);
    }

    /// On an executor that is an `E`, whose type may be one of the program.
    template <typename E>
    [[nodiscard]] static here on(executor const& ex) noexcept {
        if constexpr (std::is_same_v<E, executor>)
            return here(ex);
        here known;
        if constexpr (serial_executor<E>)
            known.look_for<E>(ex);
        return known;
    }

    /// Whether the executor is of a kind that can tell.
    [[nodiscard]] bool is_known() const noexcept { return target_ != nullptr; }

    /// False for an executor that cannot tell.
    [[nodiscard]] bool operator()() const noexcept { return target_ && test_(target_); }

private:
    template <typename E>
    void look_for(executor const& ex) noexcept {
        if (auto const* const found = target_of<E>(ex)) {
            target_ = found;
            test_ = [](void const* target) noexcept {
                return static_cast<E const*>(target)->running_in_this_thread();
            };
        }
    }

    void const* target_ = nullptr;
    bool (*test_)(void const*) noexcept = nullptr;
};

/// The executor itself if it is known to run one task at a time, else a strand on it. That is for
/// a `thread_pool`, whose tasks overlap, and for any type of which we know nothing: of those
/// `here` could not tell, and a strand of ours costs less than posting what need not be posted.
[[nodiscard]] inline executor serial(executor ex) {
    if (here(ex).is_known())
        return ex;
    return asio::make_strand(std::move(ex));
}

}  // namespace socoro::net
