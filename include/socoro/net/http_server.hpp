// SPDX-License-Identifier: BSL-1.0
// A small HTTP server for programs that have none: a page beside its sockets. It is no web
// framework.
#pragma once

#include <socoro/net/http_server_core.hpp>

#include <memory>
#include <tuple>
#include <utility>

namespace socoro::net {

/// Answers HTTP requests with the program's own handler; Socket.IO or Engine.IO servers attach to
/// it and take the requests under their paths. The execution context must outlive it. Destroying
/// it ends its connections, but not those that became sessions. Not thread-safe.
class http_server {
public:
    /// Runs on `ex`, which runs one task at a time. Without a handler every request that nobody
    /// else owns gets status 404.
    explicit http_server(
        asio::any_io_executor ex,
        http_handler handler = nullptr,
        http_server_options options = {})
        : shard_(shard::make(std::move(ex)))
        , core_(
              std::make_shared<http_server_core>(shard_, std::move(handler), std::move(options))) {}

    /// As above, on an `io_context` that one thread runs.
    explicit http_server(
        asio::io_context& context,
        http_handler handler = nullptr,
        http_server_options options = {})
        : http_server(context.get_executor(), std::move(handler), std::move(options)) {}

    http_server(http_server const&) = delete;
    http_server& operator=(http_server const&) = delete;
    ~http_server() { core_->close(); }

    /// Listens at an endpoint and returns it, with the port the system chose for port 0.
    /// Throws `std::system_error`, if the port is taken for example, and `std::logic_error`
    /// once it was closed.
    endpoint listen(endpoint const& at, listen_options how = {}) { return core_->listen(at, how); }

    /// Listens at a port on every address, IPv6 and IPv4.
    endpoint listen(unsigned short port, listen_options how = {}) {
        return listen(any_address(port), how);
    }

    /// Listens on a socket that listens already, of whatever family: systemd has made it, or the
    /// process before this one. Returns where, without address and port if that is not TCP.
    /// Throws as above.
    endpoint listen(descriptor listening) { return core_->listen(std::move(listening)); }

    /// Accepts no more, but for those who have connected before; connections go on.
    void stop_listening() { core_->stop_listening(); }

    /// Accepts no more and ends every connection that did not become a session. That is final.
    void close() { core_->close(); }

    /// Accepts no more, answers every request that has begun to arrive, each as the last of its
    /// connection, and waits until every connection has ended, those that became sessions or
    /// WebSockets among them: close first what is attached. Connections between two requests end at
    /// once. What has not ended by `patience` is cancelled, and waited for: it leaves nothing behind. The server may be destroyed meanwhile. Not for a
    /// handler of its own, which would wait for itself; cancelled, it stops to wait, but the server
    /// stays closed.
    [[nodiscard]] asio::awaitable<void> close(duration patience) {
        return close(core_, shard_->now() + patience);
    }

    [[nodiscard]] std::shared_ptr<http_server_core> const& core() const { return core_; }
    [[nodiscard]] std::shared_ptr<shard> const& owner() const { return shard_; }

private:
    [[nodiscard]] static asio::awaitable<void> close(
        std::shared_ptr<http_server_core> core,
        time_point deadline);

    std::shared_ptr<shard> shard_;
    std::shared_ptr<http_server_core> core_;
};

inline asio::awaitable<void> http_server::close(
    std::shared_ptr<http_server_core> core,
    time_point deadline) {
    core->finish();
    auto const late = co_await core->wait_closed(deadline);
    if (late != errc::timeout)
        co_return;
    core->abandon();
    std::ignore = co_await core->wait_closed();
}

}  // namespace socoro::net
