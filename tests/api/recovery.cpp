// SPDX-License-Identifier: BSL-1.0
// Clients whose connections broke come back as the sockets they were, byte by byte.
#include <socoro/adapter/offset.hpp>
#include <socoro/test.hpp>

#include "api/scene.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

using namespace std::chrono_literals;
namespace json = boost::json;
namespace adapter = socoro::adapter;

namespace {

using never = socoro::event<"never">;
using number = socoro::event<"n", int>;
using lines = std::vector<std::string>;

[[nodiscard]] socoro::options recovering() {
    socoro::options opts;
    opts.connection_state_recovery.enabled = true;
    return opts;
}

asio::awaitable<void> stay(socoro::socket socket) {
    std::ignore = co_await socket.recv<never>();
}

/// A client that remembers what it needs to come back, as the reference's does.
class wanderer {
public:
    explicit wanderer(test::scene& in, std::string nsp = "/")
        : scene_(&in)
        , prefix_(nsp == "/" ? "" : nsp + ",")
        , link(in.connect()) {}

    /// Connects to the namespace for the first time.
    std::string enter(std::string const& auth = {}) {
        link.send("0" + prefix_ + auth);
        return see();
    }

    /// Connects again over another connection, with what it remembers.
    std::string come_back() {
        link = scene_->connect();
        return claim();
    }

    /// Shows what it remembers.
    std::string claim() {
        json::object auth{{"token", "t"}, {"pid", pid}};
        if (!offset.empty())
            auth.emplace("offset", offset);
        return enter(json::serialize(auth));
    }

    /// What has come, with the secrets replaced by `PID`, and the offsets by `+`.
    std::string see() {
        std::string shown;
        auto const got = link.take();
        for (std::size_t at = 0; at < got.size();) {
            auto const end = std::min(got.find(" | ", at), got.size());
            shown += (shown.empty() ? "" : " | ") + note(got.substr(at, end - at));
            at = end + 3;
        }
        return shown;
    }

    std::string pid, offset;

private:
    std::string note(std::string packet) {
        if (auto const at = packet.find("\"pid\":\""); at != std::string::npos) {
            pid = packet.substr(at + 7, packet.find('"', at + 7) - at - 7);
            packet.replace(at + 7, pid.size(), "PID");
        }
        bool const is_event = packet.starts_with('2') || packet.starts_with('5');
        if (is_event && packet.ends_with("\"]")) {
            auto const at = packet.rfind('"', packet.size() - 3) + 1;
            auto const last = packet.substr(at, packet.size() - 2 - at);
            if (adapter::parse_offset(last)) {
                offset = last;
                packet.replace(at, last.size(), "+");
            }
        }
        return packet;
    }

    test::scene* scene_;
    std::string prefix_;

public:
    test::client link;
};

/// A server that lets everybody stay, and what it saw of them.
struct place {
    explicit place(socoro::options opts = recovering(), std::string name = "/")
        : scene(std::move(opts))
        , nsp(scene.of(std::move(name))) {
        nsp.on_connection([this](socoro::socket socket) -> asio::awaitable<void> {
            sockets.push_back(socket);
            seen.emplace_back(socket.recovered() ? "recovered" : "fresh");
            co_await stay(socket);
        });
    }
    ~place() { sockets.clear(); }

    std::vector<socoro::socket> sockets;
    lines seen;
    test::scene scene;
    socoro::nsp nsp;
};

/// A client that has got one event.
[[nodiscard]] wanderer visitor(place& at) {
    wanderer made(at.scene);
    REQUIRE(made.enter() == "0{\"sid\":\"ID\",\"pid\":\"PID\"}");
    at.nsp.emit<number>(0);
    REQUIRE(made.see() == "2[\"n\",0,\"+\"]");
    return made;
}

std::string const again = "0{\"sid\":\"ID\",\"pid\":\"PID\"}";

}  // namespace

// -------------------------------------------------------------------------------- the wire

TEST_CASE("api/recovery: without the option, nothing on the wire is different") {
    place here{socoro::options()};
    auto client = here.scene.connect();
    client.send("0");
    CHECK(client.take() == "0{\"sid\":\"ID\"}");
    here.nsp.emit<number>(1);
    here.sockets[0].emit<number>(2);
    CHECK(client.take() == "2[\"n\",1] | 2[\"n\",2]");
    client.vanish();
    client = here.scene.connect();
    client.send("0{\"pid\":\"12345678901234567890\",\"offset\":\"0\"}");
    CHECK(client.take() == "0{\"sid\":\"ID\"}");
    CHECK_FALSE(here.sockets[1].recovered());
}

