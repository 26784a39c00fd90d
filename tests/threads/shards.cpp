// SPDX-License-Identifier: BSL-1.0
// A server on two shards, each an io_context with a thread of its own, while everybody broadcasts,
// calls, asks and changes rooms. Built with ThreadSanitizer as well.
#include <socoro/test.hpp>

#include <asio/use_future.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <future>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace net = socoro::net;

constexpr int rounds = 60;

using tick = socoro::event<"tick", int>;
using ask = socoro::event<"ask", int(int)>;
using load = socoro::event<"load", int(int)>;
using never = socoro::event<"never">;

/// One shard with its thread.
struct place {
    void start() {
        thread = std::thread([this] { context.run(); });
    }
    void stop() {
        work.reset();
        if (thread.joinable())
            thread.join();
    }

    asio::io_context context;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work{
        context.get_executor()};
    std::shared_ptr<net::shard> shard = net::shard::make(context.get_executor());
    std::shared_ptr<net::task_group> tasks = std::make_shared<net::task_group>(shard);
    std::thread thread;
};

class busy_server {
public:
    busy_server() {
        io_->on_connection([this](socoro::socket socket) -> asio::awaitable<void> {
            ++connected_;
            std::ignore = co_await socket.recv<never>();
        });
        io_->on_server_side<load>([](load const& event) { return std::get<0>(event) + 1; });
        for (auto& each : places_)
            each.start();
    }
    ~busy_server() {
        io_->close();
        for (auto& each : places_)
            each.stop();
    }

    /// Connects a client that answers whatever it is asked.
    void connect(std::size_t index) {
        auto& at = places_.at(index);
        asio::post(at.context, [this, &at] {
            auto const link = std::make_shared<socoro::test::memory_link>(at.shard);
            auto const client = std::make_shared<socoro::test::detail::client_core>(
                "/",
                at.shard,
                at.tasks,
                std::make_shared<socoro::options const>(),
                link);
            client->start({});
            io_->adopt(socoro::transport::any_transport(link), {}, "in memory");
            client->spawn(reply(client));
        });
    }
    void await_clients(int count) const {
        while (connected_ < count)
            std::this_thread::yield();
    }

    /// Does everything, again and again; gives the number of replies.
    [[nodiscard]] asio::awaitable<int> use(int clients) {
        int replies = 0;
        for (int i = 0; i < rounds; ++i) {
            io_->emit<tick>(i);
            io_->sockets_join("room");
            auto asked = io_->to("room").call<ask>(i);
            auto const got = co_await std::move(asked);
            CHECK(got.complete);
            CHECK(got.values.size() == static_cast<std::size_t>(clients));
            replies += static_cast<int>(got.values.size());
            auto const found = co_await io_->fetch_sockets();
            CHECK(found.size() == static_cast<std::size_t>(clients));
            auto loaded = io_->server_side_call<load>(i);
            auto const loads = co_await std::move(loaded);
            CHECK(loads.values == std::vector{i + 1});
            auto const local = co_await io_->local().fetch_sockets();
            CHECK(local.size() < found.size());
            // Nobody waits for the replies.
            auto const forgotten = io_->call<ask>(i);
        }
        co_return replies;
    }

    [[nodiscard]] asio::any_io_executor executor(std::size_t index) {
        return places_.at(index).context.get_executor();
    }
    [[nodiscard]] socoro::server& io() noexcept { return *io_; }

private:
    using client_ptr = std::shared_ptr<socoro::test::detail::client_core>;

    static asio::awaitable<void> reply(client_ptr client) {
        for (;;) {
            auto const asked =
                co_await socoro::detail::receive<net::executor, ask>(client, std::nullopt);
            asked.reply(asked.args);
        }
    }

    std::array<place, 2> places_;
    std::unique_ptr<socoro::server> io_ =
        std::make_unique<socoro::server>(std::vector{places_[0].shard, places_[1].shard});
    std::atomic<int> connected_ = 0;
};

}  // namespace

TEST_CASE("threads/shards: both shards and a third thread call, ask and change rooms at once") {
    busy_server server;
    for (std::size_t const index : {0U, 1U, 1U})
        server.connect(index);
    server.await_clients(3);
    asio::io_context elsewhere;
    std::vector<std::future<int>> done;
    done.push_back(asio::co_spawn(server.executor(0), server.use(3), asio::use_future));
    done.push_back(asio::co_spawn(server.executor(1), server.use(3), asio::use_future));
    done.push_back(asio::co_spawn(elsewhere, server.use(3), asio::use_future));
    std::thread third([&] { elsewhere.run(); });
    for (int i = 0; i < rounds; ++i) {
        server.io().to("room").emit<tick>(i);
        server.io().sockets_leave("nobody's");
        server.io().server_side_emit("load", i);
    }
    for (auto& each : done)
        CHECK(each.get() == 3 * rounds);
    third.join();
}

TEST_CASE("threads/shards: a server closes while its shards wait for each other") {
    for (int i = 0; i < 20; ++i) {
        busy_server server;
        server.connect(0);
        server.connect(1);
        server.await_clients(2);
        asio::co_spawn(
            server.executor(0),
            [](busy_server& on) -> asio::awaitable<void> {
                for (int n = 0; n < 50; ++n) {
                    auto asked = on.io().call<ask>(n);
                    std::ignore = co_await std::move(asked);
                }
            }(server),
            asio::detached);
        server.io().disconnect_sockets();
        server.io().close();
    }
}
