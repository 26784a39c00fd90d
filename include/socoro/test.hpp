// SPDX-License-Identifier: BSL-1.0
// Tests of one's own handlers: a server without a network, whose time stands still until the test
// moves it, and clients that speak to it. `socoro.hpp` does not bring this header.
#pragma once

#include <socoro/net/manual_clock.hpp>
#include <socoro/server.hpp>
#include <socoro/test/client.hpp>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace socoro::test {

namespace detail {

/// What a test server and its clients share. Everything runs in the thread of the test.
struct stage {
    explicit stage(socoro::options opts);

    /// Runs what can run now.
    void run() {
        do
            context.restart();
        while (context.poll() > 0);
    }

    asio::io_context context;
    std::shared_ptr<net::manual_clock> clock = std::make_shared<net::manual_clock>();
    std::shared_ptr<net::shard> shard = net::shard::make(context.get_executor(), clock);
    std::shared_ptr<std::vector<std::string>> reports =
        std::make_shared<std::vector<std::string>>();
    std::shared_ptr<socoro::options const> options;
    std::shared_ptr<net::task_group> tasks = std::make_shared<net::task_group>(shard);
    socoro::server server;
};

/// Hooks that write down what they are told.
[[nodiscard]] inline socoro::options reporting(
    socoro::options opts,
    std::shared_ptr<std::vector<std::string>> const& reports) {
    opts.hooks.invalid = [reports](invalid_payload const& e) {
        std::string line(e.event);
        reports->push_back(line.append(": ").append(e.where).append(" is not ").append(e.expected));
    };
    opts.hooks.dropped = [reports](dropped_event const& e) {
        reports->push_back("dropped " + std::string(e.event) + ": " + e.why.message());
    };
    opts.hooks.packet_refused = [reports](refused_event const& e) {
        reports->push_back("refused " + std::string(e.event) + ": " + std::string(e.what));
    };
    opts.hooks.handler_failed = [reports](std::string_view where, std::string_view what) {
        reports->push_back(std::string(where) + " failed: " + std::string(what));
    };
    return opts;
}

inline stage::stage(socoro::options opts)
    : options(std::make_shared<socoro::options const>(reporting(std::move(opts), reports)))
    , server(shard, *options) {}

}  // namespace detail

/// A server for a test, with everything but a network. A handle, cheap to copy.
class server {
public:
    explicit server(socoro::options opts = {})
        : stage_(std::make_shared<detail::stage>(std::move(opts))) {}

    /// The server itself.
    [[nodiscard]] socoro::server& io() const noexcept { return stage_->server; }

    /// Opens a connection and joins a namespace; whether the server agrees is seen in the client.
    [[nodiscard]] client connect(
        std::string const& nsp = "/",
        json::value const& auth = json::object()) const;

    /// Runs everything that can run now. The verbs of the clients do so by themselves.
    void run() const { stage_->run(); }

    /// Lets time pass; what happens on the way happens at its own time.
    void advance(net::duration by) const {
        auto& clock = *stage_->clock;
        auto const target = clock.now() + by;
        for (run(); clock.next_deadline() && *clock.next_deadline() <= target; run())
            clock.advance(std::max(*clock.next_deadline() - clock.now(), net::duration{}));
        clock.advance(target - clock.now());
        run();
    }

    /// What the hooks were told so far: misfits, dropped and refused events, failed handlers.
    [[nodiscard]] std::vector<std::string> const& reports() const noexcept {
        return *stage_->reports;
    }

    /// How many timers are armed: heartbeats, deadlines, those of handlers.
    [[nodiscard]] std::size_t timers() const noexcept { return stage_->clock->armed(); }

    /// The shard of the server, for signals and timers on its clock.
    [[nodiscard]] std::shared_ptr<net::shard> const& shard() const noexcept {
        return stage_->shard;
    }

    /// The executor of the server, for timers and coroutines of the test.
    [[nodiscard]] asio::any_io_executor get_executor() const {
        return stage_->shard->get_executor();
    }

private:
    std::shared_ptr<detail::stage> stage_;
};

inline client server::connect(std::string const& nsp, json::value const& auth) const {
    auto const link = std::make_shared<memory_link>(stage_->shard);
    auto const core = std::make_shared<detail::client_core>(
        nsp,
        stage_->shard,
        stage_->tasks,
        stage_->options,
        link);
    core->start(auth);
    http::request request;
    request.target = stage_->options->path + "/?EIO=4&transport=websocket";
    stage_->server.adopt(transport::any_transport(link), std::move(request), "in memory");
    client made(core, [stage = stage_] { stage->run(); });
    run();
    return made;
}

/// A client and the server that it is connected to.
struct connected_pair {
    client first;
    server second;
};

/// A server whose handler of the namespace `/` is `handler`, and a client connected to it:
/// `auto [client, server] = socoro::test::pair(talk);`
template <typename Handler>
[[nodiscard]] connected_pair pair(Handler handler, socoro::options opts = {}) {
    server made(std::move(opts));
    made.io().on_connection(std::move(handler));
    return {made.connect(), made};
}

}  // namespace socoro::test
