// SPDX-License-Identifier: BSL-1.0
// Clients come back to another shard than the one that they were on.
#include <socoro/socket.hpp>

#include "api/shards_scene.hpp"

#include <boost/json.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <any>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using never = socoro::event<"never">;
/// Who sent it, and its number among what that one sent.
using tick = socoro::event<"tick", std::string, int>;
using lines = std::vector<std::string>;

[[nodiscard]] socoro::options recovering() {
    socoro::options opts;
    opts.connection_state_recovery.enabled = true;
    opts.hooks.handler_failed = [](std::string_view, std::string_view what) {
        FAIL_CHECK("a handler failed: " << std::string(what));
    };
    return opts;
}

/// A client that remembers what it needs to come back, as the reference's does.
class wanderer {
public:
    explicit wanderer(test::shards_scene& in, std::string nsp = "/")
        : scene_(&in)
        , prefix_(nsp == "/" ? "" : nsp + ",") {}

    /// Connects to a shard, and shows what it remembers.
    void enter(std::size_t shard) {
        link_.emplace(scene_->connect(shard));
        json::object auth;
        if (!pid.empty())
            auth.emplace("pid", pid);
        if (!offset.empty())
            auth.emplace("offset", offset);
        link_->send("0" + prefix_ + json::serialize(auth));
        is_in = false;
    }
    void vanish() { link_->vanish(); }

    /// Reads what has come: events as `sender number`; `back` or `new` when it is connected.
    lines read() {
        lines seen;
        for (auto const& packet : link_->take())
            seen.push_back(note(packet));
        return seen;
    }
    /// Does all of that that can be done at once, until nothing moves any more.
    lines come(std::size_t shard) {
        enter(shard);
        scene_->run();
        return read();
    }
    lines run_and_read() {
        scene_->run();
        return read();
    }

    std::string pid, sid, offset;
    /// Every offset that it got, in order.
    lines offsets;
    /// Whether it was told that it is connected.
    bool is_in = false;

private:
    std::string note(std::string const& packet) {
        if (packet == "closed")
            return packet;
        auto const content = packet.find_first_of("[{");
        if (content == std::string::npos)
            return packet;
        auto const data = json::parse(packet.substr(content));
        if (packet.front() == '0') {
            is_in = true;
            sid = data.at("sid").as_string().c_str();
            std::string const given = data.at("pid").as_string().c_str();
            // As the official client tells.
            bool const recovered = given == std::exchange(pid, given);
            return recovered ? "back" : "new";
        }
        auto const& list = data.as_array();
        offset = list.back().as_string().c_str();
        offsets.push_back(offset);
        return std::string(list.at(1).as_string()) + " " + std::to_string(list.at(2).as_int64());
    }

    test::shards_scene* scene_;
    std::string prefix_;
    std::optional<test::wire> link_;
};

/// A server that lets everybody stay, in the room `r`.
struct place {
    explicit place(std::size_t shards, socoro::options opts = recovering(), unsigned seed = 1)
        : scene(shards, std::move(opts), seed)
        , nsp(scene.of("/")) {
        nsp.on_connection([this](socoro::socket socket) -> asio::awaitable<void> {
            sockets.insert_or_assign(socket.id(), socket);
            socket.join("r");
            std::ignore = co_await socket.recv<never>();
        });
        scene.run();
    }
    ~place() {
        sockets.clear();
        scene.run();
    }

    /// Emits to everybody, on a shard.
    void tick_on(std::size_t shard, std::string sender, int number) {
        scene.on(shard, [nsp = nsp, sender, number] { nsp.emit<tick>(sender, number); });
        scene.run();
    }

    /// The newest by their ids.
    std::map<std::string, socoro::socket> sockets;
    test::shards_scene scene;
    socoro::nsp nsp;
};

}  // namespace

