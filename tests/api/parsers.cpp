// SPDX-License-Identifier: BSL-1.0
// Packets in a form that the program chooses: everything above works unchanged.
#include <socoro/test.hpp>

#include "api/parser_suite.hpp"
#include "support/marked_parser.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

/// Counts what is encoded.
class counting_parser final : public socoro::sio::parser {
public:
    [[nodiscard]] std::vector<socoro::message> encode(
        socoro::sio::header const& h,
        std::string_view json,
        std::vector<std::string>&& attachments) const override {
        ++*encoded;
        return marked_.encode(h, json, std::move(attachments));
    }
    [[nodiscard]] std::unique_ptr<socoro::sio::packet_decoder> make_decoder(
        socoro::limits const& bounds) const override {
        return marked_.make_decoder(bounds);
    }

    std::shared_ptr<std::size_t> encoded = std::make_shared<std::size_t>(0);

private:
    test::marked_parser marked_;
};

/// Throws for what says `bad`, and makes nothing of what says `nothing`.
class picky_parser final : public socoro::sio::parser {
public:
    [[nodiscard]] std::vector<socoro::message> encode(
        socoro::sio::header const& h,
        std::string_view json,
        std::vector<std::string>&& attachments) const override {
        if (json.find("\"bad\"") != json.npos)
            throw std::domain_error("bad");
        if (json.find("\"nothing\"") != json.npos)
            return {};
        return marked_.encode(h, json, std::move(attachments));
    }
    [[nodiscard]] std::unique_ptr<socoro::sio::packet_decoder> make_decoder(
        socoro::limits const& bounds) const override {
        return marked_.make_decoder(bounds);
    }

private:
    test::marked_parser marked_;
};

test::parser_ptr marked() {
    return std::make_shared<test::marked_parser const>();
}

}  // namespace

TEST_CASE(
    "api/parsers: events, binary data and requests go either way through a program's parser") {
    test::check_events_and_requests(marked());
}

TEST_CASE("api/parsers: namespaces, refusals and rooms work with a program's parser") {
    test::check_namespaces_and_rooms(marked());
}

TEST_CASE("api/parsers: sessions recover with a program's parser") {
    test::check_recovery(marked());
}

TEST_CASE("api/parsers: a broadcast is encoded once, whatever the parser") {
    auto const parser = std::make_shared<counting_parser const>();
    test::parsed p(parser);
    std::ignore = p.join();
    std::ignore = p.join();
    REQUIRE(p.take() == "connected | connected");
    auto const before = *parser->encoded;
    p.io().emit(test::said("once"));
    CHECK(p.take() == "once | once");
    CHECK(*parser->encoded == before + 1);
}

TEST_CASE("api/parsers: an end without the parser, or with another one, is disconnected at once") {
    test::check_mismatch(marked());
}

TEST_CASE("api/parsers: what makes no sense to the parser is told to the hook") {
    auto const heard = std::make_shared<std::string>();
    socoro::options opts;
    opts.parser = marked();
    test::client_scene scene;
    opts.hooks.violated = [heard](socoro::violation const& v) {
        *heard = std::string(v.protocol) + ": " + v.why.message();
    };
    socoro::server io(scene.world.shard, opts);
    scene.between->accept = [&](std::shared_ptr<socoro::net::stream> stream) {
        io.serve(std::move(stream), std::string());
    };
    socoro::client client(scene.world.shard, "http://server.test", scene.options());
    auto const socket = client.socket();
    scene.world.run();
    CHECK(*heard == "Socket.IO: malformed packet");
    CHECK_FALSE(socket.connected());
}

TEST_CASE("api/parsers: a test of handlers goes through the parser, too") {
    socoro::options opts;
    opts.parser = marked();
    auto [client, server] = socoro::test::pair(test::answer_everything, opts);
    client.emit(test::some_photo());
    CHECK(client.take<test::photo>() == test::some_photo());
    CHECK(client.ask<test::added>(2, 0.5) == 2.5);
}

