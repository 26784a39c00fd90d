// SPDX-License-Identifier: BSL-1.0
// What a server on several shards does with all its sockets at once, wherever they live.
#include "shards.hpp"

#include <socoro/server.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <stdexcept>

using namespace std::chrono_literals;

namespace {

using test::shards;
namespace net = socoro::net;

using news = socoro::event<"news", int>;
using ask = socoro::event<"ask", std::string(int)>;
using reload = socoro::event<"reload", std::string>;
using load = socoro::event<"load", int(int)>;

struct user {
    std::string name;
    int age = 0;
};
BOOST_DESCRIBE_STRUCT(user, (), (name, age))
struct secret {
    int code = 0;
};

/// The news that have come by now.
std::vector<int> take_news(socoro::test::client const& client) {
    std::vector<int> all;
    while (auto const next = client.take<news>())
        all.push_back(std::get<0>(*next));
    return all;
}

template <typename T>
std::vector<T> sorted(std::vector<T> list) {
    std::sort(list.begin(), list.end());
    return list;
}

}  // namespace

TEST_CASE("api/shards: a broadcast reaches everybody once, on whatever shard, from whatever one") {
    shards s(3);
    auto const a = s.connect(0);
    auto const b = s.connect(1);
    auto const c = s.connect(2);
    s.on(1, [&] { s.io.emit<news>(1); });
    s.io.emit<news>(2);
    for (auto const& client : {a, b, c})
        CHECK(take_news(client) == std::vector{1, 2});
}

TEST_CASE("api/shards: what one shard sends arrives in order, to all and to one") {
    shards s(2);
    auto const a = s.connect(0);
    auto const b = s.connect(1);
    s.on(0, [&] {
        s.io.emit<news>(1);
        auto unheard = s.io.call<ask>(2);
        s.io.to(b.id()).emit<news>(3);
        s.io.to(b.id()).sockets_join("late");
        s.io.to("late").emit<news>(4);
        s.io.to(b.id()).sockets_leave("late");
        s.io.to("late").emit<news>(5);
        s.io.to(b.id()).disconnect_sockets();
        s.io.emit<news>(6);
    });
    CHECK(take_news(a) == std::vector{1, 6});
    auto const first = b.take<news, ask>();
    REQUIRE(first);
    CHECK(std::get<0>(*std::get_if<news>(&*first)) == 1);
    auto const second = b.take<news, ask>();
    REQUIRE(second);
    CHECK(std::holds_alternative<socoro::request<ask>>(*second));
    CHECK(take_news(b) == std::vector{3, 4});
    CHECK_FALSE(b.connected());
}

TEST_CASE("api/shards: a call collects the replies of all shards") {
    shards s(3);
    auto const a = s.connect(0);
    auto const b = s.connect(1);
    auto const c = s.connect(2);
    for (std::size_t const from : {0U, 1U, 2U}) {
        auto const got =
            s.start(from, [](shards& on) -> asio::awaitable<socoro::replies<std::string>> {
                auto asked = on.io.call<ask>(7);
                co_return co_await std::move(asked);
            }(s));
        a.take<ask>()->reply("a");
        b.take<ask>()->reply("b");
        s.run();
        CHECK_FALSE(got->done());
        c.take<ask>()->reply("c");
        s.run();
        REQUIRE(got->value);
        CHECK(got->value->complete);
        CHECK(got->value->expected == 3);
        CHECK(sorted(got->value->values) == std::vector<std::string>{"a", "b", "c"});
    }
}

