// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/acceptor.hpp>

#include <asio/local/stream_protocol.hpp>
#include <asio/write.hpp>

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <unistd.h>
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
    template <typename... How>
    explicit listener(How&&... how)
        : taken(std::make_shared<net::acceptor>(shard, std::forward<How>(how)...)) {
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

TEST_CASE("net/acceptor: two may listen at one port if both say so") {
    net::listen_options const together{.reuse_port = true};
    listener first(loopback(), together);
    auto const at = first.taken->local_endpoint();
    CHECK_THROWS_AS(listener alone(at), std::system_error);
    listener second(at, together);
    CHECK(second.taken->local_endpoint() == at);
    first.taken->close();
    tcp::socket client(second.context);
    client.connect(at);
    CHECK(run_until(second.context, [&] { return second.streams.size() == 1; }));
}

TEST_CASE("net/acceptor: it listens on a socket that somebody else has made, and shares") {
    asio::io_context context;
    tcp::acceptor made(context, loopback());
    listener l(net::descriptor(::dup(made.native_handle())));
    CHECK(l.taken->local_endpoint() == made.local_endpoint());
    tcp::socket client(l.context), next(l.context);
    client.connect(made.local_endpoint());
    REQUIRE(run_until(l.context, [&] { return l.streams.size() == 1; }));
    // Who connects later is left to who else listens there.
    next.connect(made.local_endpoint());
    l.taken->stop();
    l.context.restart();
    l.context.run();
    CHECK(l.streams.size() == 1);
    tcp::socket accepted(context);
    made.accept(accepted);
    CHECK(accepted.remote_endpoint() == next.local_endpoint());
}

TEST_CASE("net/acceptor: it listens at what is no TCP endpoint") {
    std::string directory = std::filesystem::temp_directory_path() / "socoro-acceptor-XXXXXX";
    REQUIRE(mkdtemp(directory.data()) != nullptr);
    using local = asio::local::stream_protocol;
    asio::io_context context;
    local::endpoint const path(directory + "/socket");
    local::acceptor made(context, path);
    listener l(net::descriptor(made.release()));
    CHECK(l.taken->local_endpoint() == net::endpoint());
    local::socket client(l.context);
    client.connect(path);
    REQUIRE(run_until(l.context, [&] { return l.streams.size() == 1; }));
    CHECK(l.streams[0]->remote_address().empty());
    std::filesystem::remove_all(directory);
}

TEST_CASE("net/acceptor: what does not listen is refused") {
    asio::io_context context;
    tcp::socket idle(context, tcp::v4());
    CHECK_THROWS_AS(listener(net::descriptor(idle.release())), std::system_error);
}

TEST_CASE("net/acceptor: stopping takes who waits already, and turns nobody away") {
    listener l(loopback());
    auto const at = l.taken->local_endpoint();
    std::vector<tcp::socket> clients;
    for (int i = 0; i < 5; ++i)
        clients.emplace_back(l.context).connect(at);
    CHECK(l.streams.empty());
    l.taken->stop();
    l.context.restart();
    l.context.run();
    CHECK(l.streams.size() == 5);
    CHECK(l.errors.empty());
    tcp::socket late(l.context);
    std::error_code ec;
    late.connect(at, ec);
    CHECK(ec == asio::error::connection_refused);
}

TEST_CASE("net/acceptor: stopping ends, however fast others come") {
    asio::io_context context;
    auto const taken =
        std::make_shared<net::acceptor>(net::shard::make(context.get_executor()), loopback());
    int count = 0;
    auto const connect = [&] { tcp::socket(context).connect(taken->local_endpoint()); };
    auto accepting = taken->accept(
        [&](std::unique_ptr<net::stream> const&) {
            if (++count < 10'000)
                connect();
        },
        [](std::error_code) {});
    asio::co_spawn(context, std::move(accepting), asio::detached);
    connect();
    taken->stop();
    CHECK(count >= 100);
    CHECK(count < 10'000);
}