TEST_CASE("api/parsers: what the parser throws, emit throws, also while there is no connection") {
    test::parsed p(std::make_shared<picky_parser const>());
    p.asked.retries = 3;
    p.asked.ack_timeout = std::chrono::seconds(1);
    p.io().of("/orders").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        for (;;) {
            auto const order = co_await socket.recv();
            p.heard.add("order: " + std::string(order.args.at(0).as_string()));
            order.reply(true);
        }
    });
    auto const accept = std::exchange(p.between->accept, nullptr);
    auto const socket = p.join("/orders");
    CHECK_THROWS_AS(socket.emit(test::said("bad")), std::domain_error);
    CHECK_THROWS_AS(std::ignore = socket.call<test::fetched>("bad"), std::domain_error);
    socket.emit(test::said("good"));
    p.between->accept = accept;
    p.world.advance(std::chrono::seconds(10));
    CHECK_THROWS_AS(socket.emit(test::said("bad")), std::domain_error);
    socket.emit(test::said("better"));
    p.world.advance(std::chrono::seconds(1));
    CHECK(p.take().ends_with("connected | order: good | order: better"));
    CHECK(p.reports.take().empty());
}

TEST_CASE("api/parsers: nobody waits for the reply to a request that could not be encoded") {
    socoro::options opts;
    opts.inbox_events = 2;
    test::parsed p(std::make_shared<picky_parser const>(), opts);
    std::exception_ptr failure;
    p.io().of("/asking").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        std::ignore = co_await socket.recv<test::said>();
        try {
            std::ignore = co_await socket.call<test::fetched>("bad");
        } catch (...) {
            failure = std::current_exception();
        }
        socoro::net::signal never(*p.world.shard);
        std::ignore = co_await never.wait();
    });
    auto const socket = p.join("/asking");
    REQUIRE(p.take() == "connected");
    // The reading stops before there are twice as many, which would be the end.
    for (int i = 0; i < 20; ++i)
        socket.emit(test::said("x"));
    CHECK(p.take().empty());
    CHECK_THROWS_AS(std::rethrow_exception(failure), std::domain_error);
    CHECK(socket.connected());
}

TEST_CASE("api/parsers: a packet of no messages is nothing, and costs nobody anything") {
    for (auto const policy :
         {socoro::engine::outbox_policy::disconnect, socoro::engine::outbox_policy::keep_latest}) {
        socoro::options opts;
        opts.connection_state_recovery.enabled = true;
        opts.when_outbox_full = policy;
        test::parsed p(std::make_shared<picky_parser const>(), opts);
        auto const socket = p.join();
        REQUIRE(p.take() == "connected");
        socket.emit(test::said("nothing"));
        p.io().emit(test::said("nothing"));
        p.io().emit(test::said("something"));
        CHECK(p.take() == "something");
        p.between->cut();
        p.io().emit(test::said("nothing"));
        p.io().emit(test::said("missed"));
        p.world.advance(std::chrono::seconds(1));
        CHECK(p.take() == "lost: transport close | missed | recovered");
    }
}

TEST_CASE("api/parsers: credentials that cannot be encoded end their socket, and no other") {
    test::parsed p(std::make_shared<picky_parser const>());
    auto const good = p.join("/other");
    p.asked.auth = socoro::json::object{{"bad", 1}};
    auto const bad = p.join();
    CHECK(p.take() == "connected | bad null");
    CHECK(bad.reason() == socoro::errc::refused);
    CHECK(p.between->attempts == 2);
    CHECK(good.connected());
}

TEST_CASE("api/parsers: a refusal that cannot be encoded ends the connection, and is told") {
    auto const told = std::make_shared<std::string>();
    socoro::options opts;
    opts.hooks.handler_failed = [told](std::string_view, std::string_view what) { *told = what; };
    test::parsed p(std::make_shared<picky_parser const>(), opts);
    p.io().of("/picky").use([](socoro::socket&) -> asio::awaitable<void> {
        throw socoro::refused("no", socoro::json::object{{"bad", 1}});
        co_return;
    });
    p.asked.reconnection = false;
    auto const socket = p.join("/picky");
    CHECK(p.take().empty());
    CHECK(*told == "bad");
    CHECK(socket.reason() == socoro::errc::transport_close);
}
