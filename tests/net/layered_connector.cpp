// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/layered_connector.hpp>

#include "support/memory_connector.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

using socoro::errc;
namespace net = socoro::net;
namespace http = socoro::http;

namespace {

/// Says hello in the place of a handshake.
class greeting_layer final : public net::stream_layer {
public:
    std::vector<net::remote> asked;
    std::error_code failure;

    [[nodiscard]] asio::awaitable<socoro::result<std::shared_ptr<net::stream>>> wrap(
        std::shared_ptr<net::shard>,
        std::shared_ptr<net::stream> plain,
        net::remote to,
        std::shared_ptr<net::stop_source>) override {
        asked.push_back(std::move(to));
        if (failure)
            co_return failure;
        auto const ec = co_await net::write(*plain, "hello");
        if (ec)
            co_return ec;
        co_return plain;
    }
};

using connected = socoro::result<std::shared_ptr<net::stream>>;

struct one_connector : test::world {
    auto connect(bool secure) {
        net::remote to = server;
        to.secure = secure;
        auto const proxy = url.empty() ? std::nullopt : std::optional(*http::parse_url(url));
        made = net::make_connector(below, proxy, tls);
        return spawn(made->connect(shard, std::move(to), stop));
    }
    [[nodiscard]] test::memory_peer const& peer() const {
        REQUIRE(below->peers.size() == 1);
        return below->peers[0];
    }
    void reply(std::string_view bytes) {
        peer().send(bytes);
        run();
    }
    [[nodiscard]] std::string read(net::stream& from) {
        std::string bytes(100, '\0');
        auto const done = spawn(from.read_some(asio::buffer(bytes)));
        REQUIRE(done->done());
        return bytes.substr(0, done->value->bytes);
    }

    std::string url;
    std::string const host = "a.server.with.a.long.name.example";
    net::remote const server{host, 3000, false};
    std::shared_ptr<test::faults> plan = std::make_shared<test::faults>();
    std::shared_ptr<test::memory_connector> below =
        std::make_shared<test::memory_connector>(shard, plan);
    std::shared_ptr<greeting_layer> tls = std::make_shared<greeting_layer>();
    std::shared_ptr<net::connector> made;
    std::shared_ptr<net::stop_source> stop = std::make_shared<net::stop_source>();
};

[[nodiscard]] std::error_code error_of(std::shared_ptr<test::outcome<connected>> const& tried) {
    REQUIRE(tried->done());
    REQUIRE(tried->value);
    return tried->value->has_error() ? tried->value->error() : std::error_code();
}

}  // namespace

TEST_CASE("net/layered_connector: without proxy and TLS it gives the stream that is below") {
    one_connector c;
    auto const plain = c.connect(false);
    CHECK(error_of(plain) == std::error_code());
    CHECK(c.below->asked == std::vector<net::remote>{c.server});
    CHECK(c.tls->asked.empty());
    c.reply("anything");
    CHECK(c.read(***plain->value) == "anything");
    c.below->fail_next(asio::error::connection_refused);
    CHECK(error_of(c.connect(false)) == asio::error::connection_refused);
}

TEST_CASE("net/layered_connector: TLS is on top if it is asked for") {
    one_connector c;
    auto const secure = c.connect(true);
    CHECK(error_of(secure) == std::error_code());
    CHECK(c.tls->asked == std::vector<net::remote>{{c.host, 3000, true}});
    CHECK(c.peer().take() == "hello");
    c.tls->failure = make_error_code(errc::refused);
    CHECK(error_of(c.connect(true)) == errc::refused);
    c.tls.reset();
    CHECK(error_of(c.connect(true)) == errc::tls_unavailable);
    // Nobody was bothered for that.
    CHECK(c.below->asked.size() == 2);
    CHECK(error_of(c.connect(false)) == std::error_code());
}

TEST_CASE("net/layered_connector: a proxy is asked for a tunnel, in which all else happens") {
    for (bool const secure : {false, true}) {
        CAPTURE(secure);
        one_connector c;
        c.url = "http://proxy.example:8080/ignored";
        auto const through = c.connect(secure);
        CHECK(c.below->asked == std::vector<net::remote>{{"proxy.example", 8080, false}});
        CHECK(
            c.peer().take() ==
            "CONNECT " + c.host + ":3000 HTTP/1.1\r\nHost: " + c.host + ":3000\r\n\r\n");
        CHECK_FALSE(through->done());
        c.reply("HTTP/1.1 200 Connection established\r\nContent-Length: 5\r\n\r\n");
        CHECK(error_of(through) == std::error_code());
        CHECK(c.peer().take() == (secure ? "hello" : ""));
        c.reply("through");
        CHECK(c.read(***through->value) == "through");
        CHECK(c.spawn(net::write(***through->value, "back"))->value == std::error_code());
        CHECK(c.peer().take() == "back");
    }
}

