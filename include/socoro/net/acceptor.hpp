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
#include <tuple>
#include <utility>

namespace socoro::net {

/// Every address of this machine: IPv6 and IPv4, or IPv4 alone where there is no IPv6.
[[nodiscard]] endpoint any_address(unsigned short port);

/// How a server listens.
struct listen_options {
    /// Whether other sockets of the same user may listen at the same endpoint, if they say so as
    /// well (SO_REUSEPORT): the system shares out who connects. So a process can take over from
    /// another. A connection that comes in the instant in which one of them stops may be lost;
    /// none is where both listen on one `descriptor`.
    bool reuse_port = false;
};

/// Listens at one endpoint.
class acceptor : public std::enable_shared_from_this<acceptor> {
public:
    using on_stream = std::function<void(std::unique_ptr<stream>)>;
    using on_error = std::function<void(std::error_code)>;

    /// How long to wait before accepting again when there was no descriptor or memory for it.
    static constexpr auto retry_delay = std::chrono::milliseconds(100);

    /// Opens, binds (reusing the address) and listens; an IPv6 endpoint takes IPv4 as well.
    /// Throws `std::system_error`.
    acceptor(std::shared_ptr<shard> owner, endpoint const& at, listen_options how = {});

    /// Takes over a socket that listens already, of whatever family; other processes may have a
    /// share of it. Throws `std::system_error`.
    acceptor(std::shared_ptr<shard> owner, descriptor listening);

    /// Accepts until `close` or `stop`, giving each connection to `taker` and each failure to `failed`.
    /// The acceptor lives as long as this runs.
    [[nodiscard]] asio::awaitable<void> accept(on_stream taker, on_error failed) {
        taker_ = std::move(taker);
        return run(shared_from_this(), std::move(failed));
    }

    /// Accepts no more.
    void close() noexcept;

    /// The same, but first accepts who waits for it: they would be turned away. Those that wait at
    /// a socket that others share are left to them.
    void stop();

    /// Where it listens, with the port that the system chose for port 0. Without address and port
    /// if that is no endpoint of TCP.
    [[nodiscard]] endpoint local_endpoint() const {
        return tcp_endpoint(acceptor_.local_endpoint());
    }

private:
    using protocol = asio::generic::stream_protocol;

    [[nodiscard]] static asio::awaitable<void> run(std::shared_ptr<acceptor> self, on_error failed);

    std::shared_ptr<shard> shard_;
    asio::basic_socket_acceptor<protocol> acceptor_;
    on_stream taker_;
    signal closed_;
    bool shared_ = false;
    bool stopped_ = false;
};

inline endpoint any_address(unsigned short port) {
    asio::io_context context;
    std::error_code ec;
    asio::ip::tcp::acceptor probe(context);
    probe.open(asio::ip::tcp::v6(), ec);
    return {ec ? asio::ip::tcp::v4() : asio::ip::tcp::v6(), port};
}

inline acceptor::acceptor(std::shared_ptr<shard> owner, endpoint const& at, listen_options how)
    : shard_(std::move(owner))
    , acceptor_(shard_->get_executor())
    , closed_(*shard_) {
    using reuse_port = asio::detail::socket_option::boolean<SOL_SOCKET, SO_REUSEPORT>;
    try {
        acceptor_.open(at.protocol());
        acceptor_.set_option(asio::ip::tcp::acceptor::reuse_address(true));
        if (how.reuse_port)
            acceptor_.set_option(reuse_port(true));
        if (at.protocol() == asio::ip::tcp::v6())
            acceptor_.set_option(asio::ip::v6_only(false));
        acceptor_.bind(at);
        acceptor_.listen();
    } catch (std::system_error const& e) {
        auto const where = at.address().to_string() + " port " + std::to_string(at.port());
        throw std::system_error(e.code(), "cannot listen at " + where);
    }
}

inline acceptor::acceptor(std::shared_ptr<shard> owner, descriptor listening)
    : shard_(std::move(owner))
    , acceptor_(shard_->get_executor())
    , closed_(*shard_)
    , shared_(true) {
    require_listener(listening);
    acceptor_.assign(protocol_of(listening), listening.native_handle());
    std::ignore = listening.release();
}

inline void acceptor::close() noexcept {
    std::error_code ignored;
    acceptor_.close(ignored);
    closed_.notify_all();
}

inline void acceptor::stop() {
    stopped_ = true;
    std::error_code none_left;
    if (!shared_ && taker_)
        acceptor_.non_blocking(true, none_left);
    // No more than may wait at once: those who come faster would keep this from its end.
    int most = asio::socket_base::max_listen_connections;
    while (!none_left && !shared_ && taker_ && most-- > 0) {
        protocol::socket socket(shard_->get_executor());
        acceptor_.accept(socket, none_left);
        if (!none_left)
            taker_(std::make_unique<tcp_stream>(std::move(socket)));
    }
    close();
}

inline asio::awaitable<void> acceptor::run(std::shared_ptr<acceptor> self, on_error failed) {
    while (self->acceptor_.is_open()) {
        protocol::socket socket(self->shard_->get_executor());
        auto const [ec] = co_await self->acceptor_.async_accept(socket, as_tuple);
        bool const is_open = self->acceptor_.is_open();
        // One that was accepted in the instant in which this stops is not turned away either.
        if (!ec && (is_open || self->stopped_))
            self->taker_(std::make_unique<tcp_stream>(std::move(socket)));
        if (!ec || !is_open)
            continue;
        failed(ec);
        // A connection that was gone before it was accepted says nothing about the next one.
        if (ec != asio::error::connection_aborted)
            co_await self->closed_.wait(self->shard_->now() + retry_delay);
    }
}

}  // namespace socoro::net