TEST_CASE("api/recovery: the client is given a secret of 20 characters beside its id") {
    place here;
    wanderer one(here.scene), two(here.scene);
    CHECK(one.enter() == again);
    CHECK(two.enter() == again);
    CHECK(one.pid.size() == 20);
    CHECK(one.pid != two.pid);
    CHECK(one.pid != one.link.id);
}

TEST_CASE("api/recovery: events carry an offset as their last argument, the same for all") {
    place here;
    wanderer one(here.scene), two(here.scene);
    std::ignore = one.enter();
    std::ignore = two.enter();
    here.nsp.emit<number>(1);
    CHECK(one.see() == "2[\"n\",1,\"+\"]");
    CHECK(two.see() == "2[\"n\",1,\"+\"]");
    CHECK(one.offset == two.offset);
    here.sockets[0].emit("plain");
    CHECK(one.see() == "2[\"plain\",\"+\"]");
    here.sockets[0].to(here.sockets[1].id()).emit("room", "text");
    CHECK(two.see() == "2[\"room\",\"text\",\"+\"]");
    CHECK(one.see().empty());
}

TEST_CASE("api/recovery: offsets are in order, within a millisecond and beyond") {
    place here;
    auto one = visitor(here);
    std::vector<adapter::event_number> all;
    for (int i = 0; i < 200; ++i) {
        if (i % 70 == 0)
            here.scene.world.advance(1ms);
        here.nsp.emit<number>(i);
        std::ignore = one.see();
        all.push_back(adapter::parse_offset(one.offset).value());
    }
    for (std::size_t i = 1; i < all.size(); ++i)
        CHECK(all[i - 1] < all[i]);
}

TEST_CASE("api/recovery: the text of an offset has one number, and other texts have none") {
    adapter::event_numbers numbers;
    std::chrono::system_clock::time_point const day(std::chrono::milliseconds(1'700'000'000'000));
    CHECK(adapter::offset_text(numbers.next(day)) == "OlFvMW0");
    CHECK(adapter::offset_text(numbers.next(day)) == "OlFvMW0.0");
    CHECK(adapter::offset_text(numbers.next(day)) == "OlFvMW0.1");
    // The clock is set back.
    CHECK(adapter::offset_text(numbers.next(day - 1h)) == "OlFvMW0.2");
    CHECK(adapter::offset_text(numbers.next(day + 1ms)) == "OlFvMW1");
    for (auto const* const text : {"OlFvMW0", "OlFvMW0.0", "OlFvMW0.-_", "0", "0.0"}) {
        CAPTURE(text);
        auto const parsed = adapter::parse_offset(text);
        REQUIRE(parsed);
        CHECK(adapter::offset_text(*parsed) == text);
    }
    for (auto const* const text :
         {"", ".", "0.", ".0", "00", "0.00", "0.0.0", "a b", "OlFvMW0.____", "___________"}) {
        CAPTURE(text);
        CHECK_FALSE(adapter::parse_offset(text));
    }
}

TEST_CASE("api/recovery: volatile, called and answered carry no offset, and are not sent again") {
    place here;
    auto one = visitor(here);
    using question = socoro::event<"q", int(int)>;
    here.nsp.on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        auto const asked = co_await socket.recv<question>();
        asked.reply(2);
        co_await stay(socket);
    });
    wanderer two(here.scene);
    std::ignore = two.enter();
    two.link.send("27[\"q\",1]");
    CHECK(two.see() == "37[2]");
    here.nsp.volatile_().emit<number>(1);
    CHECK(one.see() == "2[\"n\",1]");
    here.sockets[0].volatile_().emit<number>(2);
    CHECK(one.see() == "2[\"n\",2]");
    auto const call = [](socoro::socket socket) -> asio::awaitable<void> {
        std::ignore = co_await socket.call<question>(3);
    };
    auto const asking = here.scene.world.spawn(call(here.sockets[0]));
    CHECK(one.see() == "20[\"q\",3]");
    auto const call_all = [](socoro::nsp nsp) -> asio::awaitable<void> {
        std::ignore = co_await nsp.timeout(1s).call<question>(4);
    };
    auto const asking_all = here.scene.world.spawn(call_all(here.nsp));
    CHECK(one.see() == "21[\"q\",4]");
    one.link.vanish();
    here.nsp.volatile_().emit<number>(5);
    here.nsp.emit<number>(6);
    CHECK(one.come_back() == "2[\"n\",6,\"+\"] | " + again);
    here.scene.world.advance(2s);
    CHECK(asking_all->done());
}