TEST_CASE(
    "api/recovery shards: a client comes back to any shard, and gets what it missed in order") {
    place here(3);
    wanderer client(here.scene);
    CHECK(client.come(0) == lines{"new"});
    auto const sid = client.sid;
    here.tick_on(1, "a", 0);
    CHECK(client.run_and_read() == lines{"a 0"});

    client.vanish();
    here.scene.run();
    here.tick_on(0, "a", 1);
    here.tick_on(1, "a", 2);
    here.tick_on(2, "a", 3);
    here.nsp.to("r").emit<tick>("outside", 0);
    here.nsp.to("another").emit<tick>("outside", 1);
    here.nsp.except("r").emit<tick>("outside", 2);
    here.scene.run();
    CHECK(client.come(1) == lines{"a 1", "a 2", "a 3", "outside 0", "back"});
    CHECK(client.sid == sid);

    here.tick_on(2, "a", 4);
    CHECK(client.run_and_read() == lines{"a 4"});
    client.vanish();
    here.scene.run();
    CHECK(client.come(2) == lines{"back"});
    here.tick_on(0, "a", 5);
    CHECK(client.run_and_read() == lines{"a 5"});
    client.vanish();
    here.tick_on(0, "a", 6);
    CHECK(client.come(0) == lines{"a 6", "back"});
}

TEST_CASE(
    "api/recovery shards: whatever was got of what it missed, the next shard sends the rest") {
    lines const missed{"b 0", "a 1", "b 1", "a 2"};
    for (std::size_t got = 0; got <= missed.size(); ++got) {
        CAPTURE(got);
        place here(3);
        wanderer client(here.scene);
        REQUIRE(client.come(0) == lines{"new"});
        here.tick_on(1, "a", 0);
        REQUIRE(client.run_and_read() == lines{"a 0"});
        // Some of it is to this client alone: no other shard knows of that.
        here.scene.on(0, [&] { here.sockets.at(client.sid).emit<tick>("b", 0); });
        here.tick_on(1, "a", 1);
        here.scene.on(0, [&] { here.sockets.at(client.sid).emit<tick>("b", 1); });
        client.vanish();
        here.scene.run();
        here.tick_on(1, "a", 2);

        auto seen = client.come(1);
        REQUIRE(seen == lines{"b 0", "a 1", "b 1", "a 2", "back"});
        // As if the rest had been lost on its way.
        REQUIRE(client.offsets.size() == 5);
        client.offset = client.offsets[got];
        client.vanish();
        here.scene.run();
        here.tick_on(2, "a", 3);
        lines expected(missed.begin() + static_cast<std::ptrdiff_t>(got), missed.end());
        expected.insert(expected.end(), {"a 3", "back"});
        auto const next = got % 3;
        CHECK(client.come(next) == expected);
        here.tick_on(0, "a", 4);
        CHECK(client.run_and_read() == lines{"a 4"});
    }
}

TEST_CASE("api/recovery shards: what moves with a client are its rooms and its data") {
    place here(2);
    wanderer client(here.scene);
    REQUIRE(client.come(0) == lines{"new"});
    here.scene.on(0, [&] {
        auto const& socket = here.sockets.at(client.sid);
        socket.join("other");
        socket.leave("r");
        socket.data<std::string>() = "Ada";
    });
    here.nsp.emit<tick>("a", 0);
    REQUIRE(client.run_and_read() == lines{"a 0"});
    auto const before = here.sockets.at(client.sid);
    client.vanish();
    here.scene.run();
    REQUIRE(client.come(1) == lines{"back"});
    auto const& after = here.sockets.at(client.sid);
    CHECK(after.recovered());
    // Its handler joined `r` again.
    CHECK(after.rooms().size() == 3);
    CHECK(after.data<std::string>() == "Ada");
    // The old socket is another shard's, and has data of its own from then on.
    after.data<std::string>() = "Grace";
    CHECK(before.data<std::string>() == "Ada");
    here.nsp.to("other").emit<tick>("a", 1);
    CHECK(client.run_and_read() == lines{"a 1"});
}

