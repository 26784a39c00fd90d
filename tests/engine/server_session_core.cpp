// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/server_session_core.hpp>

#include "engine/recorder.hpp"
#include "support/memory_transport.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>

using namespace engine_test;
using namespace std::chrono_literals;
using socoro::errc;

namespace {

/// What has arrived at the client.
strings text_of_all(test::memory_transport& client, test::world& in) {
    strings seen;
    in.run();
    while (client.has_buffered()) {
        auto const packet = in.spawn(client.recv())->value->value();
        seen.push_back(static_cast<char>(packet.type) + packet.data);
    }
    return seen;
}

/// A session over a transport in memory; the test is the client.
struct one_session : test::world {
    explicit one_session(engine::options const& options = {}, std::string_view over = "websocket")
        : wire(shard, over, plan)
        , core(std::make_shared<engine::server_session_core>(
              loops,
              shard,
              std::make_shared<engine::options const>(options),
              engine::origin{"sid", {}, "192.0.2.1"},
              [this](engine::server_session_core&) { ++ends; })) {
        core->open(transport::any_transport(wire.first));
        core->start(sink);
        run();
    }
    ~one_session() {
        if (context && core)
            core->discard();
    }

    void client_sends(eio::packet_type type, std::string data = {}) {
        transport::packet_ptr const packet =
            std::make_shared<eio::packet const>(eio::packet::of(type, std::move(data)));
        std::ignore = spawn(wire.second->send({&packet, 1}));
    }
    void client_says(std::string data) { client_sends(eio::packet_type::message, std::move(data)); }
    strings take() { return text_of_all(*wire.second, *this); }

    std::shared_ptr<net::task_group> loops = std::make_shared<net::task_group>(shard);
    std::shared_ptr<test::faults> plan = std::make_shared<test::faults>();
    test::memory_transport_pair wire;
    std::shared_ptr<recorder> sink = std::make_shared<recorder>();
    std::shared_ptr<engine::server_session_core> core;
    int ends = 0;
};

using type = eio::packet_type;

/// Packets that count for 100 bytes each and begin with a letter.
std::vector<engine::packet_ptr> packets_named(std::string const& letters) {
    std::vector<engine::packet_ptr> made;
    for (char const letter : letters) {
        std::string data(100 - sizeof(eio::packet), letter);
        made.push_back(
            std::make_shared<eio::packet const>(eio::packet::from({false, std::move(data)})));
    }
    return made;
}

engine::sent send_event(engine::session_core& to, std::string const& name, std::uint64_t topic) {
    return to.send(packets_named(name), {topic, false});
}

engine::sent send_volatile(engine::session_core& to, std::string const& name) {
    return to.send(packets_named(name), {1, true});
}

/// The first letter of each message; of other packets, the type.
std::string names_of(strings const& packets) {
    std::string all;
    for (auto const& packet : packets)
        all += packet.front() == '4' ? packet.at(1) : packet.front();
    return all;
}

std::string const open_packet =
    R"(0{"sid":"sid","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000})";

}  // namespace

TEST_CASE("engine/server_session_core: begins with the open packet") {
    one_session s;
    CHECK(s.take() == strings{open_packet});
    CHECK(s.core->is_open());
    one_session polling({}, "polling");
    CHECK(polling.take().at(0).find(R"("upgrades":["websocket"])") != std::string::npos);
    engine::options options;
    options.allow_upgrades = false;
    one_session fixed(options, "polling");
    CHECK(fixed.take().at(0).find(R"("upgrades":[])") != std::string::npos);
}

