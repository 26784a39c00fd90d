// SPDX-License-Identifier: BSL-1.0
// An Engine.IO server on several shards, each in a thread of its own: every request comes over a
// connection of its own, so that it arrives anywhere. Built with ThreadSanitizer as well.
#include <socoro/engine/closing.hpp>
#include <socoro/engine/server_core.hpp>

#include "engine/recorder.hpp"
#include "support/http_script.hpp"
#include "support/loopback.hpp"

#include <asio/read.hpp>
#include <asio/read_until.hpp>
#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <system_error>
#include <thread>
#include <tuple>
#include <vector>

namespace {

namespace engine = socoro::engine;
namespace net = socoro::net;
using tcp = asio::ip::tcp;

/// Sends every message back.
struct echo final : engine::sink {
    explicit echo(std::shared_ptr<engine::session_core> const& of) : session(of) {}
    void on_message(socoro::message&& received) override {
        if (auto const to = session.lock())
            engine_test::send(*to, received.data);
    }
    [[nodiscard]] bool wants_more() const override { return true; }
    void on_close(socoro::errc) override {}
    std::weak_ptr<engine::session_core> session;
};

/// Contexts that know that they are each in one thread.
struct city {
    static constexpr std::size_t size = 3;

    city() {
        for (std::size_t i = 0; i < size; ++i) {
            auto const shard = net::shard::make(
                contexts.emplace_back(ASIO_CONCURRENCY_HINT_UNSAFE_IO).get_executor());
            work.emplace_back(contexts.back().get_executor());
            engine::options quiet;
            quiet.hooks.connection_error = nullptr;
            auto const accept = [](auto const& opened) { return std::make_shared<echo>(opened); };
            engines.push_back(net::make_on_shard<engine::server_core>(shard, shard, quiet, accept));
            https.push_back(net::make_on_shard<net::http_server_core>(
                shard,
                shard,
                nullptr,
                engines.back()->http_options()));
            engines.back()->attach(*https.back());
        }
        engine::server_core::introduce(engines);
        net::http_server_core::introduce(https);
        at = https.front()->listen(test::loopback());
        for (auto& context : contexts)
            threads.emplace_back([&context] { context.run(); });
    }
    ~city() {
        engine::close_together(engines, https);
        work.clear();
        threads.clear();
    }

    std::deque<asio::io_context> contexts;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work;
    std::vector<std::shared_ptr<engine::server_core>> engines;
    std::vector<std::shared_ptr<net::http_server_core>> https;
    net::endpoint at;
    std::vector<std::jthread> threads;
};

/// A client that opens a connection for each request.
struct visitor {
    explicit visitor(net::endpoint where) : at(where) {}

    std::string ask(std::string const& request) {
        tcp::socket over(context);
        over.connect(at);
        asio::write(over, asio::buffer(request));
        std::string got;
        asio::read_until(over, asio::dynamic_buffer(got), "\r\n\r\n");
        auto whole = got;
        auto answer = test::take_answer(whole);
        while (answer.status == 0) {
            char c = 0;
            asio::read(over, asio::buffer(&c, 1));
            got += c;
            whole = got;
            answer = test::take_answer(whole);
        }
        return answer.body;
    }
    [[nodiscard]] std::string target(std::string const& over) const {
        return "/engine.io/?EIO=4&transport=" + over + (sid.empty() ? "" : "&sid=" + sid);
    }
    void open() {
        auto const body = ask(test::get(target("polling")));
        sid = body.substr(9, 20);
    }
    /// Asks for an upgrade and goes away once it is there.
    [[nodiscard]] bool look_at_upgrade() {
        tcp::socket over(context);
        over.connect(at);
        asio::write(over, asio::buffer(test::get(target("websocket"), test::upgrade_fields)));
        std::string got;
        asio::read_until(over, asio::dynamic_buffer(got), "\r\n\r\n");
        return got.starts_with("HTTP/1.1 101");
    }

    net::endpoint at;
    asio::io_context context;
    std::string sid;
};

}  // namespace

TEST_CASE("threads: polls, posts and upgrades that arrive on other shards than their session's") {
    constexpr int visitors = 3, rounds = 40;
    std::atomic<int> echoed = 0, upgrades = 0;
    city c;
    {
        std::vector<std::jthread> all;
        for (int i = 0; i < visitors; ++i)
            all.emplace_back([&] {
                visitor v(c.at);
                v.open();
                for (int round = 0; round < rounds; ++round) {
                    auto const text = "4" + std::to_string(round);
                    if (v.ask(test::post(v.target("polling"), text)) == "ok")
                        echoed += v.ask(test::get(v.target("polling"))) == text;
                }
                upgrades += v.look_at_upgrade();
            });
    }
    CHECK(echoed.load() == visitors * rounds);
    CHECK(upgrades.load() == visitors);
    CHECK(c.engines.back()->sessions() == visitors);
}

TEST_CASE("threads: a server closes while requests go from shard to shard") {
    for (int turn = 0; turn < 10; ++turn) {
        std::atomic<bool> over = false;
        std::vector<std::jthread> all;
        city c;
        for (int i = 0; i < 2; ++i)
            all.emplace_back([&over, at = c.at] {
                try {
                    visitor v(at);
                    v.open();
                    while (!over) {
                        std::ignore = v.ask(test::post(v.target("polling"), "4text"));
                        std::ignore = v.ask(test::get(v.target("polling")));
                    }
                } catch (std::system_error const&) {
                    // Whoever is in the middle of something sees the end.
                }
            });
        while (c.engines.front()->sessions() < 2)
            std::this_thread::yield();
        engine::close_together(c.engines, c.https);
        while (c.engines.front()->sessions() > 0)
            std::this_thread::yield();
        over = true;
        all.clear();
    }
}
