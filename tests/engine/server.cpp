// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/server.hpp>

#include "support/http_script.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace engine = socoro::engine;
namespace net = socoro::net;
using strings = std::vector<std::string>;
using namespace std::chrono_literals;

namespace {

/// A server attached to an HTTP server, on the clock of the system but never waiting for it.
struct setup {
    explicit setup(engine::session_handler handler) {
        engine::options options;
        options.hooks.connection_error = nullptr;
        options.hooks.handler_failed = [this](auto const&, auto const& what) {
            failures.emplace_back(what);
        };
        server = std::make_unique<engine::server>(context, std::move(handler), options);
        server->attach(http);
    }
    void run() {
        do
            context.restart();
        while (context.poll() > 0);
    }
    test::websocket_peer connect() {
        test::memory_connection const wire(http.owner());
        http.core()->serve(wire.stream);
        wire.peer.send(test::get("/engine.io/?EIO=4&transport=websocket", test::upgrade_fields));
        run();
        auto bytes = wire.peer.take();
        CHECK(test::take_answer(bytes).status == 101);
        wire.peer.put_back(bytes);
        return test::websocket_peer(wire.peer);
    }
    /// What a client has seen behind the open packet.
    strings seen(test::websocket_peer& by) {
        run();
        auto events = by.take();
        if (!events.empty() && events[0].starts_with("text:0{"))
            events.erase(events.begin());
        return events;
    }

    asio::io_context context;
    net::http_server http{context};
    strings failures;
    std::unique_ptr<engine::server> server;
};

asio::awaitable<void> echo(engine::session session) {
    session.send("hello " + std::string(session.transport()));
    for (;;) {
        auto received = co_await session.recv();
        session.send(std::move(received));
    }
}

}  // namespace

TEST_CASE("engine/server: a handler greets, echoes, and ends with its client") {
    setup s(echo);
    auto client = s.connect();
    client.text("4text");
    client.send(socoro::ws::opcode::binary, "bytes");
    CHECK(s.seen(client) == strings{"text:4hello websocket", "text:4text", "binary:bytes"});
    CHECK(s.server->sessions() == 1);
    client.close();
    s.run();
    CHECK(s.server->sessions() == 0);
    CHECK(s.failures.empty());
}

TEST_CASE("engine/server: when the handler returns or throws, its session is closed") {
    setup s([](engine::session session) -> asio::awaitable<void> {
        auto const first = co_await session.recv();
        session.send("got " + first.data);
        if (first.data == "throw")
            throw std::runtime_error("a bug");
    });
    auto returning = s.connect();
    auto throwing = s.connect();
    auto other = s.connect();
    returning.text("4return");
    throwing.text("4throw");
    CHECK(s.seen(returning) == strings{"text:4got return", "close:1005"});
    CHECK(s.seen(throwing) == strings{"text:4got throw", "close:1005"});
    CHECK(s.failures == strings{"a bug"});
    CHECK(s.seen(other).empty());
    CHECK(s.server->sessions() == 1);
}

TEST_CASE("engine/server: what came before the end is received, then the reason is thrown") {
    strings got;
    auto const collect = [&got](engine::session session) -> asio::awaitable<void> {
        try {
            for (;;) {
                auto const m = co_await session.recv();
                got.push_back(m.data);
            }
        } catch (std::system_error const& e) {
            CHECK(e.code() == socoro::closed);
            got.push_back(e.code().message());
        }
        CHECK_FALSE(session.is_open());
        session.send("nobody hears");
        session.close();
        co_await session.drain();
    };
    setup s(collect);
    auto client = s.connect();
    client.text("41");
    client.text("42");
    client.close();
    s.run();
    CHECK(got == strings{"1", "2", "transport close"});
}

