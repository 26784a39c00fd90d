// SPDX-License-Identifier: BSL-1.0
// Beside another server: connections are handed over, come back, and are closed with grace.
#include <socoro/server.hpp>

#include "support/http_script.hpp"
#include "support/loopback.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <asio/local/connect_pair.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;
using test::get;
using test::post;
using tcp = asio::ip::tcp;

namespace {

using order = socoro::event<"order", int(int)>;
using news = socoro::event<"news", int>;

socoro::options quiet() {
    socoro::options opts;
    opts.hooks.connection_error = nullptr;
    opts.hooks.handler_failed = nullptr;
    return opts;
}

/// A server with its own world, whose handler confirms orders until it is told to hold them.
struct shop : test::world {
    explicit shop(socoro::options opts = quiet()) : io(std::in_place, shard, std::move(opts)) {
        io->on_connection([this](socoro::socket socket) { return trade(socket); });
    }

    asio::awaitable<void> trade(socoro::socket socket) {
        addresses.push_back(socket.handshake().address);
        try {
            for (;;) {
                auto const next = co_await socket.recv<order>();
                orders.push_back(next.args);
                if (holds)
                    std::ignore = co_await released.wait();
                next.reply(next.args);
            }
        } catch (std::system_error const& e) {
            reasons.push_back(e.code().message());
        }
        if (stays)
            std::ignore = co_await released.wait();
    }

    /// A connection for as many requests as one likes.
    test::memory_peer connect() {
        test::memory_connection const wire(shard);
        io->serve(wire.stream, std::string());
        run();
        return wire.peer;
    }
    std::string ask(test::memory_peer const& peer, std::string_view bytes) {
        peer.send(bytes);
        run();
        auto const answers = test::take_answers(peer);
        return answers.empty() ? "nothing" : answers.back().body;
    }
    [[nodiscard]] std::string target(std::string_view sid = {}) const {
        return "/socket.io/?EIO=4&transport=polling" +
               (sid.empty() ? "" : "&sid=" + std::string(sid));
    }
    /// A client that has joined `/` over polling, and whose poll waits.
    struct client {
        test::memory_peer polls, posts;
        std::string at;
    };
    client join() {
        client made{connect(), connect(), {}};
        made.at = target(ask(made.polls, get(target())).substr(9, 20));
        CHECK(ask(made.posts, post(made.at, "40")) == "ok");
        CHECK(ask(made.polls, get(made.at)).starts_with("40{"));
        made.polls.send(get(made.at));
        run();
        return made;
    }

    std::vector<int> orders;
    std::vector<std::string> reasons, addresses;
    socoro::net::signal released{*shard};
    bool holds = false, stays = false;
    std::optional<socoro::server> io;
};

/// A server and a program's own listener on real sockets.
struct neighbours {
    neighbours() {
        io.on_connection(
            [](socoro::socket socket) -> asio::awaitable<void> { co_await socket.recv<news>(); });
        client.connect(acceptor.local_endpoint());
        acceptor.accept(accepted);
    }
    /// Sends a request, and gives the head of the answer and what there is of the body.
    std::string ask(std::string const& request) {
        asio::write(client, asio::buffer(request));
        std::string got;
        auto const read = [this, &got](std::size_t enough) -> asio::awaitable<void> {
            while (got.size() < enough) {
                char piece[1000];
                auto const [ec, count] =
                    co_await client.async_read_some(asio::buffer(piece), socoro::as_tuple);
                if (ec)
                    break;
                got.append(piece, count);
            }
        };
        bool done = false;
        asio::co_spawn(context, read(100), [&done](std::exception_ptr const&) { done = true; });
        CHECK(test::run_until(context, [&] { return done; }));
        return got;
    }

    asio::io_context context;
    tcp::acceptor acceptor{context, test::loopback()};
    tcp::socket client{context}, accepted{context};
    socoro::server io{context, quiet()};
    std::string const open = get("/socket.io/?EIO=4&transport=polling");
};

}  // namespace

TEST_CASE("api/attaching: a target is enough to ask whose it is, from any thread") {
    test::world world;
    socoro::server io(*world.context, quiet());
    std::jthread([&] {
        CHECK(io.owns("/socket.io/?EIO=4"));
        CHECK(io.owns("/socket.io/socket.io.js"));
        CHECK(io.owns("http://example.com/socket.io/"));
        CHECK_FALSE(io.owns("/socket.io"));
        CHECK_FALSE(io.owns("/?x=/socket.io/"));
        CHECK_FALSE(io.owns(""));
    }).join();
    io.close();
    world.run();
    CHECK_FALSE(io.owns("/socket.io/"));
}

