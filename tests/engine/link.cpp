// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/link.hpp>
#include <socoro/engine/server_upgrade.hpp>

#include "engine/packets.hpp"
#include "support/memory_transport.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <string>

namespace engine = socoro::engine;
using namespace engine_test;
using namespace std::chrono_literals;
using socoro::errc;
namespace eio = socoro::eio;

namespace {

/// A session that writes down what its link tells it, with one letter for each packet.
class diary final : public engine::link::owner {
public:
    diary(test::net::shard& on, engine::session_options const& options)
        : link(*this, on, options)
        , resumed(on) {}

    bool on_packet(eio::packet&& received) override {
        told += "got " + received.data + " ";
        if (!answer.empty())
            std::ignore = link.push(group({answer}), {});
        return wants;
    }
    asio::awaitable<void> wait_until_wanted() override {
        while (!wants)
            co_await resumed.wait();
    }
    void on_idle() override { told += "idle "; }
    void on_ended(errc reason) override { told += make_error_code(reason).message() + " "; }
    void on_broken() override { told += "broken "; }
    void report(std::error_code) const override {}
    void show(socoro::direction, std::string_view, eio::packet const&) const override {}
    void on_upgraded(std::string_view) override {}

    engine::link link;
    test::net::signal resumed;
    std::string told;
    std::string answer;
    bool wants = true;
};

struct linked : test::world {
    explicit linked(engine::session_options const& options = {}, std::string_view over = "polling")
        : wire(shard, over, plan)
        , next(shard)
        , owner(std::make_shared<diary>(*shard, options)) {
        owner->link.open(socoro::transport::any_transport(wire.first));
        std::ignore = spawn(owner->link.read());
        std::ignore = spawn(owner->link.write());
        std::ignore = told();
    }
    ~linked() {
        owner->link.stop();
        owner->link.wake_all();
        run();
    }
    std::string told() {
        run();
        return std::exchange(owner->told, {});
    }
    /// What has arrived at one end.
    std::string taken(test::memory_transport& at) {
        std::string all;
        for (run(); at.has_buffered(); run())
            all += spawn(at.recv())->value->value().data;
        return all;
    }
    void say(test::memory_transport& from, packet_ptr const& said) {
        std::ignore = spawn(from.send({&said, 1}));
    }
    /// Starts an upgrade, as a server does.
    void upgrade() {
        auto attempt = std::make_shared<engine::server_upgrade>(
            *shard,
            socoro::transport::any_transport(next.first),
            10s,
            [this] { owner->told += "release "; },
            [](socoro::direction, eio::packet const&) {});
        spawn(owner->link.upgrade(std::move(attempt)));
    }
    [[nodiscard]] std::string_view name() const { return owner->link.name(); }

    std::shared_ptr<test::faults> plan = std::make_shared<test::faults>();
    test::memory_transport_pair wire;
    test::memory_transport_pair next;
    std::shared_ptr<diary> owner;
};

}  // namespace

TEST_CASE("engine/link: what is pushed leaves in order, and then it is idle") {
    linked l;
    CHECK(l.owner->link.is_writable());
    CHECK(l.owner->link.push(group({"a", "b", "c", "d", "e"}), {}) == engine::sent::queued);
    CHECK_FALSE(l.owner->link.is_writable());
    CHECK_FALSE(l.owner->link.is_idle());
    CHECK(l.owner->link.push(group({"f"}), {}) == engine::sent::queued);
    CHECK(l.told() == "idle ");
    CHECK(l.taken(*l.wire.second) == "abcdef");
    CHECK(l.owner->link.is_idle());
}

TEST_CASE("engine/link: answers to packets leave, and nothing is read while nothing is wanted") {
    linked l;
    l.owner->answer = "!";
    l.say(*l.wire.second, packet("a"));
    CHECK(l.told() == "got a idle ");
    CHECK(l.taken(*l.wire.second) == "!");
    l.owner->wants = false;
    l.say(*l.wire.second, packet("b"));
    l.say(*l.wire.second, packet("c"));
    CHECK(l.told() == "got b idle ");
    l.owner->wants = true;
    l.owner->resumed.notify_all();
    CHECK(l.told() == "got c idle ");
}

TEST_CASE("engine/link: an upgrade carries on what waits, and the old transport is not read") {
    linked l;
    l.wire.first->block();
    CHECK(l.owner->link.push(group({"a", "b"}), {}) == engine::sent::queued);
    l.run();
    REQUIRE(l.owner->link.can_upgrade());
    l.upgrade();
    CHECK_FALSE(l.owner->link.can_upgrade());
    l.say(
        *l.next.second,
        std::make_shared<eio::packet const>(eio::packet::of(eio::packet_type::ping, "probe")));
    l.advance(100ms);
    CHECK(l.told() == "release ");
    l.say(
        *l.next.second,
        std::make_shared<eio::packet const>(eio::packet::of(eio::packet_type::upgrade)));
    CHECK(l.name() == "websocket");
    CHECK(l.taken(*l.next.second) == "probeab");
    l.say(*l.next.second, packet("c"));
    CHECK(l.told() == "idle got c ");
    CHECK_FALSE(l.owner->link.can_upgrade());
}

TEST_CASE(
    "engine/link: what a client sends over the old transport when it has switched is ignored") {
    linked l;
    l.owner->wants = false;
    l.say(*l.wire.second, packet("a"));
    l.say(*l.wire.second, packet("late"));
    l.upgrade();
    l.say(
        *l.next.second,
        std::make_shared<eio::packet const>(eio::packet::of(eio::packet_type::upgrade)));
    l.say(*l.next.second, packet("b"));
    CHECK(l.told() == "got a idle ");
    l.owner->wants = true;
    l.owner->resumed.notify_all();
    CHECK(l.told() == "got b ");
}

TEST_CASE("engine/link: the end of its transport is told, that of a candidate is not") {
    linked l;
    l.upgrade();
    l.next.first->end(errc::transport_error);
    CHECK(l.told().empty());
    CHECK(l.owner->link.can_upgrade());
    CHECK(l.name() == "polling");
    l.wire.first->end(errc::parse_error);
    CHECK(l.told() == "parse error ");
}

TEST_CASE("engine/link: a transport that cannot send is broken") {
    linked l;
    l.wire.first->block();
    CHECK(l.owner->link.push(group({"a"}), {}) == engine::sent::queued);
    l.run();
    l.plan->nth = l.plan->operations;
    l.wire.first->block(false);
    CHECK(l.told().find("broken ") != std::string::npos);
}

TEST_CASE("engine/link: once stopped it lets go of everything") {
    linked l;
    std::weak_ptr<test::memory_transport> const transport = l.wire.first;
    l.wire.first->block();
    CHECK(l.owner->link.push(group({"a"}), {}) == engine::sent::queued);
    auto const drained = l.spawn(l.owner->link.drain());
    CHECK_FALSE(drained->done());
    l.owner->link.stop();
    l.owner->link.wake_all();
    l.run();
    CHECK(drained->done());
    CHECK(l.owner->link.queued().empty());
    CHECK_FALSE(l.owner->link.can_upgrade());
    l.wire.first.reset();
    CHECK(transport.expired());
}
