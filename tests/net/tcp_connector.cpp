// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/acceptor.hpp>
#include <socoro/net/tcp_connector.hpp>

#include "support/loopback.hpp"
#include "support/resolver_gate.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <vector>

namespace net = socoro::net;
using tcp = asio::ip::tcp;
using test::loopback;
using test::run_until;

namespace {

using connected = socoro::result<std::shared_ptr<net::stream>>;

/// Real sockets, and a server that accepts everybody.
struct network : test::world {
    network() : server(std::make_shared<net::acceptor>(shard, loopback())) {
        auto accepting = server->accept(
            [this](std::unique_ptr<net::stream> s) { accepted.push_back(std::move(s)); },
            [](std::error_code) {});
        asio::co_spawn(*context, std::move(accepting), asio::detached);
    }
    ~network() { server->close(); }

    [[nodiscard]] std::uint16_t port() const { return server->local_endpoint().port(); }
    /// Begins to connect, without waiting.
    auto connect(std::string host, std::uint16_t to_port) {
        net::remote to{std::move(host), to_port, false};
        return spawn(connector.connect(shard, std::move(to), stop));
    }
    auto connect(net::endpoints to) { return spawn(net::connect_to_any(shard, to, stop)); }
    template <typename T>
    [[nodiscard]] T const& result_of(std::shared_ptr<test::outcome<T>> const& started) {
        REQUIRE(run_until(*context, [&] { return started->done(); }));
        REQUIRE(started->value);
        return *started->value;
    }

    std::vector<std::unique_ptr<net::stream>> accepted;
    std::shared_ptr<net::acceptor> server;
    net::tcp_connector connector;
    std::shared_ptr<net::stop_source> stop = std::make_shared<net::stop_source>();
};

/// Where nobody listens.
[[nodiscard]] net::endpoint deserted() {
    asio::io_context context;
    tcp::acceptor const once(context, loopback());
    return once.local_endpoint();
}

/// Where a server listens that accepts nobody, and has let as many wait as it may: who connects
/// hears nothing.
class unanswered {
public:
    explicit unanswered(asio::io_context& context) : acceptor_(context) {
        acceptor_.open(tcp::v4());
        acceptor_.bind(loopback());
        acceptor_.listen(0);
        for (int i = 0; i < 4; ++i) {
            waiting_.emplace_back(context);
            waiting_.back().async_connect(at(), [](std::error_code) {});
        }
    }
    [[nodiscard]] net::endpoint at() const { return acceptor_.local_endpoint(); }

private:
    tcp::acceptor acceptor_;
    std::vector<tcp::socket> waiting_;
};

[[nodiscard]] bool has_ipv6() {
    asio::io_context context;
    std::error_code ec;
    tcp::acceptor probe(context);
    probe.open(tcp::v6(), ec);
    if (!ec)
        probe.bind({asio::ip::address_v6::loopback(), 0}, ec);
    return !ec;
}

}  // namespace

TEST_CASE("net/tcp_connector: gives a stream to the server, by its address or its name") {
    for (auto const* const host : {"127.0.0.1", "localhost"}) {
        CAPTURE(host);
        network n;
        auto const stream = n.result_of(n.connect(host, n.port()));
        REQUIRE(stream.has_value());
        CHECK((*stream)->remote_address() == "127.0.0.1");
        REQUIRE(run_until(*n.context, [&] { return n.accepted.size() == 1; }));
        auto const written = n.spawn(net::write(*n.accepted[0], "hello"));
        CHECK(n.result_of(written) == std::error_code());
        std::string got(5, '\0');
        CHECK(n.result_of(n.spawn((*stream)->read_some(asio::buffer(got)))).bytes == 5);
        CHECK(got == "hello");
    }
}

TEST_CASE("net/tcp_connector: speaks IPv6") {
    if (!has_ipv6())
        return;
    network n;
    tcp::acceptor const listener(*n.context, {asio::ip::address_v6::loopback(), 0});
    auto const stream = n.result_of(n.connect("::1", listener.local_endpoint().port()));
    REQUIRE(stream.has_value());
    CHECK((*stream)->remote_address() == "::1");
}