TEST_CASE("api/recovery shards: a connection that still stands on another shard makes way") {
    place here(2);
    std::vector<std::string> closed;
    wanderer first(here.scene);
    REQUIRE(first.come(0) == lines{"new"});
    here.nsp.emit<tick>("a", 0);
    REQUIRE(first.run_and_read() == lines{"a 0"});
    wanderer second = first;
    here.nsp.emit<tick>("a", 1);
    // Its connection has broken, and nobody knows.
    CHECK(second.come(1) == lines{"a 1", "back"});
    here.nsp.emit<tick>("a", 2);
    CHECK(second.run_and_read() == lines{"a 2"});
    CHECK(second.sid == first.sid);
    // What the server does with the connection that was made way is to drop it.
    auto const old = first.read();
    CHECK(std::count(old.begin(), old.end(), "a 2") == 0);
}

TEST_CASE(
    "api/recovery shards: what is emitted through the socket that it was reaches the client") {
    place here(2);
    wanderer client(here.scene);
    REQUIRE(client.come(0) == lines{"new"});
    here.nsp.emit<tick>("a", 0);
    REQUIRE(client.run_and_read() == lines{"a 0"});
    auto const old = here.sockets.at(client.sid);
    client.vanish();
    here.scene.run();
    here.scene.on(0, [&] { old.emit<tick>("b", 0); });
    here.scene.run();
    CHECK(client.come(1) == lines{"b 0", "back"});
    here.scene.on(0, [&] { old.emit<tick>("b", 1); });
    CHECK(client.run_and_read() == lines{"b 1"});
}

TEST_CASE("api/recovery shards: a client that vanishes on its way can still come back") {
    for (int steps = 0; steps < 60; ++steps) {
        CAPTURE(steps);
        place here(3);
        wanderer client(here.scene);
        REQUIRE(client.come(0) == lines{"new"});
        here.nsp.emit<tick>("a", 0);
        REQUIRE(client.run_and_read() == lines{"a 0"});
        client.vanish();
        here.scene.run();
        here.tick_on(2, "a", 1);
        client.enter(1);
        for (int i = 0; i < steps; ++i)
            here.scene.step();
        client.vanish();
        here.scene.run();
        here.tick_on(2, "a", 2);
        CHECK(client.come(2) == lines{"a 1", "a 2", "back"});
    }
}

TEST_CASE("api/recovery shards: who shows what nobody knows starts anew, and is answered") {
    place here(3);
    wanderer client(here.scene);
    REQUIRE(client.come(0) == lines{"new"});
    here.nsp.emit<tick>("a", 0);
    REQUIRE(client.run_and_read() == lines{"a 0"});
    client.vanish();
    here.scene.run();

    SUBCASE("a secret of nobody") {
        client.pid[0] = client.pid[0] == 'x' ? 'y' : 'x';
        CHECK(client.come(1) == lines{"new"});
    }
    SUBCASE("a secret of which only the half that is looked up is right") {
        client.pid.back() = client.pid.back() == 'x' ? 'y' : 'x';
        CHECK(client.come(1) == lines{"new"});
    }
    SUBCASE("an offset of no event") {
        client.offset = "0";
        CHECK(client.come(1) == lines{"new"});
    }
    SUBCASE("an offset of another shard's own event") {
        client.offset += "~1~1";
        CHECK(client.come(1) == lines{"new"});
    }
    SUBCASE("a secret in another namespace") {
        std::ignore = here.scene.of("/other");
        here.scene.run();
        wanderer other(here.scene, "/other");
        other.pid = client.pid;
        other.offset = client.offset;
        CHECK(other.come(1) == lines{"new"});
    }
    SUBCASE("what is too late") {
        here.scene.clock->advance(3min);
        here.scene.run();
        CHECK(client.come(1) == lines{"new"});
    }
    SUBCASE("what is in time") {
        here.scene.clock->advance(20s);
        here.scene.run();
        CHECK(client.come(1) == lines{"back"});
    }
    SUBCASE("a secret that has been used") {
        wanderer thief = client;
        REQUIRE(client.come(1) == lines{"back"});
        client.vanish();
        here.scene.run();
        REQUIRE(client.come(2) == lines{"back"});
        here.scene.on(2, [&] { here.sockets.at(client.sid).disconnect(); });
        here.scene.run();
        CHECK(thief.come(1) == lines{"new"});
    }
}

