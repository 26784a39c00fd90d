// SPDX-License-Identifier: BSL-1.0
// What a program decides about those who connect to a namespace: its handler, its middleware. What
// it gives may be coroutines on any type of executor; what is kept of them knows only one.
#pragma once

#include <socoro/engine/pending_request.hpp>
#include <socoro/namespaces.hpp>
#include <socoro/net/run_on_shard.hpp>
#include <socoro/socket.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace socoro {

/// Runs as long as a socket is connected; when it returns, the socket is disconnected.
template <typename Executor = asio::any_io_executor>
using basic_connection_handler =
    std::function<asio::awaitable<void, Executor>(basic_socket<Executor>)>;

/// The handler of a `server`.
using connection_handler = basic_connection_handler<>;

namespace detail {

/// Runs the handler of a socket, on its own type of executor.
template <typename Executor>
[[nodiscard]] asio::awaitable<void, Executor> run_handler(
    std::shared_ptr<socket_core> socket,
    std::shared_ptr<basic_connection_handler<Executor> const> handler) {
    // Whoever disconnects the socket at the end.
    auto const owner = socket->owning_peer();
    std::exception_ptr failure;
    socket->is_handled = true;
    try {
        auto task = (*handler)(basic_socket<Executor>(socket));
        failure = co_await channel_core::run(socket, std::move(task));
    } catch (...) {
        failure = std::current_exception();
    }
    socket->on_handled(failure);
}

/// What starts a handler. Fails to compile, naming the mistake, for what cannot be one.
template <typename Executor, typename Handler>
[[nodiscard]] handler_starter as_handler(Handler handler) {
    static_assert(
        std::is_invocable_r_v<asio::awaitable<void, Executor>, Handler&, basic_socket<Executor>>,
        "socoro: a connection handler is asio::awaitable<void>(socoro::socket); of a "
        "basic_server<E> it is asio::awaitable<void, E>(socoro::basic_socket<E>)");
    auto const kept =
        std::make_shared<basic_connection_handler<Executor> const>(std::move(handler));
    return [kept](std::shared_ptr<socket_core> const& socket) {
        socket->tasks()->spawn(run_handler<Executor>(socket, kept));
    };
}

/// Runs a step of the program for a socket, on its own type of executor.
template <typename Executor, typename Step, typename... Event>
[[nodiscard]] asio::awaitable<void>
run_step(std::shared_ptr<Step> step, socket& erased, Event&... event) {
    basic_socket<Executor> handle(handle_access::core_of(erased));
    auto task = (*step)(handle, event...);
    co_await net::erased(std::move(task));
}

/// Fails to compile, naming the mistake, for what cannot be a middleware.
template <typename Executor, typename Middleware>
[[nodiscard]] middleware as_middleware(Middleware step) {
    static_assert(
        std::
            is_invocable_r_v<asio::awaitable<void, Executor>, Middleware&, basic_socket<Executor>&>,
        "socoro: a middleware is asio::awaitable<void>(socoro::socket&); of a basic_server<E> it "
        "is asio::awaitable<void, E>(socoro::basic_socket<E>&)");
    if constexpr (std::is_same_v<Executor, net::executor>) {
        return step;
    } else {
        auto const kept = std::make_shared<Middleware>(std::move(step));
        return [kept](socket& erased) { return run_step<Executor>(kept, erased); };
    }
}

/// The same for a packet middleware.
template <typename Executor, typename Middleware>
[[nodiscard]] packet_middleware as_packet_middleware(Middleware step) {
    static_assert(
        std::is_invocable_r_v<
            asio::awaitable<void, Executor>,
            Middleware&,
            basic_socket<Executor>&,
            any_event&>,
        "socoro: a packet middleware is "
        "asio::awaitable<void>(socoro::socket&, socoro::any_event&); of a basic_server<E> it is "
        "asio::awaitable<void, E>(socoro::basic_socket<E>&, socoro::any_event&)");
    if constexpr (std::is_same_v<Executor, net::executor>) {
        return step;
    } else {
        auto const kept = std::make_shared<Middleware>(std::move(step));
        return [kept](socket& erased, any_event& event) {
            return run_step<Executor>(kept, erased, event);
        };
    }
}

/// A rule of the program by which namespaces come into being.
template <typename Executor, typename Predicate>
[[nodiscard]] namespace_predicate as_predicate(Predicate allows) {
    if constexpr (std::is_same_v<Executor, net::executor>) {
        return allows;
    } else {
        auto const kept = std::make_shared<Predicate>(std::move(allows));
        return [kept](std::string const& name, json::value const& auth) {
            return net::erased((*kept)(name, auth));
        };
    }
}

/// Fails to compile, naming the mistake, for what cannot look at requests.
template <typename Executor, typename Step>
[[nodiscard]] engine::request_step as_request_step(Step step) {
    static_assert(
        std::is_invocable_r_v<asio::awaitable<void, Executor>, Step&, engine::pending_request&>,
        "socoro: what looks at requests is asio::awaitable<void>(socoro::pending_request&); of a "
        "basic_server<E> it is asio::awaitable<void, E>(socoro::pending_request&)");
    if constexpr (std::is_same_v<Executor, net::executor>) {
        return step;
    } else {
        auto const kept = std::make_shared<Step>(std::move(step));
        return [kept](engine::pending_request& asked) { return net::erased((*kept)(asked)); };
    }
}

/// What the handles of one namespace, and of a family of namespaces, let the program decide.
template <typename Derived, typename Executor>
class rules_of {
public:
    /// Starts `handler(socket)` for each socket that connects from now on, and keeps it as long as
    /// it runs. When it returns, the socket is disconnected; an exception other than the
    /// disconnect of its own socket is reported to the hook, and ends that socket alone.
    /// It starts again for a socket whose client came back: see `basic_socket::recovered`.
    template <typename Handler>
    Derived const& on_connection(Handler handler) const {
        auto kept =
            std::make_shared<handler_starter const>(as_handler<Executor>(std::move(handler)));
        self().change([kept](namespace_rules& rules) { rules.handler = kept; });
        return self();
    }

    /// Runs `step(socket)` before a socket is connected, after the steps added earlier. It may
    /// wait, set data, join rooms and look at the handshake. An exception refuses the socket: a
    /// `refused` with its message and data, another with its message. It is asked again for a
    /// socket whose client comes back, with the rooms and the data of before, unless the option
    /// `connection_state_recovery.skip_middlewares` is set.
    template <typename Middleware>
    Derived const& use(Middleware step) const {
        auto kept = std::make_shared<middleware const>(as_middleware<Executor>(std::move(step)));
        self().change([kept](namespace_rules& rules) { rules.middlewares.push_back(kept); });
        return self();
    }

    /// Runs `step(socket, event)` for each event before it can be received, one event after the
    /// other, after the steps added earlier; for sockets that connect from now on. It may wait,
    /// meanwhile the client has to, and may change or answer the event. An exception drops the
    /// event and is reported to the hook `packet_refused`; the client is not told.
    template <typename Middleware>
    Derived const& use_packets(Middleware step) const {
        auto kept = std::make_shared<packet_middleware const>(
            as_packet_middleware<Executor>(std::move(step)));
        self().change([kept](namespace_rules& rules) { rules.packet_middlewares.push_back(kept); });
        return self();
    }

private:
    [[nodiscard]] Derived const& self() const { return static_cast<Derived const&>(*this); }
};

}  // namespace detail

}  // namespace socoro
