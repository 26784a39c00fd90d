// SPDX-License-Identifier: BSL-1.0
// How the handlers of a program are tested, shown on those examples that receive, send and call.
#include <socoro/test.hpp>

#include "ack/ack.hpp"
#include "binary/binary.hpp"
#include "contract/contract.hpp"
#include "rooms/rooms.hpp"
#include "support/shout.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <optional>
#include <string>
#include <tuple>

using namespace std::chrono_literals;

// -------------------------------------------------------------------------------------- rooms

TEST_CASE("examples/rooms: who enters a room is told who is there, and hears what is said there") {
    socoro::test::server server;
    rooms::open(server.io());
    auto const ann = server.connect(), ben = server.connect(), cem = server.connect();

    auto const alone = ann.ask<rooms::enter>("kitchen");
    REQUIRE(alone);
    REQUIRE(alone->size() == 1);
    CHECK(ben.ask<rooms::enter>("kitchen")->size() == 2);
    ann.emit<rooms::say>("kitchen", "soup");

    CHECK(ben.take<rooms::said>() == rooms::said(alone->front(), "soup"));
    CHECK(!ann.take());
    CHECK(!cem.take());
}

TEST_CASE("examples/rooms: what is said outside of a room is not heard in it") {
    socoro::test::server server;
    rooms::open(server.io());
    auto const ann = server.connect(), ben = server.connect(), cem = server.connect();

    CHECK(ben.ask<rooms::enter>("kitchen"));
    ann.emit<rooms::outside>("kitchen", "surprise");

    auto const heard = cem.take<rooms::said>();
    REQUIRE(heard);
    CHECK(std::get<1>(*heard) == "surprise");
    CHECK(!ann.take());
    CHECK(!ben.take());
}

TEST_CASE("examples/rooms: a room hears of those who leave it, or leave altogether") {
    socoro::test::server server;
    rooms::open(server.io());
    auto const ann = server.connect(), ben = server.connect(), cem = server.connect();
    auto const id = ann.ask<rooms::enter>("kitchen")->front();
    CHECK(ben.ask<rooms::enter>("kitchen"));
    CHECK(cem.ask<rooms::enter>("kitchen")->size() == 3);

    ann.emit<rooms::leave>("kitchen");
    CHECK(cem.take<rooms::left>() == rooms::left(id));
    ben.vanish();
    CHECK(cem.take<rooms::left>());

    CHECK(!ann.take());
    CHECK(cem.ask<rooms::enter>("kitchen")->size() == 1);
}

// ---------------------------------------------------------------------------------------- ack

// [testing]
TEST_CASE("examples/ack: the server asks a client for its name, and does not wait for ever") {
    auto [polite, server] = socoro::test::pair(ack::talk);
    polite.take<ack::introduce>()->reply("Ann");
    CHECK(polite.take<ack::welcome>() == ack::welcome("Ann"));

    auto const silent = server.connect();
    server.advance(1999ms);
    CHECK(!silent.take<ack::welcome>());
    server.advance(1ms);
    CHECK(silent.take<ack::welcome>() == ack::welcome("stranger"));
}
// [/testing]

namespace {

/// A client that has said its name.
[[nodiscard]] socoro::test::client introduced(socoro::test::server const& server) {
    auto const client = server.connect();
    client.take<ack::introduce>()->reply("somebody");
    CHECK(client.take<ack::welcome>());
    return client;
}

}  // namespace

TEST_CASE("examples/ack: a client asks the server") {
    socoro::test::server server;
    ack::open(server.io());
    auto const client = introduced(server);
    CHECK(client.ask<ack::add>(1.5, 2) == 3.5);
}

