// SPDX-License-Identifier: BSL-1.0
// What the framework promises about ends: each test is one sentence of it.
#include <socoro/test.hpp>

#include <asio/experimental/awaitable_operators.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace {

using number = socoro::event<"number", int>;
using word = socoro::event<"word", std::string>;
using question = socoro::event<"question", int(int)>;
using never = socoro::event<"never">;

using lines = std::vector<std::string>;
using journal = std::shared_ptr<lines>;

asio::awaitable<void> stay(socoro::socket socket) {
    std::ignore = co_await socket.recv<never>();
}

/// Counts the coroutines that hold one.
class guard {
public:
    explicit guard(int& count) : count_(&count) { ++*count_; }
    guard(guard const& other) : count_(other.count_) { ++*count_; }
    guard& operator=(guard const&) = delete;
    ~guard() { --*count_; }

private:
    int* count_;
};

/// Waits for a timer of the program's own, on the test's clock.
class bell {
public:
    explicit bell(socoro::net::shard& owner) : rung_(owner) {}
    void ring() { rung_.notify_all(); }
    [[nodiscard]] asio::awaitable<void> heard() { std::ignore = co_await rung_.wait(); }

private:
    socoro::net::signal rung_;
};

void run_in(socoro::test::server const& server, asio::awaitable<void> task, bool& done) {
    asio::co_spawn(server.get_executor(), std::move(task), [&done](std::exception_ptr failure) {
        done = !failure;
    });
    server.run();
}

}  // namespace

TEST_CASE("api/lifetimes: when the peer goes, everything that waits for the socket ends with it") {
    auto const log = std::make_shared<lines>();
    auto const note = [log](std::string name, asio::awaitable<void> wait) -> asio::awaitable<void> {
        try {
            co_await std::move(wait);
            log->push_back(name + ": no error");
        } catch (std::system_error const& e) {
            log->push_back(name + ": " + e.code().message());
        }
    };
    auto [client, server] = socoro::test::pair([&](socoro::socket s) -> asio::awaitable<void> {
        auto const receive = [s]() -> asio::awaitable<void> {
            std::ignore = co_await s.recv<word>();
        };
        auto const call = [s]() -> asio::awaitable<void> {
            std::ignore = co_await s.call<question>(1);
        };
        auto const grandchild = [s, note, receive]() -> asio::awaitable<void> {
            s.spawn(note("grandchild", receive()));
            std::ignore = co_await s.recv<word>();
        };
        s.spawn(note("recv", receive()));
        s.spawn(note("call", call()));
        s.spawn(note("child", grandchild()));
        co_await stay(s);
    });
    client.vanish();
    server.run();
    std::sort(log->begin(), log->end());
    CHECK(
        *log == lines{
                    "call: transport close",
                    "child: transport close",
                    "grandchild: transport close",
                    "recv: transport close"});
}

TEST_CASE("api/lifetimes: a disconnect never cancels what the handler awaits of its own") {
    auto const log = std::make_shared<lines>();
    socoro::test::server server;
    auto const own = std::make_shared<std::unique_ptr<bell>>();
    server.io().on_connection([own, log](socoro::socket s) -> asio::awaitable<void> {
        co_await (*own)->heard();
        log->push_back(s.connected() ? "connected" : "gone");
    });
    auto const& shard = server.shard();
    *own = std::make_unique<bell>(*shard);
    auto const client = server.connect();
    client.vanish();
    server.run();
    CHECK(log->empty());
    asio::post(server.get_executor(), [own] { (*own)->ring(); });
    server.run();
    CHECK(*log == lines{"gone"});
}

TEST_CASE("api/lifetimes: the end of a handler that Asio's operators wrapped is no failure") {
    using asio::experimental::awaitable_operators::operator||;
    auto [client, server] = socoro::test::pair([](socoro::socket s) -> asio::awaitable<void> {
        std::ignore = co_await (s.recv<number>() || s.recv<word>());
    });
    client.vanish();
    server.run();
    CHECK(server.reports().empty());
    // The failure of something else is one, under its own name.
    socoro::test::server other;
    other.io().on_connection([](socoro::socket s) -> asio::awaitable<void> {
        auto const fail = []() -> asio::awaitable<int> {
            throw std::runtime_error("broken");
            co_return 1;
        };
        std::ignore = co_await (fail() || s.recv<word>());
    });
    auto const second = other.connect();
    second.vanish();
    other.run();
    CHECK(other.reports() == lines{"/ failed: broken"});
}