TEST_CASE("api/attaching: a socket is handed over, and comes back with the host's request") {
    neighbours n;
    asio::io_context hosts;
    std::optional<tcp::socket> returned;
    std::string bytes;
    tcp::socket moved(hosts);
    moved.assign(tcp::v4(), n.accepted.release());
    n.io.serve(std::move(moved), n.open, [&](tcp::socket back, std::string unanswered) {
        returned = std::move(back);
        bytes = std::move(unanswered);
    });
    auto const opened = n.ask("");
    CHECK(opened.starts_with("HTTP/1.1 200 "));
    CHECK(opened.find("0{\"sid\":") != std::string::npos);
    CHECK(n.io.clients_count() == 1);
    asio::write(n.client, asio::buffer(post("/page", "12345")));
    REQUIRE(test::run_until(n.context, [&] { return returned.has_value(); }));
    CHECK(bytes == post("/page", "12345"));
    CHECK(&asio::query(returned->get_executor(), asio::execution::context) == &hosts);
    asio::write(*returned, asio::buffer("HTTP/1.1 200 OK\r\n\r\n", 19));
    char first = 0;
    n.client.receive(asio::buffer(&first, 1));
    CHECK(first == 'H');
}

TEST_CASE("api/attaching: a native connection is handed over by another thread") {
    neighbours n;
    int const handle = n.accepted.release();
    std::atomic<int> returned = -1;
    std::jthread([&] {
        n.io.serve(socoro::descriptor(handle), n.open, [&](socoro::descriptor back, auto const&) {
            returned = back.release();
        });
    }).join();
    CHECK(n.ask("").starts_with("HTTP/1.1 200 "));
    asio::write(n.client, asio::buffer(get("/page")));
    REQUIRE(test::run_until(n.context, [&] { return returned != -1; }));
    CHECK(returned == handle);
    n.accepted.assign(tcp::v4(), handle);
    CHECK(n.accepted.remote_endpoint() == n.client.local_endpoint());
}

TEST_CASE("api/attaching: a connection of another family is one as well") {
    neighbours n;
    asio::local::stream_protocol::socket near(n.context), far(n.context);
    asio::local::connect_pair(near, far);
    n.io.serve(socoro::descriptor(far.release()), get("/page"));
    std::string got(12, '\0');
    bool done = false;
    near.async_read_some(asio::buffer(got), [&](auto, auto) { done = true; });
    REQUIRE(test::run_until(n.context, [&] { return done; }));
    CHECK(got == "HTTP/1.1 404");
}

TEST_CASE("api/attaching: what is no connection is refused, and closed") {
    neighbours n;
    CHECK_THROWS_AS(
        n.io.serve(socoro::descriptor(n.acceptor.release()), std::string()),
        std::system_error);
    tcp::socket idle(n.context, tcp::v4());
    CHECK_THROWS_AS(n.io.serve(std::move(idle), std::string()), std::system_error);
}

TEST_CASE("api/attaching: a closed server closes what it is handed") {
    neighbours n;
    n.io.close();
    bool came_back = false;
    n.io.serve(std::move(n.accepted), get("/page"), [&](auto, auto) { came_back = true; });
    CHECK(n.ask("").empty());
    CHECK_FALSE(came_back);
}

TEST_CASE("api/attaching: what is handed over by another thread when all is over is closed") {
    neighbours n;
    {
        asio::io_context gone;
        socoro::server io(gone, quiet());
        std::jthread([&] { io.serve(std::move(n.accepted), get("/page")); }).join();
    }
    CHECK(n.ask("").empty());
}

TEST_CASE("api/attaching: without a way back the answer is the last of its connection") {
    shop s;
    test::memory_connection const wire(s.shard);
    s.io->serve(wire.stream, get(s.target()) + get("/page"));
    s.run();
    auto const answers = test::take_answers(wire.peer);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].body.starts_with("0{"));
    CHECK(answers[0].has("Connection: close"));
    CHECK(wire.peer.ended());
    // Nobody else has read from this one.
    auto const own = s.connect();
    CHECK(s.ask(own, get("/page")) == "Not Found");
    CHECK(s.ask(own, get(s.target())).starts_with("0{"));
    CHECK_FALSE(own.ended());
}

