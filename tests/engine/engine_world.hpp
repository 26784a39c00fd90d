// SPDX-License-Identifier: BSL-1.0
// An Engine.IO server in memory, with its clients in the test.
#pragma once

#include <socoro/engine/server_core.hpp>
#include <socoro/net/http_server_core.hpp>

#include "engine/recorder.hpp"
#include "support/http_script.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace engine_test {

struct engine_world : test::world {
    struct opened {
        std::shared_ptr<engine::session_core> core;
        std::shared_ptr<recorder> sink;
    };

    explicit engine_world(engine::options options = {}) {
        net::http_server_options http_options;
        http_options.hooks.violated = nullptr;
        http = std::make_shared<net::http_server_core>(shard, nullptr, http_options);
        restart(std::move(options));
    }
    /// Another server in the place of the first, with these options.
    void restart(engine::options options) {
        if (server)
            server->close();
        options.hooks.connection_error = [this](socoro::connection_error const& e) {
            refusals.push_back(std::to_string(e.code) + " " + std::string(e.context));
        };
        options.hooks.handler_failed = [this](auto where, auto what) {
            ++failures;
            failed.push_back(std::string(where) + ": " + std::string(what));
        };
        auto const accept = [this](std::shared_ptr<engine::session_core> const& core) {
            sessions.push_back({core, std::make_shared<recorder>()});
            if (on_open)
                on_open(sessions.back());
            return sessions.back().sink;
        };
        options.hooks.violated = nullptr;
        server = std::make_shared<engine::server_core>(shard, std::move(options), accept);
        server->attach(*http);
    }
    engine_world(engine_world const&) = delete;
    ~engine_world() {
        server->close();
        if (!context)
            return;
        http->close();
        run();
    }

    test::memory_peer connect(
        std::shared_ptr<test::faults> plan = std::make_shared<test::faults>()) {
        test::memory_connection const wire(shard, std::move(plan));
        http->serve(wire.stream);
        run();
        return wire.peer;
    }
    /// Sends bytes and takes the first answer.
    test::http_answer ask(test::memory_peer const& peer, std::string_view bytes) {
        peer.send(bytes);
        run();
        auto const answers = test::take_answers(peer);
        return answers.empty() ? test::http_answer{} : answers.front();
    }

    [[nodiscard]] static std::string target(std::string_view sid, std::string_view over) {
        return "/engine.io/?EIO=4&transport=" + std::string(over) +
               (sid.empty() ? "" : "&sid=" + std::string(sid));
    }
    [[nodiscard]] static std::string poll(std::string_view sid) {
        return test::get(target(sid, "polling"));
    }
    [[nodiscard]] static std::string post(std::string_view sid, std::string_view payload) {
        return test::post(target(sid, "polling"), payload);
    }
    [[nodiscard]] static std::string upgrade(std::string_view sid) {
        return test::get(target(sid, "websocket"), test::upgrade_fields);
    }

    /// Opens a session over polling.
    std::string open(test::memory_peer const& peer) {
        auto const answer = ask(peer, poll(""));
        REQUIRE(answer.status == 200);
        return sessions.back().core->sid();
    }
    /// Opens a WebSocket, for a session or a new one; what follows the 101 is left to be read.
    test::websocket_peer open_websocket(test::memory_peer const& peer, std::string_view sid = {}) {
        peer.send(upgrade(sid));
        run();
        skip_answer(peer, 101);
        return test::websocket_peer(peer);
    }
    /// Leaves what follows the answer where it is.
    static void skip_answer(test::memory_peer const& peer, int status) {
        auto bytes = peer.take();
        CHECK(test::take_answer(bytes).status == status);
        peer.put_back(bytes);
    }

    void check_nothing_is_left() {
        settle();
        CHECK(server->sessions() == 0);
        CHECK(http->connections() == 0);
        CHECK(clock->armed() == 0);
        for (auto const& session : sessions)
            CHECK(session.sink->closes == 1);
    }

    std::vector<opened> sessions;
    std::function<void(opened&)> on_open;
    strings refusals;
    int failures = 0;
    strings failed;
    std::shared_ptr<net::http_server_core> http;
    std::shared_ptr<engine::server_core> server;
};

}  // namespace engine_test
