// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/acceptor.hpp>

#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <sys/resource.h>
#include <vector>

using namespace std::chrono_literals;
namespace net = socoro::net;
using tcp = asio::ip::tcp;

namespace {

/// Runs until `done`, on real sockets; the guard is far away and not waited for.
template <typename Done>
[[nodiscard]] bool run_until(asio::io_context& context, Done done) {
    auto const give_up = std::chrono::steady_clock::now() + 30s;
    while (!done() && std::chrono::steady_clock::now() < give_up) {
        context.restart();
        context.run_one_for(1s);
    }
    return done();
}

struct listener {
    explicit listener(net::endpoint const& at) : taken(std::make_shared<net::acceptor>(shard, at)) {
        auto accepting = taken->accept(
            [this](std::unique_ptr<net::stream> s) { streams.push_back(std::move(s)); },
            [this](std::error_code ec) { errors.push_back(ec); });
        asio::co_spawn(context, std::move(accepting), asio::detached);
    }
    ~listener() { taken->close(); }

    asio::io_context context;
    std::shared_ptr<net::shard> shard = net::shard::make(context.get_executor());
    std::vector<std::unique_ptr<net::stream>> streams;
    std::vector<std::error_code> errors;
    std::shared_ptr<net::acceptor> taken;
};

/// Allows the process no further descriptor as long as it lives.
class no_descriptors {
public:
    no_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        auto lowered = before_;
        lowered.rlim_cur = 0;
        ::setrlimit(RLIMIT_NOFILE, &lowered);
    }
    no_descriptors(no_descriptors const&) = delete;
    ~no_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

net::endpoint loopback(unsigned short port = 0) {
    return {asio::ip::address_v4::loopback(), port};
}

}  // namespace

TEST_CASE("net/acceptor: listens at a port the system chose, and gives connections away") {
    listener l(loopback());
    auto const at = l.taken->local_endpoint();
    CHECK(at.port() != 0);
    tcp::socket client(l.context);
    client.connect(at);
    REQUIRE(run_until(l.context, [&] { return l.streams.size() == 1; }));
    CHECK(l.streams[0]->remote_address() == "127.0.0.1");
    asio::write(client, asio::buffer("hello", 5));
    std::string got(5, '\0');
    net::io_result read;
    auto const receive =
        [](net::stream& from, std::string& into, net::io_result& result) -> asio::awaitable<void> {
        result = co_await from.read_some(asio::buffer(into));
    };
    asio::co_spawn(l.context, receive(*l.streams[0], got, read), asio::detached);
    REQUIRE(run_until(l.context, [&] { return read.bytes > 0; }));
    CHECK(got == "hello");
}

TEST_CASE("net/acceptor: an IPv6 address takes IPv4 as well") {
    auto const any = net::any_address(0);
    if (any.protocol() != tcp::v6())
        return;
    listener l(any);
    tcp::socket client(l.context);
    client.connect(loopback(l.taken->local_endpoint().port()));
    REQUIRE(run_until(l.context, [&] { return l.streams.size() == 1; }));
    CHECK(l.streams[0]->remote_address() == "::ffff:127.0.0.1");
}

TEST_CASE("net/acceptor: a port that is taken is reported") {
    listener l(loopback());
    CHECK_THROWS_AS(
        std::make_shared<net::acceptor>(l.shard, l.taken->local_endpoint()),
        std::system_error);
}

TEST_CASE("net/acceptor: after closing nobody is accepted, and nothing is left to do") {
    listener l(loopback());
    auto const at = l.taken->local_endpoint();
    l.taken->close();
    l.context.restart();
    l.context.run();
    tcp::socket client(l.context);
    std::error_code ec;
    client.connect(at, ec);
    CHECK(ec == asio::error::connection_refused);
    CHECK(l.streams.empty());
    CHECK(l.errors.empty());
}

TEST_CASE("net/acceptor: without descriptors it waits, and then accepts again") {
    listener l(loopback());
    std::vector<tcp::socket> clients;
    for (int i = 0; i < 3; ++i)
        clients.emplace_back(l.context).connect(l.taken->local_endpoint());
    {
        no_descriptors const none;
        auto const start = std::chrono::steady_clock::now();
        REQUIRE(run_until(l.context, [&] { return l.errors.size() == 2; }));
        CHECK(std::chrono::steady_clock::now() - start >= net::acceptor::retry_delay);
        CHECK(l.errors[0] == asio::error::no_descriptors);
        CHECK(l.streams.empty());
    }
    REQUIRE(run_until(l.context, [&] { return l.streams.size() == 3; }));
}

TEST_CASE("net/acceptor: closing while it waits for descriptors ends the wait") {
    listener l(loopback());
    tcp::socket client(l.context);
    client.connect(l.taken->local_endpoint());
    no_descriptors const none;
    REQUIRE(run_until(l.context, [&] { return l.errors.size() == 1; }));
    l.taken->close();
    auto const start = std::chrono::steady_clock::now();
    l.context.restart();
    l.context.run();
    CHECK(std::chrono::steady_clock::now() - start < net::acceptor::retry_delay);
}