TEST_CASE("api/attaching: the address is the connection's, unless one's own proxy says another") {
    auto const open = [](shop& s) {
        auto const fields = "X-Forwarded-For: 6.6.6.6, 203.0.113.9, 10.0.0.2\r\n";
        auto const gets = s.connect();
        auto const at = s.target(s.ask(gets, get(s.target(), fields)).substr(9, 20));
        CHECK(s.ask(s.connect(), post(at, "40")) == "ok");
        return s.addresses.at(0);
    };
    shop plain;
    CHECK(open(plain) == "192.0.2.1");
    auto opts = quiet();
    opts.trusted_proxies = 2;
    shop behind(opts);
    CHECK(open(behind) == "203.0.113.9");
    opts.trusted_proxies = 4;
    shop bypassed(opts);
    CHECK(open(bypassed) == "192.0.2.1");
}

TEST_CASE("api/attaching: what was sent in the turn of the end has left before it") {
    for (bool const patient : {false, true}) {
        CAPTURE(patient);
        shop s;
        auto const client = s.join();
        auto const idle = s.join();
        asio::post(*s.context, [&] {
            s.io->emit<news>(1);
            if (patient)
                asio::co_spawn(*s.context, s.io->close(1s), asio::detached);
            else
                s.io->close();
        });
        s.run();
        auto const answers = test::take_answers(client.polls);
        REQUIRE(answers.size() == 1);
        // Unlike the reference's, with the end behind it: the next poll would find no session.
        CHECK(
            answers[0].body ==
            "42[\"news\",1]\x1e"
            "1");
        CHECK(answers[0].has("Connection: close") == patient);
        CHECK(s.reasons == std::vector<std::string>(2, "server shutting down"));
        s.settle();
    }
}

TEST_CASE("api/attaching: closing answers polls with a close packet, and tells the handlers why") {
    shop s;
    auto const client = s.join();
    auto const closed = s.spawn(s.io->close(5s));
    auto const answers = test::take_answers(client.polls);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 200);
    CHECK(answers[0].body == "1");
    CHECK(answers[0].has("Connection: close"));
    CHECK(s.reasons == std::vector<std::string>{"server shutting down"});
    // Between two requests there is nothing to wait for.
    CHECK(client.posts.closed());
    client.polls.end();
    s.run();
    CHECK(closed->done());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("api/attaching: a POST on its way is received and answered before the end") {
    shop s;
    auto const client = s.join();
    auto const other = s.join();
    auto const body = std::string("420[\"order\",7]");
    auto const whole = post(client.at, body);
    client.posts.send(whole.substr(0, whole.size() - 3));
    s.run();
    auto const closed = s.spawn(s.io->close(5s));
    // The others do not wait for it.
    CHECK(s.reasons == std::vector<std::string>{"server shutting down"});
    CHECK(test::take_answers(client.polls).empty());
    s.advance(4s);
    client.posts.send(whole.substr(whole.size() - 3));
    s.run();
    CHECK(s.orders == std::vector<int>{7});
    auto const polled = test::take_answers(client.polls);
    REQUIRE(polled.size() == 1);
    CHECK(polled[0].body == "430[7]");
    auto const posted = test::take_answers(client.posts);
    REQUIRE(posted.size() == 1);
    CHECK(posted[0].body == "ok");
    CHECK(posted[0].has("Connection: close"));
    CHECK(s.reasons == std::vector<std::string>(2, "server shutting down"));
    for (auto const& peer : {client.polls, client.posts, other.polls})
        peer.end();
    s.run();
    CHECK(closed->done());
    CHECK(s.clock->armed() == 0);
    CHECK(s.context->stopped());
}

