// SPDX-License-Identifier: BSL-1.0
// The one header that includes Asio: standalone, 1.22.1 or newer, seen through the subset that
// all of these versions share.
#pragma once

#include <socoro/base/config.hpp>

// clang does not announce the coroutine support that Asio before 1.24 looks for.
#if defined(__clang__) && !defined(ASIO_HAS_CO_AWAIT)
#define ASIO_HAS_CO_AWAIT 1
#endif
#if defined(__clang__) && !defined(ASIO_HAS_STD_COROUTINE)
#define ASIO_HAS_STD_COROUTINE 1
#endif

#include <asio/any_io_executor.hpp>
#include <asio/associated_cancellation_slot.hpp>
#include <asio/associated_executor.hpp>
#include <asio/async_result.hpp>
#include <asio/awaitable.hpp>
#include <asio/basic_socket_acceptor.hpp>
#include <asio/bind_cancellation_slot.hpp>
#include <asio/bind_executor.hpp>
#include <asio/buffer.hpp>
#include <asio/cancellation_signal.hpp>
#include <asio/cancellation_state.hpp>
#include <asio/co_spawn.hpp>
#include <asio/detached.hpp>
#include <asio/execution_context.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/generic/stream_protocol.hpp>
#include <asio/io_context.hpp>
#include <asio/ip/tcp.hpp>
#include <asio/ip/v6_only.hpp>
#include <asio/post.hpp>
#include <asio/steady_timer.hpp>
#include <asio/strand.hpp>
#include <asio/this_coro.hpp>
#include <asio/thread_pool.hpp>
#include <asio/use_awaitable.hpp>
#include <asio/version.hpp>
#if ASIO_VERSION >= 102400
#include <asio/as_tuple.hpp>
#else
#include <asio/experimental/as_tuple.hpp>
#endif

#include <typeinfo>

#if !defined(ASIO_HAS_CO_AWAIT)
#error \
    "Asio was included before socoro without coroutines: define ASIO_HAS_CO_AWAIT=1 and ASIO_HAS_STD_COROUTINE=1 for the whole program, or include <socoro.hpp> first"
#endif

namespace socoro::net {

/// Where everything runs that belongs to one shard.
using executor = asio::any_io_executor;

/// The executor inside if it is an `E`. Asio's `target` casts to whatever it is asked for.
template <typename E>
[[nodiscard]] E const* target_of(executor const& ex) noexcept {
    return ex.target_type() == typeid(E) ? ex.template target<E>() : nullptr;
}

#if ASIO_VERSION >= 102400
using as_tuple_type = asio::as_tuple_t<asio::use_awaitable_t<>>;
#else
using as_tuple_type = asio::experimental::as_tuple_t<asio::use_awaitable_t<>>;
#endif

/// A completion token: the awaitable gives a tuple that starts with the error, and never throws.
inline constexpr as_tuple_type as_tuple{asio::use_awaitable};

}  // namespace socoro::net