TEST_CASE("api/recovery shards: what is too much for the outbox is not moved") {
    auto opts = recovering();
    opts.outbox_bytes = 4000;
    for (int const events : {2, 40}) {
        place here(2, opts);
        wanderer client(here.scene);
        REQUIRE(client.come(0) == lines{"new"});
        here.nsp.emit<tick>("a", -1);
        REQUIRE(client.run_and_read() == lines{"a -1"});
        client.vanish();
        here.scene.run();
        for (int i = 0; i < events; ++i)
            here.tick_on(1, std::string(100, 'x'), i);
        auto const seen = client.come(1);
        CHECK(seen.back() == (events < 10 ? "back" : "new"));
        CHECK(seen.size() == (events < 10 ? 3 : 1));
    }
}

TEST_CASE(
    "api/recovery shards: the limits of kept events and clients are those of the whole server") {
    auto opts = recovering();
    SUBCASE("clients: an equal part for each shard, rounded up") {
        opts.connection_state_recovery.sessions = 2;
        place here(2, opts);
        std::vector<wanderer> clients(4, wanderer(here.scene));
        for (std::size_t i = 0; i < 4; ++i)
            REQUIRE(clients[i].come(i % 2) == lines{"new"});
        here.nsp.emit<tick>("a", 0);
        for (auto& each : clients)
            REQUIRE(each.run_and_read() == lines{"a 0"});
        for (auto& each : clients) {
            here.scene.clock->advance(1s);
            each.vanish();
            here.scene.run();
        }
        // Of each shard the one that left last.
        CHECK(clients[0].come(0) == lines{"new"});
        CHECK(clients[1].come(0) == lines{"new"});
        CHECK(clients[2].come(1) == lines{"back"});
        CHECK(clients[3].come(0) == lines{"back"});
    }
    SUBCASE("events: what all shards share counts once") {
        for (int const events : {20, 80}) {
            opts.connection_state_recovery.event_bytes = 100'000;
            place here(4, opts);
            wanderer client(here.scene);
            REQUIRE(client.come(0) == lines{"new"});
            here.nsp.emit<tick>("a", 0);
            REQUIRE(client.run_and_read() == lines{"a 0"});
            client.vanish();
            here.scene.run();
            for (int i = 0; i < events; ++i)
                here.tick_on(1, std::string(2000, 'x'), i);
            CHECK(client.come(3).back() == (events < 50 ? "back" : "new"));
        }
    }
}

TEST_CASE(
    "api/recovery shards: a namespace that a rule lets into being is there on each shard it "
    "needs") {
    place here(2);
    auto const allow = [](std::string const&, json::value const&) -> asio::awaitable<bool> {
        co_return true;
    };
    here.scene.family(allow).on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        std::ignore = co_await socket.recv<never>();
    });
    here.scene.run();
    wanderer client(here.scene, "/made");
    REQUIRE(client.come(0) == lines{"new"});
    socoro::nsp const made = here.scene.of("/made");
    here.scene.run();
    made.emit<tick>("a", 0);
    REQUIRE(client.run_and_read() == lines{"a 0"});
    client.vanish();
    here.scene.run();
    made.emit<tick>("a", 1);
    CHECK(client.come(1) == lines{"a 1", "back"});
}

// -------------------------------------------------------------------- in every order

namespace {

/// Clients that come and go on any shard, while every shard, a thread that is none, and what belongs
/// to each client send: every client is to get all in order, once.
class crowd {
public:
    crowd(unsigned seed, std::size_t shards, bool waits)
        : shards_(shards)
        , scene_(shards, recovering(), seed)
        , nsp_(scene_.of("/"))
        , waits_(waits) {
        if (waits)
            nsp_.use([this](socoro::socket& socket) -> asio::awaitable<void> {
                // Middleware takes a while.
                auto const ex = co_await asio::this_coro::executor;
                for (auto turns = scene_.pick(5); turns > 0; --turns)
                    co_await asio::post(ex, asio::use_awaitable);
                std::ignore = socket;
            });
        nsp_.on_connection([this](socoro::socket socket) -> asio::awaitable<void> {
            sockets_.insert_or_assign(socket.id(), held{socket, here()});
            socket.join("r");
            std::ignore = co_await socket.recv<never>();
        });
        scene_.run();
        for (std::size_t i = 0; i < 4; ++i) {
            clients_.push_back({wanderer(scene_), {}});
            clients_.back().self.enter(scene_.pick(shards_));
            scene_.run();
            read(clients_.back());
            REQUIRE(clients_.back().self.is_in);
        }
        // Everybody has an offset.
        nsp_.emit<tick>("outside", next_["outside"]++);
        scene_.run();
        for (auto& each : clients_)
            read(each);
    }
    ~crowd() {
        sockets_.clear();
        scene_.run();
    }

