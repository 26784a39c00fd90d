// SPDX-License-Identifier: BSL-1.0
// The Socket.IO client.
#pragma once

#include <socoro/client_core.hpp>
#include <socoro/client_options.hpp>
#include <socoro/client_socket.hpp>
#include <socoro/net/run_on_shard.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro {

/// A client of one server. Its sockets, one for each namespace, share one connection, which is made
/// when the first socket wants it, made again when it is lost, and ends with the last socket.
/// The execution context must outlive the client; destroying the client closes it.
///
/// Any thread may `close` it; everything else is used on its executor, or before that runs.
///
/// What it gives to wait for is awaited by coroutines on `Executor`, `asio::awaitable<T, Executor>`.
/// `client` is the one for `asio::any_io_executor`, which takes every executor.
template <typename Executor = asio::any_io_executor>
class basic_client {
    static_assert(net::check_executor<Executor>());

public:
    using duration = std::chrono::steady_clock::duration;
    using executor_type = Executor;
    using socket_type = basic_client_socket<Executor>;

    /// A client that runs on `ex`, which runs one task at a time: a strand, or an `io_context` of
    /// one thread. The URL is `http`, `https`, `ws` or `wss`, `https` unless it says so; its path
    /// is the namespace that `connect` takes by default, its query goes with every request. Nothing
    /// is sent yet. Throws `std::system_error` with `errc::invalid_url` for a URL, that of the
    /// proxy included, that is none, and `std::invalid_argument` for a path, a query or header
    /// fields that cannot be in a request.
    basic_client(Executor ex, std::string_view url, client_options opts = {})
        : basic_client(net::shard::make<Executor>(std::move(ex)), url, std::move(opts)) {}

    /// Runs on an `io_context` that one thread runs.
    basic_client(asio::io_context& context, std::string_view url, client_options opts = {}) requires
        std::is_convertible_v<asio::io_context::executor_type, Executor>
        : basic_client(Executor(context.get_executor()), url, std::move(opts)) {}

    /// Runs on a shard with a clock of its own, for tests. Throws `std::invalid_argument` for a
    /// shard that was not made on an `Executor`.
    basic_client(std::shared_ptr<net::shard> owner, std::string_view url, client_options opts = {});

    basic_client(basic_client const&) = delete;
    basic_client& operator=(basic_client const&) = delete;
    ~basic_client() { close(); }

    /// Connects to a namespace, that of the URL unless one is named, and waits until that is done.
    /// A namespace that is connected already gives its socket. The credentials are those of the
    /// options unless there are some here; they are shown at each connect.
    ///
    /// Throws `refused` when the server refuses it; `std::system_error` with the reason when it has
    /// ended otherwise, which without reconnection is the first failure and with it comes after
    /// `reconnection_attempts`; or with `operation_aborted` when cancelled. A socket of which nobody
    /// has a handle, or waits for one, is disconnected then.
    /// Throws `std::invalid_argument` for a name with a comma or a control character.
    [[nodiscard]] asio::awaitable<socket_type, Executor> connect(
        std::string name = {},
        std::optional<credentials> shown = std::nullopt) const {
        return connect(std::move(name), std::move(shown), std::nullopt);
    }

    /// The same, and waits no longer than this: `errc::timeout` otherwise.
    [[nodiscard]] asio::awaitable<socket_type, Executor> connect(
        duration within,
        std::string name = {},
        std::optional<credentials> shown = std::nullopt) const {
        auto const deadline = core_->owner()->now() + within;
        return connect(std::move(name), std::move(shown), deadline);
    }

    /// The same without waiting: what happens can be received from the socket.
    [[nodiscard]] socket_type socket(
        std::string name = {},
        std::optional<credentials> shown = std::nullopt) const {
        auto made = core_->socket(std::move(name), std::move(shown));
        made->on_handed_out();
        return socket_type(std::move(made));
    }

    /// Ends every socket, for good, with `io client disconnect`, after what was sent before; ends
    /// the connection, and every attempt to make one. Safe from any thread, which does not wait. A
    /// server that does not take what was sent may keep the connection for one more heartbeat, up
    /// to the sum of its ping interval and timeout; the other `close` has a limit.
    void close() {
        core_->owner()->execute([core = core_] { core->close(); });
    }

    /// The same, and waits until nothing of the client runs any more, coroutines of `spawn`
    /// included. What has not ended by `within` is cancelled, again and again. Safe from any
    /// executor, but not from a coroutine that `spawn` started, which would be waited for.
    [[nodiscard]] asio::awaitable<void, Executor> close(duration within);

private:
    [[nodiscard]] asio::awaitable<socket_type, Executor> connect(
        std::string name,
        std::optional<credentials> shown,
        std::optional<net::time_point> deadline) const {
        return wait_connected(core_->socket(std::move(name), std::move(shown)), deadline);
    }
    [[nodiscard]] static asio::awaitable<socket_type, Executor> wait_connected(
        std::shared_ptr<detail::client_socket_core> core,
        std::optional<net::time_point> deadline);

    std::shared_ptr<detail::client_core> core_;
};

namespace detail {

[[nodiscard]] inline http::url parse_server(std::string_view url) {
    auto parsed = http::parse_url(url);
    if (!parsed)
        throw std::system_error(parsed.error());
    return std::move(*parsed);
}

}  // namespace detail

template <typename Executor>
basic_client<Executor>::basic_client(
    std::shared_ptr<net::shard> owner,
    std::string_view url,
    client_options opts)
    : core_(net::make_on_shard<detail::client_core>(
          net::checked_as<Executor>(owner),
          owner,
          detail::parse_server(url),
          std::make_shared<client_options const>(std::move(opts)))) {}

template <typename Executor>
asio::awaitable<basic_client_socket<Executor>, Executor> basic_client<Executor>::wait_connected(
    std::shared_ptr<detail::client_socket_core> core,
    std::optional<net::time_point> deadline) {
    std::exception_ptr failure;
    try {
        auto waiting = detail::client_socket_core::wait_connected(core, deadline);
        auto const on = core->owner().shared_from_this();
        co_await net::awaited_as<Executor>(on, std::move(waiting));
    } catch (...) {
        failure = std::current_exception();
    }
    if (failure) {
        if (!core->is_of_use())
            core->disconnect(false);
        std::rethrow_exception(failure);
    }
    core->on_handed_out();
    co_return socket_type(core);
}

template <typename Executor>
asio::awaitable<void, Executor> basic_client<Executor>::close(duration within) {
    auto const core = core_;
    auto closing = detail::client_core::close(core, within);
    co_await net::run_on_shard<Executor>(core->owner(), std::move(closing));
}

/// A client on any executor.
using client = basic_client<>;

}  // namespace socoro