TEST_CASE("api/close: it waits for every handler and child, and leaves nothing behind") {
    int alive = 0;
    auto const log = std::make_shared<lines>();
    socoro::test::server server;
    server.io().on_connection([&alive, log](socoro::socket s) -> asio::awaitable<void> {
        guard const here(alive);
        s.spawn(
            [](socoro::socket of, guard) -> asio::awaitable<void> { co_await stay(of); }(s, here));
        try {
            co_await stay(s);
        } catch (std::system_error const& e) {
            log->push_back(e.code().message());
        }
    });
    std::vector<socoro::test::client> clients;
    for (int i = 0; i < 3; ++i)
        clients.push_back(server.connect());
    CHECK(alive == 6);
    bool closed = false;
    run_in(server, server.io().close(5s), closed);
    CHECK(closed);
    CHECK(alive == 0);
    CHECK(*log == lines(3, "server shutting down"));
    CHECK(server.io().clients_count() == 0);
    CHECK(server.timers() == 0);
    CHECK(server.reports().empty());
    for (auto const& client : clients)
        CHECK(!client.connected());
    // Nobody comes in any more.
    CHECK(!server.connect().connected());
}

TEST_CASE("api/close: what is late is cancelled at the deadline, and waited for") {
    int alive = 0;
    socoro::test::server server;
    auto const& shard = server.shard();
    bell own(*shard);
    server.io().on_connection([&](socoro::socket) -> asio::awaitable<void> {
        guard const here(alive);
        co_await own.heard();
    });
    server.io().use([&](socoro::socket& s) -> asio::awaitable<void> {
        guard const here(alive);
        if (s.handshake().auth.as_object().contains("wait"))
            co_await own.heard();
    });
    auto const connected = server.connect();
    auto const held_up = server.connect("/", {{"wait", true}});
    CHECK(alive == 2);
    bool closed = false;
    run_in(server, server.io().close(5s), closed);
    CHECK(!closed);
    server.advance(4999ms);
    CHECK(!closed);
    CHECK(alive == 2);
    server.advance(1ms);
    CHECK(closed);
    CHECK(alive == 0);
    CHECK(server.timers() == 0);
    // Being cancelled is not a failure of the handler.
    CHECK(server.reports().empty());
}

TEST_CASE("api/close: who is cancelled while waiting leaves the handlers to their own end") {
    int alive = 0;
    socoro::test::server server;
    bell own(*server.shard());
    server.io().on_connection([&](socoro::socket) -> asio::awaitable<void> {
        guard const here(alive);
        co_await own.heard();
    });
    auto const client = server.connect();
    asio::cancellation_signal impatience;
    bool given_up = false;
    auto const note = [&](std::exception_ptr const&) { given_up = true; };
    asio::co_spawn(
        server.get_executor(),
        server.io().close(5s),
        asio::bind_cancellation_slot(impatience.slot(), note));
    server.run();
    impatience.emit(asio::cancellation_type::all);
    server.advance(60s);
    CHECK(given_up);
    CHECK(!client.connected());
    CHECK(alive == 1);
    asio::post(server.get_executor(), [&] { own.ring(); });
    server.run();
    CHECK(alive == 0);
}

TEST_CASE("api/close: what a late handler starts when it is cancelled is cancelled as well") {
    int alive = 0;
    socoro::test::server server;
    auto const never_rung = std::make_shared<bell>(*server.shard());
    server.io().on_connection([&, never_rung](socoro::socket s) -> asio::awaitable<void> {
        guard const here(alive);
        try {
            co_await never_rung->heard();
        } catch (std::system_error const&) {
            s.spawn([](std::shared_ptr<bell> rung, guard) -> asio::awaitable<void> {
                co_await rung->heard();
            }(never_rung, here));
        }
    });
    auto const client = server.connect();
    bool closed = false;
    run_in(server, server.io().close(1s), closed);
    server.advance(2s);
    CHECK(closed);
    CHECK(alive == 0);
    CHECK(server.timers() == 0);
}

TEST_CASE("api/close: packet middleware that is late does not keep the events behind it") {
    int alive = 0;
    socoro::test::server server;
    auto const never_rung = std::make_shared<bell>(*server.shard());
    server.io()
        .use_packets(
            [never_rung](socoro::socket&, socoro::any_event&) { return never_rung->heard(); })
        .on_connection([&](socoro::socket s) -> asio::awaitable<void> {
            guard const here(alive);
            co_await stay(s);
        });
    auto const client = server.connect();
    client.emit<number>(1);
    client.emit<number>(2);
    server.run();
    bool closed = false;
    run_in(server, server.io().close(1s), closed);
    server.advance(2s);
    CHECK(closed);
    CHECK(alive == 0);
}

TEST_CASE("api/lifetimes: a handler may change its own cancellation, and ends like any other") {
    auto const log = std::make_shared<lines>();
    auto [client, server] = socoro::test::pair([log](socoro::socket s) -> asio::awaitable<void> {
        auto const mine = std::make_shared<int>(0);
        auto const filter = [mine](asio::cancellation_type) {
            return asio::cancellation_type::none;
        };
        co_await asio::this_coro::reset_cancellation_state(filter);
        auto const event = co_await s.recv<number>();
        log->push_back(std::to_string(std::get<0>(event)));
        co_await stay(s);
    });
    client.emit<number>(1);
    client.vanish();
    server.run();
    CHECK(*log == lines{"1"});
    CHECK(server.reports().empty());
}

