// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/dialer.hpp>

#include "support/memory_connector.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace engine = socoro::engine;
namespace eio = socoro::eio;
namespace http = socoro::http;
namespace net = socoro::net;
namespace transport = socoro::transport;
namespace ws = socoro::ws;
using namespace std::chrono_literals;
using socoro::errc;
using strings = std::vector<std::string>;

namespace {

std::string const open_packet =
    R"(0{"sid":"abc","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,)"
    R"("maxPayload":7})";

[[nodiscard]] std::string
answer_of(std::string_view body, std::string_view status = "200 OK", std::string_view fields = {}) {
    std::string text = "HTTP/1.1 ";
    text.append(status).append("\r\nContent-Length: ").append(std::to_string(body.size()));
    return text.append("\r\n").append(fields).append("\r\n").append(body);
}

[[nodiscard]] engine::client_options over(strings transports) {
    engine::client_options options;
    options.transports = std::move(transports);
    return options;
}

/// A client, and the server that the test plays.
struct dialing : test::world {
    explicit dialing(engine::client_options options = {}, std::string_view url = "http://a:1") {
        options.connector = connector;
        dialer = std::make_shared<engine::dialer>(
            shard,
            http::parse_url(url).value(),
            std::make_shared<engine::client_options const>(std::move(options)));
    }
    void dial() { result = spawn(dialer->dial(stop)); }
    [[nodiscard]] engine::dialed& got() {
        REQUIRE(result->done());
        REQUIRE_FALSE(result->failure);
        return *result->value;
    }
    /// The connection that was opened last.
    [[nodiscard]] test::memory_peer& server() { return connector->peers.back(); }
    void reply(std::string_view bytes) {
        server().send(bytes);
        run();
    }
    /// The answer that opens the WebSocket that was asked for.
    [[nodiscard]] std::string accepted(std::string_view key = {}) {
        auto const asked = server().take();
        auto const at = asked.find("Sec-WebSocket-Key: ");
        REQUIRE(at != std::string::npos);
        return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Accept: " +
               (key.empty() ? ws::accept_key(asked.substr(at + 19, 24)) : std::string(key)) +
               "\r\n\r\n";
    }
    [[nodiscard]] std::string frame(std::string_view text) {
        return test::websocket_peer(server(), ws::role::server).frame(ws::opcode::text, text);
    }
    void check_failed(std::error_code failed, std::error_code why) {
        CHECK(got().failed == failed);
        CHECK(got().why == why);
        CHECK_FALSE(got().over);
        CHECK_FALSE(got().polling);
        check_nothing_is_left();
    }
    void check_nothing_is_left() {
        run();
        for (auto const& peer : connector->peers)
            CHECK(peer.ended());
        CHECK(clock->armed() == 0);
    }

    std::shared_ptr<test::memory_connector> connector =
        std::make_shared<test::memory_connector>(shard);
    std::shared_ptr<net::stop_source> stop = std::make_shared<net::stop_source>();
    std::shared_ptr<engine::dialer> dialer;
    std::shared_ptr<test::outcome<engine::dialed>> result;
};

}  // namespace

TEST_CASE("engine/dialer: a session begins with polling") {
    dialing d;
    d.dial();
    CHECK(d.connector->asked == std::vector{net::remote{"a", 1, false}});
    CHECK(d.server().take().starts_with("GET /engine.io/?EIO=4&transport=polling&t="));
    CHECK_FALSE(d.result->done());
    d.reply(answer_of(
        open_packet + "\x1e"
                      "4hello",
        "200 OK",
        "Set-Cookie: a=b\r\n"));
    CHECK_FALSE(d.got().failed);
    CHECK(d.got().over.name() == "polling");
    CHECK(d.got().handshake.sid == "abc");
    CHECK(d.got().handshake.upgrades == strings{"websocket"});
    CHECK(static_cast<char>(d.got().first.type) + d.got().first.data == open_packet);
    auto& opened = d.got();
    CHECK(d.spawn(opened.over.recv())->value->value().data == "hello");
    // From now on requests have the sid, and the cookie; no POST is larger than the server takes.
    auto const next = d.spawn(opened.over.recv());
    auto const asked = d.server().take();
    CHECK(asked.find("&sid=abc HTTP/1.1\r\n") != std::string::npos);
    CHECK(asked.find("\r\nCookie: a=b\r\n") != std::string::npos);
    auto const packet =
        std::make_shared<eio::packet const>(eio::packet::of(eio::packet_type::message, "123"));
    std::vector<transport::packet_ptr> const two{packet, packet};
    auto const sent = d.spawn(opened.over.send(two));
    CHECK(d.server().take().ends_with("\r\nContent-Length: 4\r\n\r\n4123"));
    CHECK(opened.over.close(transport::ending::discard));
    d.check_nothing_is_left();
}