TEST_CASE("examples/ack: everybody else is asked, and who is silent too long is counted as such") {
    socoro::test::server server;
    ack::open(server.io());
    auto const asker = introduced(server);
    auto const ben = introduced(server), cem = introduced(server), dot = introduced(server),
               eve = introduced(server);

    std::optional<ack::outcome> outcome;
    auto const ask = [&]() -> asio::awaitable<void> {
        outcome = co_await asker.call<ack::survey>("Soup?");
    };
    asio::co_spawn(server.get_executor(), ask, asio::detached);
    CHECK(ben.take<ack::vote>()->args == "Soup?");
    for (auto const& fond : {cem, dot})
        fond.take<ack::vote>()->reply(true);
    eve.take<ack::vote>()->reply(false);
    CHECK(!asker.take<ack::vote>());
    server.run();
    CHECK(!outcome);
    CHECK(asker.ask<ack::add>(1, 1) == 2);  // meanwhile
    server.advance(1999ms);
    CHECK(!outcome);
    server.advance(1ms);

    REQUIRE(outcome);
    CHECK(outcome->yes == 2);
    CHECK(outcome->no == 1);
    CHECK(outcome->silent == 1);
}

// ------------------------------------------------------------------------------------- binary

TEST_CASE("examples/binary: a picture comes back as it was, and others hear of it") {
    socoro::test::server server;
    album::open(server.io());
    auto const ann = server.connect(), ben = server.connect();
    std::string const content("\x89PNG\r\n\x1a\n\0\xff", 10);
    album::picture const cat{"cat", "image/png", content};

    CHECK(ann.ask<album::add>(cat) == true);

    auto const told = ben.take<album::added>();
    REQUIRE(told);
    CHECK(told->name == "cat");
    CHECK(told->size == 10);
    CHECK(told->first_bytes.data == "\x89PNG");
    auto const shown = ben.ask<album::show>("cat");
    REQUIRE(shown);
    REQUIRE(*shown);
    CHECK((*shown)->type == "image/png");
    CHECK((*shown)->content.data == content);
}

TEST_CASE("examples/binary: a name is given once, and the album is full some day") {
    socoro::test::server server;
    album::open(server.io());
    auto const ann = server.connect();
    auto const add = [&](int number) {
        album::picture const next{std::to_string(number), "image/png", {}};
        return ann.ask<album::add>(next);
    };
    for (int i = 0; i < int(album::most) - 1; ++i)
        CHECK(add(i) == true);
    CHECK(add(0) == false);
    CHECK(add(100) == true);
    CHECK(add(101) == false);
    auto const absent = ann.ask<album::show>("101");
    REQUIRE(absent);
    CHECK(!*absent);
}

// ----------------------------------------------------------------------------------- contract

TEST_CASE("examples/contract: the client of a test is held to the mirrored contract") {
    socoro::test::server server;
    heating::open(server.io());
    using mirrored = heating::thermostat::mirrored;
    auto const ann = server.connect().as<mirrored>(), ben = server.connect().as<mirrored>();

    ann.emit<heating::set>(21);
    CHECK(ann.take<heating::changed>() == heating::changed(21));
    CHECK(ben.take<heating::changed>() == heating::changed(21));
    CHECK(ben.ask<heating::degrees>() == 21);
}

TEST_CASE("examples/contract: a heat that is unusual has to be confirmed") {
    for (bool const confirmed : {false, true}) {
        CAPTURE(confirmed);
        socoro::test::server server;
        heating::open(server.io());
        auto const ann = server.connect().as<heating::thermostat::mirrored>();

        ann.emit<heating::set>(30);
        auto const asked = ann.take<heating::confirm>();
        REQUIRE(asked);
        CHECK(asked->args == 30);
        CHECK(!ann.take<heating::changed>());
        asked->reply(confirmed);

        CHECK(ann.take<heating::changed>().has_value() == confirmed);
        CHECK(ann.ask<heating::degrees>() == (confirmed ? 30 : 18));
    }
}

// -------------------------------------------------------------------------------------- shout

TEST_CASE("examples/shout: a word comes back in capitals, whoever's server is beside it") {
    auto [ann, socket] = socoro::test::pair(shout::answer);
    CHECK(ann.ask<shout::shout>("hello, world 1") == "HELLO, WORLD 1");
    CHECK(ann.ask<shout::shout>("") == "");
}