TEST_CASE("api/shards: a call does not wait for who leaves, nor beyond its time") {
    shards s(2);
    auto const a = s.connect(0);
    auto const b = s.connect(1);
    auto const c = s.connect(1);
    auto const asking = [](shards& on) -> asio::awaitable<socoro::replies<std::string>> {
        auto asked = on.io.timeout(1s).call<ask>(7);
        co_return co_await std::move(asked);
    };
    auto const first = s.start(0, asking(s));
    a.take<ask>()->reply("a");
    b.take<ask>()->reply("b");
    c.vanish();
    s.run();
    REQUIRE(first->value);
    CHECK(first->value->expected == 3);
    CHECK(first->value->values.size() == 2);
    CHECK_FALSE(first->value->complete);

    auto const second = s.start(0, asking(s));
    a.take<ask>()->reply("a");
    s.advance(999ms);
    CHECK_FALSE(second->done());
    s.advance(1ms);
    REQUIRE(second->value);
    CHECK(second->value->expected == 2);
    CHECK(second->value->values == std::vector<std::string>{"a"});
    // Too late, and nobody's.
    b.take<ask>()->reply("b");
    s.run();
    CHECK(b.connected());
}

TEST_CASE("api/shards: calls of several shards at once to the same socket are told apart") {
    shards s(3);
    auto const a = s.connect(1);
    auto const asking = [](shards& on, int what) -> asio::awaitable<socoro::replies<std::string>> {
        auto asked = on.io.call<ask>(what);
        co_return co_await std::move(asked);
    };
    auto const zero = s.start(0, asking(s, 0));
    auto const one = s.start(1, asking(s, 1));
    auto const two = s.start(2, asking(s, 2));
    for (int i = 0; i < 3; ++i) {
        auto const asked = a.take<ask>();
        REQUIRE(asked);
        asked->reply(std::to_string(asked->args));
    }
    s.run();
    CHECK(zero->value->values == std::vector<std::string>{"0"});
    CHECK(one->value->values == std::vector<std::string>{"1"});
    CHECK(two->value->values == std::vector<std::string>{"2"});
}

TEST_CASE("api/shards: who runs on no shard may call, fetch and ask as well, and be cancelled") {
    for (std::size_t const count : {1U, 2U}) {
        shards s(count);
        auto const a = s.connect(0);
        auto const b = s.connect(count - 1);
        asio::io_context elsewhere;
        std::optional<socoro::replies<std::string>> got;
        std::optional<std::vector<socoro::remote_socket>> found;
        auto const asking = [](shards& on, auto& replies, auto& sockets) -> asio::awaitable<void> {
            auto asked = on.io.call<ask>(7);
            auto known = co_await on.io.fetch_sockets();
            sockets.emplace(std::move(known));
            auto answers = co_await std::move(asked);
            replies.emplace(std::move(answers));
        };
        asio::cancellation_signal cancel;
        asio::co_spawn(
            elsewhere,
            asking(s, got, found),
            asio::bind_cancellation_slot(cancel.slot(), asio::detached));
        auto const run_both = [&] {
            for (int i = 0; i < 5; ++i) {
                s.run();
                elsewhere.restart();
                elsewhere.poll();
            }
        };
        elsewhere.poll();
        run_both();
        REQUIRE(found);
        CHECK(found->size() == 2);
        CHECK_FALSE(got);
        a.take<ask>()->reply("a");
        run_both();
        if (count == 1)
            b.take<ask>()->reply("b");
        else
            cancel.emit(asio::cancellation_type::all);
        run_both();
        REQUIRE(got);
        CHECK(got->values.size() == (count == 1 ? 2 : 1));
        CHECK(got->expected == 2);
    }
}