TEST_CASE("api/recovery: binary events have the offset behind their placeholders, and come again") {
    place here;
    auto one = visitor(here);
    socoro::bytes const raw("xy");
    here.nsp.emit("b", raw);
    std::string const expected = "51-[\"b\",{\"_placeholder\":true,\"num\":0},\"+\"] | <xy>";
    CHECK(one.see() == expected);
    one.link.vanish();
    here.nsp.emit("b", raw);
    here.sockets[0].emit<number>(1);
    CHECK(one.come_back() == expected + " | 2[\"n\",1,\"+\"] | " + again);
}

// ----------------------------------------------------------------------------- coming back

TEST_CASE("api/recovery: a client comes back as the same, and what it missed comes first") {
    place here;
    auto one = visitor(here);
    auto const id = one.link.id, pid = one.pid;
    one.link.vanish();
    CHECK(here.sockets[0].reason() == socoro::errc::transport_close);
    here.nsp.emit<number>(1);
    here.nsp.to(id).emit<number>(2);
    here.sockets[0].emit<number>(3);  // a handle that somebody kept
    CHECK(one.come_back() == "2[\"n\",1,\"+\"] | 2[\"n\",2,\"+\"] | 2[\"n\",3,\"+\"] | " + again);
    CHECK(one.link.id == id);
    CHECK(one.pid == pid);
    CHECK(here.seen == lines{"fresh", "recovered"});
    CHECK(here.sockets[1].id() == id);
    CHECK(here.nsp.size() == 1);
    // The credentials are as they were sent.
    CHECK(here.sockets[1].handshake().auth.at("pid") == json::value(pid));
    here.sockets[1].emit<number>(4);
    CHECK(one.see() == "2[\"n\",4,\"+\"]");
    here.sockets[0].emit<number>(5);
    CHECK(one.see() == "2[\"n\",5,\"+\"]");
}

TEST_CASE("api/recovery: what was sent but did not arrive comes again") {
    place here;
    auto one = visitor(here);
    auto const got = one.offset;
    here.nsp.emit<number>(1);
    CHECK(one.see() == "2[\"n\",1,\"+\"]");
    one.offset = got;  // as if that had been lost
    one.link.vanish();
    here.nsp.emit<number>(2);
    CHECK(one.come_back() == "2[\"n\",1,\"+\"] | 2[\"n\",2,\"+\"] | " + again);
}

TEST_CASE("api/recovery: a client comes back again and again") {
    place here;
    auto one = visitor(here);
    for (int i = 1; i < 5; ++i) {
        one.link.vanish();
        here.nsp.emit<number>(i);
        CHECK(one.come_back() == "2[\"n\"," + std::to_string(i) + ",\"+\"] | " + again);
        here.scene.world.advance(1s);
    }
    one.link.vanish();
    CHECK(one.come_back() == again);  // nothing was missed
    CHECK(
        here.seen ==
        lines{"fresh", "recovered", "recovered", "recovered", "recovered", "recovered"});
}

TEST_CASE("api/recovery: rooms and data are those of before") {
    place here;
    auto one = visitor(here);
    here.sockets[0].join("a");
    here.sockets[0].join("b");
    here.sockets[0].data<std::string>() = "me";
    one.link.vanish();
    here.sockets[0].data<std::string>() += ", who has left";
    CHECK(one.come_back() == again);
    CHECK(here.sockets[1].rooms() == here.sockets[0].rooms());
    CHECK(here.sockets[1].rooms().size() == 3);
    CHECK(here.sockets[1].data<std::string>() == "me, who has left");
    here.nsp.to("a").emit<number>(1);
    CHECK(one.see() == "2[\"n\",1,\"+\"]");
}

TEST_CASE(
    "api/recovery: only events for its rooms are missed, and none of those it was excepted from") {
    place here;
    auto one = visitor(here);
    here.sockets[0].join("in");
    one.link.vanish();
    here.nsp.to("in").emit<number>(1);
    here.nsp.to("out").emit<number>(2);
    here.nsp.except("in").emit<number>(3);
    here.nsp.except("out").emit<number>(4);
    here.nsp.to("out").to("in").emit<number>(5);
    here.nsp.to("in").except("in").emit<number>(6);
    here.sockets[0].broadcast().emit<number>(7);
    CHECK(one.come_back() == "2[\"n\",1,\"+\"] | 2[\"n\",4,\"+\"] | 2[\"n\",5,\"+\"] | " + again);
}

