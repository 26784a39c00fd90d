// SPDX-License-Identifier: BSL-1.0
// What has to work over any parser: a server and a client of ours with the same one.
#pragma once

#include <socoro/client.hpp>
#include <socoro/server.hpp>

#include "api/client_scene.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace test {

using namespace std::chrono_literals;

using parser_ptr = std::shared_ptr<socoro::sio::parser const>;

using said = socoro::event<"said", std::string>;
using added = socoro::event<"added", double(int, double)>;
using fetched = socoro::event<"fetched", socoro::bytes(std::string)>;
using counted = socoro::event<"counted", int(std::vector<int>)>;

/// Of everything that values are made of.
struct photo {
    static constexpr auto event_name = "photo";
    std::string title;
    std::vector<socoro::bytes> parts;
    std::optional<int> likes;
    std::chrono::sys_time<std::chrono::milliseconds> taken;

    [[nodiscard]] friend bool operator==(photo const&, photo const&) = default;
};
BOOST_DESCRIBE_STRUCT(photo, (), (title, parts, likes, taken))

/// Says what it is sent, to the sender and to the others in the room.
inline asio::awaitable<void> answer_everything(socoro::socket socket) {
    socket.join("room");
    auto const handlers = socoro::overloaded{
        [socket](said const& s) {
            socket.emit(s);
            socket.to("room").emit(said("another said " + std::get<0>(s)));
        },
        [socket](photo const& p) { socket.emit(p); },
        [](socoro::request<added> const& sum) {
            sum.reply(std::get<0>(sum.args) + std::get<1>(sum.args));
        },
        [](socoro::request<fetched> const& what) {
            what.reply(socoro::bytes(std::string("\0\xff", 2) + what.args));
        }};
    co_await socket.serve(handlers);
}

/// A server and clients with this parser. What the clients receive is put down.
struct parsed : client_scene {
    explicit parsed(parser_ptr const& parser, socoro::options opts = {})
        : client_scene(with_parser(parser, std::move(opts)))
        , asked(options()) {
        asked.parser = parser;
        prepare = [](socoro::server& io) {
            io.on_connection(answer_everything);
            io.of("/admin").use([](socoro::socket&) -> asio::awaitable<void> {
                throw socoro::refused("not you", socoro::json::object{{"code", 7}});
                co_return;
            });
            io.of("/other").on_connection(answer_everything);
        };
        prepare(io());
    }
    ~parsed() {
        clients.clear();
        world.run();
    }
    [[nodiscard]] static socoro::options with_parser(
        parser_ptr const& parser,
        socoro::options opts) {
        opts.parser = parser;
        return opts;
    }

    socoro::client_socket join(std::string nsp = {}) {
        auto& client = clients.emplace_back(
            std::make_unique<socoro::client>(world.shard, "http://server.test", asked));
        auto socket = client->socket(std::move(nsp));
        world.spawn(listen(socket, heard));
        return socket;
    }

    [[nodiscard]] static asio::awaitable<void> listen(socoro::client_socket socket, notes heard) {
        auto const handlers = socoro::overloaded{
            [&](said const& s) { heard.add(std::get<0>(s)); },
            [&](photo const& p) { heard.add(p.title); },
            [&](socoro::on_connect const& e) {
                heard.add(e.recovered ? "recovered" : "connected");
            },
            [&](socoro::connect_error const& e) {
                heard.add(e.message + " " + socoro::json::serialize(e.data));
            },
            [&](socoro::on_disconnect const& e) { heard.add("lost: " + e.reason.message()); },
            [](socoro::request<counted> const& all) {
                all.reply(static_cast<int>(all.args.size()));
            }};
        co_await socket.serve(handlers);
    }

    [[nodiscard]] std::string take() {
        world.run();
        return heard.take();
    }

    socoro::client_options asked;
    std::vector<std::unique_ptr<socoro::client>> clients;
    notes heard;
};