TEST_CASE("api/shards: sockets are found with what others may know about them") {
    shards s(2);
    s.io.on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        auto const name = socket.handshake().auth.at("name").as_string();
        if (name == "ann")
            socket.data<user>() = {"Ann", 40};
        else if (name == "bob")
            socket.data<secret>().code = 7;
        socket.join(name);
        std::ignore = co_await socket.recv<test::never>();
    });
    auto const a = s.connect(0, "/", {{"name", "ann"}});
    auto const b = s.connect(1, "/", {{"name", "bob"}});
    auto const c = s.connect(1, "/", {{"name", "cid"}});
    auto all = s.get(0, [&] { return s.io.fetch_sockets(); });
    REQUIRE(all);
    REQUIRE(all->size() == 3);
    auto const by = [&](std::string const& id) -> socoro::remote_socket& {
        return *std::find_if(all->begin(), all->end(), [&](auto const& each) {
            return each.id == id;
        });
    };
    auto const& ann = by(a.id());
    CHECK(sorted(ann.rooms) == sorted(std::vector<std::string>{a.id(), "ann"}));
    CHECK(ann.data == socoro::json::value{{"name", "Ann"}, {"age", 40}});
    CHECK(by(b.id()).data.is_null());
    CHECK(by(c.id()).data == socoro::json::value(socoro::json::object()));
    auto const& shook = ann.handshake.as_object();
    std::string keys;
    for (auto const& [key, value] : shook)
        keys += std::string(key) + " ";
    CHECK(keys == "headers time address xdomain secure issued url query auth ");
    CHECK(shook.at("headers").at("x-tag") == "one, two");
    CHECK(shook.at("headers").at("origin") == "http://example.org");
    CHECK(shook.at("xdomain").as_bool());
    CHECK_FALSE(shook.at("secure").as_bool());
    CHECK(shook.at("address") == "in memory");
    CHECK(shook.at("url") == "/socket.io/?EIO=4&transport=websocket&a=1&a=2");
    CHECK(shook.at("query").at("EIO") == "4");
    CHECK(shook.at("query").at("a") == socoro::json::value{"1", "2"});
    CHECK(shook.at("auth").at("name") == "ann");
    CHECK(shook.at("time").as_string().find(" GMT+0000 (Coordinated Universal Time)") == 20 + 4);

    auto const some = s.get(0, [&] { return s.io.to("bob").except("ann").fetch_sockets(); });
    REQUIRE(some);
    REQUIRE(some->size() == 1);
    CHECK(some->front().id == b.id());
    auto const none = s.get(0, [&] { return s.io.to("nobody").fetch_sockets(); });
    REQUIRE(none);
    CHECK(none->empty());

    by(b.id()).emit<news>(1);
    by(b.id()).join("club");
    s.io.to("club").emit<news>(2);
    by(b.id()).leave("club");
    s.io.to("club").emit<news>(3);
    CHECK(take_news(b) == std::vector{1, 2});
    CHECK(take_news(c).empty());
    auto const asked =
        s.start(0, [](socoro::remote_socket whom) -> asio::awaitable<socoro::replies<std::string>> {
            auto reply = whom.call<ask>(1);
            co_return co_await std::move(reply);
        }(by(b.id())));
    b.take<ask>()->reply("b");
    s.run();
    CHECK(asked->value->values == std::vector<std::string>{"b"});
    by(b.id()).disconnect();
    CHECK_FALSE(b.connected());
    CHECK(c.connected());
}

TEST_CASE("api/shards: local is the shard of the caller, and outside of all the first") {
    shards s(2);
    auto const a = s.connect(0);
    auto const b = s.connect(1);
    s.on(1, [&] {
        s.io.local().emit<news>(1);
        s.io.local().sockets_join("here");
    });
    s.io.local().emit<news>(2);
    s.io.to("here").emit<news>(3);
    CHECK(take_news(a) == std::vector{2});
    CHECK(take_news(b) == std::vector{1, 3});
    auto const found = s.get(1, [&] { return s.io.local().fetch_sockets(); });
    REQUIRE(found);
    REQUIRE(found->size() == 1);
    CHECK(found->front().id == b.id());
    auto const asked = s.start(0, [](shards& on) -> asio::awaitable<socoro::replies<std::string>> {
        auto reply = on.io.local().call<ask>(1);
        co_return co_await std::move(reply);
    }(s));
    a.take<ask>()->reply("a");
    s.run();
    REQUIRE(asked->value);
    CHECK(asked->value->expected == 1);
    CHECK_FALSE(b.take<ask>());
    s.on(0, [&] { s.io.local().disconnect_sockets(); });
    CHECK_FALSE(a.connected());
    CHECK(b.connected());
}

