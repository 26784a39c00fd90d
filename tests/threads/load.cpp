// SPDX-License-Identifier: BSL-1.0
// The load with a thread for each shard, others for the clients and some for the program, and TCP
// between them. Built with ThreadSanitizer as well.
#include <socoro/net/tcp_connector.hpp>

#include "load/play.hpp"
#include "support/loopback.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

namespace net = socoro::net;
namespace load = test::load;

/// A context that one thread runs until it has nothing more to do.
class running_context {
public:
    ~running_context() { finish(); }

    void start() {
        thread_ = std::thread([this] { context.run(); });
    }
    void finish() {
        work_.reset();
        if (thread_.joinable())
            thread_.join();
    }

    asio::io_context context{1};

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_ =
        asio::make_work_guard(context);
    std::thread thread_;
};

/// Connects by TCP and remembers, to cut connections.
class cutting_connector final : public net::connector {
public:
    [[nodiscard]] asio::awaitable<socoro::result<std::shared_ptr<net::stream>>> connect(
        std::shared_ptr<net::shard> on,
        net::remote to,
        std::shared_ptr<net::stop_source> stop) override {
        auto made = co_await tcp_.connect(std::move(on), std::move(to), std::move(stop));
        if (made)
            opened_.push_back(*made);
        co_return made;
    }

    void cut() {
        for (auto const& each : std::exchange(opened_, {}))
            if (auto const stream = each.lock())
                stream->close();
    }

private:
    net::tcp_connector tcp_;
    std::vector<std::weak_ptr<net::stream>> opened_;
};

/// A client with its visitor.
struct caller {
    caller(
        int id,
        load::extent const& size,
        std::uint64_t seed,
        asio::io_context& on,
        std::string const& url,
        socoro::client_options opts)
        : client(shard_on(on), url, with(std::move(opts)))
        , visitor(id, size.speakers(), seed, shard, client, [way = way] { way->cut(); }) {}

    [[nodiscard]] std::shared_ptr<net::shard> const& shard_on(asio::io_context& context) {
        return shard = net::shard::make(context.get_executor());
    }
    [[nodiscard]] socoro::client_options with(socoro::client_options opts) const {
        opts.connector = way;
        return opts;
    }

    std::shared_ptr<cutting_connector> way = std::make_shared<cutting_connector>();
    std::shared_ptr<net::shard> shard;
    socoro::client client;
    load::visitor visitor;
};

/// One run.
class threaded_play final : public load::play {
public:
    threaded_play(std::uint64_t seed, load::extent size) : play(seed, size) {
        std::vector<asio::any_io_executor> shards;
        for (auto& each : servers_)
            shards.emplace_back(each.context.get_executor());
        auto opts = options();
        // Who was cut between two polls is missed by the next ping.
        opts.ping_interval = 500ms;
        opts.ping_timeout = 3s;
        io_.emplace(shards, opts);
        auto const port = io_->listen(test::loopback()).port();
        auto const url = "http://127.0.0.1:" + std::to_string(port);
        for (int id = 0; id < size.visitors; ++id) {
            auto& on = clients_[static_cast<std::size_t>(id) % clients_.size()].context;
            callers_.emplace_back(id, size, seed, on, url, options_of(id));
        }
        open();
        for (auto& each : servers_)
            each.start();
        for (auto& each : clients_)
            each.start();
    }
    ~threaded_play() override {
        for (auto& each : outsiders_)
            each.join();
    }

private:
    static constexpr int shard_count = 3;

    [[nodiscard]] socoro::server& io() override { return *io_; }
    [[nodiscard]] caller& caller_of(int id) { return callers_[static_cast<std::size_t>(id)]; }
    [[nodiscard]] socoro::client& client_of(int id) override { return caller_of(id).client; }
    [[nodiscard]] load::visitor& visitor_of(int id) override { return caller_of(id).visitor; }

    void start_outsider(int id) override {
        enter_stage();
        outsiders_.emplace_back([this, id] {
            auto self = make_outsider(id);
            for (int i = 0; i < size().speeches; ++i) {
                self.speak();
                std::this_thread::yield();
            }
            leave_stage();
        });
    }

    void until(char const* what, std::function<bool()> done) override {
        auto const give_up = std::chrono::steady_clock::now() + 60s;
        while (!done()) {
            if (std::chrono::steady_clock::now() > give_up)
                return fault(std::string("stuck in ") + what);
            std::this_thread::sleep_for(1ms);
        }
    }

    /// The threads end, since nothing is left that they could do.
    void inspect() override {
        std::atomic<bool> ended = false;
        std::thread waiting([&] {
            for (auto& each : servers_)
                each.finish();
            for (auto& each : clients_)
                each.finish();
            ended = true;
        });
        until("the end of all threads", [&] { return ended.load(); });
        for (auto& each : servers_)
            each.context.stop();
        for (auto& each : clients_)
            each.context.stop();
        waiting.join();
    }

    std::deque<running_context> servers_{shard_count};
    std::deque<running_context> clients_{2};
    std::optional<socoro::server> io_;
    std::deque<caller> callers_;
    std::vector<std::thread> outsiders_;
};

}  // namespace

TEST_CASE("threads/load: nothing is lost, doubled or reordered, and nothing is left") {
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
        threaded_play one(seed, {.visitors = 16, .outsiders = 3, .deeds = 60, .speeches = 100});
        for (auto const& what : one.whole())
            FAIL_CHECK("seed " << seed << ": " << what);
    }
}
