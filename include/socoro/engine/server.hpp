// SPDX-License-Identifier: BSL-1.0
// An Engine.IO server that stands on its own: messages over polling and WebSocket, with upgrade
// and heartbeat, but without events, rooms or namespaces.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/engine/closing.hpp>
#include <socoro/engine/failure.hpp>
#include <socoro/engine/session.hpp>
#include <socoro/net/http_server.hpp>
#include <socoro/net/task_group.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <utility>

namespace socoro::engine {

/// Handles one session. When it returns, the session is closed. What it throws goes to the hook
/// `handler_failed`, but for the end of its own session and the cancellation by `server::close`.
using session_handler = std::function<asio::awaitable<void>(session)>;

/// An Engine.IO server. The execution context must outlive it; destroying it ends its sessions,
/// whose handlers then end by themselves. Not thread-safe.
class server {
public:
    /// Runs on `ex`, which runs one task at a time. `handler` is started for each session, and
    /// kept as long as it runs.
    server(asio::any_io_executor ex, session_handler handler, options opts = {})
        : server(net::shard::make(std::move(ex)), std::move(handler), std::move(opts)) {}

    /// As above, on an `io_context` that one thread runs.
    server(asio::io_context& context, session_handler handler, options opts = {})
        : server(context.get_executor(), std::move(handler), std::move(opts)) {}

    /// As above, on a shard, which may have a clock of its own.
    server(std::shared_ptr<net::shard> owner, session_handler handler, options opts = {});

    server(server const&) = delete;
    server& operator=(server const&) = delete;
    ~server() { close(); }

    /// Listens at an endpoint and returns it, with the port the system chose for port 0. Requests
    /// that are not under the path get status 404. Throws `std::system_error`.
    net::endpoint listen(net::endpoint const& at, net::listen_options how = {}) {
        return http_->listen(at, how);
    }

    /// Listens at a port on every address.
    net::endpoint listen(unsigned short port, net::listen_options how = {}) {
        return listen(net::any_address(port), how);
    }

    /// Listens on a socket that listens already. Throws as above.
    net::endpoint listen(net::descriptor listening) { return http_->listen(std::move(listening)); }

    /// Accepts no more; sessions and connections go on.
    void stop_listening() { http_->stop_listening(); }

    /// Takes the requests under the path from `http`, which needs to run on the same executor.
    void attach(net::http_server& http) { core_->attach(*http.core()); }

    /// Serves a connection that somebody else accepted. If they have read something, it is another
    /// HTTP server's: the first request that is not under the path goes `back`, with the connection;
    /// without that, the first answer is the last.
    void serve(
        std::shared_ptr<net::stream> connection,
        std::string already_read = {},
        net::give_back back = nullptr) {
        http_->serve_for_another(std::move(connection), std::move(already_read), std::move(back));
    }

    /// Ends every session and listens no more, for good. Waits for nothing.
    void close();

    /// Listens no more, answers the requests that have begun to arrive, ends every session after the
    /// POST that is on its way to it, and waits until nothing is left: no handler, session or closing handshake, and no
    /// connection but those of an HTTP server it is attached to. What takes longer than `patience`
    /// is cancelled: whatever a handler awaits then throws `operation_aborted`. The server may be
    /// destroyed meanwhile. Not for a handler of its own, which would wait for itself; cancelled,
    /// it stops to wait, but the server stays closed.
    [[nodiscard]] asio::awaitable<void> close(net::duration patience) {
        return close(core_, http_, handlers_, shard_->now() + patience);
    }

    /// Runs `step` for every request under the path, after the steps added earlier, before anything
    /// is said about it.
    void use_requests(request_step step) { core_->use(std::move(step)); }

    /// How many sessions there are.
    [[nodiscard]] std::size_t sessions() const { return core_->sessions(); }

private:
    using handler_ptr = std::shared_ptr<session_handler>;
    using group_ptr = std::shared_ptr<net::task_group>;

    [[nodiscard]] static std::shared_ptr<sink> start(
        std::shared_ptr<session_core> const& opened,
        handler_ptr const& handler,
        group_ptr const& handlers);
    [[nodiscard]] static asio::awaitable<void> run(
        handler_ptr handler,
        std::shared_ptr<session_core> opened,
        std::shared_ptr<detail::inbox> inbox);
    [[nodiscard]] static asio::awaitable<void> close(
        std::shared_ptr<server_core> core,
        std::shared_ptr<net::http_server_core> http,
        group_ptr handlers,
        net::time_point deadline);

    std::shared_ptr<net::shard> shard_;
    group_ptr handlers_;
    std::shared_ptr<server_core> core_;
    std::shared_ptr<net::http_server_core> http_;
};

inline server::server(std::shared_ptr<net::shard> owner, session_handler handler, options opts)
    : shard_(std::move(owner))
    , handlers_(std::make_shared<net::task_group>(shard_)) {
    auto accept = [shared = std::make_shared<session_handler>(std::move(handler)),
                   handlers = handlers_](std::shared_ptr<session_core> const& opened) {
        return start(opened, shared, handlers);
    };
    core_ = std::make_shared<server_core>(shard_, std::move(opts), std::move(accept));
    http_ = std::make_shared<net::http_server_core>(shard_, nullptr, core_->http_options());
    core_->attach(*http_);
}

inline void server::close() {
    close_together(core_, http_);
}

inline asio::awaitable<void> server::close(
    std::shared_ptr<server_core> core,
    std::shared_ptr<net::http_server_core> http,
    group_ptr handlers,
    net::time_point deadline) {
    http->finish();
    core->finish(errc::forced_close);
    co_await await_end(core, http, handlers, deadline);
}

inline std::shared_ptr<sink> server::start(
    std::shared_ptr<session_core> const& opened,
    handler_ptr const& handler,
    group_ptr const& handlers) {
    auto inbox = std::make_shared<detail::inbox>(opened->owner());
    handlers->spawn(run(handler, opened, inbox));
    return inbox;
}

inline asio::awaitable<void> server::run(
    handler_ptr handler,
    std::shared_ptr<session_core> opened,
    std::shared_ptr<detail::inbox> inbox) {
    std::exception_ptr failure;
    try {
        session handle(opened, inbox);
        co_await (*handler)(handle);
    } catch (...) {
        failure = std::current_exception();
    }
    auto const state = co_await asio::this_coro::cancellation_state;
    bool const cancelled = state.cancelled() != asio::cancellation_type::none;
    auto const why = error_of(failure);
    bool const is_expected =
        (why == closed && inbox->reason) || (why == asio::error::operation_aborted && cancelled);
    if (failure && !is_expected)
        notify(opened->options().hooks.handler_failed, opened->sid(), describe(unwrapped(failure)));
    opened->close();
}

}  // namespace socoro::engine