TEST_CASE("api/recovery: namespaces are independent of each other") {
    place here;
    auto one = visitor(here);
    auto const other = here.scene.of("/other");
    other.on_connection(stay);
    wanderer there(here.scene, "/other");
    CHECK(there.enter() == "0/other,{\"sid\":\"ID\",\"pid\":\"PID\"}");
    one.link.vanish();
    other.emit<number>(1);
    here.nsp.emit<number>(2);
    CHECK(there.see() == "2/other,[\"n\",1,\"+\"]");
    // The secret of one is worth nothing in the other, and is not used up there.
    wanderer thief(here.scene, "/other");
    thief.pid = one.pid;
    thief.offset = one.offset;
    auto const id = one.link.id;
    CHECK(thief.claim() == "0/other,{\"sid\":\"ID\",\"pid\":\"PID\"}");
    CHECK(thief.link.id != id);
    CHECK(thief.pid != one.pid);
    CHECK(one.come_back() == "2[\"n\",2,\"+\"] | " + again);
}

TEST_CASE("api/recovery: what another thread emits can be recovered, in its order") {
    place here;
    auto one = visitor(here);
    auto const emit = [&](int first) {
        std::thread([nsp = here.nsp, socket = here.sockets[0], first] {
            nsp.emit<number>(first);
            socket.emit<number>(first + 1);
            nsp.emit<number>(first + 2);
        }).join();
        here.scene.world.run();
    };
    emit(1);
    CHECK(one.see() == "2[\"n\",1,\"+\"] | 2[\"n\",2,\"+\"] | 2[\"n\",3,\"+\"]");
    one.link.vanish();
    emit(4);
    CHECK(one.come_back() == "2[\"n\",4,\"+\"] | 2[\"n\",5,\"+\"] | 2[\"n\",6,\"+\"] | " + again);
}

TEST_CASE("api/recovery: what the executor itself emits is in order with what threads emit") {
    place here;
    auto one = visitor(here);
    auto const emit = [&](int first) {
        here.nsp.emit<number>(first);  // this thread is not on the executor
        asio::post(*here.scene.world.context, [&, first] {
            here.sockets[0].emit<number>(first + 1);
            here.nsp.emit<number>(first + 2);
            here.sockets[0].to(here.sockets[0].id()).emit<number>(-1);  // excepted himself
            here.sockets[0].emit<number>(first + 3);
        });
        here.scene.world.run();
    };
    auto const expected = [](int first) {
        std::string all;
        for (int i = first; i < first + 4; ++i)
            all += (i == first ? "2[\"n\"," : " | 2[\"n\",") + std::to_string(i) + ",\"+\"]";
        return all;
    };
    emit(1);
    CHECK(one.see() == expected(1));
    one.link.vanish();
    emit(5);
    CHECK(one.come_back() == expected(5) + " | " + again);
}

TEST_CASE("api/recovery: a client that was sent nothing can come back, too") {
    place here;
    wanderer one(here.scene);
    std::ignore = one.enter();
    auto const id = one.link.id;
    one.link.vanish();
    here.nsp.emit<number>(1);
    CHECK(one.come_back() == "2[\"n\",1,\"+\"] | " + again);
    CHECK(one.link.id == id);
    // But not one that does not say how far it got.
    one.offset.clear();
    one.link.vanish();
    CHECK(one.come_back() == again);
    CHECK(one.link.id != id);
}

TEST_CASE(
    "api/recovery: a client that was quiet for long comes back, though its offset is forgotten") {
    place here;
    auto one = visitor(here);
    for (int i = 0; i < 20; ++i) {
        here.scene.world.advance(20s);
        one.link.pong();
        std::ignore = one.see();
    }
    CHECK(here.scene.core_of("/").log().size() == 0);
    one.link.vanish();
    here.nsp.emit<number>(1);
    here.scene.world.advance(119s);
    CHECK(one.come_back() == "2[\"n\",1,\"+\"] | " + again);
}