TEST_CASE("engine/dialer: a session may begin with WebSocket") {
    dialing d(over({"websocket", "polling"}), "ws://a");
    d.dial();
    CHECK(d.connector->asked == std::vector{net::remote{"a", 80, false}});
    CHECK(d.server().arrived().starts_with("GET /engine.io/?EIO=4&transport=websocket HTTP/1.1"));
    d.reply(d.accepted() + d.frame(open_packet) + d.frame("4hello"));
    CHECK_FALSE(d.got().failed);
    CHECK(d.got().over.name() == "websocket");
    CHECK_FALSE(d.got().polling);
    CHECK(d.got().handshake.sid == "abc");
    CHECK(d.spawn(d.got().over.recv())->value->value().data == "hello");
}

TEST_CASE("engine/dialer: one transport is tried, or all if that is wanted") {
    for (bool const all : {false, true})
        for (bool const polling_first : {false, true}) {
            auto options =
                polling_first ? over({"polling", "websocket"}) : over({"websocket", "polling"});
            options.try_all_transports = all;
            dialing d(options);
            d.dial();
            d.reply(answer_of("", "404 Not Found"));
            CHECK(d.connector->peers.size() == (all ? 2 : 1));
            if (!all) {
                auto const what = polling_first ? errc::poll_error : errc::websocket_error;
                d.check_failed(what, http::status_error(404));
                continue;
            }
            CHECK(d.connector->peers[0].ended());
            if (polling_first)
                d.reply(d.accepted() + d.frame(open_packet));
            else
                d.reply(answer_of(open_packet));
            CHECK_FALSE(d.got().failed);
            CHECK(d.got().over.name() == (polling_first ? "websocket" : "polling"));
        }
}

TEST_CASE("engine/dialer: if all transports fail, the last one says why") {
    auto options = over({"polling", "websocket"});
    options.try_all_transports = true;
    dialing d(options);
    d.connector->fail_next(asio::error::connection_refused);
    d.connector->fail_next(asio::error::host_unreachable);
    d.dial();
    d.check_failed(errc::websocket_error, asio::error::host_unreachable);
}

TEST_CASE("engine/dialer: where a WebSocket got through, the next session begins with it") {
    auto options = over({"polling", "websocket"});
    for (bool const remembers : {false, true}) {
        options.remember_upgrade = remembers;
        dialing d(options);
        d.dial();
        CHECK(d.server().arrived().find("transport=polling") != std::string::npos);
        d.reply(answer_of(open_packet));
        std::ignore = d.got().over.close(transport::ending::discard);
        d.dialer->remember(true);
        d.dial();
        bool const websocket = d.server().arrived().find("=websocket") != std::string::npos;
        CHECK(websocket == remembers);
        if (!remembers)
            continue;
        d.reply(d.accepted() + d.frame(open_packet));
        CHECK_FALSE(d.got().failed);
        d.dial();
        CHECK(d.server().arrived().find("=websocket") != std::string::npos);
        // Once it does not any more, polling is tried again.
        d.reply(answer_of("", "400 Bad Request"));
        CHECK(d.got().failed == errc::websocket_error);
        d.dial();
        CHECK(d.server().arrived().find("=polling") != std::string::npos);
        d.reply(answer_of(open_packet));
        std::ignore = d.got().over.close(transport::ending::discard);
    }
}

TEST_CASE("engine/dialer: without a transport that is known there is nothing to try") {
    for (strings const& none : {strings{}, strings{"webtransport"}, strings{"Polling"}}) {
        dialing d(over(none));
        d.dial();
        d.check_failed(errc::no_transports, errc::no_transports);
        CHECK(d.connector->asked.empty());
    }
}

TEST_CASE("engine/dialer: a first packet that opens nothing is the server's error") {
    for (std::string const first :
         {"4hello", "1", "6", "0", "0{}", "0[]", R"(0{"sid":"a b","upgrades":[]})"}) {
        CAPTURE(first);
        bool const closes = first == "1";
        dialing polls(over({"polling"}));
        polls.dial();
        polls.reply(answer_of(first));
        if (closes)
            polls.check_failed(errc::poll_error, errc::transport_close);
        else
            polls.check_failed(errc::server_error, errc::eio_bad_open);
        dialing connects(over({"websocket"}));
        connects.dial();
        connects.reply(connects.accepted() + connects.frame(first));
        connects.check_failed(errc::server_error, errc::eio_bad_open);
    }
}