TEST_CASE("net/tcp_connector: says why there is no stream") {
    network n;
    CHECK(
        n.result_of(n.connect("127.0.0.1", deserted().port())).error() ==
        asio::error::connection_refused);
    // RFC 2606 section 2: no such name exists.
    CHECK_FALSE(n.result_of(n.connect("nowhere.invalid", n.port())).has_value());
    CHECK(n.result_of(n.connect("", n.port())).error() == asio::error::host_not_found);
    CHECK(n.accepted.empty());
}

TEST_CASE("net/tcp_connector: tries one address after the other, and tells the last failure") {
    network n;
    auto const good = n.server->local_endpoint();
    auto const stream = n.result_of(n.connect(net::endpoints{deserted(), deserted(), good, good}));
    REQUIRE(stream.has_value());
    REQUIRE(run_until(*n.context, [&] { return !n.accepted.empty(); }));
    n.run();
    CHECK(n.accepted.size() == 1);

    net::endpoint const wrong_kind(asio::ip::make_address("255.255.255.255"), 1);
    auto const refused = n.result_of(n.connect(net::endpoints{wrong_kind, deserted()}));
    CHECK(refused.error() == asio::error::connection_refused);
    auto const others = n.result_of(n.connect(net::endpoints{deserted(), wrong_kind}));
    CHECK(others.has_error());
    CHECK(others.error() != asio::error::connection_refused);
    CHECK(n.result_of(n.connect(net::endpoints())).error() == asio::error::host_not_found);
}

TEST_CASE("net/tcp_connector: whoever stops looking a name up does not wait for the system") {
    network n;
    test::resolver_gate const system_is_slow;
    auto const looking = n.connect("localhost", n.port());
    CHECK_FALSE(looking->done());
    n.stop->request_stop();
    n.run();
    REQUIRE(looking->done());
    CHECK(looking->value->error() == asio::error::operation_aborted);
}

TEST_CASE("net/tcp_connector: an answer of the system that comes late is heard by nobody") {
    network n;
    auto gate = std::make_unique<test::resolver_gate>();
    auto const stopped = n.connect("localhost", n.port());
    n.stop->request_stop();
    n.run();
    n.stop = std::make_shared<net::stop_source>();
    auto const other = n.connect("localhost", n.port());
    CHECK_FALSE(other->done());
    gate.reset();
    CHECK(n.result_of(other).has_value());
    CHECK(n.result_of(stopped).error() == asio::error::operation_aborted);
    REQUIRE(run_until(*n.context, [&] { return !n.accepted.empty(); }));
    n.run();
    CHECK(n.accepted.size() == 1);
}

TEST_CASE("net/tcp_connector: stopped while it connects, it ends at once") {
    network n;
    unanswered const silent(*n.context);
    auto const connecting = n.connect({silent.at(), n.server->local_endpoint()});
    n.run();
    REQUIRE_FALSE(connecting->done());
    n.stop->request_stop();
    n.run();
    REQUIRE(connecting->done());
    CHECK(connecting->value->error() == asio::error::operation_aborted);
    CHECK(n.accepted.empty());
}

TEST_CASE("net/tcp_connector: stopped before it begins, it does nothing") {
    network n;
    n.stop->request_stop();
    for (auto const* const host : {"127.0.0.1", "localhost"}) {
        auto const connecting = n.connect(host, n.port());
        REQUIRE(connecting->done());
        CHECK(connecting->value->error() == asio::error::operation_aborted);
    }
    CHECK(n.accepted.empty());
}

TEST_CASE("net/tcp_connector: the end of the context takes along what is under way") {
    test::world w;
    auto const stop = std::make_shared<net::stop_source>();
    auto silent = std::make_unique<unanswered>(*w.context);
    net::endpoints const to{silent->at()};
    auto const connecting = w.spawn(net::connect_to_any(w.shard, to, stop));
    auto const looking = w.spawn(net::resolve(w.shard, "nowhere.invalid", 1, stop));
    CHECK_FALSE(connecting->done());
    silent.reset();
    w.context.reset();
    stop->request_stop();
    CHECK_FALSE(connecting->done());
}