    void run(int rounds) {
        for (int i = 0; i < rounds; ++i) {
            act();
            for (auto steps = scene_.pick(6); steps > 0; --steps)
                scene_.step();
        }
        for (auto& each : clients_) {
            each.self.vanish();
            scene_.run();
            read(each);
            return_to(each);
            scene_.run();
            read(each);
        }
    }

    int recovered = 0, anew = 0;

private:
    struct visitor {
        wanderer self;
        /// By sender, the number that comes next.
        std::map<std::string, int> expected;
        /// Whether it has to be told that it has come back.
        bool must_come_back = false;
    };
    struct held {
        socoro::socket socket;
        std::size_t shard;
    };

    [[nodiscard]] std::size_t here() const {
        for (std::size_t i = 0; i < shards_; ++i)
            if (scene_.owner(i)->is_here())
                return i;
        return shards_;
    }

    void act() {
        auto& one = clients_[scene_.pick(clients_.size())];
        switch (scene_.pick(8)) {
        case 0: return one.self.vanish();
        case 1: return return_to(one);
        case 2:
        case 3: return read(one);
        case 4: return nsp_.emit<tick>("outside", next_["outside"]++);
        case 5: return nsp_.to("r").emit<tick>("room", next_["room"]++);
        case 6: return to_itself(one);
        default: break;
        }
        auto const shard = scene_.pick(shards_);
        scene_.on(shard, [this, name = "shard" + std::to_string(shard)] {
            nsp_.emit<tick>(name, next_[name]++);
        });
    }

    /// Through the newest socket that there is, or was.
    void to_itself(visitor const& one) {
        auto const found = sockets_.find(one.self.sid);
        if (found == sockets_.end())
            return;
        scene_.on(found->second.shard, [this, held = found->second] {
            auto const name = "own " + held.socket.id();
            held.socket.emit<tick>(name, next_[name]++);
        });
    }

    void return_to(visitor& one) {
        one.must_come_back = one.self.is_in;
        one.self.enter(scene_.pick(shards_));
    }

    void read(visitor& one) {
        for (auto const& line : one.self.read()) {
            CAPTURE(line);
            if (line == "new") {
                CHECK_FALSE(one.must_come_back);
                one.expected.clear();
                ++anew;
            } else if (line == "back") {
                ++recovered;
            } else if (line != "closed" && line != "1") {
                auto const space = line.rfind(' ');
                auto const sender = line.substr(0, space);
                auto const number = std::stoi(line.substr(space + 1));
                auto const next = one.expected.find(sender);
                if (next != one.expected.end())
                    CHECK(number == next->second);
                one.expected[sender] = number + 1;
            }
        }
    }

    std::size_t shards_;
    test::shards_scene scene_;
    socoro::nsp nsp_;
    bool waits_;
    std::map<std::string, held> sockets_;
    std::map<std::string, int> next_;
    std::vector<visitor> clients_;
};

}  // namespace

TEST_CASE(
    "api/recovery shards: nothing is lost, doubled or out of order, in whatever order all "
    "happens") {
    int recovered = 0;
    for (unsigned seed = 1; seed <= 60; ++seed) {
        CAPTURE(seed);
        crowd all(seed, 1 + seed % 3, seed % 2 == 0);
        all.run(150);
        recovered += all.recovered;
    }
    MESSAGE("came back: " << recovered);
    CHECK(recovered > 60 * 10);
}