TEST_CASE("api/shards: rooms, leaving and disconnecting apply to those who are selected") {
    shards s(2);
    auto const a = s.connect(0);
    auto const b = s.connect(1);
    auto const c = s.connect(1);
    s.io.to(a.id()).to(b.id()).sockets_join({"x", "y"});
    s.io.to("x").emit<news>(1);
    s.io.to("y").except(a.id()).sockets_leave({"x", "never there"});
    s.io.to("x").emit<news>(2);
    s.io.except("y").disconnect_sockets();
    CHECK(take_news(a) == std::vector{1, 2});
    CHECK(take_news(b) == std::vector{1});
    CHECK(take_news(c).empty());
    CHECK(a.connected());
    CHECK(b.connected());
    CHECK_FALSE(c.connected());
}

TEST_CASE("api/shards: an event for servers is received on every other shard") {
    shards s(3);
    std::vector<std::string> got;
    s.io.on_server_side<reload>([&](reload const& event) {
        for (std::size_t i = 0; i < 3; ++i)
            if (s.owners[i]->is_here())
                got.push_back(std::to_string(i) + std::get<0>(event));
    });
    s.on(1, [&] { s.io.server_side_emit<reload>("a"); });
    CHECK(sorted(std::exchange(got, {})) == std::vector<std::string>{"0a", "2a"});
    s.io.server_side_emit(reload("b"));
    s.run();
    CHECK(sorted(std::exchange(got, {})) == std::vector<std::string>{"1b", "2b"});
    s.io.server_side_emit("reload", "c");
    s.run();
    CHECK(sorted(std::exchange(got, {})) == std::vector<std::string>{"1c", "2c"});
    for (auto const* const name : {"connect", "connection", "new_namespace"})
        CHECK_THROWS_AS(s.io.server_side_emit(name), std::system_error);
    s.io.of("/other").server_side_emit<reload>("d");
    s.run();
    CHECK(got.empty());
}

TEST_CASE("api/shards: servers answer each other") {
    shards s(3);
    auto gate = std::make_shared<net::signal>(*s.owners[2]);
    s.io.on_server_side<load>([&](load const& event) -> asio::awaitable<int> {
        int const asked = std::get<0>(event);
        bool const slow = s.owners[2]->is_here();
        if (slow)
            std::ignore = co_await gate->wait();
        co_return asked + (slow ? 2 : 1);
    });
    auto const asking = [](shards& on, int what) -> asio::awaitable<socoro::replies<int>> {
        auto asked = on.io.server_side_call<load>(what);
        co_return co_await std::move(asked);
    };
    auto const got = s.start(0, asking(s, 10));
    CHECK_FALSE(got->done());
    s.on(2, [&] { gate->notify_all(); });
    REQUIRE(got->value);
    CHECK(sorted(got->value->values) == std::vector{11, 12});
    CHECK(got->value->expected == 2);
    CHECK(got->value->complete);
}

TEST_CASE("api/shards: a server that has no answer is not waited for, and failures are told") {
    shards s(2);
    auto const asking = [](shards& on, int what) -> asio::awaitable<socoro::replies<int>> {
        auto asked = on.io.server_side_call<load>(what);
        co_return co_await std::move(asked);
    };
    auto const nobody = s.start(0, asking(s, 1));
    REQUIRE(nobody->value);
    CHECK(nobody->value->values.empty());
    CHECK(nobody->value->expected == 1);
    CHECK_FALSE(nobody->value->complete);

    s.io.on_server_side<load>([](load const&) -> int { throw std::runtime_error("no load"); });
    auto const failed = s.start(0, asking(s, 1));
    REQUIRE(failed->value);
    CHECK_FALSE(failed->value->complete);
    s.io.server_side_emit("load", "text");
    s.run();
    REQUIRE(s.reports->size() == 2);
    CHECK(s.reports->at(0) == "/ failed: no load");
    CHECK(s.reports->at(1).starts_with("/ failed: argument 1 is not a whole number"));

    shards alone(1);
    auto const none = alone.start(0, asking(alone, 1));
    REQUIRE(none->value);
    CHECK(none->value->expected == 0);
    CHECK(none->value->complete);
}