TEST_CASE("api/recovery: a connection that nobody noticed to be dead makes way") {
    place here;
    auto one = visitor(here);
    auto const id = one.link.id;
    auto before = one.link;
    here.sockets[0].join("room");
    here.nsp.to("room").emit<number>(1);  // never arrives
    CHECK(one.come_back() == "2[\"n\",1,\"+\"] | " + again);
    CHECK(one.link.id == id);
    CHECK(here.sockets[0].reason() == socoro::errc::transport_close);
    CHECK(here.sockets[1].recovered());
    CHECK(here.nsp.size() == 1);
    CHECK(here.scene.sessions() == 1);
    before.send("2[\"n\",1]");  // of no use any more
    here.nsp.emit<number>(2);
    CHECK(one.see() == "2[\"n\",2,\"+\"]");
}

// ------------------------------------------------------------------------------ starting anew

TEST_CASE("api/recovery: the secret works once") {
    place here;
    auto one = visitor(here);
    one.link.vanish();
    wanderer two(here.scene);
    two.pid = one.pid;
    two.offset = one.offset;
    auto const id = one.link.id;
    CHECK(one.come_back() == again);
    CHECK(one.link.id == id);
    one.link.send("1");  // leaves
    CHECK(two.claim() == again);
    CHECK(two.link.id != id);
    CHECK(two.pid != one.pid);
    CHECK(here.seen == lines{"fresh", "recovered", "fresh"});
}

TEST_CASE("api/recovery: who comes too late, or with what we do not know, starts anew") {
    place here;
    auto one = visitor(here);
    auto const id = one.link.id;
    auto const anew = [&] {
        auto const answer = one.come_back();
        return answer == again && one.link.id != id;
    };
    SUBCASE("too late") {
        one.link.vanish();
        here.scene.world.advance(120s);
        CHECK(anew());
    }
    SUBCASE("in time") {
        one.link.vanish();
        here.scene.world.advance(120s - 1ms);
        CHECK_FALSE(anew());
    }
    SUBCASE("another secret") {
        one.link.vanish();
        one.pid.back() = one.pid.back() == 'x' ? 'y' : 'x';
        CHECK(anew());
    }
    SUBCASE("an offset that never was") {
        one.link.vanish();
        one.offset = "zz.zz";
        CHECK(anew());
    }
    SUBCASE("an offset that is none") {
        one.link.vanish();
        one.offset = "not an offset";
        CHECK(anew());
    }
    SUBCASE("kicked") {
        here.sockets[0].disconnect();
        CHECK(one.see() == "1");
        CHECK(anew());
    }
    SUBCASE("kicked with the connection") {
        here.sockets[0].disconnect(true);
        CHECK(anew());
    }
    SUBCASE("it left") {
        one.link.send("1");
        CHECK(anew());
    }
    SUBCASE("its handler returned") {
        one.link.send("2[\"never\"]");
        CHECK(anew());
    }
    CHECK(here.scene.reports().empty());
}

TEST_CASE("api/recovery: an odd claim is no claim") {
    place here;
    auto one = visitor(here);
    one.link.vanish();
    auto const id = one.link.id;
    for (auto const& auth : {
             std::string("{\"pid\":7,\"offset\":\"0\"}"),
             std::string("{\"pid\":\"\",\"offset\":\"0\"}"),
             std::string("{\"pid\":\"short\",\"offset\":\"0\"}"),
             "{\"pid\":\"" + one.pid + "\",\"offset\":7}",
             "{\"pid\":\"" + one.pid + "\",\"offset\":null}",
             "{\"pid\":[\"" + one.pid + "\"]}",
             "{\"offset\":\"" + one.offset + "\"}",
         }) {
        CAPTURE(auth);
        wanderer odd(here.scene);
        CHECK(odd.enter(auth) == again);
        CHECK(odd.link.id != id);
    }
    CHECK(one.come_back() == again);
    CHECK(one.link.id == id);
}