TEST_CASE("api/attaching: a handler that a late POST starts is waited for as well") {
    shop s;
    s.stays = true;
    test::memory_peer const polls = s.connect(), posts = s.connect();
    auto const whole = post(s.target(s.ask(polls, get(s.target())).substr(9, 20)), "40");
    posts.send(whole.substr(0, whole.size() - 1));
    s.run();
    auto const closed = s.spawn(s.io->close(5s));
    CHECK(s.addresses.empty());
    posts.send(whole.substr(whole.size() - 1));
    for (auto const& peer : {polls, posts})
        peer.end();
    s.run();
    CHECK(s.addresses.size() == 1);
    CHECK(s.reasons == std::vector<std::string>{"server shutting down"});
    CHECK_FALSE(closed->done());
    SUBCASE("in time") {
        s.released.notify_all();
        s.run();
    }
    SUBCASE("late") {
        s.advance(5s);
    }
    CHECK(closed->done());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("api/attaching: a POST that never arrives ends with the deadline") {
    shop s;
    auto const client = s.join();
    client.posts.send(post(client.at, "420[\"order\",7]").substr(0, 120));
    s.run();
    auto const closed = s.spawn(s.io->close(5s));
    s.advance(5s - 1ms);
    CHECK(s.reasons.empty());
    CHECK_FALSE(closed->done());
    s.advance(1ms);
    CHECK(closed->done());
    CHECK(s.orders.empty());
    CHECK(s.reasons.size() == 1);
    CHECK(client.posts.closed());
    CHECK(client.polls.closed());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("api/attaching: a POST whose client is gone keeps nobody") {
    shop s;
    auto const client = s.join();
    client.posts.send(post(client.at, "420[\"order\",7]").substr(0, 120));
    s.run();
    auto const closed = s.spawn(s.io->close(5s));
    client.posts.vanish();
    client.polls.end();
    s.run();
    CHECK(closed->done());
    CHECK(s.reasons.size() == 1);
}

TEST_CASE("api/attaching: a POST for a handler that is busy does not keep its client") {
    shop s;
    s.holds = true;
    auto const client = s.join();
    auto const whole = post(
        client.at,
        "420[\"order\",7]\x1e"
        "421[\"order\",8]");
    client.posts.send(whole.substr(0, whole.size() - 3));
    s.run();
    auto const closed = s.spawn(s.io->close(5s));
    client.posts.send(whole.substr(whole.size() - 3));
    s.run();
    // The first has been taken, the second was there before the end, and is taken as well.
    CHECK(s.orders == std::vector<int>{7});
    CHECK_FALSE(closed->done());
    s.holds = false;
    s.released.notify_all();
    for (auto const& peer : {client.polls, client.posts})
        peer.end();
    s.run();
    CHECK(s.orders == std::vector<int>{7, 8});
    CHECK(s.reasons == std::vector<std::string>{"server shutting down"});
    CHECK(closed->done());
}

TEST_CASE("api/attaching: handlers have until the deadline, and are cancelled then") {
    shop s;
    s.stays = true;
    auto const client = s.join();
    auto const closed = s.spawn(s.io->close(5s));
    client.polls.end();
    s.advance(5s - 1ms);
    CHECK(s.reasons.size() == 1);
    CHECK_FALSE(closed->done());
    SUBCASE("in time") {
        s.released.notify_all();
        s.run();
    }
    SUBCASE("late") {
        s.advance(1ms);
    }
    CHECK(closed->done());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("api/attaching: who connected in the last moment is told that it is over") {
    shop s;
    auto const fresh = s.connect();
    auto const closed = s.spawn(s.io->close(5s));
    CHECK_FALSE(fresh.ended());
    fresh.send(get(s.target()));
    s.run();
    auto const answers = test::take_answers(fresh);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 503);
    CHECK(answers[0].has("Connection: close"));
    fresh.end();
    s.run();
    CHECK(closed->done());
}

TEST_CASE("api/attaching: nothing goes back to a host once the server was closed") {
    shop s;
    test::memory_connection const wire(s.shard);
    int returned = 0;
    auto const back = [&](auto const&, auto const&) { ++returned; };
    auto const page = get("/page");
    s.io->serve(wire.stream, page.substr(0, 10), back);
    s.run();
    auto const closed = s.spawn(s.io->close(5s));
    CHECK_FALSE(wire.peer.ended());
    wire.peer.send(page.substr(10));
    s.run();
    CHECK(returned == 0);
    auto const answers = test::take_answers(wire.peer);
    REQUIRE(answers.size() == 1);
    CHECK(answers[0].status == 503);
    CHECK(answers[0].has("Connection: close"));
    wire.peer.end();
    s.run();
    CHECK(closed->done());
}

TEST_CASE("api/attaching: a server that listens no more keeps its clients") {
    neighbours n;
    auto const at = n.io.listen(test::loopback());
    tcp::socket second(n.context), late(n.context);
    second.connect(at);
    n.io.stop_listening();
    std::error_code refused;
    late.connect(at, refused);
    CHECK(refused == asio::error::connection_refused);
    std::swap(n.client, second);
    CHECK(n.ask(n.open).starts_with("HTTP/1.1 200 "));
    CHECK(n.io.clients_count() == 1);
}

TEST_CASE("api/attaching: it listens on what somebody else has opened") {
    neighbours n;
    CHECK(
        n.io.listen(socoro::descriptor(n.acceptor.release())).port() ==
        n.client.remote_endpoint().port());
    tcp::socket second(n.context);
    second.connect(n.client.remote_endpoint());
    std::swap(n.client, second);
    CHECK(n.ask(n.open).starts_with("HTTP/1.1 200 "));
}
