// SPDX-License-Identifier: BSL-1.0
// A client and a server of ours in one world: what is between them is memory, and can be cut, be
// down, or fail. Time stands still until the test moves it.
#pragma once

#include <socoro/client.hpp>
#include <socoro/server.hpp>

#include "support/memory_stream.hpp"
#include "support/world.hpp"

#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// Gives the client streams whose other ends the server has.
class cuttable_connector final : public net::connector {
public:
    explicit cuttable_connector(std::shared_ptr<faults> plan) : plan_(std::move(plan)) {}

    /// Who gets the server's end; empty while the server is down.
    std::function<void(std::shared_ptr<net::stream>)> accept;
    std::size_t attempts = 0;
    /// What an attempt throws, if anything.
    char const* failure = nullptr;

    /// Every connection is lost.
    void cut(std::error_code why = asio::error::connection_reset) {
        for (auto const& pair : std::exchange(pairs_, {})) {
            pair.forth->end(why);
            pair.back->end(why);
        }
    }

    [[nodiscard]] asio::awaitable<socoro::result<std::shared_ptr<net::stream>>> connect(
        std::shared_ptr<net::shard> on,
        net::remote,
        std::shared_ptr<net::stop_source> stop) override {
        auto const plan = plan_;
        ++attempts;
        if (failure)
            throw std::runtime_error(failure);
        co_await asio::post(on->get_executor(), asio::use_awaitable);
        if (stop->stop_requested())
            co_return asio::error::make_error_code(asio::error::operation_aborted);
        if (plan->hit())
            co_return plan->error;
        if (!accept)
            co_return asio::error::make_error_code(asio::error::connection_refused);
        pairs_.emplace_back(on, plan);
        accept(pairs_.back().second);
        co_return pairs_.back().first;
    }

private:
    std::shared_ptr<faults> plan_;
    std::vector<memory_pair> pairs_;
};

/// The texts that are put down, taken with ` | ` between them.
class notes {
public:
    void add(std::string text) {
        if (!text_->empty())
            *text_ += " | ";
        *text_ += text;
    }
    [[nodiscard]] std::string take() const { return std::exchange(*text_, {}); }

private:
    std::shared_ptr<std::string> text_ = std::make_shared<std::string>();
};

/// The server, and the options that a client of it needs.
class client_scene {
public:
    explicit client_scene(socoro::options opts = {}) : server_options_(quiet(std::move(opts))) {
        start_server();
    }
    client_scene(client_scene const&) = delete;
    client_scene& operator=(client_scene const&) = delete;
    ~client_scene() {
        if (world.context)
            stop_server();
    }

    [[nodiscard]] socoro::server& io() { return *server_; }

    /// Options of a client: no network, no chance, and over WebSocket unless told otherwise.
    [[nodiscard]] socoro::client_options options(
        std::vector<std::string> transports = {"websocket"}) const {
        socoro::client_options opts;
        opts.transports = std::move(transports);
        opts.connector = between;
        opts.backoff.randomization_factor = 0;
        opts.hooks.dropped = [notes = reports](socoro::dropped_event const& e) mutable {
            notes.add("dropped " + std::string(e.event) + ": " + e.why.message());
        };
        opts.hooks.violated = [notes = reports](socoro::violation const& e) mutable {
            notes.add(e.why.message());
        };
        opts.hooks.handler_failed = [notes =
                                         reports](std::string_view, std::string_view what) mutable {
            notes.add("failed: " + std::string(what));
        };
        return opts;
    }

    /// The server is gone, and with it every connection.
    void stop_server() {
        between->accept = nullptr;
        server_.reset();
        world.run();
        cut();
    }
    /// The same, without running what follows from it.
    void lose_server() {
        between->accept = nullptr;
        server_.reset();
        between->cut();
    }
    /// A server, with what `prepare` does to it.
    void start_server() {
        server_ = std::make_unique<socoro::server>(world.shard, server_options_);
        if (prepare)
            prepare(*server_);
        between->accept = [this](std::shared_ptr<net::stream> stream) {
            server_->serve(std::move(stream), std::string());
        };
    }
    /// Whoever is connected loses the connection; the server is still there.
    void cut() {
        between->cut();
        world.run();
    }

    test::world world;
    std::shared_ptr<faults> plan = std::make_shared<faults>();
    std::shared_ptr<cuttable_connector> between = std::make_shared<cuttable_connector>(plan);
    /// What the hooks were told.
    notes reports;
    std::function<void(socoro::server&)> prepare;

private:
    [[nodiscard]] static socoro::options quiet(socoro::options opts) {
        opts.hooks.violated = nullptr;
        opts.hooks.connection_error = nullptr;
        return opts;
    }

    socoro::options server_options_;
    std::unique_ptr<socoro::server> server_;
};

}  // namespace test