TEST_CASE("api/recovery: for each reason, whether the client may come back") {
    place here;
    auto one = visitor(here);
    auto const id = one.link.id;
    bool may = true;
    std::optional<socoro::errc> reason;
    SUBCASE("transport close") {
        one.link.vanish();
        reason = socoro::errc::transport_close;
    }
    SUBCASE("transport error") {
        one.link.vanish(asio::error::connection_reset);
        reason = socoro::errc::transport_error;
    }
    SUBCASE("ping timeout") {
        here.scene.world.advance(45s);
        reason = socoro::errc::ping_timeout;
    }
    SUBCASE("forced close") {
        one.link.send("no packet");
        reason = socoro::errc::forced_close;
    }
    SUBCASE("forced server close") {
        one.link.send("2/elsewhere,[\"n\"]");
        reason = socoro::errc::forced_close;  // as in the reference, over WebSocket
    }
    SUBCASE("server namespace disconnect") {
        here.sockets[0].disconnect();
        reason = socoro::errc::server_namespace_disconnect;
        may = false;
    }
    SUBCASE("client namespace disconnect") {
        one.link.send("1");
        reason = socoro::errc::client_namespace_disconnect;
        may = false;
    }
    here.scene.world.run();
    CHECK(here.sockets[0].reason() == make_error_code(reason.value()));
    CHECK(one.come_back() == again);
    CHECK((one.link.id == id) == may);
    CHECK(here.seen.back() == (may ? "recovered" : "fresh"));
}

TEST_CASE(
    "api/recovery: over polling the end of a connection that broke the rules is a reason, too") {
    place here;
    auto one = here.scene.connect_polling();
    CHECK(one.send("0") == 200);
    one.poll();
    auto const answer = one.answer();
    auto const at = answer.find("\"pid\":\"");
    REQUIRE(at != std::string::npos);
    CHECK(one.send("2/elsewhere,[\"n\"]") == 200);
    CHECK(here.sockets.at(0).reason() == socoro::errc::forced_server_close);
    wanderer back(here.scene);
    back.pid = answer.substr(at + 7, 20);
    CHECK(back.claim() == again);
    CHECK(here.sockets.at(1).recovered());
}

// ----------------------------------------------------------------------------------- limits

TEST_CASE(
    "api/recovery: when too many bytes are kept the oldest go, and who needs one starts anew") {
    auto opts = recovering();
    opts.connection_state_recovery.event_bytes = 16'000;
    place here(opts);
    auto early = visitor(here);
    auto const id = early.link.id;
    early.link.vanish();
    std::string const text(1000, 'x');
    for (int i = 0; i < 5; ++i)
        here.nsp.emit("text", text);
    auto late = visitor(here);
    late.link.vanish();
    for (int i = 0; i < 12; ++i)
        here.nsp.emit("text", text);
    auto const late_id = late.link.id;
    auto const missed = late.come_back();
    CHECK(late.link.id == late_id);
    CHECK(missed.size() > 12 * text.size());
    CHECK(here.scene.core_of("/").log().size() < 18);
    CHECK(early.come_back() == again);
    CHECK(early.link.id != id);
    CHECK(here.seen == lines{"fresh", "fresh", "recovered", "fresh"});
}

TEST_CASE("api/recovery: an event larger than all that may be kept is sent nevertheless") {
    auto opts = recovering();
    opts.connection_state_recovery.event_bytes = 1000;
    place here(opts);
    auto one = visitor(here);
    std::string const text(2000, 'x');
    here.nsp.emit("text", text);
    CHECK(one.see() == "2[\"text\",\"" + text + "\",\"+\"]");
    CHECK(here.scene.core_of("/").log().size() == 0);
    // It got that, so that nothing is missing.
    auto const id = one.link.id;
    one.link.vanish();
    CHECK(one.come_back() == again);
    CHECK(one.link.id == id);
    one.link.vanish();
    here.nsp.emit("text", text);
    CHECK(one.come_back() == again);
    CHECK(one.link.id != id);
}

TEST_CASE("api/recovery: who missed more than may wait for one client starts anew") {
    auto opts = recovering();
    opts.outbox_bytes = 10'000;
    place here(opts);
    auto one = visitor(here);
    auto const id = one.link.id;
    one.link.vanish();
    for (int i = 0; i < 12; ++i)
        here.nsp.emit("text", std::string(1000, 'x'));
    CHECK(one.come_back() == again);
    CHECK(one.link.id != id);
    CHECK(here.scene.sessions() == 1);
}

TEST_CASE(
    "api/recovery: beyond the limit of sessions, those with the least time left may not come "
    "back") {
    auto opts = recovering();
    opts.connection_state_recovery.sessions = 2;
    place here(opts);
    std::vector<wanderer> all;
    for (int i = 0; i < 3; ++i)
        all.push_back(visitor(here));
    lines ids;
    for (auto& each : all) {
        ids.push_back(each.link.id);
        std::ignore = each.see();
        each.link.vanish();
        here.scene.world.advance(1s);
    }
    for (std::size_t i = 0; i < all.size(); ++i) {
        std::ignore = all[i].come_back();
        CHECK((all[i].link.id == ids[i]) == (i > 0));
    }
}

