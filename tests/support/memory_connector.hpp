// SPDX-License-Identifier: BSL-1.0
// A client's way to a server in memory: the test says what becomes of each attempt to connect, and
// is the server itself, or has one of ours be it.
#pragma once

#include <socoro/net/connector.hpp>
#include <socoro/net/http_server_core.hpp>
#include <socoro/net/signal.hpp>

#include "support/memory_stream.hpp"

#include <deque>
#include <memory>
#include <system_error>
#include <utility>
#include <vector>

namespace test {

class memory_connector final : public net::connector {
public:
    /// `plan` is about the streams of the client; each attempt to connect is an operation, too.
    explicit memory_connector(
        std::shared_ptr<net::shard> const& owner,
        std::shared_ptr<faults> plan = std::make_shared<faults>())
        : plan_(std::move(plan))
        , let_go_(*owner) {}

    /// What was asked for, in order, also what failed.
    std::vector<net::remote> asked;
    /// The test's end of each stream, unless a server has it.
    std::vector<memory_peer> peers;

    /// From now on our own server is at the other end; without one, the test.
    void serve_by(std::shared_ptr<net::http_server_core> server) { server_ = std::move(server); }
    /// The next attempt that is not planned for yet fails.
    void fail_next(std::error_code why) { failures_.push_back(why); }
    /// Attempts wait until `let_go`.
    void hold() { held_ = true; }
    void let_go() {
        held_ = false;
        let_go_.notify_all();
    }

    [[nodiscard]] asio::awaitable<socoro::result<std::shared_ptr<net::stream>>> connect(
        std::shared_ptr<net::shard> on,
        net::remote to,
        std::shared_ptr<net::stop_source> stop) override {
        asked.push_back(std::move(to));
        net::stop_callback const on_stop(stop, [this] { let_go_.notify_all(); });
        while (held_ && !stop->stop_requested()) {
            auto const ec = co_await let_go_.wait();
            if (ec)
                co_return ec;
        }
        if (stop->stop_requested())
            co_return asio::error::make_error_code(asio::error::operation_aborted);
        if (plan_->hit())
            co_return plan_->error;
        if (!failures_.empty()) {
            auto const why = failures_.front();
            failures_.pop_front();
            co_return why;
        }
        co_return make_stream(on);
    }

private:
    [[nodiscard]] std::shared_ptr<net::stream> make_stream(std::shared_ptr<net::shard> const& on) {
        if (!server_) {
            memory_connection made(on, plan_);
            peers.push_back(made.peer);
            return made.stream;
        }
        memory_pair made(on, plan_);
        server_->serve(made.second);
        return made.first;
    }

    std::shared_ptr<faults> plan_;
    std::shared_ptr<net::http_server_core> server_;
    std::deque<std::error_code> failures_;
    bool held_ = false;
    net::signal let_go_;
};

}  // namespace test
