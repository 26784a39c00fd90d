// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/http_neighbours.hpp>
#include <socoro/net/http_server.hpp>

#include "support/http_script.hpp"
#include "support/loopback.hpp"

#include <asio/read.hpp>
#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

namespace net = socoro::net;
namespace http = socoro::http;
using asio::ip::tcp;
using test::loopback;
using test::run_until;

namespace {

/// An HTTP server on two shards, with real connections: it answers with the number of the shard.
struct two_shards {
    explicit two_shards(net::http_server_options const& options = {}) {
        for (int i = 0; i < 2; ++i)
            shards.emplace_back(asio::make_strand(context.get_executor()));
        auto answer = [this](http::request const&) -> asio::awaitable<http::response> {
            auto const ex = co_await asio::this_coro::executor;
            co_return http::text(200, ex == shards[0] ? "first" : "second");
        };
        auto given = options;
        given.hooks.connection_dropped = [this](auto const&) { ++dropped; };
        server.emplace(shards, answer, given);
        at = server->listen(loopback());
    }
    ~two_shards() {
        server.reset();
        context.restart();
        context.poll();
    }
    tcp::socket& connect() {
        clients.emplace_back(context);
        clients.back().connect(at);
        return clients.back();
    }
    /// Which shard answers here.
    std::string ask(tcp::socket& over) {
        asio::write(over, asio::buffer(test::get("/")));
        std::string got;
        bool done = false;
        auto read = [&]() -> asio::awaitable<void> {
            std::string piece(4096, '\0');
            while (test::take_answer(got).status == 0) {
                auto const [ec, n] =
                    co_await over.async_read_some(asio::buffer(piece), net::as_tuple);
                if (ec)
                    break;
                got.append(piece, 0, n);
                auto whole = got;
                auto const answer = test::take_answer(whole);
                if (answer.status != 0) {
                    got = answer.body;
                    break;
                }
            }
            done = true;
        };
        asio::co_spawn(context, read, asio::detached);
        CHECK(run_until(context, [&] { return done; }));
        return got;
    }

    asio::io_context context;
    std::vector<asio::any_io_executor> shards;
    std::optional<net::http_server> server;
    net::endpoint at;
    std::deque<tcp::socket> clients;
    int dropped = 0;
};

}  // namespace

TEST_CASE("net/http_neighbours: connections go to the shard with the fewest, in turns") {
    two_shards w;
    std::vector<std::string> seen;
    for (int i = 0; i < 4; ++i)
        seen.push_back(w.ask(w.connect()));
    CHECK(std::count(seen.begin(), seen.end(), "first") == 2);
    CHECK(std::count(seen.begin(), seen.end(), "second") == 2);
    // Where some have gone, the next ones go.
    auto const gone = seen[0];
    for (std::size_t i = 0; i < seen.size(); ++i)
        if (seen[i] == gone)
            w.clients[i].close();
    auto const& parts = w.server->parts();
    CHECK(run_until(w.context, [&] {
        return parts[0]->connections() + parts[1]->connections() == 2;
    }));
    CHECK(w.ask(w.connect()) == gone);
    CHECK(w.ask(w.connect()) == gone);
}

TEST_CASE("net/http_neighbours: connections are limited on all shards together") {
    net::http_server_options options;
    options.max_connections = 3;
    two_shards w(options);
    for (int i = 0; i < 3; ++i)
        CHECK_FALSE(w.ask(w.connect()).empty());
    CHECK(w.ask(w.connect()).empty());
    CHECK(w.dropped == 1);
    w.clients.front().close();
    auto const& parts = w.server->parts();
    CHECK(run_until(w.context, [&] {
        return parts[0]->connections() + parts[1]->connections() == 2;
    }));
    CHECK_FALSE(w.ask(w.connect()).empty());
}

TEST_CASE("net/http_neighbours: descriptors that are handed over are spread as well") {
    two_shards w;
    tcp::acceptor beside(w.context, loopback());
    std::vector<std::string> seen;
    for (int i = 0; i < 4; ++i) {
        w.clients.emplace_back(w.context);
        w.clients.back().connect(beside.local_endpoint());
        w.server->core()->serve_for_another(
            net::descriptor(beside.accept().release()),
            {},
            nullptr);
        seen.push_back(w.ask(w.clients.back()));
    }
    CHECK(std::count(seen.begin(), seen.end(), "first") == 2);
    CHECK(std::count(seen.begin(), seen.end(), "second") == 2);
}

TEST_CASE("net/http_neighbours: a server needs an executor, and its part there can be found") {
    asio::io_context context, other;
    CHECK_THROWS_AS(net::http_server(std::vector<asio::any_io_executor>()), std::invalid_argument);
    net::http_server const server(context);
    auto const here = net::shard::make(context.get_executor());
    auto const elsewhere = net::shard::make(other.get_executor());
    CHECK(net::part_on(server.parts(), *here) == server.core());
    CHECK_THROWS_AS(std::ignore = net::part_on(server.parts(), *elsewhere), std::invalid_argument);
}

TEST_CASE("net/http_neighbours: a server on several shards closes on all of them") {
    two_shards w;
    for (int i = 0; i < 4; ++i)
        CHECK_FALSE(w.ask(w.connect()).empty());
    bool closed = false;
    asio::co_spawn(
        w.shards[0],
        w.server->close(std::chrono::seconds(5)),
        [&](std::exception_ptr const& failure) { closed = !failure; });
    CHECK(run_until(w.context, [&] { return closed; }));
    for (auto const& part : w.server->parts())
        CHECK(part->connections() == 0);
    for (auto& client : w.clients)
        CHECK(w.ask(client).empty());
}

TEST_CASE("net/stream: a TCP stream goes on in another context, which nobody else uses") {
    asio::io_context here, there;
    auto const first = net::shard::make(here.get_executor());
    auto const second = net::shard::make(there.get_executor());
    tcp::acceptor acceptor(here, loopback());
    tcp::socket client(here);
    client.connect(acceptor.local_endpoint());
    auto from = std::make_unique<net::tcp_stream>(acceptor.accept());
    asio::write(client, asio::buffer(std::string("hello")));
    auto const moving = from->depart();
    REQUIRE(moving);
    CHECK_FALSE(from->depart());
    from.reset();
    auto const to = moving(second);
    std::string got(16, '\0');
    asio::co_spawn(
        there,
        [&]() -> asio::awaitable<void> {
            auto const read = co_await to->read_some(asio::buffer(got));
            got.resize(read.bytes);
            std::ignore = co_await net::write(*to, "there");
        },
        asio::detached);
    there.run();
    CHECK(got == "hello");
    CHECK(to->remote_address() == "127.0.0.1");
    std::string back(5, '\0');
    asio::read(client, asio::buffer(back));
    CHECK(back == "there");
}

TEST_CASE("net/stream: a stream that never arrives ends") {
    asio::io_context here;
    auto const first = net::shard::make(here.get_executor());
    tcp::acceptor acceptor(here, loopback());
    tcp::socket client(here);
    client.connect(acceptor.local_endpoint());
    {
        net::tcp_stream from(acceptor.accept());
        auto const lost = from.depart();
    }
    std::error_code ec;
    char c = 0;
    client.read_some(asio::buffer(&c, 1), ec);
    CHECK(ec == asio::error::eof);
}