TEST_CASE("api/recovery: no timer runs while nothing is kept, and all is dropped in time") {
    place here;
    auto const timers = here.scene.world.clock->armed();
    wanderer one(here.scene);
    std::ignore = one.enter();
    auto const of_session = here.scene.world.clock->armed() - timers;
    one.link.vanish();
    CHECK(here.scene.world.clock->armed() == timers + 1);
    here.scene.world.advance(130s);
    CHECK(here.scene.world.clock->armed() == timers);
    wanderer two(here.scene);
    std::ignore = two.enter();
    CHECK(here.scene.world.clock->armed() == timers + of_session);
    here.nsp.emit<number>(1);
    here.scene.world.run();
    CHECK(here.scene.world.clock->armed() == timers + of_session + 1);
    CHECK(here.scene.core_of("/").log().size() == 1);
    two.link.send("1");
    here.scene.world.advance(130s);
    CHECK(here.scene.core_of("/").log().size() == 0);
    here.nsp.emit<number>(2);  // nobody is there
    here.scene.world.run();
    CHECK(here.scene.core_of("/").log().size() == 0);
}

TEST_CASE(
    "api/recovery: what a program attached to a socket goes when it can not come back any more") {
    auto const attached = std::make_shared<int>(7);
    place here;
    auto one = visitor(here);
    here.sockets[0].data<std::shared_ptr<int>>() = attached;
    one.link.vanish();
    here.sockets.clear();
    CHECK(attached.use_count() == 2);
    SUBCASE("by time") {
        here.scene.world.advance(130s);
    }
    SUBCASE("as the server closes") {
        here.scene.close();
    }
    SUBCASE("as its client starts anew") {
        one.offset = "zz.zz";
        CHECK(one.come_back() == again);
    }
    CHECK(attached.use_count() == 1);
}

TEST_CASE("api/recovery: a server that shuts down keeps nobody") {
    auto const attached = std::make_shared<int>(7);
    {
        place here;
        auto one = visitor(here);
        here.sockets[0].data<std::shared_ptr<int>>() = attached;
        here.scene.close();
        CHECK(here.sockets[0].reason() == socoro::errc::server_shutting_down);
        here.sockets.clear();
        here.nsp.emit<number>(1);
        here.scene.world.run();
        CHECK(attached.use_count() == 1);
    }
    CHECK(attached.use_count() == 1);
}

TEST_CASE("api/recovery: a context that ends first leaves nothing behind") {
    auto const attached = std::make_shared<int>(7);
    {
        socoro::test::server server(recovering());
        server.io().on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
            socket.data<std::shared_ptr<int>>() = attached;
            socket.emit<number>(1);
            co_await stay(socket);
        });
        auto const gone = server.connect(), there = server.connect();
        gone.vanish();
        server.run();
        CHECK(attached.use_count() == 3);
    }
    CHECK(attached.use_count() == 1);
}

TEST_CASE("api/recovery: a namespace of a family stays as long as somebody may come back to it") {
    place here;
    auto const family = here.scene.family(
        [](std::string const&, json::value const&) -> asio::awaitable<bool> { co_return true; });
    bool recovered = false;
    family.on_connection([&](socoro::socket socket) -> asio::awaitable<void> {
        recovered = socket.recovered();
        co_await stay(socket);
    });
    wanderer one(here.scene, "/child");
    std::ignore = one.enter();
    one.link.vanish();
    REQUIRE(family.members().size() == 1);
    family.emit<number>(1);
    CHECK(one.come_back() == "2/child,[\"n\",1,\"+\"] | 0/child,{\"sid\":\"ID\",\"pid\":\"PID\"}");
    CHECK(recovered);
    SUBCASE("it goes when the time is over") {
        one.link.vanish();
        CHECK(family.members().size() == 1);
        here.scene.world.advance(130s);
    }
    SUBCASE("it goes when its last client leaves") {
        one.link.send("1/child,");
    }
    CHECK(family.members().empty());
}

// ------------------------------------------------------------------------------- middleware

