// SPDX-License-Identifier: BSL-1.0
// Accepts TCP connections, and keeps on accepting when the process runs out of descriptors.
#pragma once

#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/stream.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace socoro::net {

/// Where a server listens or what it is connected to.
using endpoint = asio::ip::tcp::endpoint;

/// Every address of this machine: IPv6 and IPv4, or IPv4 alone where there is no IPv6.
[[nodiscard]] endpoint any_address(unsigned short port);

/// Listens at one endpoint.
class acceptor : public std::enable_shared_from_this<acceptor> {
public:
    using on_stream = std::function<void(std::unique_ptr<stream>)>;
    using on_error = std::function<void(std::error_code)>;

    /// How long to wait before accepting again when there was no descriptor or memory for it.
    static constexpr auto retry_delay = std::chrono::milliseconds(100);

    /// Opens, binds (reusing the address) and listens; an IPv6 endpoint takes IPv4 as well.
    /// Throws `std::system_error`.
    acceptor(std::shared_ptr<shard> owner, endpoint const& at);

    /// Accepts until `close`, giving each connection to `taker` and each failure to `failed`.
    /// The acceptor lives as long as this runs.
    [[nodiscard]] asio::awaitable<void> accept(on_stream taker, on_error failed) {
        return run(shared_from_this(), std::move(taker), std::move(failed));
    }

    /// Accepts no more.
    void close() noexcept;

    /// Where it listens, with the port that the system chose for port 0.
    [[nodiscard]] endpoint local_endpoint() const { return acceptor_.local_endpoint(); }

private:
    [[nodiscard]] static asio::awaitable<void>
    run(std::shared_ptr<acceptor> self, on_stream taker, on_error failed);

    std::shared_ptr<shard> shard_;
    asio::ip::tcp::acceptor acceptor_;
    signal closed_;
};

inline endpoint any_address(unsigned short port) {
    asio::io_context context;
    std::error_code ec;
    asio::ip::tcp::acceptor probe(context);
    probe.open(asio::ip::tcp::v6(), ec);
    return {ec ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), port};
}

inline acceptor::acceptor(std::shared_ptr<shard> owner, endpoint const& at)
    : shard_(std::move(owner))
    , acceptor_(shard_->get_executor())
    , closed_(*shard_) {
    try {
        acceptor_.open(at.protocol());
        acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true));
        if (at.protocol() == asio::ip::tcp::v6())
            acceptor_.set_option(asio::ip::v6_only(false));
        acceptor_.bind(at);
        acceptor_.listen();
    } catch (std::system_error const& e) {
        auto const where = at.address().to_string() + " port " + std::to_string(at.port());
        throw std::system_error(e.code(), "cannot listen at " + where);
    }
}

inline void acceptor::close() noexcept {
    std::error_code ignored;
    acceptor_.close(ignored);
    closed_.notify_all();
}

inline asio::awaitable<void>
acceptor::run(std::shared_ptr<acceptor> self, on_stream taker, on_error failed) {
    while (self->acceptor_.is_open()) {
        asio::ip::tcp::socket socket(self->shard_->get_executor());
        auto const [ec] = co_await self->acceptor_.async_accept(socket, as_tuple);
        if (!self->acceptor_.is_open())
            break;
        if (!ec) {
            taker(std::make_unique<tcp_stream>(std::move(socket)));
            continue;
        }
        failed(ec);
        // A connection that was gone before it was accepted says nothing about the next one.
        if (ec != asio::error::connection_aborted)
            co_await self->closed_.wait(self->shard_->now() + retry_delay);
    }
}

}  // namespace socoro::net
