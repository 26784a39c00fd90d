// SPDX-License-Identifier: BSL-1.0
// One transport of each kind with its client, which is the test, behind the same verbs.
#pragma once

#include <socoro/eio/payload.hpp>
#include <socoro/net/http_connection.hpp>
#include <socoro/transport/polling_server.hpp>
#include <socoro/transport/websocket.hpp>

#include "support/http_script.hpp"
#include "support/memory_transport.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <memory>
#include <string>
#include <vector>

namespace transport_test {

namespace eio = socoro::eio;
namespace net = socoro::net;
namespace transport = socoro::transport;
namespace ws = socoro::ws;
using strings = std::vector<std::string>;

/// A packet as text: its type and data, `b` and data if it is binary.
[[nodiscard]] inline std::string text_of(eio::packet const& p) {
    return (p.binary ? 'b' : static_cast<char>(p.type)) + p.data;
}
[[nodiscard]] inline transport::packet_ptr packet_of(std::string_view text) {
    eio::packet p;
    p.binary = text[0] == 'b';
    p.type = p.binary ? eio::packet_type::message : static_cast<eio::packet_type>(text[0]);
    p.data = text.substr(1);
    return std::make_shared<eio::packet const>(std::move(p));
}

/// What every fixture can do with its transport.
template <typename Transport>
struct fixture : test::world {
    /// Receives until the end.
    void receive() { receiving = spawn(receive_all(subject, received, why)); }

    std::shared_ptr<test::outcome<std::error_code>> send(strings const& texts) {
        std::vector<transport::packet_ptr> packets;
        for (auto const& text : texts)
            packets.push_back(packet_of(text));
        return spawn(send_all(subject, std::move(packets)));
    }

    std::shared_ptr<Transport> subject;
    strings received;
    std::error_code why;
    std::shared_ptr<test::outcome<void>> receiving;

private:
    static asio::awaitable<void>
    receive_all(std::shared_ptr<Transport> from, strings& got, std::error_code& reason) {
        for (;;) {
            auto const packet = co_await from->recv();
            if (!packet) {
                reason = packet.error();
                co_return;
            }
            got.push_back(text_of(*packet));
        }
    }
    static asio::awaitable<std::error_code> send_all(
        std::shared_ptr<Transport> to,
        std::vector<transport::packet_ptr> packets) {
        co_return co_await to->send(packets);
    }
};

struct over_memory : fixture<test::memory_transport> {
    static constexpr bool waits_for_room = true;

    over_memory() { subject = pair.first; }

    void client_sends(strings const& texts) {
        for (auto const& text : texts) {
            auto const packet = packet_of(text);
            std::ignore = spawn(pair.second->send({&packet, 1}));
        }
    }
    void client_garbles() { subject->end(socoro::errc::parse_error); }
    strings client_takes() {
        strings seen;
        while (pair.second->has_buffered())
            seen.push_back(text_of(spawn(pair.second->recv())->value->value()));
        return seen;
    }
    void client_is_ready() { pair.first->block(false); }
    void client_is_busy() { pair.first->block(); }
    void client_closes() {
        std::ignore = pair.second->close(transport::ending::orderly);
        run();
    }
    void client_breaks() {
        subject->end(socoro::errc::transport_error);
        run();
    }
    void client_answers_close() {}
    [[nodiscard]] bool client_was_told() {
        auto const last = spawn(pair.second->recv());
        return last->done() && last->value->has_error();
    }

    test::memory_transport_pair pair{shard};
};

struct over_websocket : fixture<transport::websocket> {
    static constexpr bool waits_for_room = false;

    over_websocket() {
        subject = std::make_shared<transport::websocket>(
            std::make_shared<net::websocket>(shard, wire.stream, ws::role::server));
    }

    void client_sends(strings const& texts) {
        for (auto const& text : texts)
            client.send(
                text[0] == 'b' ? ws::opcode::binary : ws::opcode::text,
                text[0] == 'b' ? text.substr(1) : text);
        run();
    }
    void client_garbles() {
        client.text("?");
        run();
    }
    strings client_takes() {
        strings seen;
        for (auto const& event : client.take())
            if (event.starts_with("text:"))
                seen.push_back(event.substr(5));
            else if (event.starts_with("binary:"))
                seen.push_back("b" + event.substr(7));
            else
                told = told || event.starts_with("close:");
        return seen;
    }
    void client_is_ready() {}
    /// It is the message under way that makes a WebSocket busy.
    void client_is_busy() {
        wire.peer.limit(1);
        std::ignore = send({"4" + std::string(200, 'x')});
    }
    void client_closes() {
        client.close();
        run();
    }
    void client_breaks() {
        wire.peer.vanish(asio::error::connection_reset);
        run();
    }
    void client_answers_close() { client_closes(); }
    [[nodiscard]] bool client_was_told() {
        std::ignore = client_takes();
        return told;
    }

    test::memory_connection wire{shard};
    test::websocket_peer client{wire.peer};
    bool told = false;
};

struct over_polling : fixture<transport::polling_server> {
    static constexpr bool waits_for_room = true;

    static socoro::limits limits() {
        socoro::limits small;
        small.max_http_buffer_size = 1000;
        return small;
    }

    /// A connection whose requests all go to the transport.
    struct http_client {
        test::memory_peer wire;
        std::shared_ptr<net::http_connection> connection;
        std::shared_ptr<test::outcome<void>> serving;
    };
    http_client connect(std::shared_ptr<test::faults> plan = std::make_shared<test::faults>()) {
        test::memory_connection made(shard, std::move(plan));
        auto connection = std::make_shared<net::http_connection>(shard, made.stream);
        auto serving = spawn(serve(subject, connection));
        return {made.peer, std::move(connection), std::move(serving)};
    }

    void client_sends(strings const& texts) {
        std::vector<eio::packet> packets;
        for (auto const& text : texts)
            packets.push_back(*packet_of(text));
        poster.wire.send(test::post("/", eio::encode(packets)));
        run();
    }
    void client_garbles() {
        poster.wire.send(test::post("/", "?"));
        run();
    }
    strings client_takes() {
        strings seen;
        for (auto const& answer : test::take_answers(poller.wire)) {
            polling = false;
            auto const packets = eio::decode(answer.body, limits());
            for (auto const& packet : packets.value()) {
                seen.push_back(text_of(packet));
                told = told || packet.type == eio::packet_type::close;
            }
        }
        return seen;
    }
    void client_is_ready() {
        if (!std::exchange(polling, true))
            poller.wire.send(test::get("/"));
        run();
    }
    void client_is_busy() {}
    void client_closes() { client_sends({"1"}); }
    void client_breaks() {
        client_is_ready();
        poller.wire.vanish();
        run();
    }
    void client_answers_close() {}
    [[nodiscard]] bool client_was_told() {
        client_is_ready();
        std::ignore = client_takes();
        return told;
    }

    static asio::awaitable<void> serve(
        std::shared_ptr<transport::polling_server> to,
        std::shared_ptr<net::http_connection> connection) {
        for (;;) {
            bool const another = co_await connection->read_head();
            if (!another)
                co_return;
            if (connection->head().method == "GET")
                co_await to->serve_poll(*connection, {});
            else
                co_await to->serve_post(*connection, {});
        }
    }

    http_client poster = connect_later();
    http_client poller = connect_later();
    bool polling = false;
    bool told = false;

private:
    /// The transport is made first, then its clients.
    http_client connect_later() {
        if (!subject)
            subject = std::make_shared<transport::polling_server>(shard, limits(), 16);
        return connect();
    }
};

}  // namespace transport_test