namespace {

/// Middleware that waits until it is let go.
struct gate {
    explicit gate(place& at) : changed(*at.scene.world.shard) {
        at.nsp.use([this](socoro::socket& socket) -> asio::awaitable<void> {
            seen.emplace_back(socket.recovered() ? "recovered" : "fresh");
            rooms = socket.rooms();
            while (shut)
                std::ignore = co_await changed.wait();
            if (leave)
                socket.leave("room");
            if (refuse)
                throw socoro::refused("not any more");
        });
    }
    void open() {
        shut = false;
        changed.notify_all();
    }

    socoro::net::signal changed;
    lines seen, rooms;
    bool shut = false, refuse = false, leave = false;
};

}  // namespace

TEST_CASE("api/recovery: middleware is asked again, and sees what the socket was") {
    place here;
    gate at(here);
    auto one = visitor(here);
    here.sockets[0].join("room");
    one.link.vanish();
    here.nsp.emit<number>(1);
    auto const id = one.link.id;
    SUBCASE("it agrees") {
        CHECK(one.come_back() == "2[\"n\",1,\"+\"] | " + again);
        CHECK(one.link.id == id);
        CHECK(at.seen == lines{"fresh", "recovered"});
        CHECK(std::count(at.rooms.begin(), at.rooms.end(), "room") == 1);
    }
    SUBCASE("it refuses: nothing of what was missed is told, and there is no second try") {
        at.refuse = true;
        CHECK(one.come_back() == "4{\"message\":\"not any more\"}");
        CHECK(here.nsp.sockets("room").empty());
        at.refuse = false;
        CHECK(one.come_back() == again);
        CHECK(one.link.id != id);
        CHECK(at.seen == lines{"fresh", "recovered", "fresh"});
    }
    SUBCASE("what it takes the socket out of was not missed") {
        at.leave = true;
        here.nsp.to("room").emit<number>(2);
        here.nsp.except("room").emit<number>(3);
        CHECK(one.come_back() == "2[\"n\",1,\"+\"] | " + again);
    }
}

TEST_CASE("api/recovery: the option passes over middleware, but only for those who come back") {
    auto opts = recovering();
    opts.connection_state_recovery.skip_middlewares = true;
    place here(opts);
    gate at(here);
    auto one = visitor(here);
    at.refuse = true;
    one.link.vanish();
    CHECK(one.come_back() == again);
    CHECK(at.seen == lines{"fresh"});
    one.link.vanish();
    one.offset = "zz.zz";
    CHECK(one.come_back() == "4{\"message\":\"not any more\"}");
}

TEST_CASE("api/recovery: what is emitted while middleware looks at it is not missed") {
    place here;
    gate at(here);
    auto one = visitor(here);
    one.link.vanish();
    here.nsp.emit<number>(1);
    at.shut = true;
    CHECK(one.come_back().empty());
    here.nsp.emit<number>(2);
    here.sockets[0].emit<number>(3);
    here.scene.world.run();
    at.open();
    CHECK(one.see() == "2[\"n\",1,\"+\"] | 2[\"n\",2,\"+\"] | 2[\"n\",3,\"+\"] | " + again);
}

TEST_CASE("api/recovery: a connection that breaks while middleware looks at it can be repeated") {
    place here;
    gate at(here);
    auto one = visitor(here);
    auto const id = one.link.id;
    one.link.vanish();
    here.nsp.emit<number>(1);
    at.shut = true;
    here.scene.world.advance(60s);
    CHECK(one.come_back().empty());
    one.link.vanish();
    at.open();
    here.scene.world.run();
    SUBCASE("in time") {
        CHECK(one.come_back() == "2[\"n\",1,\"+\"] | " + again);
        CHECK(one.link.id == id);
    }
    SUBCASE("but the time is still that of the first break") {
        here.scene.world.advance(61s);
        CHECK(one.come_back() == again);
        CHECK(one.link.id != id);
    }
}

TEST_CASE(
    "api/recovery: what is forgotten while middleware looks at it makes the client start anew") {
    auto opts = recovering();
    opts.connection_state_recovery.event_bytes = 10'000;
    place here(opts);
    gate at(here);
    auto one = visitor(here);
    auto const id = one.link.id;
    one.link.vanish();
    at.shut = true;
    CHECK(one.come_back().empty());
    for (int i = 0; i < 12; ++i)
        here.nsp.emit("text", std::string(1000, 'x'));
    here.scene.world.run();
    at.open();
    CHECK(one.see() == "closed");
    CHECK(one.come_back() == again);
    CHECK(one.link.id != id);
}
