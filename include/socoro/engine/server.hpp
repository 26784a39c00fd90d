// SPDX-License-Identifier: BSL-1.0
// An Engine.IO server that stands on its own: messages over polling and WebSocket, with upgrade
// and heartbeat, but without events, rooms or namespaces.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/engine/server_core.hpp>
#include <socoro/engine/session.hpp>
#include <socoro/net/http_server.hpp>

#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace socoro::engine {

/// Handles one session. When it returns, the session is closed.
using session_handler = std::function<asio::awaitable<void>(session)>;

/// An Engine.IO server. The execution context must outlive it; destroying it ends its sessions,
/// whose handlers then end by themselves. Not thread-safe.
class server {
public:
    /// Runs on `ex`, which runs one task at a time. `handler` is started for each session, and
    /// kept as long as it runs.
    server(asio::any_io_executor ex, session_handler handler, options opts = {});

    /// As above, on an `io_context` that one thread runs.
    server(asio::io_context& context, session_handler handler, options opts = {})
        : server(context.get_executor(), std::move(handler), std::move(opts)) {}

    server(server const&) = delete;
    server& operator=(server const&) = delete;
    ~server() { close(); }

    /// Listens at an endpoint and returns it, with the port the system chose for port 0. Requests
    /// that are not under the path get status 404. Throws `std::system_error`.
    net::endpoint listen(net::endpoint const& at) { return http_->listen(at); }

    /// Listens at a port on every address.
    net::endpoint listen(unsigned short port) { return listen(net::any_address(port)); }

    /// Takes the requests under the path from `http`, which needs to run on the same executor.
    void attach(net::http_server& http) { core_->attach(*http.core()); }

    /// Ends every session and listens no more, for good.
    void close();

    /// How many sessions there are.
    [[nodiscard]] std::size_t sessions() const { return core_->sessions(); }

private:
    [[nodiscard]] static std::shared_ptr<sink> start(
        std::shared_ptr<session_core> const& opened,
        std::shared_ptr<session_handler> const& handler);
    [[nodiscard]] static asio::awaitable<void>
    run(std::shared_ptr<session_handler> handler, session opened, hooks const* to_report);

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<server_core> core_;
    std::shared_ptr<net::http_server_core> http_;
};

inline server::server(asio::any_io_executor ex, session_handler handler, options opts)
    : shard_(net::shard::make(std::move(ex))) {
    auto const shared = std::make_shared<session_handler>(std::move(handler));
    core_ = std::make_shared<server_core>(
        shard_,
        std::move(opts),
        [shared](std::shared_ptr<session_core> const& opened) { return start(opened, shared); });
    http_ = std::make_shared<net::http_server_core>(shard_, nullptr, core_->http_options());
    core_->attach(*http_);
}

inline void server::close() {
    close_together(core_, http_);
}

inline std::shared_ptr<sink> server::start(
    std::shared_ptr<session_core> const& opened,
    std::shared_ptr<session_handler> const& handler) {
    auto inbox = std::make_shared<detail::inbox>(opened->owner());
    auto loop = run(handler, session(opened, inbox), &opened->options().hooks);
    asio::co_spawn(opened->owner().get_executor(), std::move(loop), asio::detached);
    return inbox;
}

inline asio::awaitable<void>
server::run(std::shared_ptr<session_handler> handler, session opened, hooks const* to_report) {
    try {
        co_await (*handler)(opened);
    } catch (std::system_error const& e) {
        if (e.code() != closed)
            notify(to_report->handler_failed, opened.id(), e.what());
    } catch (...) {
        notify(to_report->handler_failed, opened.id(), describe(std::current_exception()));
    }
    opened.close();
}

}  // namespace socoro::engine
