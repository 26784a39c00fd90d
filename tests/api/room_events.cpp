// SPDX-License-Identifier: BSL-1.0
// What the hook is told about rooms, on one shard and on several.
#include <socoro/socket.hpp>

#include "api/shards_scene.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace {

using never = socoro::event<"never">;
using lines = std::vector<std::string>;

/// What the hook was told, with `#1` for the id of the first socket, and so on.
class chronicle {
public:
    [[nodiscard]] socoro::options watching() const {
        socoro::options opts;
        opts.hooks.room = [told = told_](socoro::room_event const& e) { told->note(e); };
        opts.hooks.closed = [told = told_](socoro::closed_socket const& e) {
            told->seen.push_back("closed " + told->named(e.socket));
        };
        opts.hooks.handler_failed = nullptr;
        return opts;
    }
    [[nodiscard]] lines take() const { return std::exchange(told_->seen, {}); }
    void add(std::string line) const { told_->seen.push_back(std::move(line)); }
    /// Gives the socket the next number.
    void name(std::string_view id) const { std::ignore = told_->named(id, true); }

private:
    struct record {
        void note(socoro::room_event const& e) {
            static constexpr auto words = std::array{"created", "joined", "left", "deleted"};
            std::string line = words.at(static_cast<std::size_t>(e.change));
            line += " " + named(e.room) + (e.nsp == "/" ? "" : " of " + std::string(e.nsp));
            seen.push_back(e.socket.empty() ? line : line + " " + named(e.socket));
        }
        std::string named(std::string_view id, bool always = false) {
            auto const found = names.find(std::string(id));
            if (found != names.end())
                return found->second;
            if (!always)
                return std::string(id);
            return names[std::string(id)] = "#" + std::to_string(names.size() + 1);
        }
        lines seen;
        std::map<std::string, std::string> names;
    };
    std::shared_ptr<record> told_ = std::make_shared<record>();
};

/// Checks that a room is created, joined and left, and deleted, in turn: each in its namespace.
class census {
public:
    void operator()(socoro::room_event const& e) {
        auto const room = std::pair(std::string(e.nsp), std::string(e.room));
        auto const there = members_.find(room);
        bool const exists = there != members_.end();
        switch (e.change) {
        case socoro::room_change::created:
            right = right && !exists;
            members_[room];
            ++created;
            break;
        case socoro::room_change::joined:
            right = right && exists && there->second.emplace(e.socket).second;
            break;
        case socoro::room_change::left:
            right = right && exists && there->second.erase(std::string(e.socket)) == 1;
            break;
        case socoro::room_change::deleted:
            right = right && exists && there->second.empty();
            members_.erase(room);
            break;
        }
    }
    [[nodiscard]] std::size_t rooms() const { return members_.size(); }

    bool right = true;
    int created = 0;

private:
    std::map<std::pair<std::string, std::string>, std::set<std::string>> members_;
};

asio::awaitable<void> stay(socoro::socket socket) {
    std::ignore = co_await socket.recv<never>();
}

/// Middleware that joins a room, and refuses whoever says so.
[[nodiscard]] socoro::middleware doorkeeper(chronicle const& told) {
    return [told](socoro::socket& socket) -> asio::awaitable<void> {
        told.name(socket.id());
        socket.join("early");
        if (socket.handshake().auth.as_object().contains("refuse"))
            throw socoro::refused("no");
        co_return;
    };
}

}  // namespace

TEST_CASE("api/room events: a room is created, joined, left and deleted in the reference's order") {
    chronicle told;
    test::shards_scene scene(1, told.watching());
    auto const nsp = scene.of("/");
    nsp.use(doorkeeper(told));
    nsp.on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        told.add("handler");
        socket.join("b");
        socket.join("a");
        socket.join("b");
        socket.leave("not there");
        socket.leave("a");
        co_await stay(socket);
    });
    scene.run();

    auto first = scene.connect(0);
    first.send("0");
    scene.run();
    CHECK(
        told.take() == lines{
                           "created early",
                           "joined early #1",
                           "created #1",
                           "joined #1 #1",
                           "handler",
                           "created b",
                           "joined b #1",
                           "created a",
                           "joined a #1",
                           "left a #1",
                           "deleted a"});
    auto second = scene.connect(0);
    second.send("0");
    scene.run();
    CHECK(
        told.take() == lines{
                           "joined early #2",
                           "created #2",
                           "joined #2 #2",
                           "handler",
                           "joined b #2",
                           "created a",
                           "joined a #2",
                           "left a #2",
                           "deleted a"});

    // Whoever goes leaves all rooms before the hook `closed`.
    first.send("1");
    scene.run();
    std::vector<std::string> const left = told.take();
    CHECK(left.size() == 5);
    CHECK(left.back() == "closed #1");
    CHECK(std::count(left.begin(), left.end(), "left early #1") == 1);
    CHECK(std::count(left.begin(), left.end(), "left b #1") == 1);
    CHECK(
        std::find(left.begin(), left.end(), "deleted #1") ==
        std::find(left.begin(), left.end(), "left #1 #1") + 1);

    // Who is refused was in no room but those of the middleware.
    auto third = scene.connect(0);
    third.send("0{\"refuse\":true}");
    scene.run();
    CHECK(told.take() == lines{"joined early #3", "left early #3"});
}