TEST_CASE("api/lifetimes: who is refused was never there: nothing is closed, nothing has failed") {
    auto const log = std::make_shared<lines>();
    socoro::options opts;
    opts.hooks.closed = [log](socoro::closed_socket const& c) {
        log->push_back(std::string(c.nsp));
    };
    socoro::test::server server(opts);
    server.io().use([](socoro::socket& s) -> asio::awaitable<void> {
        s.spawn(stay(s));
        throw socoro::refused("no");
        co_return;
    });
    CHECK(server.connect().refusal());
    CHECK(log->empty());
    CHECK(server.reports().empty());
}

TEST_CASE(
    "api/close: a server that is destroyed disconnects, and late handlers touch nothing dead") {
    int alive = 0;
    auto const log = std::make_shared<lines>();
    asio::io_context context;
    auto const run = [&] {
        do
            context.restart();
        while (context.poll() > 0);
    };
    auto const clock = std::make_shared<socoro::net::manual_clock>();
    auto const shard = socoro::net::shard::make(context.get_executor(), clock);
    bell own(*shard);
    auto const link = std::make_shared<socoro::test::memory_link>(shard);
    {
        socoro::server server(shard);
        server.on_connection([&](socoro::socket s) -> asio::awaitable<void> {
            guard const here(alive);
            co_await own.heard();
            s.emit<number>(1);
            s.broadcast().emit<number>(1);
            log->push_back(s.reason().message());
            std::ignore = co_await s.recv<number>();
        });
        server.adopt(socoro::transport::any_transport(link), {}, "in memory");
        link->deliver(socoro::eio::packet::from({false, "0"}));
        run();
        CHECK(alive == 1);
    }
    run();
    CHECK(alive == 1);
    CHECK(log->empty());
    asio::post(context, [&] { own.ring(); });
    run();
    CHECK(alive == 0);
    CHECK(*log == lines{"server shutting down"});
    CHECK(clock->armed() == 0);
}

TEST_CASE("api/close: a hook may destroy the server that is about to adopt a session") {
    asio::io_context context;
    auto const shard = socoro::net::shard::make(
        context.get_executor(),
        std::make_shared<socoro::net::manual_clock>());
    std::optional<socoro::server> server;
    int ended = 0;
    socoro::options opts;
    opts.hooks.session_opened = [&](socoro::opened_session const&) { server.reset(); };
    opts.hooks.session_closed = [&](socoro::closed_session const&) { ++ended; };
    server.emplace(shard, opts);
    auto const link = std::make_shared<socoro::test::memory_link>(shard);
    asio::post(context, [&] {
        server->adopt(socoro::transport::any_transport(link), {}, "in memory");
        CHECK(ended == 1);
    });
    while (context.poll() > 0)
        context.restart();
    CHECK_FALSE(server);
    CHECK(ended == 1);
}

TEST_CASE("api/close: a context that is destroyed takes what waits with it") {
    int alive = 0;
    {
        auto [client, server] = socoro::test::pair([&](socoro::socket s) -> asio::awaitable<void> {
            guard const here(alive);
            s.spawn([](socoro::socket of, guard) -> asio::awaitable<void> {
                co_await stay(of);
            }(s, here));
            auto const slow = [&](number) -> asio::awaitable<void> {
                guard const inner(alive);
                std::ignore = co_await s.call<question>(1);
            };
            std::ignore = co_await s.serve(slow).concurrently();
        });
        client.emit<number>(1);
        client.emit<number>(2);
        server.run();
        CHECK(alive == 4);
    }
    CHECK(alive == 0);
}

TEST_CASE("api/close: any thread may ask for it") {
    int alive = 0;
    auto [client, server] = socoro::test::pair([&](socoro::socket s) -> asio::awaitable<void> {
        guard const here(alive);
        co_await stay(s);
    });
    CHECK(alive == 1);
    server.io().close();  // this thread is not on the executor
    CHECK(alive == 1);
    CHECK(!client.connected());
    CHECK(alive == 0);
}

TEST_CASE("api/test: a client has the id of its socket, and is one of two if there are two") {
    std::vector<std::string> ids;
    auto [client, server] = socoro::test::pair([&](socoro::socket s) -> asio::awaitable<void> {
        ids.push_back(s.id());
        co_await stay(s);
    });
    auto const other = server.connect();
    CHECK(ids == lines{client.id(), other.id()});
    CHECK(client.id() != other.id());
    server.io().to(other.id()).emit<number>(1);
    CHECK(!client.take());
    CHECK(other.take<number>() == number(1));
}

TEST_CASE("api/drain: it waits until what was sent has left, and ends with the connection") {
    auto const log = std::make_shared<lines>();
    auto [client, server] = socoro::test::pair([log](socoro::socket s) -> asio::awaitable<void> {
        for (int i = 0; i < 1000; ++i)
            s.emit<number>(i);
        co_await s.drain();
        log->push_back("drained");
        co_await stay(s);
    });
    server.run();
    CHECK(*log == lines{"drained"});
    int count = 0;
    while (client.take<number>())
        ++count;
    CHECK(count == 1000);
}
