// SPDX-License-Identifier: BSL-1.0
// What any thread may do while the server runs on another. Built with ThreadSanitizer as well.
#include <socoro/test.hpp>

#include <doctest/doctest.h>

#include <array>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr int thread_count = 4;
constexpr int rounds = 500;

/// Which thread sent it, and its number among what that thread sent.
using tick = socoro::event<"tick", int, int>;
using never = socoro::event<"never">;

/// A server that runs in a thread of its own, with clients in memory.
class running_server {
public:
    running_server() {
        io_->on_connection([this](socoro::socket socket) -> asio::awaitable<void> {
            socket.join("room");
            {
                std::lock_guard const lock(mutex_);
                sockets_.push_back(socket);
                arrived_.notify_all();
            }
            std::ignore = co_await socket.recv<never>();
        });
    }

    ~running_server() {
        io_->close();
        work_.reset();
        thread_.join();
    }

    /// Connects a client that checks the order of what it gets; to be called before `start`.
    void connect() {
        auto const link = std::make_shared<socoro::test::memory_link>(shard_);
        auto const client = std::make_shared<socoro::test::detail::client_core>(
            "/",
            shard_,
            tasks_,
            std::make_shared<socoro::options const>(),
            link);
        client->start({});
        io_->adopt(socoro::transport::any_transport(link), {}, "in memory");
        client->spawn(check(client));
    }

    void start() {
        thread_ = std::thread([this] { context_.run(); });
    }

    [[nodiscard]] socoro::server& io() noexcept { return *io_; }
    /// The sockets, once there are so many; they are forgotten here.
    [[nodiscard]] std::vector<socoro::socket> take_sockets(std::size_t count) {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return sockets_.size() == count; });
        return std::exchange(sockets_, {});
    }
    /// Waits until as many ticks have arrived, in order, at one client.
    void await_ticks(std::size_t expected) {
        std::unique_lock lock(mutex_);
        arrived_.wait(lock, [&] { return ticks_ >= expected || out_of_order_; });
        CHECK_FALSE(out_of_order_);
        CHECK(ticks_ == expected);
    }

private:
    using client_ptr = std::shared_ptr<socoro::test::detail::client_core>;

    asio::awaitable<void> check(client_ptr client) {
        std::array<int, thread_count> last{};
        last.fill(-1);
        for (;;) {
            auto const event =
                co_await socoro::detail::receive<socoro::net::executor, tick>(client, std::nullopt);
            auto const& [from, number] = event;
            std::lock_guard const lock(mutex_);
            auto& before = last.at(static_cast<std::size_t>(from));
            out_of_order_ = out_of_order_ || number <= before;
            before = number;
            ++ticks_;
            arrived_.notify_all();
        }
    }

    asio::io_context context_;
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> work_{
        context_.get_executor()};
    std::shared_ptr<socoro::net::shard> shard_ = socoro::net::shard::make(context_.get_executor());
    std::shared_ptr<socoro::net::task_group> tasks_ =
        std::make_shared<socoro::net::task_group>(shard_);
    std::unique_ptr<socoro::server> io_ = std::make_unique<socoro::server>(shard_);
    std::mutex mutex_;
    std::condition_variable arrived_;
    std::vector<socoro::socket> sockets_;
    std::size_t ticks_ = 0;
    bool out_of_order_ = false;
    std::thread thread_;
};

/// Runs `work(number of the thread)` in several threads at once.
template <typename Work>
void in_threads(Work work) {
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i)
        threads.emplace_back([=] { work(i); });
    for (auto& thread : threads)
        thread.join();
}

}  // namespace

TEST_CASE("threads/sending: several threads emit and broadcast, each in its own order") {
    running_server server;
    for (int i = 0; i < 3; ++i)
        server.connect();
    server.start();
    auto& io = server.io();
    auto const sockets = server.take_sockets(3);
    auto const nsp = io.of("/");
    in_threads([&](int self) {
        for (int n = 0; n < rounds; ++n) {
            switch (n % 4) {
            case 0: io.emit<tick>(self, n); break;
            case 1: nsp.to("room").except("nobody").emit<tick>(self, n); break;
            case 2:
                for (auto const& socket : sockets)
                    socket.emit<tick>(self, n);
                break;
            default: {
                // Both together are everybody.
                auto const copy = sockets[0];
                copy.broadcast().emit<tick>(self, n);
                copy.emit<tick>(self, n);
                break;
            }
            }
        }
    });
    server.await_ticks(std::size_t{3} * thread_count * rounds);
}

TEST_CASE(
    "threads/sending: threads disconnect sockets, drop the last handles and close the server") {
    running_server server;
    for (int i = 0; i < 8; ++i)
        server.connect();
    server.start();
    auto sockets = server.take_sockets(8);
    std::mutex mutex;
    in_threads([&](int self) {
        for (;;) {
            std::optional<socoro::socket> mine;
            {
                std::lock_guard const lock(mutex);
                if (sockets.empty())
                    break;
                mine = sockets.back();
                sockets.pop_back();
            }
            mine->emit<tick>(self, 0);
            mine->disconnect(self % 2 == 0);
            mine->emit<tick>(self, 1);
            server.io().emit<tick>(self, 2);
        }
        server.io().close();
    });
    CHECK(sockets.empty());
}
