// SPDX-License-Identifier: BSL-1.0
// Reaches a server by TCP: looks its name up and tries one address after the other.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/net/connector.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/net/stream.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>
#include <vector>

namespace socoro::net {

/// Addresses with ports, in the order in which they are to be tried.
using endpoints = std::vector<asio::ip::tcp::endpoint>;

/// Connects by TCP; whether TLS is to follow is not its business. It has no state.
class tcp_connector final : public connector {
public:
    /// Errors: those of the resolver; if no address can be connected to, that of the last.
    [[nodiscard]] asio::awaitable<result<std::shared_ptr<stream>>>
    connect(std::shared_ptr<shard> on, remote to, std::shared_ptr<stop_source> stop) override;
};

/// Looks a name up; an address is taken as it is. Ends soon with `operation_aborted` once `stop`
/// says so. The system's resolver cannot be interrupted: it goes on in a thread of Asio's, which
/// `io_context::run` and the end of the context wait for.
[[nodiscard]] asio::awaitable<result<endpoints>> resolve(
    std::shared_ptr<shard> on,
    std::string host,
    std::uint16_t port,
    std::shared_ptr<stop_source> stop);

/// Connects to the first that can be connected to. Errors: that of the last one, `host_not_found`
/// if there is none, `operation_aborted` once `stop` says so.
[[nodiscard]] asio::awaitable<result<std::shared_ptr<stream>>>
connect_to_any(std::shared_ptr<shard> on, endpoints to, std::shared_ptr<stop_source> stop);

namespace detail {

/// A name that is being looked up. Shared by who asked and by who waits for the system's answer,
/// so that the former can leave first.
class lookup : public std::enable_shared_from_this<lookup> {
public:
    explicit lookup(std::shared_ptr<shard> on)
        : shard_(std::move(on))
        , resolver_(shard_->get_executor())
        , ended_(*shard_) {}

    void start(std::string host, std::uint16_t port) {
        auto asking = ask(shared_from_this(), std::move(host), std::to_string(port));
        asio::co_spawn(shard_->get_executor(), std::move(asking), asio::detached);
    }

    /// Who asked is resumed later.
    void stop() {
        resolver_.cancel();
        end(asio::error::operation_aborted);
        shard_->defer([self = shared_from_this()] { self->ended_.notify_all(); });
    }

    [[nodiscard]] static asio::awaitable<result<endpoints>> wait(std::shared_ptr<lookup> self) {
        while (!self->done_) {
            auto const ec = co_await self->ended_.wait();
            if (ec)
                co_return ec;
        }
        if (self->error_)
            co_return self->error_;
        co_return std::move(self->found_);
    }

private:
    [[nodiscard]] static asio::awaitable<void>
    ask(std::shared_ptr<lookup> self, std::string host, std::string port) {
        auto const [ec, found] = co_await self->resolver_.async_resolve(
            host,
            port,
            asio::ip::tcp::resolver::numeric_service,
            as_tuple);
        if (!self->done_)
            for (auto const& each : found)
                self->found_.push_back(each.endpoint());
        self->end(ec);
        self->ended_.notify_all();
    }

    void end(std::error_code why) {
        if (!std::exchange(done_, true))
            error_ = why;
    }

    std::shared_ptr<shard> shard_;
    asio::ip::tcp::resolver resolver_;
    signal ended_;
    endpoints found_;
    std::error_code error_;
    bool done_ = false;
};

}  // namespace detail

inline asio::awaitable<result<endpoints>> resolve(
    std::shared_ptr<shard> on,
    std::string host,
    std::uint16_t port,
    std::shared_ptr<stop_source> stop) {
    if (stop->stop_requested())
        co_return asio::error::make_error_code(asio::error::operation_aborted);
    // The system would take no name at all for this machine.
    if (host.empty())
        co_return asio::error::make_error_code(asio::error::host_not_found);
    std::error_code not_numeric;
    auto const address = asio::ip::make_address(host, not_numeric);
    if (!not_numeric)
        co_return endpoints(1, {address, port});
    auto const asked = std::make_shared<detail::lookup>(std::move(on));
    stop_callback const on_stop(std::move(stop), [asked] { asked->stop(); });
    asked->start(std::move(host), port);
    co_return co_await detail::lookup::wait(asked);
}

inline asio::awaitable<result<std::shared_ptr<stream>>>
connect_to_any(std::shared_ptr<shard> on, endpoints to, std::shared_ptr<stop_source> stop) {
    auto last = asio::error::make_error_code(asio::error::host_not_found);
    for (auto const& each : to) {
        asio::ip::tcp::socket socket(on->get_executor());
        auto close = [&socket] {
            std::error_code ignored;
            socket.close(ignored);
        };
        stop_callback const on_stop(stop, close);
        if (!stop->stop_requested())
            last = std::get<0>(co_await socket.async_connect(each, as_tuple));
        if (stop->stop_requested())
            co_return asio::error::make_error_code(asio::error::operation_aborted);
        if (!last)
            co_return std::make_shared<tcp_stream>(std::move(socket));
    }
    co_return last;
}

inline asio::awaitable<result<std::shared_ptr<stream>>>
tcp_connector::connect(std::shared_ptr<shard> on, remote to, std::shared_ptr<stop_source> stop) {
    auto found = co_await resolve(on, std::move(to.host), to.port, stop);
    if (!found)
        co_return found.error();
    co_return co_await connect_to_any(on, std::move(*found), stop);
}

}  // namespace socoro::net
