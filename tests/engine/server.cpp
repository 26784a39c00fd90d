// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/server.hpp>

#include "support/http_script.hpp"
#include "support/websocket_peer.hpp"

#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace engine = socoro::engine;
namespace net = socoro::net;
using strings = std::vector<std::string>;

namespace {

/// A server attached to an HTTP server, on the clock of the system but never waiting for it.
struct setup {
    explicit setup(engine::session_handler handler) {
        engine::options options;
        options.hooks.refused = nullptr;
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
