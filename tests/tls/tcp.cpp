// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/acceptor.hpp>

#include "tls/scene.hpp"

#include <doctest/doctest.h>

#include <chrono>

using namespace std::chrono_literals;
namespace net = socoro::net;

namespace {

/// A client and a server on real sockets; the time is real, and not waited for.
struct tcp_world {
    tcp_world() {
        auto accepting = listener->accept(
            [this](std::unique_ptr<net::stream> s) { accepted = std::move(s); },
            [](std::error_code) {});
        asio::co_spawn(context, std::move(accepting), asio::detached);
        asio::ip::tcp::socket socket(context);
        socket.connect(listener->local_endpoint());
        connected = std::make_shared<net::tcp_stream>(std::move(socket));
        REQUIRE(run_until([&] { return accepted != nullptr; }));
        listener->close();
    }

    template <typename Done>
    [[nodiscard]] bool run_until(Done done) {
        auto const give_up = std::chrono::steady_clock::now() + 30s;
        while (!done() && std::chrono::steady_clock::now() < give_up) {
            context.restart();
            context.run_one_for(1s);
        }
        return done();
    }

    using answer = std::shared_ptr<socoro::result<test::stream_ptr>>;
    answer accept(test::server_layer_ptr const& layer, test::stream_ptr const& plain) {
        return start(layer->accept(shard, plain, stop));
    }
    answer wrap(test::layer_ptr const& layer, test::stream_ptr const& plain) {
        net::remote const to{"localhost", 443, true};
        return start(layer->wrap(shard, plain, to, stop));
    }
    answer start(asio::awaitable<socoro::result<test::stream_ptr>> handshake) {
        auto const made = std::make_shared<socoro::result<test::stream_ptr>>(nullptr);
        asio::co_spawn(
            context,
            std::move(handshake),
            [made](std::exception_ptr, socoro::result<test::stream_ptr> got) {
                *made = std::move(got);
            });
        return made;
    }
    [[nodiscard]] static bool done(answer const& a) { return a->has_error() || **a; }

    asio::io_context context;
    std::shared_ptr<net::shard> shard = net::shard::make(context.get_executor());
    std::shared_ptr<net::stop_source> stop = std::make_shared<net::stop_source>();
    std::shared_ptr<net::acceptor> listener =
        std::make_shared<net::acceptor>(shard, net::endpoint(asio::ip::address_v4::loopback(), 0));
    test::stream_ptr accepted;
    test::stream_ptr connected;
};

asio::awaitable<void> write_and_end(test::stream_ptr to, std::string const& text) {
    auto const ec = co_await net::write(*to, text);
    CHECK_FALSE(ec);
    to->shutdown_send();
}

asio::awaitable<void> read_all(test::stream_ptr from, std::string& got, std::error_code& end) {
    std::string bytes(5000, '\0');
    while (!end) {
        auto const read = co_await from->read_some(asio::buffer(bytes));
        got.append(bytes, 0, read.bytes);
        end = read.error;
    }
}

}  // namespace

TEST_CASE("tls/tcp: more than fits the system's buffers goes both ways") {
    tcp_world w;
    auto const& all = test::credentials::get();
    auto const client = w.wrap(socoro::tls(test::trusting()), w.connected);
    auto const server = w.accept(socoro::tls_server(test::serving(all.server)), w.accepted);
    REQUIRE(w.run_until([&] { return w.done(client) && w.done(server); }));
    REQUIRE(client->has_value());
    REQUIRE(server->has_value());
    std::string text;
    while (text.size() < 20'000'000)
        text += std::to_string(text.size()) + ' ';
    std::array<std::string, 2> got;
    std::array<std::error_code, 2> end;
    // Nobody reads at first, so that both writers have to wait.
    asio::co_spawn(w.context, write_and_end(**client, text), asio::detached);
    asio::co_spawn(w.context, write_and_end(**server, text), asio::detached);
    w.context.restart();
    w.context.poll();
    asio::co_spawn(w.context, read_all(**client, got[0], end[0]), asio::detached);
    asio::co_spawn(w.context, read_all(**server, got[1], end[1]), asio::detached);
    REQUIRE(w.run_until([&] { return end[0] && end[1]; }));
    CHECK(end[0] == asio::error::eof);
    CHECK(end[1] == asio::error::eof);
    CHECK((got[0] == text));
    CHECK((got[1] == text));
}

TEST_CASE("tls/tcp: a handshake that nobody answers ends when it is asked to") {
    tcp_world w;
    auto const client = w.wrap(socoro::tls(test::trusting()), w.connected);
    w.context.restart();
    w.context.poll();
    CHECK_FALSE(w.done(client));
    w.stop->request_stop();
    REQUIRE(w.run_until([&] { return w.done(client); }));
    CHECK(client->error() == asio::error::operation_aborted);
}
