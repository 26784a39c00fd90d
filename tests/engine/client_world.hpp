// SPDX-License-Identifier: BSL-1.0
// An Engine.IO client in memory. Its server is one of ours, or the test itself.
#pragma once

#include <socoro/engine/client_session_core.hpp>
#include <socoro/net/task_group.hpp>

#include "engine/engine_world.hpp"
#include "support/memory_connector.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace engine_test {

namespace http = socoro::http;
namespace ws = socoro::ws;

struct client_world : engine_world {
    explicit client_world(
        engine::client_options of_client = {},
        engine::options const& of_server = {})
        : engine_world(of_server) {
        of_client.connector = connector;
        if (of_client.hooks.violated)
            of_client.hooks.violated = [this](socoro::violation const& v) {
                violations.push_back(v.why.message());
            };
        options = std::make_shared<engine::client_options const>(std::move(of_client));
        dialer =
            std::make_shared<engine::dialer>(shard, http::parse_url("http://a").value(), options);
    }

    /// Tries to open a session, and starts it.
    bool open_client() {
        auto const stop = std::make_shared<net::stop_source>();
        auto const dialed = spawn(dialer->dial(stop));
        bool const begun = begin(*dialed);
        run();
        return begun;
    }
    /// Starts what was opened; nothing else happens yet.
    bool begin(test::outcome<engine::dialed>& dialed) {
        REQUIRE(dialed.done());
        REQUIRE_FALSE(dialed.failure);
        if (dialed.value->failed)
            return false;
        core = std::make_shared<engine::client_session_core>(
            loops,
            shard,
            options,
            dialer,
            std::move(*dialed.value));
        core->start(sink);
        return true;
    }
    /// The same with our own server.
    void open_both() {
        begin_both();
        run();
    }
    void begin_both() {
        connector->serve_by(http);
        auto const stop = std::make_shared<net::stop_source>();
        auto const dialed = spawn(dialer->dial(stop));
        REQUIRE(begin(*dialed));
        REQUIRE(sessions.size() == 1);
    }
    [[nodiscard]] engine::session_core& server_core() { return *sessions.back().core; }
    [[nodiscard]] recorder& server_sink() { return *sessions.back().sink; }

    /// Both ends have ended, each once, and nothing runs or waits any more.
    void check_client_is_gone() {
        check_nothing_is_left();
        CHECK(sink->closes == (core ? 1 : 0));
        CHECK(loops->size() == 0);
        std::weak_ptr<engine::client_session_core> const watched = core;
        core.reset();
        CHECK(watched.expired());
        run();
        for (auto const& peer : connector->peers)
            CHECK(peer.ended());
    }

    std::shared_ptr<test::faults> plan = std::make_shared<test::faults>();
    std::shared_ptr<test::memory_connector> connector =
        std::make_shared<test::memory_connector>(shard, plan);
    std::shared_ptr<net::task_group> loops = std::make_shared<net::task_group>(shard);
    std::shared_ptr<recorder> sink = std::make_shared<recorder>();
    strings violations;
    std::shared_ptr<engine::client_options const> options;
    std::shared_ptr<engine::dialer> dialer;
    std::shared_ptr<engine::client_session_core> core;
};

/// The packet that opens a session.
[[nodiscard]] inline std::string open_text(eio::open handshake = {}, bool offer = true) {
    handshake.sid = "abc";
    if (offer)
        handshake.upgrades.emplace_back("websocket");
    return "0" + eio::encode(handshake);
}

/// A client whose server is the test.
struct scripted_server : client_world {
    using client_world::client_world;

    [[nodiscard]] static std::string answer_of(std::string_view body, int status = 200) {
        auto text = "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: ";
        return text.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
    }
    /// The connection on which a request waits to be answered, if there is one.
    [[nodiscard]] std::optional<test::memory_peer> asked(
        std::string_view method,
        std::string_view over = "polling") {
        run();
        for (auto const& peer : connector->peers)
            if (!peer.ended() && peer.arrived().starts_with(method) &&
                peer.arrived().find("transport=" + std::string(over)) != std::string::npos)
                return peer;
        return std::nullopt;
    }
    /// Answers a request, and gives its body.
    std::string answer(std::string_view method, std::string_view body, int status = 200) {
        auto const peer = asked(method);
        REQUIRE(peer);
        auto const request = peer->take();
        peer->send(answer_of(body, status));
        run();
        return request.substr(request.find("\r\n\r\n") + 4);
    }
    void open_polling(eio::open const& handshake = {}, bool offer = true) {
        auto const stop = std::make_shared<net::stop_source>();
        auto const dialed = spawn(dialer->dial(stop));
        answer("GET", open_text(handshake, offer));
        REQUIRE(begin(*dialed));
        run();
    }
    void open_websocket(eio::open const& handshake = {}) {
        auto const stop = std::make_shared<net::stop_source>();
        auto const dialed = spawn(dialer->dial(stop));
        accept_websocket();
        says(open_text(handshake));
        REQUIRE(begin(*dialed));
        run();
    }
    void accept_websocket() {
        auto const peer = asked("GET", "websocket");
        REQUIRE(peer);
        auto const request = peer->take();
        auto const key = request.substr(request.find("Sec-WebSocket-Key: ") + 19, 24);
        peer->send(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: " +
            ws::accept_key(key) + "\r\n\r\n");
        web.emplace(*peer, ws::role::server);
        run();
    }
    void says(std::string_view text) {
        web->text(text);
        run();
    }
    [[nodiscard]] bool is_polling() { return asked("GET").has_value(); }
    void vanish() {
        for (auto const& peer : connector->peers)
            peer.vanish();
        run();
    }

    std::optional<test::websocket_peer> web;
};

}  // namespace engine_test