TEST_CASE("engine/server: a handler that falls behind makes its client wait, and loses nothing") {
    std::size_t received = 0;
    auto go = std::shared_ptr<net::signal>();
    auto const slow = [&](engine::session session) -> asio::awaitable<void> {
        co_await go->wait();
        for (;;) {
            auto const m = co_await session.recv();
            received += m.data.size();
        }
    };
    setup s(slow);
    go = std::make_shared<net::signal>(*s.http.owner());
    auto client = s.connect();
    client.raw.limit(1'000'000);
    auto const big = "4" + std::string(100'000, 'x');
    for (int i = 0; i < 50; ++i)
        client.text(big);
    s.run();
    CHECK(received == 0);
    // It has not read everything: TCP would make the client wait.
    CHECK(client.raw.unread() > 3'000'000);
    go->notify_all();
    s.run();
    CHECK(received == 50 * 100'000);
    go.reset();
}

TEST_CASE("engine/server: destroying it ends all sessions and handlers") {
    int ended = 0;
    auto const count = [&ended](engine::session session) -> asio::awaitable<void> {
        try {
            std::ignore = co_await session.recv();
        } catch (std::system_error const& e) {
            CHECK(e.code() == socoro::errc::forced_close);
            ++ended;
        }
    };
    setup s(count);
    auto a = s.connect();
    auto b = s.connect();
    s.server.reset();
    s.run();
    CHECK(ended == 2);
    CHECK(s.seen(a) == strings{"close:1005"});
}

TEST_CASE("engine/server: it listens on real sockets, and lets the program end when closed") {
    setup s(echo);
    auto const at = s.server->listen({asio::ip::address_v4::loopback(), 0});
    asio::ip::tcp::socket client(s.context);
    client.connect(at);
    asio::write(
        client,
        asio::buffer(test::get("/engine.io/?EIO=4&transport=websocket", test::upgrade_fields)));
    std::string got(4096, '\0');
    std::size_t size = 0;
    auto const read = [&] {
        client.async_read_some(
            asio::buffer(got.data() + size, got.size() - size),
            [&](std::error_code, std::size_t n) { size += n; });
    };
    read();
    while (got.find("4hello websocket") == std::string::npos) {
        auto const before = size;
        s.context.restart();
        s.context.run_one();
        if (size != before)
            read();
    }
    CHECK(got.starts_with("HTTP/1.1 101"));
    s.server->close();
    s.http.close();
    client.close();
    s.context.restart();
    s.context.run();
    CHECK(s.server->sessions() == 0);
}

TEST_CASE("engine/server: connections that are alive when everything ends leave nothing") {
    asio::io_context outside;
    std::vector<asio::ip::tcp::socket> clients;
    {
        setup s(echo);
        auto const at = s.server->listen({asio::ip::address_v4::loopback(), 0});
        for (auto const& request :
             {test::get("/engine.io/?EIO=4&transport=websocket", test::upgrade_fields),
              test::get("/engine.io/?EIO=4&transport=polling"),
              std::string("GET /engine.io/?EIO=4"),
              std::string()}) {
            auto& client = clients.emplace_back(outside);
            client.connect(at);
            asio::write(client, asio::buffer(request));
        }
        while (s.server->sessions() < 2) {
            s.context.restart();
            s.context.run_one();
        }
        s.run();
    }
    for (auto& client : clients) {
        std::string rest(4096, '\0');
        std::error_code ec;
        while (!ec)
            client.read_some(asio::buffer(rest), ec);
        bool const ended = ec == asio::error::eof || ec == asio::error::connection_reset;
        CHECK(ended);
    }
}

TEST_CASE("engine/server: a session may be kept beyond the context") {
    std::optional<engine::session> kept;
    asio::io_context outside;
    asio::ip::tcp::socket client(outside);
    {
        setup s([&kept](engine::session session) -> asio::awaitable<void> {
            kept = session;
            std::ignore = co_await session.recv();
        });
        client.connect(s.server->listen({asio::ip::address_v4::loopback(), 0}));
        auto const request =
            test::get("/engine.io/?EIO=4&transport=websocket", test::upgrade_fields);
        asio::write(client, asio::buffer(request));
        while (!kept) {
            s.context.restart();
            s.context.run_one();
        }
        s.server->close();
    }
    CHECK_FALSE(kept->is_open());
    CHECK(kept->transport() == "websocket");
    kept->send("nobody hears it");
}

namespace {

/// A server on a clock that stands still; its clients are in the test.
struct closing_server : test::world {
    explicit closing_server(engine::session_handler handler) {
        engine::options options;
        options.hooks.connection_error = nullptr;
        options.hooks.handler_failed = [this](auto const&, auto const& what) {
            failures.emplace_back(what);
        };
        server.emplace(shard, std::move(handler), options);
    }
    test::memory_peer open_connection() {
        test::memory_connection const wire(shard);
        server->serve(wire.stream);
        return wire.peer;
    }
    test::websocket_peer connect(std::string const& more = {}) {
        auto const peer = open_connection();
        auto const target = "/engine.io/?EIO=4&transport=websocket" + more;
        peer.send(test::get(target, test::upgrade_fields));
        run();
        auto bytes = peer.take();
        CHECK(test::take_answer(bytes).status == 101);
        peer.put_back(bytes);
        return test::websocket_peer(peer);
    }

    strings failures;
    std::optional<engine::server> server;
};

}  // namespace

TEST_CASE("engine/server: closing can be awaited: handlers, closing handshakes and connections") {
    std::unique_ptr<net::signal> saved;
    int ended = 0;
    auto const save = [&](engine::session session) -> asio::awaitable<void> {
        try {
            std::ignore = co_await session.recv();
        } catch (std::system_error const&) {
        }
        std::ignore = co_await saved->wait();
        ++ended;
    };
    closing_server s(save);
    saved = std::make_unique<net::signal>(*s.shard);
    auto client = s.connect();
    auto const poller = s.open_connection();
    poller.send(test::get("/engine.io/?EIO=4&transport=polling"));
    s.run();
    CHECK(s.server->sessions() == 2);
    auto const closed = s.spawn(s.server->close(10s));
    CHECK(s.server->sessions() == 0);
    s.advance(5s);
    CHECK_FALSE(closed->done());
    saved->notify_all();
    s.run();
    CHECK(ended == 2);
    CHECK_FALSE(closed->done());
    client.close();
    s.run();
    CHECK(closed->done());
    CHECK(poller.closed());
    CHECK(s.clock->armed() == 0);
    CHECK(s.failures.empty());
    CHECK_THROWS_AS(s.server->listen(0), std::logic_error);
}

TEST_CASE("engine/server: what does not end in time when it is closed is cancelled") {
    std::unique_ptr<net::signal> never;
    strings thrown;
    auto const hang = [&](engine::session session) -> asio::awaitable<void> {
        std::string const name(session.transport());
        try {
            for (;;)
                std::ignore = co_await never->wait();
        } catch (std::system_error const& e) {
            thrown.push_back(name);
            CHECK(e.code() == asio::error::operation_aborted);
            throw;
        }
    };
    closing_server s(hang);
    never = std::make_unique<net::signal>(*s.shard);
    // None of them ever answers.
    auto const client = s.connect();
    auto const poller = s.open_connection();
    poller.send(test::get("/engine.io/?EIO=4&transport=polling"));
    s.run();
    auto const sid = test::take_answers(poller).at(0).body.substr(9, 20);
    auto const half = s.open_connection();
    half.send("GET /engine.io/?EIO=4");
    // The second is one too many, and does not go either.
    auto const upgrading = s.connect("&sid=" + sid);
    auto const refused = s.connect("&sid=" + sid);
    s.run();
    auto const closed = s.spawn(s.server->close(1s));
    s.advance(1s - 1ms);
    CHECK_FALSE(closed->done());
    CHECK(thrown.empty());
    s.advance(1ms);
    CHECK(closed->done());
    CHECK_FALSE(closed->failure);
    CHECK(thrown.size() == 2);
    CHECK(client.raw.closed());
    CHECK(poller.closed());
    CHECK(half.closed());
    CHECK(upgrading.raw.closed());
    CHECK(refused.raw.closed());
    CHECK(s.clock->armed() == 0);
    CHECK(s.failures.empty());
}

TEST_CASE("engine/server: it may be destroyed while it is awaited to close") {
    closing_server s(echo);
    auto const client = s.connect();
    auto const closed = s.spawn(s.server->close(10s));
    s.server.reset();
    s.advance(10s);
    CHECK(closed->done());
    CHECK(client.raw.closed());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("engine/server: the end of another session is no normal end of a handler") {
    std::optional<engine::session> first;
    closing_server s([&](engine::session session) -> asio::awaitable<void> {
        if (!first)
            first = session;
        // Every handler listens to the first session.
        auto const listened = *first;
        std::ignore = co_await listened.recv();
    });
    auto a = s.connect();
    auto b = s.connect();
    first->close();
    a.close();
    s.run();
    CHECK(s.failures == strings{"forced close"});
    CHECK(b.take().back() == "close:1005");
    first.reset();
}

TEST_CASE("engine/server: what Asio wraps is unwrapped when a handler ends") {
    closing_server s([](engine::session session) -> asio::awaitable<void> {
        bool bug = false;
        std::exception_ptr failure;
        try {
            auto const first = co_await session.recv();
            bug = first.data == "bug";
            std::ignore = co_await session.recv();
        } catch (...) {
            failure = std::current_exception();
        }
        if (bug)
            failure = std::make_exception_ptr(std::runtime_error("a bug"));
        throw asio::multiple_exceptions(failure);
    });
    auto normal = s.connect();
    auto wrong = s.connect();
    normal.text("4x");
    wrong.text("4bug");
    normal.close();
    wrong.close();
    s.run();
    CHECK(s.failures == strings{"a bug"});
}

TEST_CASE(
    "engine/server: a handler may say that a message need not arrive, and learns if it did not") {
    std::string became;
    closing_server s([&](engine::session session) -> asio::awaitable<void> {
        engine::delivery how;
        how.is_volatile = true;
        co_await session.drain();
        for (std::string const text : {"a", "b"})
            became += session.send(text, how) == engine::sent::queued ? "queued " : "dropped ";
        became += std::to_string(session.dropped());
        std::ignore = co_await session.recv();
    });
    auto client = s.connect();
    CHECK(became == "queued dropped 1");
    CHECK(client.take().back() == "text:4a");
    s.server->close();
    s.run();
}
