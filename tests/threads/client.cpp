// SPDX-License-Identifier: BSL-1.0
// What any thread may do with a client that runs on another. Built with ThreadSanitizer as well.
#include <socoro.hpp>

#include <asio/use_future.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int thread_count = 4;
constexpr int rounds = 200;

/// Which thread sent it, and its number among what that thread sent.
using tick = socoro::event<"tick", int, int>;
using ask = socoro::event<"ask", int(int)>;

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

    asio::io_context context;

private:
    asio::executor_work_guard<asio::io_context::executor_type> work_ =
        asio::make_work_guard(context);
    std::thread thread_;
};

/// A server in a thread of its own that counts what it gets, and whether that is in order.
class counting_server {
public:
    explicit counting_server(unsigned short wanted = 0) {
        io_->on_connection([this](socoro::socket socket) { return serve(socket); });
        auto const local = asio::ip::make_address("127.0.0.1");
        port = io_->listen({local, wanted}).port();
        runs_.start();
    }
    ~counting_server() {
        io_->close();
        runs_.finish();
    }

    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port); }

    unsigned short port = 0;
    std::atomic<int> ticks = 0;
    std::atomic<bool> in_order = true;

private:
    asio::awaitable<void> serve(socoro::socket socket) {
        std::array<int, thread_count> last{};
        last.fill(-1);
        auto const handlers = socoro::overloaded{
            [this, &last](tick const& t) {
                auto& before = last.at(static_cast<std::size_t>(std::get<0>(t)));
                if (std::get<1>(t) <= before)
                    in_order = false;
                before = std::get<1>(t);
                ++ticks;
            },
            [](socoro::request<ask> const& a) { a.reply(a.args + 1); }};
        co_await socket.serve(handlers);
    }

    running_context runs_;
    std::unique_ptr<socoro::server> io_ = std::make_unique<socoro::server>(runs_.context);
};

/// Runs `each(index)` in several threads, and waits for them.
template <typename Each>
void in_threads(Each each) {
    std::vector<std::thread> threads;
    for (int i = 0; i < thread_count; ++i)
        threads.emplace_back(each, i);
    for (auto& thread : threads)
        thread.join();
}

}  // namespace

TEST_CASE("threads/client: several may emit before and after it is connected, each in order") {
    counting_server server;
    running_context runs;
    socoro::client client(runs.context, server.url());
    auto const socket = client.socket();
    runs.start();
    in_threads([&](int index) {
        auto const own = socket;
        for (int i = 0; i < rounds; ++i)
            own.emit<tick>(index, i);
    });
    // What was sent before the call arrives before it.
    auto const done = asio::co_spawn(runs.context, socket.call<ask>(1), asio::use_future).get();
    CHECK(done == 2);
    CHECK(server.ticks == thread_count * rounds);
    CHECK(server.in_order);
    client.close();
}

TEST_CASE("threads/client: any may close it, at any moment, and drop what it holds of it") {
    counting_server server;
    for (int i = 0; i < 40; ++i) {
        running_context runs;
        socoro::client_options options;
        if (i % 2 == 1)
            options.transports = {"websocket"};
        auto client = std::make_unique<socoro::client>(runs.context, server.url(), options);
        auto const talk = [](socoro::client_socket socket) -> asio::awaitable<void> {
            for (int n = 0;; ++n) {
                socket.emit<tick>(0, n);
                std::ignore = co_await socket.call<ask>(n, socoro::as_tuple);
                if (!socket.active())
                    co_return;
            }
        };
        auto const socket = client->socket();
        asio::co_spawn(runs.context, talk(socket), asio::detached);
        runs.start();
        // Later and later: in the middle of connecting, of the upgrade, of talking.
        for (int n = 0; n < i * 100; ++n)
            std::this_thread::yield();
        in_threads([&, held = socket](int index) mutable {
            if (index == i % thread_count)
                client->close();
            held.emit<tick>(index, 0);
            if (index == 2)
                held.disconnect();
            held = {};
        });
        if (i % 3 == 0)
            client.reset();
        runs.finish();
        CHECK_FALSE(socket.active());
    }
}

TEST_CASE("threads/client: emitting goes on while connections come and go") {
    auto server = std::make_unique<counting_server>();
    running_context runs;
    socoro::client_options options;
    options.backoff = {1ms, 5ms, 0.5};
    options.hooks.dropped = nullptr;
    socoro::client client(runs.context, server->url(), options);
    auto const socket = client.socket();
    runs.start();
    std::atomic<bool> stop = false;
    std::thread emitter([&] {
        for (int i = 0; !stop; ++i) {
            socket.emit<tick>(0, i);
            std::this_thread::yield();
        }
    });
    for (int i = 0; i < 5; ++i) {
        auto const connected =
            asio::co_spawn(runs.context, client.connect(), asio::use_future).get();
        CHECK(connected == socket);
        auto const port = server->port;
        server.reset();
        server = std::make_unique<counting_server>(port);
    }
    stop = true;
    emitter.join();
    asio::co_spawn(runs.context, client.close(2s), asio::use_future).get();
    CHECK_FALSE(socket.active());
}