TEST_CASE("engine/dialer: what is no packet is the server's error, too") {
    dialing polls(over({"polling"}));
    polls.dial();
    polls.reply(answer_of("<html>"));
    polls.check_failed(errc::server_error, errc::eio_unknown_type);
    dialing connects(over({"websocket"}));
    connects.dial();
    connects.reply(connects.accepted() + connects.frame("?"));
    connects.check_failed(errc::server_error, errc::eio_unknown_type);
}

TEST_CASE("engine/dialer: why it failed is what the system, the server or its limits said") {
    auto const refused = asio::error::make_error_code(asio::error::connection_refused);
    dialing down;
    down.connector->fail_next(refused);
    down.dial();
    down.check_failed(errc::poll_error, refused);
    dialing forbidden;
    forbidden.dial();
    forbidden.reply(answer_of(R"({"code":4,"message":"Forbidden"})", "403 Forbidden"));
    forbidden.check_failed(errc::poll_error, http::status_error(403));
    dialing silent;
    silent.dial();
    silent.server().vanish();
    silent.run();
    silent.check_failed(errc::poll_error, asio::error::eof);
    auto options = over({"polling"});
    options.limits.max_http_buffer_size = open_packet.size() - 1;
    dialing large(options);
    large.dial();
    large.reply(answer_of(open_packet));
    large.check_failed(errc::poll_error, errc::http_body_too_large);
    dialing forged(over({"websocket"}));
    forged.dial();
    forged.reply(forged.accepted("AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
    forged.check_failed(errc::websocket_error, errc::ws_bad_handshake);
    for (std::string const name : {"polling", "websocket"}) {
        dialing secure(over({name}), "https://a");
        secure.dial();
        auto const what = name == "polling" ? errc::poll_error : errc::websocket_error;
        secure.check_failed(what, errc::tls_unavailable);
        CHECK(secure.connector->asked.empty());
    }
}

TEST_CASE("engine/dialer: a proxy is an HTTP URL") {
    engine::client_options options;
    for (std::string const proxy : {"https://p", "ftp://p", "http://", "p q"}) {
        options.proxy = proxy;
        CHECK_THROWS_AS(dialing{options}, std::system_error);
    }
    options.proxy = "http://p:8080";
    dialing d(options);
    d.dial();
    CHECK(d.connector->asked == std::vector{net::remote{"p", 8080, false}});
    d.stop->request_stop();
    d.run();
    d.check_nothing_is_left();
}

TEST_CASE("engine/dialer: it stops before it has begun, and while it is connecting") {
    for (std::string const name : {"polling", "websocket"}) {
        auto options = over({name, "polling"});
        options.try_all_transports = true;
        dialing never(options);
        never.stop->request_stop();
        never.dial();
        CHECK(never.got().failed);
        CHECK(never.connector->asked.empty());
        never.check_nothing_is_left();
        dialing held(options);
        held.connector->hold();
        held.dial();
        held.stop->request_stop();
        held.run();
        CHECK(held.got().failed);
        CHECK(held.connector->asked.size() == 1);
        CHECK(held.connector->peers.empty());
        held.check_nothing_is_left();
    }
}

TEST_CASE("engine/dialer: it stops behind whichever byte of the answer") {
    for (std::string const name : {"polling", "websocket"}) {
        auto options = over({name, "polling"});
        options.try_all_transports = true;
        std::size_t bytes = 0;
        for (bool opened = false; !opened; ++bytes) {
            CAPTURE(bytes);
            dialing d(options);
            d.dial();
            auto const answer =
                name == "polling" ? answer_of(open_packet) : d.accepted() + d.frame(open_packet);
            REQUIRE(bytes <= answer.size());
            d.reply(answer.substr(0, bytes));
            opened = d.result->done();
            d.stop->request_stop();
            d.run();
            CHECK(static_cast<bool>(d.got().failed) == !opened);
            CHECK(d.connector->asked.size() == 1);
            if (opened)
                std::ignore = d.got().over.close(transport::ending::discard);
            d.result.reset();
            d.check_nothing_is_left();
        }
        CHECK(bytes > open_packet.size());
    }
}

TEST_CASE("engine/dialer: the end of the context takes an attempt along") {
    for (std::string const name : {"polling", "websocket"}) {
        dialing d(over({name}));
        d.dial();
        std::weak_ptr<engine::dialer> const watched = d.dialer;
        d.dialer.reset();
        d.context.reset();
        CHECK_FALSE(d.result->done());
        CHECK(watched.expired());
    }
}
