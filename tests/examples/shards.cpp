// SPDX-License-Identifier: BSL-1.0
// How rooms that reach over shards are tested, and those who look after them: on one shard, for
// handlers do not know how many there are.
#include "shards/shards.hpp"

#include <socoro/test.hpp>

#include "admin/admin.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <set>
#include <string>
#include <vector>

// ------------------------------------------------------------------------------------- shards

TEST_CASE("examples/shards: members of a room hear what is said there, and by which shard") {
    socoro::test::server server;
    shards::open(server.io());
    auto const ann = server.connect(), ben = server.connect(), cem = server.connect();
    CHECK(ann.ask<shards::enter>("hall") == 0);
    CHECK(ben.ask<shards::enter>("hall") == 0);
    CHECK(cem.ask<shards::enter>("kitchen") == 0);

    ann.emit<shards::say>("hall", "hello");
    CHECK(ann.take<shards::said>() == shards::said(0, "hello"));
    CHECK(ben.take<shards::said>() == shards::said(0, "hello"));
    CHECK(!cem.take());

    ben.emit<shards::leave>("hall");
    ann.emit<shards::say>("hall", "still here?");
    CHECK(ann.take<shards::said>());
    CHECK(!ben.take());
}

TEST_CASE("examples/shards: sockets are counted as long as they are there") {
    socoro::test::server server;
    shards::open(server.io());
    auto const ann = server.connect(), ben = server.connect();
    CHECK(ann.ask<shards::census>() == std::vector<std::size_t>{2});
    ben.disconnect();
    CHECK(ann.ask<shards::census>() == std::vector<std::size_t>{1});
}

TEST_CASE("examples/shards: shards are numbered as they come") {
    asio::io_context first, second;
    shards::registry all;
    CHECK(all.arrive(second.get_executor()) == 0);
    CHECK(all.arrive(first.get_executor()) == 1);
    CHECK(all.arrive(second.get_executor()) == 0);
    CHECK(all.sockets() == std::vector<std::size_t>{2, 1});
    all.leave(0);
    CHECK(all.sockets() == std::vector<std::size_t>{1, 1});
}

// -------------------------------------------------------------------------------------- admin

namespace {

/// Rooms with somebody in each, and a console.
struct office {
    office() {
        for (auto const* const each : {&ann, &ben})
            CHECK(each->ask<shards::enter>("hall") == 0);
    }
    [[nodiscard]] static socoro::test::server opened() {
        socoro::test::server made;
        shards::open(made.io());
        admin::open(made.io(), "open sesame");
        return made;
    }
    [[nodiscard]] socoro::test::client enter(socoro::json::value const& auth) const {
        return server.connect("/admin", auth);
    }
    /// Their rooms but those of their own.
    [[nodiscard]] std::set<std::string> rooms_of(socoro::test::client const& who) const {
        std::set<std::string> rooms;
        auto const found = console.ask<admin::list>(who.id());
        REQUIRE(found);
        REQUIRE(found->size() == 1);
        CHECK(found->front().id == who.id());
        CHECK(found->front().address == "in memory");
        rooms.insert(found->front().rooms.begin(), found->front().rooms.end());
        CHECK(rooms.erase(who.id()) == 1);
        return rooms;
    }

    /// How many are listed.
    [[nodiscard]] std::size_t count(std::string const& whom) const {
        return console.ask<admin::list>(whom).value().size();
    }

    socoro::test::server server = opened();
    socoro::test::client ann = server.connect(), ben = server.connect();
    socoro::test::client console = enter({{"password", "open sesame"}});
};

}  // namespace

TEST_CASE("examples/admin: only who knows the password gets in") {
    office const at;
    CHECK(at.console.connected());
    for (socoro::json::value const& auth : {
             socoro::json::value(socoro::json::object()),
             socoro::json::value{{"password", ""}},
             socoro::json::value{{"password", "open sesam"}},
             socoro::json::value{{"password", "open sesame!"}},
             socoro::json::value{{"password", "Open sesame"}},
             socoro::json::value{{"password", true}},
             socoro::json::value(nullptr),
         }) {
        CAPTURE(socoro::json::serialize(auth));
        auto const refusal = at.enter(auth).refusal();
        REQUIRE(refusal);
        CHECK(refusal->what() == std::string("wrong password"));
    }
}

TEST_CASE("examples/admin: sockets are listed, all of them or those of a room") {
    office const at;
    CHECK(at.count("") == 2);
    CHECK(at.count("hall") == 2);
    CHECK(at.count("kitchen") == 0);
    CHECK(at.rooms_of(at.ann) == std::set<std::string>{"hall"});
    CHECK(at.console.ask<admin::shares>() == std::vector<std::size_t>{2});
}

TEST_CASE("examples/admin: a socket is moved to another room, or everybody in one") {
    office const at;
    CHECK(at.console.ask<admin::move>(at.ann.id(), "hall", "kitchen") == 1);
    CHECK(at.rooms_of(at.ann) == std::set<std::string>{"kitchen"});
    CHECK(at.rooms_of(at.ben) == std::set<std::string>{"hall"});
    CHECK(at.console.ask<admin::move>("hall", "hall", "kitchen") == 1);
    CHECK(at.count("kitchen") == 2);
    CHECK(at.console.ask<admin::move>("nobody", "hall", "kitchen") == 0);
}

TEST_CASE("examples/admin: something is said to a room") {
    office const at;
    CHECK(at.console.ask<admin::move>(at.ann.id(), "hall", "kitchen") == 1);
    at.console.emit<admin::say>("kitchen", "closing soon");
    CHECK(at.ann.take<admin::notice>() == admin::notice("closing soon"));
    CHECK(!at.ben.take());
}

TEST_CASE("examples/admin: a socket is disconnected, and everybody in a room") {
    office const at;
    CHECK(at.console.ask<admin::kick>("nobody") == 0);
    CHECK(at.console.ask<admin::kick>(at.ann.id()) == 1);
    CHECK(!at.ann.connected());
    CHECK(at.ben.connected());
    CHECK(at.console.ask<admin::kick>("hall") == 1);
    CHECK(!at.ben.connected());
    CHECK(at.console.connected());
    CHECK(at.count("") == 0);
}