TEST_CASE("api/room events: a namespace has rooms of its own") {
    chronicle told;
    test::shards_scene scene(1, told.watching());
    scene.of("/").on_connection(stay);
    scene.of("/chat").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        told.name(socket.id());
        socket.join("a");
        co_await stay(socket);
    });
    scene.run();
    auto link = scene.connect(0);
    link.send("0/chat,");
    scene.run();
    auto const seen = told.take();
    REQUIRE(seen.size() == 4);
    CHECK(seen[2] == "created a of /chat");
    CHECK(seen[3] == "joined a of /chat #1");
}

TEST_CASE(
    "api/room events: of several shards, the first member creates a room, the last deletes it") {
    chronicle told;
    test::shards_scene scene(3, told.watching());
    auto const nsp = scene.of("/");
    nsp.use(doorkeeper(told));
    nsp.on_connection(stay);
    scene.run();
    std::vector<test::wire> links;
    for (std::size_t shard = 0; shard < 3; ++shard) {
        links.push_back(scene.connect(shard));
        links.back().send("0");
        scene.run();
    }
    lines const joined{
        "created early",
        "joined early #1",
        "created #1",
        "joined #1 #1",
        "joined early #2",
        "created #2",
        "joined #2 #2",
        "joined early #3",
        "created #3",
        "joined #3 #3"};
    CHECK(told.take() == joined);
    lines left;
    for (auto const& link : links) {
        link.vanish();
        scene.run();
        for (auto const& line : told.take())
            if (line.find("early") != std::string::npos)
                left.push_back(line);
    }
    CHECK(left == lines{"left early #1", "left early #2", "left early #3", "deleted early"});
}

TEST_CASE("api/room events: the hook may join and leave rooms itself") {
    for (std::size_t const shards : {1U, 3U}) {
        CAPTURE(shards);
        lines seen;
        std::vector<socoro::socket> sockets;
        socoro::options opts;
        opts.hooks.room = [&](socoro::room_event const& e) {
            if (e.change == socoro::room_change::created)
                seen.emplace_back(e.room);
            if (e.change == socoro::room_change::created && e.room == "a")
                sockets.front().join("b");
        };
        test::shards_scene scene(shards, opts);
        scene.of("/").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
            seen.clear();
            sockets.push_back(socket);
            socket.join("a");
            co_await stay(socket);
        });
        scene.run();
        auto link = scene.connect(shards - 1);
        link.send("0");
        scene.run();
        CHECK(seen == lines{"a", "b"});
        sockets.clear();
    }
}

TEST_CASE("api/room events: a socket that the hook ends is not connected any further") {
    lines reasons;
    std::vector<socoro::socket> sockets;
    socoro::options opts;
    opts.hooks.room = [&](socoro::room_event const& e) {
        if (e.change == socoro::room_change::joined)
            sockets.front().disconnect();
    };
    opts.hooks.closed = [&](socoro::closed_socket const& e) {
        reasons.push_back(e.reason.message());
    };
    test::shards_scene scene(1, opts);
    bool ran = false;
    auto const nsp = scene.of("/");
    nsp.use([&](socoro::socket& socket) -> asio::awaitable<void> {
        sockets.push_back(socket);
        co_return;
    });
    nsp.on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        ran = true;
        co_await stay(socket);
    });
    scene.run();
    auto link = scene.connect(0);
    link.send("0");
    scene.run();
    CHECK(reasons == lines{"server namespace disconnect"});
    CHECK(link.take() == lines{"1"});
    CHECK_FALSE(ran);
    sockets.clear();
}

TEST_CASE("api/room events: create and delete alternate, however the shards take turns") {
    int created = 0;
    for (unsigned seed = 1; seed <= 20; ++seed) {
        CAPTURE(seed);
        census counted;
        socoro::options opts;
        opts.hooks.room = [&](socoro::room_event const& e) { counted(e); };
        test::shards_scene scene(3, opts, seed);
        // By shard.
        std::array<std::vector<socoro::socket>, 3> sockets;
        scene.of("/").on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
            for (std::size_t shard = 0; shard < 3; ++shard)
                if (scene.owner(shard)->is_here())
                    sockets[shard].push_back(socket);
            co_await stay(socket);
        });
        scene.run();
        std::vector<test::wire> links;
        for (std::size_t i = 0; i < 6; ++i) {
            links.push_back(scene.connect(i % 3));
            links.back().send("0");
        }
        scene.run();
        for (int round = 0; round < 100; ++round) {
            auto const shard = scene.pick(3);
            auto const socket = sockets[shard].at(scene.pick(2));
            std::string const room(1, "abc"[scene.pick(3)]);
            bool const leaves = scene.pick(2) == 0;
            scene.on(shard, [=] { leaves ? socket.leave(room) : socket.join(room); });
            for (auto steps = scene.pick(4); steps > 0; --steps)
                scene.step();
        }
        for (auto const& link : links)
            link.vanish();
        scene.run();
        CHECK(counted.right);
        CHECK(counted.rooms() == 0);
        created += counted.created;
        sockets = {};
        scene.run();
    }
    CHECK(created > 20 * 10);
}