[[nodiscard]] inline photo some_photo() {
    photo made;
    made.title = "sün\"set\n";
    made.parts = {socoro::bytes(std::string("\0\xff\x80", 3)), socoro::bytes(std::string())};
    made.taken = std::chrono::sys_time<std::chrono::milliseconds>(1'700'000'000'123ms);
    return made;
}

/// Events, binary data, and requests both ways, over either transport and an upgrade.
inline void check_events_and_requests(parser_ptr const& parser) {
    for (auto const& transports :
         {std::vector<std::string>{"polling"}, {"websocket"}, {"polling", "websocket"}}) {
        CAPTURE(transports.back());
        parsed p(parser);
        p.asked.transports = transports;
        std::optional<photo> got;
        p.io().of("/back").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
            got = co_await socket.recv<photo>();
            std::vector<int> const three{1, 2, 3};
            auto const count = co_await socket.call<counted>(three);
            socket.emit(said(std::to_string(count)));
            co_await socket.drain();
        });
        auto const socket = p.join();
        p.world.advance(1s);
        socket.emit(said("hello"));
        socket.emit(some_photo());
        CHECK(p.take() == "connected | hello | sün\"set\n");
        auto const sum = p.world.spawn(socket.call<added>(1, 0.1));
        REQUIRE(sum->value);
        CHECK(*sum->value == 1.1);
        auto const bytes = p.world.spawn(socket.call<fetched>("x"));
        REQUIRE(bytes->value);
        CHECK(bytes->value->data == std::string("\0\xffx", 3));
        auto const back = p.join("/back");
        p.world.advance(1s);
        back.emit(some_photo());
        CHECK(p.take() == "connected | 3 | lost: io server disconnect");
        CHECK(got == some_photo());
    }
}

/// Namespaces, refusals with data, rooms.
inline void check_namespaces_and_rooms(parser_ptr const& parser) {
    parsed p(parser);
    auto const socket = p.join("/other");
    std::ignore = p.join("/other");
    std::ignore = p.join("/");
    CHECK(p.take() == "connected | connected | connected");
    socket.emit(said("hello"));
    CHECK(p.take() == "hello | another said hello");
    p.io().of("/other").to("room").emit(some_photo());
    CHECK(p.take() == "sün\"set\n | sün\"set\n");
    auto const called = p.world.spawn(p.io().of("/other").call<counted>(std::vector<int>{1}));
    REQUIRE(called->value);
    CHECK(called->value->values == std::vector<int>{1, 1});
    std::ignore = p.join("/admin");
    CHECK(p.take() == "not you {\"code\":7}");
    std::ignore = p.join("/nowhere");
    CHECK(p.take() == "Invalid namespace null");
    socket.disconnect();
    CHECK(p.take() == "lost: io client disconnect");
}

/// A client comes back as the socket that it was, and gets what it has missed, in bytes as well.
inline void check_recovery(parser_ptr const& parser) {
    socoro::options opts;
    opts.connection_state_recovery.enabled = true;
    parsed p(parser, std::move(opts));
    auto const socket = p.join();
    REQUIRE(p.take() == "connected");
    auto const id = socket.id();
    p.io().emit(said("before"));
    CHECK(p.take() == "before");
    p.between->cut();
    p.io().emit(said("meanwhile"));
    p.io().to("room").emit(some_photo());
    p.world.run();
    p.io().emit(said("later"));
    CHECK(p.take() == "lost: transport close");
    p.world.advance(1s);
    CHECK(p.take() == "meanwhile | sün\"set\n | later | recovered");
    CHECK(socket.id() == id);
}

/// One end has the parser, the other has none.
inline void check_mismatch(parser_ptr const& parser) {
    parsed alone(parser);
    alone.asked.parser = nullptr;
    alone.asked.reconnection = false;
    auto const asking = alone.join();
    CHECK(alone.take().empty());
    CHECK(asking.reason() == socoro::errc::transport_close);

    parsed lonely(nullptr);
    lonely.asked.parser = parser;
    lonely.asked.reconnection = false;
    auto const other = lonely.join();
    CHECK(lonely.take().empty());
    CHECK(other.reason() == socoro::errc::transport_close);
}

}  // namespace test
