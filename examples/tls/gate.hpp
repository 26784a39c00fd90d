// SPDX-License-Identifier: BSL-1.0
// A server that speaks TLS: connections go through a gate, and come to the server when they have.
#pragma once

#include <socoro/net/acceptor.hpp>
#include <socoro/net/task_group.hpp>
#include <socoro/server.hpp>
#include <socoro/tls.hpp>

#include <chrono>
#include <memory>
#include <system_error>
#include <utility>

namespace example {

namespace net = socoro::net;

// [gate]
/// Listens, speaks TLS, and gives the server what is left of that.
class tls_gate {
public:
    static constexpr auto patience = std::chrono::seconds(10);

    tls_gate(
        asio::io_context& context,
        socoro::server& io,
        socoro::tls_server_options const& options)
        : shard_(net::shard::make(context.get_executor()))
        , layer_(socoro::tls_server(options))
        , io_(io) {}

    net::endpoint listen(unsigned short port) {
        acceptor_ = std::make_shared<net::acceptor>(shard_, net::any_address(port));
        auto const enter = [this](std::shared_ptr<net::stream> plain) {
            asio::co_spawn(shard_->get_executor(), admit(std::move(plain)), asio::detached);
        };
        auto const failed = [](std::error_code) {};
        asio::co_spawn(shard_->get_executor(), acceptor_->accept(enter, failed), asio::detached);
        return acceptor_->local_endpoint();
    }

    /// Accepts no more, and waits for nobody who is about to enter.
    void close() {
        acceptor_->close();
        closing_->request_stop();
    }

private:
    [[nodiscard]] asio::awaitable<void> admit(std::shared_ptr<net::stream> plain) {
        auto const stop = std::make_shared<net::stop_source>();
        net::stop_callback const closes(closing_, [stop] { stop->request_stop(); });
        net::timer late(shard_->clock(), [stop] { stop->request_stop(); });
        late.arm_after(patience);
        net::remote const nowhere;
        auto const secured = co_await layer_->wrap(shard_, std::move(plain), nowhere, stop);
        if (secured)
            io_.serve(*secured, "");
    }

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<net::stream_layer> layer_;
    std::shared_ptr<net::acceptor> acceptor_;
    std::shared_ptr<net::stop_source> closing_ = std::make_shared<net::stop_source>();
    socoro::server& io_;
};
// [/gate]

}  // namespace example
