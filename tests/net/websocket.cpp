// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/websocket.hpp>

#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

using namespace std::chrono_literals;
using socoro::errc;
using socoro::message;
namespace net = socoro::net;
namespace ws = socoro::ws;
using strings = std::vector<std::string>;

namespace {

/// Receives until the end and keeps everything.
asio::awaitable<void>
receive_all(std::shared_ptr<net::websocket> from, strings& got, std::error_code& why) {
    for (;;) {
        auto received = co_await from->recv();
        if (!received) {
            why = received.error();
            co_return;
        }
        got.push_back((received->binary ? "binary:" : "text:") + received->data);
    }
}

/// A WebSocket with the test at the other end.
struct one_socket : test::world {
    explicit one_socket(ws::role self = ws::role::server, socoro::limits const& limits = {})
        : wire(shard, plan)
        , peer(wire.peer, self == ws::role::server ? ws::role::client : ws::role::server)
        , socket(std::make_shared<net::websocket>(shard, wire.stream, self, limits)) {}

    void receive() { receiving = spawn(receive_all(socket, got, why)); }
    std::shared_ptr<test::outcome<std::error_code>> send(std::string text) {
        outgoing.push_back(message{false, std::move(text)});
        return spawn(socket->send(outgoing.back()));
    }

    std::shared_ptr<test::faults> plan = std::make_shared<test::faults>();
    test::memory_connection wire;
    test::websocket_peer peer;
    std::shared_ptr<net::websocket> socket;
    std::deque<message> outgoing;
    strings got;
    std::error_code why;
    std::shared_ptr<test::outcome<void>> receiving;
};

}  // namespace

