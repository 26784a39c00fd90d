// SPDX-License-Identifier: BSL-1.0
// A program's server in one thread, socoro's in another: connections go there and back, until the
// end of the one is awaited in the other.
#include <socoro/server.hpp>

#include "support/http_script.hpp"
#include "support/loopback.hpp"

#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace {

using tcp = asio::ip::tcp;

/// Answers requests in a thread of its own, and hands those over that are not its own.
class host {
public:
    explicit host(socoro::server& io) : io_(io) {
        asio::co_spawn(context_, accept(), asio::detached);
        thread_ = std::jthread([this] { context_.run(); });
    }
    ~host() { context_.stop(); }

    [[nodiscard]] tcp::endpoint endpoint() const { return acceptor_.local_endpoint(); }

    std::atomic<int> returned = 0;

private:
    asio::awaitable<void> accept() {
        for (;;) {
            auto connection = co_await acceptor_.async_accept(asio::use_awaitable);
            start(std::move(connection), {});
        }
    }
    void start(tcp::socket connection, std::string read) {
        auto serving = serve(std::move(connection), std::move(read));
        asio::co_spawn(context_, std::move(serving), asio::detached);
    }
    asio::awaitable<void> serve(tcp::socket connection, std::string read) {
        for (;;) {
            auto const end = co_await asio::async_read_until(
                connection,
                asio::dynamic_buffer(read),
                "\r\n\r\n",
                asio::use_awaitable);
            if (io_.owns(read.substr(4, read.find(' ', 4) - 4)))
                co_return hand_over(std::move(connection), std::move(read));
            read.erase(0, end);
            std::string const answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\npage";
            co_await asio::async_write(connection, asio::buffer(answer), asio::use_awaitable);
        }
    }
    void hand_over(tcp::socket connection, std::string read) {
        auto back = [this](socoro::descriptor given, std::string unanswered) {
            ++returned;
            auto resume = [this, held = std::move(given), unanswered]() mutable {
                auto const ex = context_.get_executor();
                start(socoro::net::to_tcp_socket(ex, std::move(held)), unanswered);
            };
            asio::post(context_, std::move(resume));
        };
        io_.serve(socoro::descriptor(connection.release()), std::move(read), back);
    }

    socoro::server& io_;
    asio::io_context context_;
    tcp::acceptor acceptor_{context_, test::loopback()};
    std::jthread thread_;
};

/// Sends a request and waits for the answer's body.
std::string ask(tcp::socket& over, std::string const& request) {
    asio::write(over, asio::buffer(request));
    std::string bytes;
    auto const head = asio::read_until(over, asio::dynamic_buffer(bytes), "\r\n\r\n");
    auto const at = bytes.find("Content-Length: ");
    auto const length = std::stoul(bytes.substr(at + 16));
    if (bytes.size() < head + length)
        asio::read(
            over,
            asio::dynamic_buffer(bytes),
            asio::transfer_exactly(head + length - bytes.size()));
    return bytes.substr(head);
}

}  // namespace

TEST_CASE("threads: connections are handed over by another thread, and come back to it") {
    constexpr int visitors = 8, rounds = 25;
    asio::io_context context;
    auto work = asio::make_work_guard(context);
    socoro::server io(context);
    std::atomic<int> pages = 0, opened = 0;
    {
        host beside(io);
        std::jthread const runs([&] { context.run(); });
        {
            std::vector<std::jthread> clients;
            for (int i = 0; i < visitors; ++i)
                clients.emplace_back([&, at = beside.endpoint()] {
                    asio::io_context own;
                    tcp::socket over(own);
                    over.connect(at);
                    for (int round = 0; round < rounds; ++round) {
                        pages += ask(over, test::get("/")) == "page";
                        auto const open = test::get("/socket.io/?EIO=4&transport=polling");
                        opened += ask(over, open).starts_with("0{\"sid\":");
                    }
                });
        }
        CHECK(pages == visitors * rounds);
        CHECK(opened == visitors * rounds);
        CHECK(beside.returned == visitors * (rounds - 1));
        io.close();
        work.reset();
    }
}

TEST_CASE("threads: who waits for the end of a server in another thread may give up at any time") {
    for (int turns = 0; turns < 60; ++turns) {
        asio::io_context context, here;
        auto work = asio::make_work_guard(context);
        // A request that has begun keeps it from its end, for an hour.
        socoro::options opts;
        opts.deadlines.head = std::chrono::hours(1);
        socoro::server io(context, opts);
        tcp::acceptor acceptor(here, test::loopback());
        tcp::socket client(here);
        client.connect(acceptor.local_endpoint());
        io.serve(acceptor.accept(), "GET / HTTP/1.1\r\n");
        std::jthread const runs([&] { context.run(); });
        asio::cancellation_signal impatience;
        bool ended = false;
        asio::co_spawn(
            here,
            io.close(std::chrono::hours(1)),
            asio::bind_cancellation_slot(impatience.slot(), [&](std::exception_ptr const&) {
                ended = true;
            }));
        std::function<void(int)> give_up = [&](int after) {
            if (after == 0)
                return impatience.emit(asio::cancellation_type::all);
            asio::post(here, [&, after] { give_up(after - 1); });
        };
        asio::post(here, [&] { give_up(turns); });
        here.run();
        CHECK(ended);
        context.stop();
    }
}