TEST_CASE("net/layered_connector: what comes behind the proxy's answer belongs to the tunnel") {
    one_connector c;
    c.url = "http://proxy.example";
    auto const through = c.connect(false);
    CHECK(c.below->asked.at(0).port == 80);
    CHECK_FALSE(c.peer().take().empty());
    c.reply("HTTP/1.0 204 Yes\r\n\r\nfirst");
    REQUIRE(error_of(through) == std::error_code());
    auto const stream = **through->value;
    std::string three(3, '\0');
    CHECK(c.spawn(stream->read_some(asio::buffer(three)))->value->bytes == 3);
    CHECK(three == "fir");
    CHECK(c.read(*stream) == "st");
    c.reply("second");
    CHECK(c.read(*stream) == "second");
    CHECK(stream->remote_address() == "192.0.2.1");
    CHECK(c.spawn(net::write(*stream, "back"))->value == std::error_code());
    CHECK(c.peer().take() == "back");
    stream->shutdown_send();
    CHECK(c.peer().ended());
    CHECK_FALSE(c.peer().closed());
    stream->close();
    CHECK(c.peer().closed());
}

TEST_CASE("net/layered_connector: a stream that is closed gives no bytes that it had before") {
    one_connector c;
    c.url = "http://proxy.example";
    auto const through = c.connect(false);
    c.reply("HTTP/1.1 200 Yes\r\n\r\nfirst");
    REQUIRE(error_of(through) == std::error_code());
    (**through->value)->close();
    CHECK(c.read(***through->value).empty());
}

TEST_CASE("net/layered_connector: tells the proxy who we are, and writes addresses as URLs do") {
    one_connector c;
    c.url = "http://Aladdin:open%20sesame@proxy.example";
    auto const made = net::make_connector(c.below, *http::parse_url(c.url), nullptr);
    auto const through = c.spawn(made->connect(c.shard, net::remote{"::1", 443, false}, c.stop));
    CHECK(
        c.peer().take() ==
        "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\n"
        "Proxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n");
    c.reply("HTTP/1.1 200 Yes\r\n\r\n");
    CHECK(error_of(through) == std::error_code());
}

TEST_CASE("net/layered_connector: a proxy may refuse, fall silent or talk nonsense") {
    std::vector<std::pair<std::string, std::error_code>> const cases{
        {"HTTP/1.1 407 Who?\r\nContent-Length: 100000000\r\n\r\n", errc::proxy_refused},
        {"HTTP/1.1 302 There\r\nLocation: /\r\n\r\n", errc::proxy_refused},
        {"HTTP/1.1 101 Yes\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", errc::proxy_refused},
        {"SSH-2.0-OpenSSH\r\n\r\n", errc::http_malformed},
        {"HTTP/1.1 200 Yes\r\nA: " + std::string(100'000, 'x'), errc::http_head_too_large},
        {"", asio::error::eof},
        {"HTTP/1.1 200", errc::http_truncated},
    };
    for (auto const& [bytes, error] : cases) {
        CAPTURE(bytes.substr(0, 40));
        one_connector c;
        c.url = "http://proxy.example";
        auto const through = c.connect(true);
        c.reply(bytes);
        c.peer().end();
        c.run();
        CHECK(error_of(through) == error);
        CHECK(c.peer().closed());
        CHECK(c.tls->asked.empty());
    }
    one_connector c;
    c.url = "http://proxy.example";
    c.below->fail_next(asio::error::connection_refused);
    CHECK(error_of(c.connect(true)) == asio::error::connection_refused);
}

TEST_CASE("net/layered_connector: stopped while it waits for the proxy, it ends at once") {
    one_connector c;
    c.url = "http://proxy.example";
    auto const through = c.connect(false);
    CHECK_FALSE(through->done());
    c.stop->request_stop();
    c.run();
    CHECK(error_of(through) == asio::error::operation_aborted);
    CHECK(c.peer().closed());
    CHECK(error_of(c.connect(false)) == asio::error::operation_aborted);
}

TEST_CASE("net/layered_connector: reaches a proxy by http alone") {
    one_connector c;
    for (auto const* const url : {"https://proxy.example", "ws://proxy.example"})
        CHECK_THROWS_AS(
            std::ignore = net::make_connector(c.below, *http::parse_url(url), nullptr),
            std::invalid_argument);
}

TEST_CASE("net/layered_connector: whatever operation fails, it ends; so it does with the context") {
    std::size_t nth = 0;
    for (bool failed = true; failed; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < 1000);
        one_connector c;
        c.url = "http://proxy.example";
        c.plan->nth = nth;
        c.plan->bytewise = true;
        auto const through = c.connect(true);
        if (!c.below->peers.empty())
            c.reply("HTTP/1.1 200 Yes\r\n\r\n");
        REQUIRE(through->done());
        failed = c.plan->operations > nth;
        CHECK(through->value->has_value() == !failed);
    }
    CHECK(nth > 50);

    one_connector c;
    c.url = "http://proxy.example";
    auto const through = c.connect(true);
    c.context.reset();
    CHECK_FALSE(through->done());
}
