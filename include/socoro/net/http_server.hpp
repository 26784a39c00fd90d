// SPDX-License-Identifier: BSL-1.0
// A small HTTP server for programs that have none: a page beside its sockets. It is no web
// framework.
#pragma once

#include <socoro/net/http_server_core.hpp>
#include <socoro/net/run_on_shard.hpp>

#include <memory>
#include <stdexcept>
#include <tuple>
#include <utility>
#include <vector>

namespace socoro::net {

/// What a server has on each of its shards.
using http_parts = std::vector<std::shared_ptr<http_server_core>>;

/// Answers HTTP requests with the program's own handler; Socket.IO or Engine.IO servers attach to
/// it and take the requests under their paths. The execution context must outlive it. Destroying
/// it ends its connections, but not those that became sessions. Not thread-safe: it is used on its
/// executor, of several on the first, or before they run.
class http_server {
public:
    /// Runs on `ex`, which runs one task at a time. Without a handler every request that nobody
    /// else owns gets status 404.
    explicit http_server(
        asio::any_io_executor ex,
        http_handler handler = nullptr,
        http_server_options options = {})
        : http_server(std::vector{std::move(ex)}, std::move(handler), std::move(options)) {}

    /// As above, on an `io_context` that one thread runs.
    explicit http_server(
        asio::io_context& context,
        http_handler handler = nullptr,
        http_server_options options = {})
        : http_server(context.get_executor(), std::move(handler), std::move(options)) {}

    /// Runs on several executors, each of which runs one task at a time. It accepts on the first, and
    /// hands each connection to the one that has the fewest. The handler and the hooks are called
    /// on all of them, at once: what they share has to bear that. Throws `std::invalid_argument`
    /// without any executor.
    explicit http_server(
        std::vector<asio::any_io_executor> const& shards,
        http_handler handler = nullptr,
        http_server_options const& options = {});

    http_server(http_server const&) = delete;
    http_server& operator=(http_server const&) = delete;
    ~http_server() { close(); }

    /// Listens at an endpoint and returns it, with the port the system chose for port 0.
    /// Throws `std::system_error`, if the port is taken for example, and `std::logic_error`
    /// once it was closed.
    endpoint listen(endpoint const& at, listen_options how = {}) { return core()->listen(at, how); }

    /// Listens at a port on every address, IPv6 and IPv4.
    endpoint listen(unsigned short port, listen_options how = {}) {
        return listen(any_address(port), how);
    }

    /// Listens on a socket that listens already, of whatever family: systemd has made it, or the
    /// process before this one. Returns where, without address and port if that is not TCP.
    /// Throws as above.
    endpoint listen(descriptor listening) { return core()->listen(std::move(listening)); }

    /// Accepts no more, but for those who have connected before; connections go on.
    void stop_listening() { core()->stop_listening(); }

    /// Accepts no more and ends every connection that did not become a session. That is final.
    void close();

    /// Accepts no more, answers every request that has begun to arrive, each as the last of its
    /// connection, and waits until every connection has ended, those that became sessions or
    /// WebSockets among them: close first what is attached. Connections between two requests end at
    /// once. What has not ended by `patience` is cancelled, and waited for: it leaves nothing behind. The server may be destroyed meanwhile. Not for a
    /// handler of its own, which would wait for itself; cancelled, it stops to wait, but the server
    /// stays closed.
    [[nodiscard]] asio::awaitable<void> close(duration patience) { return close(parts_, patience); }

    /// What it has on its first executor, or its only one.
    [[nodiscard]] std::shared_ptr<http_server_core> const& core() const { return parts_.front(); }
    [[nodiscard]] std::shared_ptr<shard> const& owner() const { return core()->owner(); }
    /// What it has on each of its executors.
    [[nodiscard]] http_parts const& parts() const noexcept { return parts_; }

private:
    [[nodiscard]] static asio::awaitable<void> close(http_parts parts, duration patience);
    [[nodiscard]] static asio::awaitable<void> close_part(
        std::shared_ptr<http_server_core> core,
        time_point deadline);

    http_parts parts_;
};

/// The part on the executor of a shard. Throws `std::invalid_argument` if there is none.
[[nodiscard]] inline std::shared_ptr<http_server_core> const& part_on(
    http_parts const& parts,
    shard const& where) {
    for (auto const& part : parts)
        if (part->owner()->get_executor() == where.get_executor())
            return part;
    throw std::invalid_argument("socoro: an HTTP server runs on the executors of what it serves");
}

inline http_server::http_server(
    std::vector<asio::any_io_executor> const& shards,
    http_handler handler,
    http_server_options const& options) {
    if (shards.empty())
        throw std::invalid_argument("socoro: an HTTP server needs an executor");
    if (shards.size() == 1) {
        auto const on = shard::make(shards.front());
        parts_ = {std::make_shared<http_server_core>(on, std::move(handler), options)};
        return;
    }
    http_handler shared;
    if (handler)
        shared = [one = std::make_shared<http_handler const>(std::move(handler))](
                     http::request request) { return (*one)(std::move(request)); };
    for (auto const& ex : shards) {
        auto const on = shard::make(ex);
        parts_.push_back(make_on_shard<http_server_core>(on, on, shared, options));
    }
    http_server_core::introduce(parts_);
}

inline void http_server::close() {
    if (parts_.size() == 1)
        return core()->close();
    for (auto const& part : parts_)
        part->owner()->execute([part] { part->close(); });
}

inline asio::awaitable<void> http_server::close(http_parts parts, duration patience) {
    auto const deadline = parts.front()->owner()->now() + patience;
    if (parts.size() == 1)
        co_return co_await close_part(parts.front(), deadline);
    auto const all = std::make_shared<task_group>(parts.front()->owner());
    for (auto const& part : parts)
        all->spawn(run_on_shard(part->owner(), close_part(part, deadline)));
    auto const cancelled = co_await all->wait();
    if (cancelled)
        all->cancel_all();
}

inline asio::awaitable<void> http_server::close_part(
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