TEST_CASE("engine/server_session_core: what is sent before it starts follows the open packet") {
    test::world w;
    test::memory_transport_pair const wire(w.shard);
    auto const sink = std::make_shared<recorder>();
    auto const core = std::make_shared<engine::server_session_core>(
        std::make_shared<net::task_group>(w.shard),
        w.shard,
        std::make_shared<engine::options const>(),
        engine::origin{"sid", {}, ""},
        [](engine::server_session_core&) {});
    core->open(transport::any_transport(wire.first));
    send(*core, "early");
    core->close();
    core->start(sink);
    w.run();
    CHECK(text_of_all(*wire.second, w) == strings{open_packet, "4early"});
    CHECK(sink->reason == errc::forced_close);
    CHECK(w.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: a session that ended before it starts tells its sink") {
    test::world w;
    test::memory_transport_pair const wire(w.shard);
    auto const sink = std::make_shared<recorder>();
    auto const core = std::make_shared<engine::server_session_core>(
        std::make_shared<net::task_group>(w.shard),
        w.shard,
        std::make_shared<engine::options const>(),
        engine::origin{"sid", {}, ""},
        [](engine::server_session_core&) {});
    core->open(transport::any_transport(wire.first));
    core->discard();
    core->start(sink);
    CHECK(sink->reason == errc::forced_close);
    CHECK(sink->closes == 1);
    w.run();
    CHECK(w.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: messages go both ways, in order") {
    one_session s;
    s.client_says("1");
    s.client_says("2");
    send(*s.core, "a");
    send(*s.core, "b");
    CHECK(s.take() == strings{open_packet, "4a", "4b"});
    CHECK(s.sink->messages == strings{"1", "2"});
}

TEST_CASE("engine/server_session_core: an answer leaves with the batch it answers") {
    one_session s;
    s.sink->react = [&](std::string const& m) { send(*s.core, "re:" + m); };
    s.client_says("1");
    s.client_says("2");
    CHECK(s.take() == strings{open_packet, "4re:1", "4re:2"});
}

TEST_CASE(
    "engine/server_session_core: pings 25 s after the opening and after each pong, not before") {
    one_session s;
    std::ignore = s.take();
    s.advance(25s - 1ms);
    CHECK(s.take().empty());
    s.advance(1ms);
    CHECK(s.take() == strings{"2"});
    s.advance(10s);
    s.client_sends(type::pong);
    s.advance(25s - 1ms);
    CHECK(s.take().empty());
    s.advance(1ms);
    CHECK(s.take() == strings{"2"});
}

TEST_CASE(
    "engine/server_session_core: without a pong it ends 45 s after the last sign, messages or "
    "not") {
    one_session s;
    s.advance(44s);
    s.client_says("alive, but no pong");
    s.advance(1s - 1ms);
    CHECK_FALSE(s.sink->reason);
    s.advance(1ms);
    CHECK(s.sink->reason == errc::ping_timeout);
    CHECK(s.sink->closes == 1);
    CHECK(s.ends == 1);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: ten hours of heartbeats") {
    one_session s;
    for (int i = 0; i < 10 * 3600 / 26; ++i) {
        s.advance(26s);
        s.client_sends(type::pong);
    }
    CHECK_FALSE(s.sink->reason);
    CHECK(s.take().size() == 1 + 10 * 3600 / 26);
}

TEST_CASE("engine/server_session_core: a ping from the client is a transport error") {
    one_session s;
    s.client_sends(type::ping);
    CHECK(s.sink->reason == errc::transport_error);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: packets nobody asked for are ignored") {
    one_session s;
    for (auto const t : {type::open, type::close, type::pong, type::upgrade, type::noop})
        s.client_sends(t, "probe");
    s.client_says("still there");
    CHECK(s.sink->messages == strings{"still there"});
    CHECK(s.core->is_open());
}

TEST_CASE(
    "engine/server_session_core: the end of the transport ends it with the transport's reason") {
    for (auto const reason : {errc::transport_close, errc::transport_error, errc::parse_error}) {
        one_session s;
        s.wire.first->end(reason);
        s.run();
        CHECK(s.sink->reason == reason);
        CHECK(s.core->is_closed());
        CHECK(s.ends == 1);
        send(*s.core, "late");
        s.core->close();
        s.core->discard();
        s.run();
        CHECK(s.sink->closes == 1);
        CHECK(s.clock->armed() == 0);
    }
}

TEST_CASE("engine/server_session_core: closing delivers what was queued, and nothing after") {
    one_session s;
    std::ignore = s.take();
    s.wire.first->block();
    send(*s.core, "queued");
    s.core->close();
    send(*s.core, "late");
    s.run();
    CHECK_FALSE(s.core->is_open());
    CHECK_FALSE(s.sink->reason);
    s.wire.first->block(false);
    CHECK(s.take() == strings{"4queued"});
    CHECK(s.sink->reason == errc::forced_close);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: a peer that never reads cannot keep a closing session") {
    one_session s;
    s.wire.first->block();
    send(*s.core, "queued");
    s.core->close();
    s.advance(45s);
    CHECK(s.sink->reason);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE(
    "engine/server_session_core: a peer that never reads is disconnected at the outbox limit") {
    engine::options options;
    options.outbox_bytes = 1000;
    one_session s(options);
    std::ignore = s.take();
    s.wire.first->block();
    for (int i = 0; i < 10; ++i)
        send(*s.core, std::string(100 - sizeof(socoro::eio::packet), 'x'));
    s.run();
    CHECK(s.core->queued_bytes() == 1000);
    CHECK_FALSE(s.sink->reason);
    send(*s.core, "");
    // Not from within `send`: the caller may be in the middle of a broadcast.
    CHECK_FALSE(s.sink->reason);
    CHECK_FALSE(s.core->is_open());
    CHECK(s.core->queued_bytes() == 0);
    s.run();
    CHECK(s.sink->reason == errc::transport_error);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: a peer that reads late misses events, if that was chosen") {
    engine::options options;
    options.outbox_bytes = 300;
    options.when_outbox_full = engine::outbox_policy::drop_newest;
    one_session s(options);
    std::ignore = s.take();
    s.wire.first->block();
    for (std::string const name : {"a", "b", "c"})
        CHECK(send_event(*s.core, name, 1) == engine::sent::queued);
    CHECK(send_event(*s.core, "d", 1) == engine::sent::dropped);
    s.run();
    CHECK(s.core->dropped() == 1);
    // The heartbeat goes on.
    s.advance(25s);
    CHECK(s.core->is_open());
    s.wire.first->block(false);
    CHECK(names_of(s.take()) == "abc2");
    CHECK(send_event(*s.core, "e", 1) == engine::sent::queued);
    CHECK(names_of(s.take()) == "e");
}

TEST_CASE(
    "engine/server_session_core: a peer that reads late gets the newest, if that was chosen") {
    engine::options options;
    options.outbox_bytes = 300;
    options.when_outbox_full = engine::outbox_policy::keep_latest;
    one_session s(options);
    std::ignore = s.take();
    s.wire.first->block();
    for (std::string const name : {"a", "b", "c"})
        CHECK(send_event(*s.core, name, 1) == engine::sent::queued);
    CHECK(send_event(*s.core, "d", 1) == engine::sent::replaced);
    CHECK(send_event(*s.core, "e", 2) == engine::sent::queued);
    CHECK(s.core->dropped() == 3);
    s.wire.first->block(false);
    CHECK(names_of(s.take()) == "de");
    // Three topics are too many.
    s.wire.first->block();
    for (std::uint64_t topic = 1; topic <= 3; ++topic)
        CHECK(send_event(*s.core, "f", topic) == engine::sent::queued);
    CHECK(send_event(*s.core, "g", 4) == engine::sent::dropped);
    s.run();
    CHECK(s.sink->reason == errc::transport_error);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: a volatile event goes at once or never") {
    one_session s;
    std::ignore = s.take();
    CHECK(send_volatile(*s.core, "a") == engine::sent::queued);
    // Of several in one turn the first goes, as in the reference.
    CHECK(send_volatile(*s.core, "b") == engine::sent::dropped);
    CHECK(names_of(s.take()) == "a");
    CHECK(send_volatile(*s.core, "c") == engine::sent::queued);
    CHECK(names_of(s.take()) == "c");
    s.wire.first->block();
    CHECK(send_volatile(*s.core, "d") == engine::sent::dropped);
    send(*s.core, "e");
    s.run();
    CHECK(send_volatile(*s.core, "f") == engine::sent::dropped);
    s.wire.first->block(false);
    CHECK(names_of(s.take()) == "e");
    CHECK(s.core->dropped() == 3);
    s.core->discard();
    CHECK(send_volatile(*s.core, "g") == engine::sent::dropped);
    CHECK(send_event(*s.core, "g", 1) == engine::sent::dropped);
    CHECK(s.core->dropped() == 3);
}

TEST_CASE(
    "engine/server_session_core: draining waits until all has left, or the session has ended") {
    one_session s;
    CHECK(s.spawn(s.core->drain())->done());
    s.wire.first->block();
    send(*s.core, "x");
    CHECK_FALSE(s.core->is_writable());
    auto const drained = s.spawn(s.core->drain());
    CHECK_FALSE(drained->done());
    s.wire.first->block(false);
    s.run();
    CHECK(drained->done());
    CHECK(s.core->is_writable());

    s.wire.first->block();
    send(*s.core, "x");
    auto const ended = s.spawn(s.core->drain());
    s.core->discard();
    s.run();
    CHECK(ended->done());
}

TEST_CASE(
    "engine/server_session_core: draining that was asked for may begin after everything is gone") {
    one_session s;
    s.wire.first->block();
    send(*s.core, "x");
    auto held = s.core->drain();
    std::exchange(s.core, nullptr)->discard();
    s.run();
    CHECK(s.spawn(std::move(held))->done());
}

TEST_CASE("engine/server_session_core: whoever keeps it after its end keeps no transport") {
    one_session s;
    std::weak_ptr<test::memory_transport> const transport = s.wire.first;
    s.core->discard();
    s.run();
    s.wire.first.reset();
    CHECK(transport.expired());
    CHECK(s.core->transport_name() == "websocket");
    CHECK_FALSE(s.core->current());
    CHECK_FALSE(s.core->is_writable());
    CHECK_FALSE(s.core->start_upgrade(transport::any_transport(s.wire.second)));
}

TEST_CASE(
    "engine/server_session_core: while the sink wants no more nothing is read, then all follows") {
    one_session s;
    s.sink->react = [&](std::string const&) { s.sink->wants = false; };
    s.client_says("1");
    s.client_says("2");
    s.client_says("3");
    CHECK(s.sink->messages == strings{"1"});
    s.core->resume();
    CHECK(s.sink->messages == strings{"1"});
    s.sink->wants = true;
    s.sink->react = nullptr;
    s.core->resume();
    s.run();
    CHECK(s.sink->messages == strings{"1", "2", "3"});
}

TEST_CASE("engine/server_session_core: while it does not read, pings go on and no pong is missed") {
    one_session s;
    s.sink->react = [&](std::string const&) { s.sink->wants = false; };
    s.client_says("1");
    std::ignore = s.take();
    for (int i = 0; i < 10; ++i) {
        s.advance(25s);
        CHECK(s.take() == strings{"2"});
        s.client_sends(type::pong);
    }
    CHECK_FALSE(s.sink->reason);
    s.sink->wants = true;
    s.core->resume();
    s.advance(25s);
    CHECK(s.take() == strings{"2"});
    CHECK_FALSE(s.sink->reason);
    // From here on a pong is due as ever.
    s.advance(20s);
    CHECK(s.sink->reason == errc::ping_timeout);
}

TEST_CASE("engine/server_session_core: closing a session that does not read ends it") {
    one_session s;
    s.sink->react = [&](std::string const&) { s.sink->wants = false; };
    s.client_says("1");
    s.core->close();
    s.run();
    CHECK(s.sink->reason == errc::forced_close);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE(
    "engine/server_session_core: an answer that fails when it reads no more leaves no timer") {
    one_session s;
    s.sink->react = [&](std::string const& m) {
        s.sink->wants = false;
        send(*s.core, m);
    };
    s.plan->nth = s.plan->operations;
    s.client_says("1");
    CHECK(s.sink->reason == errc::transport_error);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: the sink may end the session, whatever it is told") {
    one_session closing;
    closing.sink->react = [&](std::string const&) { closing.core->close(); };
    closing.client_says("1");
    closing.client_says("2");
    CHECK(closing.sink->messages == strings{"1"});
    CHECK(closing.sink->reason == errc::forced_close);

    one_session discarding;
    discarding.sink->react = [&](std::string const&) { discarding.core->discard(); };
    discarding.sink->closed = [&] { discarding.core->discard(); };
    discarding.client_says("1");
    CHECK(discarding.sink->closes == 1);
}

TEST_CASE("engine/server_session_core: a sink that throws ends its own session, nothing else") {
    engine::options options;
    strings failures;
    options.hooks.handler_failed = [&](auto where, auto what) {
        failures.push_back(std::string(where) + ": " + std::string(what));
    };
    one_session s(options);
    s.sink->react = [](std::string const&) { throw std::runtime_error("a bug"); };
    s.client_says("1");
    CHECK(failures == strings{"sid: a bug"});
    CHECK(s.sink->reason == errc::forced_close);
    CHECK(s.ends == 1);
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("engine/server_session_core: whatever operation fails, it ends once and leaves nothing") {
    std::size_t nth = 0;
    for (bool failed = true; failed; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < 100);
        one_session s;
        s.plan->nth = s.plan->operations + nth;
        s.sink->react = [&](std::string const& m) { send(*s.core, m); };
        for (int i = 0; i < 5; ++i) {
            s.client_says("x");
            s.advance(25s);
            s.client_sends(type::pong);
        }
        s.core->close();
        s.run();
        failed = s.plan->operations > s.plan->nth;
        CHECK(s.sink->closes == 1);
        if (!failed || s.sink->reason != errc::transport_error)
            CHECK(s.sink->reason == errc::forced_close);
        CHECK(s.ends == 1);
        CHECK(s.clock->armed() == 0);
    }
    CHECK(nth > 15);
}

TEST_CASE("engine/server_session_core: the end of the context takes it along") {
    one_session s;
    s.wire.first->block();
    send(*s.core, "x");
    auto const drained = s.spawn(s.core->drain());
    s.sink->wants = false;
    s.client_says("1");
    s.context.reset();
    CHECK(s.sink->closes == 0);
    CHECK_FALSE(drained->done());
}