TEST_CASE("net/websocket: messages go both ways between the two roles, of any size") {
    for (bool const bytewise : {false, true}) {
        test::world world;
        auto const plan = std::make_shared<test::faults>();
        plan->bytewise = bytewise;
        test::memory_pair const pair(world.shard, plan);
        auto const server =
            std::make_shared<net::websocket>(world.shard, pair.first, ws::role::server);
        auto const client =
            std::make_shared<net::websocket>(world.shard, pair.second, ws::role::client);
        strings at_server, at_client;
        std::error_code server_why, client_why;
        auto const server_done = world.spawn(receive_all(server, at_server, server_why));
        auto const client_done = world.spawn(receive_all(client, at_client, client_why));
        strings expected;
        for (std::size_t const size : {0U, 1U, 125U, 126U, 2048U, 65'536U, 1'000'000U}) {
            if (bytewise && size > 2048)
                continue;
            message const m{size % 2 == 0, std::string(size, 'x')};
            expected.push_back((m.binary ? "binary:" : "text:") + m.data);
            CHECK(world.spawn(server->send(m))->value == std::error_code());
            CHECK(world.spawn(client->send(m))->value == std::error_code());
        }
        CHECK(at_server == expected);
        CHECK(at_client == expected);

        client->close(ws::close_code::normal, "bye");
        world.run();
        CHECK(server_done->done());
        CHECK(client_done->done());
        CHECK(server_why == asio::error::eof);
        CHECK(client_why == asio::error::eof);
        world.settle();
        CHECK(world.clock->armed() == 0);
    }
}

TEST_CASE("net/websocket: frames that came with the handshake are read first") {
    test::world world;
    test::memory_connection wire(world.shard);
    test::websocket_peer peer(wire.peer);
    for (std::size_t const size : {5U, 3000U, 70'000U}) {
        std::string const text(size, 'a');
        auto const bytes = peer.frame(ws::opcode::text, text);
        auto const half = bytes.size() / 2;
        auto const socket = std::make_shared<net::websocket>(
            world.shard,
            wire.stream,
            ws::role::server,
            socoro::limits{},
            bytes.substr(0, half));
        CHECK(socket->has_buffered());
        auto const received = world.spawn(socket->recv());
        CHECK_FALSE(received->done());
        wire.peer.send(bytes.substr(half));
        world.run();
        REQUIRE(received->done());
        CHECK(received->value->value().data == text);
        CHECK_FALSE(socket->has_buffered());
    }
}

TEST_CASE("net/websocket: a ping is answered with its data, a pong is passed over") {
    for (auto const self : {ws::role::server, ws::role::client}) {
        one_socket s(self);
        s.receive();
        s.peer.send(ws::opcode::ping, "data");
        s.peer.send(ws::opcode::pong, "unasked");
        s.peer.send(ws::opcode::ping, "");
        s.peer.text("message");
        s.run();
        CHECK(s.peer.take() == strings{"pong:data", "pong:"});
        CHECK(s.got == strings{"text:message"});
    }
}

TEST_CASE("net/websocket: a ping between fragments is answered before the message ends") {
    one_socket s;
    s.receive();
    s.peer.fragment(ws::opcode::text, false, "frag");
    s.peer.send(ws::opcode::ping, "p");
    s.run();
    CHECK(s.peer.take() == strings{"pong:p"});
    s.peer.fragment(ws::opcode::continuation, true, "ment");
    s.run();
    CHECK(s.got == strings{"text:fragment"});
}

TEST_CASE("net/websocket: a close frame is answered with its code, then the server ends") {
    for (auto const code :
         {std::optional<ws::close_code>(), std::optional(ws::close_code::normal)}) {
        one_socket s;
        s.receive();
        s.peer.text("before");
        s.peer.close(code);
        s.peer.text("after");
        s.run();
        CHECK(s.got == strings{"text:before"});
        CHECK(s.why == asio::error::eof);
        CHECK(s.peer.take() == strings{code ? "close:1000" : "close:1005"});
        CHECK(s.peer.raw.closed());
        CHECK(s.clock->armed() == 0);
    }
}

TEST_CASE("net/websocket: a client leaves it to the server to end the stream, for a time") {
    for (bool const we_begin : {false, true})
        for (bool const in_time : {false, true}) {
            one_socket s(ws::role::client);
            s.receive();
            if (we_begin)
                s.socket->close(ws::close_code::normal);
            s.peer.close(ws::close_code::normal);
            s.run();
            CHECK(s.why == asio::error::eof);
            CHECK(s.peer.take() == strings{"close:1000"});
            s.receive();
            CHECK(s.why == asio::error::eof);
            // Nobody holds it any more, and it waits all the same.
            s.socket.reset();
            s.peer.raw.send("anything");
            s.advance(net::websocket::close_timeout - 1ms);
            CHECK_FALSE(s.peer.raw.ended());
            if (in_time) {
                s.peer.raw.end();
                s.run();
            } else {
                s.advance(1ms);
            }
            CHECK(s.peer.raw.closed());
            CHECK(s.clock->armed() == 0);
        }
}

TEST_CASE("net/websocket: a client finishes its message before it answers a close frame") {
    one_socket s(ws::role::client);
    s.receive();
    s.peer.raw.limit(10);
    auto const sent = s.send(std::string(25, 'x'));
    s.peer.close(ws::close_code::going_away);
    s.run();
    CHECK(s.why == asio::error::eof);
    strings seen;
    for (int i = 0; i < 10; ++i) {
        for (auto const& event : s.peer.take())
            seen.push_back(event);
        s.run();
    }
    CHECK(sent->value == std::error_code());
    CHECK(seen == strings{"text:" + std::string(25, 'x'), "close:1001"});
}

TEST_CASE("net/websocket: a client masks what it sends, each frame with another key") {
    one_socket s(ws::role::client);
    s.receive();
    std::vector<std::string> keys;
    for (int i = 0; i < 3; ++i) {
        CHECK(s.send("hello")->value == std::error_code());
        auto const bytes = s.peer.raw.take();
        REQUIRE(bytes.size() == 2 + 4 + 5);
        CHECK(bytes.substr(0, 2) == "\x81\x85");
        CHECK(bytes.substr(6) != "hello");
        keys.push_back(bytes.substr(2, 4));
    }
    CHECK(keys[0] != keys[1]);
    CHECK(keys[1] != keys[2]);
    s.peer.send(ws::opcode::ping, "p");
    s.run();
    s.socket->close();
    s.run();
    auto const control = s.peer.raw.take();
    REQUIRE(control.size() == 2 * (2 + 4) + 1);
    CHECK(control.substr(0, 2) == "\x8a\x81");
    CHECK(control.substr(7, 2) == "\x88\x80");
}

TEST_CASE("net/websocket: a client refuses a frame that a server has masked") {
    one_socket s(ws::role::client);
    s.receive();
    s.peer.text("plain");
    std::string masked;
    ws::append_frame(masked, ws::opcode::text, "masked", ws::make_mask_key());
    s.peer.raw.send(masked);
    s.run();
    CHECK(s.got == strings{"text:plain"});
    CHECK(s.why == errc::ws_bad_mask);
    CHECK(s.peer.take() == strings{"close:1002"});
    // RFC 6455 section 7.1.7: it does not wait for an answer.
    CHECK(s.peer.raw.ended());
    s.peer.raw.end();
    s.run();
    CHECK(s.peer.raw.closed());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/websocket: after our close frame receiving goes on until the peer answers") {
    one_socket s;
    s.receive();
    s.socket->close(ws::close_code::going_away);
    s.peer.text("on its way");
    s.run();
    CHECK(s.peer.take() == strings{"close:1001"});
    CHECK(s.got == strings{"text:on its way"});
    CHECK_FALSE(s.receiving->done());
    // Nothing may follow a close frame.
    CHECK(s.send("late")->value == asio::error::broken_pipe);
    s.peer.send(ws::opcode::ping, "late");
    s.socket->close();
    s.run();
    CHECK(s.peer.take().empty());
    s.peer.close(ws::close_code::going_away);
    s.run();
    CHECK(s.why == asio::error::eof);
    CHECK(s.peer.raw.closed());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/websocket: a peer that does not answer our close frame is not waited for long") {
    one_socket s;
    s.receive();
    s.socket->close();
    s.advance(net::websocket::close_timeout - 1ms);
    CHECK_FALSE(s.peer.raw.closed());
    s.advance(1ms);
    CHECK(s.peer.raw.closed());
    CHECK(s.receiving->done());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/websocket: broken rules are told with the code of RFC 6455, then it ends") {
    auto const unmasked = [](ws::opcode op, std::string_view payload) {
        std::string bytes;
        ws::append_frame(bytes, op, payload);
        return bytes;
    };
    one_socket const frames;
    std::vector<std::tuple<std::string, errc, std::string>> const cases{
        {unmasked(ws::opcode::text, "x"), errc::ws_bad_mask, "close:1002"},
        {frames.peer.frame(ws::opcode::text, "\xff"), errc::ws_bad_utf8, "close:1007"},
        {frames.peer.frame(ws::opcode::binary, std::string(101, 'x')),
         errc::ws_message_too_large,
         "close:1009"},
        {frames.peer.frame(ws::opcode::close, "x"), errc::ws_bad_close_code, "close:1002"},
        {"\xc1\x80", errc::ws_reserved_bits, "close:1002"},
    };
    socoro::limits limits;
    limits.max_http_buffer_size = 100;
    for (auto const& [bytes, error, close] : cases) {
        CAPTURE(close);
        one_socket s(ws::role::server, limits);
        s.receive();
        s.peer.text("before");
        s.peer.raw.send(bytes);
        s.peer.text("after");
        s.run();
        CHECK(s.got == strings{"text:before"});
        CHECK(s.why == error);
        CHECK(s.peer.take() == strings{close});
        // It waits for the peer to take the frame, not for an answer.
        CHECK(s.peer.raw.ended());
        CHECK_FALSE(s.peer.raw.closed());
        s.receive();
        CHECK(s.why == asio::error::eof);
        s.peer.raw.send(std::string(10'000, 'x'));
        s.run();
        CHECK_FALSE(s.peer.raw.closed());
        s.peer.raw.end();
        s.run();
        CHECK(s.peer.raw.closed());
        CHECK(s.clock->armed() == 0);
    }
}

TEST_CASE("net/websocket: a peer that broke the rules and does not go is dropped") {
    one_socket s;
    s.receive();
    s.peer.raw.send("\xff\xff");
    s.advance(net::websocket::close_timeout);
    CHECK(s.peer.raw.closed());
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/websocket: the end of the stream is told from its failure") {
    for (auto const error :
         {asio::error::make_error_code(asio::error::eof),
          asio::error::make_error_code(asio::error::connection_reset)}) {
        one_socket s;
        s.receive();
        s.peer.raw.vanish(error);
        s.run();
        CHECK(s.why == error);
        s.receive();
        CHECK(s.why == asio::error::eof);
        CHECK(s.send("x")->value == asio::error::broken_pipe);
    }
}

TEST_CASE("net/websocket: a message that does not fit waits until the peer reads") {
    one_socket s;
    s.peer.raw.limit(10);
    auto const sent = s.send(std::string(25, 'x'));
    CHECK_FALSE(sent->done());
    auto bytes = s.peer.raw.take();
    s.run();
    bytes += s.peer.raw.take();
    s.run();
    CHECK(sent->value == std::error_code());
    bytes += s.peer.raw.take();
    CHECK(bytes == "\x81\x19" + std::string(25, 'x'));
}

TEST_CASE("net/websocket: pongs and a close frame wait for the message that is being sent") {
    one_socket s;
    s.receive();
    s.peer.raw.limit(10);
    auto const sent = s.send(std::string(25, 'x'));
    s.peer.send(ws::opcode::ping, "1");
    s.peer.send(ws::opcode::ping, "2");
    s.run();
    s.socket->close(ws::close_code::normal);
    s.run();
    strings seen;
    for (int i = 0; i < 10; ++i) {
        for (auto const& event : s.peer.take())
            seen.push_back(event);
        s.run();
    }
    CHECK(sent->value == std::error_code());
    CHECK(seen == strings{"text:" + std::string(25, 'x'), "pong:1", "pong:2", "close:1000"});
}

TEST_CASE("net/websocket: a flood of pings that is not read does not pile up, nor break frames") {
    one_socket s;
    s.receive();
    s.peer.raw.limit(50);
    auto const ping = std::string(100, 'p');
    for (int i = 0; i < 1000; ++i)
        s.peer.send(ws::opcode::ping, ping);
    s.run();
    std::size_t pongs = 0;
    for (int i = 0; i < 400; ++i) {
        for (auto const& event : s.peer.take()) {
            CHECK(event == "pong:" + ping);
            ++pongs;
        }
        s.run();
    }
    CHECK(pongs > 0);
    CHECK(pongs < 100);
    CHECK(s.send("still there")->value == std::error_code());
    s.peer.raw.limit(1000);
    s.run();
    CHECK(s.peer.take() == strings{"text:still there"});
}

TEST_CASE("net/websocket: a close frame the peer does not read ends the connection in time") {
    one_socket s;
    s.receive();
    s.peer.raw.limit(10);
    auto const sent = s.send(std::string(25, 'x'));
    s.socket->close();
    s.advance(net::websocket::close_timeout);
    CHECK(s.peer.raw.closed());
    CHECK(s.receiving->done());
    CHECK(sent->value.value_or(std::error_code()));
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/websocket: aborting ends everything at once") {
    one_socket s;
    s.receive();
    s.peer.raw.limit(10);
    auto const first = s.send(std::string(25, 'x'));
    s.socket->abort();
    s.run();
    CHECK(s.peer.raw.closed());
    CHECK(s.receiving->done());
    CHECK(first->value.value_or(std::error_code()));
    s.socket->abort();
    s.socket->close();
    s.run();
    CHECK(s.clock->armed() == 0);
}

TEST_CASE("net/websocket: an upgrade is checked and accepted as RFC 6455 has it") {
    socoro::http::request request;
    request.method = "GET";
    request.headers.add("Upgrade", "websocket");
    request.headers.add("Connection", "keep-alive, Upgrade");
    request.headers.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    request.headers.add("Sec-WebSocket-Version", "13");
    CHECK_FALSE(net::check_upgrade(request));
    auto const answer = net::accept_upgrade(request);
    CHECK(answer.status == 101);
    CHECK(answer.headers.get("Sec-WebSocket-Accept") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    request.headers.set("Sec-WebSocket-Version", "8");
    CHECK(net::check_upgrade(request) == errc::ws_unsupported_version);
    request.method = "POST";
    CHECK(net::check_upgrade(request) == errc::ws_bad_handshake);
}

TEST_CASE("net/websocket: whatever operation fails, both sides end") {
    std::size_t nth = 0;
    for (bool failed = true; failed; ++nth) {
        CAPTURE(nth);
        REQUIRE(nth < 2000);
        one_socket s;
        s.plan->nth = nth;
        s.plan->bytewise = true;
        s.peer.raw.limit(7);
        s.receive();
        s.peer.send(ws::opcode::ping, "p");
        s.peer.text("hello");
        std::ignore = s.send(std::string(40, 'x'));
        s.peer.send(ws::opcode::ping, "q");
        s.run();
        for (int i = 0; i < 20; ++i) {
            std::ignore = s.peer.take();
            s.run();
        }
        s.socket->close();
        s.run();
        s.peer.close();
        s.run();
        failed = s.plan->operations > nth;
        s.settle();
        CHECK(s.receiving->done());
        CHECK(s.peer.raw.closed());
        CHECK(s.clock->armed() == 0);
    }
    CHECK(nth > 50);
}

TEST_CASE("net/websocket: the end of the context takes it along in every state") {
    one_socket s;
    s.receive();
    s.peer.raw.limit(10);
    auto const sent = s.send(std::string(25, 'x'));
    s.peer.send(ws::opcode::ping, "p");
    s.run();
    s.socket->close();
    s.context.reset();
    CHECK_FALSE(sent->done());
    CHECK_FALSE(s.receiving->done());

    one_socket failed;
    failed.receive();
    failed.peer.raw.send("\xff\xff");
    failed.run();
    failed.socket.reset();
    failed.context.reset();
    CHECK(failed.clock->armed() == 0);

    one_socket closed(ws::role::client);
    closed.receive();
    closed.peer.close();
    closed.run();
    closed.socket.reset();
    closed.context.reset();
    CHECK(closed.clock->armed() == 0);
}

TEST_CASE("net/websocket: closing a stream that breaks with it leaves no timer") {
    one_socket s;
    s.plan->nth = s.plan->operations;
    s.socket->close();
    CHECK(s.peer.raw.closed());
    CHECK(s.clock->armed() == 0);
}
