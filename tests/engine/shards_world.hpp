// SPDX-License-Identifier: BSL-1.0
// An Engine.IO server on several shards in memory, each a strand of one context, so that everything
// happens in one thread and in an order that stays.
#pragma once

#include <socoro/engine/closing.hpp>
#include <socoro/engine/server_core.hpp>
#include <socoro/net/http_server_core.hpp>

#include "engine/engine_world.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace engine_test {

struct shards_world : test::world {
    struct part {
        std::shared_ptr<net::shard> shard;
        std::shared_ptr<net::http_server_core> http;
        std::shared_ptr<engine::server_core> server;
        /// Which hooks were called here.
        strings told;
        std::vector<engine_world::opened> sessions;
    };

    explicit shards_world(
        std::size_t count,
        engine::options const& options = {},
        net::http_server_options const& http_options = {}) {
        std::vector<std::shared_ptr<engine::server_core>> engines;
        std::vector<std::shared_ptr<net::http_server_core>> https;
        for (std::size_t i = 0; i < count; ++i) {
            parts.push_back(std::make_unique<part>());
            make(*parts.back(), options, http_options);
            engines.push_back(parts.back()->server);
            https.push_back(parts.back()->http);
        }
        engine::server_core::introduce(engines);
        net::http_server_core::introduce(https);
    }
    shards_world(shards_world const&) = delete;
    ~shards_world() {
        if (!context)
            return;
        for (auto const& each : parts) {
            each->server->close();
            each->http->close();
        }
        run();
    }

    void make(part& to, engine::options options, net::http_server_options http_options) {
        to.shard = net::shard::make(asio::make_strand(context->get_executor()), clock);
        auto& told = to.told;
        options.hooks.connection_error = [&told](socoro::connection_error const& e) {
            told.push_back(std::to_string(e.code) + " " + std::string(e.context));
        };
        options.hooks.violated = nullptr;
        options.hooks.handler_failed = [&told](auto, auto what) {
            told.push_back("failed: " + std::string(what));
        };
        http_options.hooks = options.hooks;
        to.http =
            net::make_on_shard<net::http_server_core>(to.shard, to.shard, nullptr, http_options);
        auto const accept = [&sessions =
                                 to.sessions](std::shared_ptr<engine::session_core> const& core) {
            sessions.push_back({core, std::make_shared<recorder>()});
            return sessions.back().sink;
        };
        to.server =
            net::make_on_shard<engine::server_core>(to.shard, to.shard, std::move(options), accept);
        to.server->attach(*to.http);
    }

    part& operator[](std::size_t index) { return *parts[index]; }

    /// Does something on a shard.
    void on(std::size_t index, std::function<void()> task) {
        asio::post(parts[index]->shard->get_executor(), std::move(task));
        run();
    }
    /// A connection whose requests arrive on this shard.
    test::memory_peer connect(
        std::size_t index,
        std::shared_ptr<test::faults> plan = std::make_shared<test::faults>(),
        bool movable = true) {
        test::memory_connection const wire(parts[index]->shard, std::move(plan));
        wire.stream->movable = movable;
        on(index, [http = parts[index]->http, stream = wire.stream] { http->serve(stream); });
        return wire.peer;
    }
    /// Sends bytes and takes what comes back.
    std::string ask(test::memory_peer const& peer, std::string_view bytes) {
        peer.send(bytes);
        run();
        return peer.take();
    }
    /// Opens a session over polling on this shard, and gives its sid.
    std::string open(std::size_t index) {
        auto const peer = connect(index);
        std::ignore = ask(peer, engine_world::poll(""));
        REQUIRE_FALSE(parts[index]->sessions.empty());
        return parts[index]->sessions.back().core->sid();
    }
    /// The session that was opened last on this shard.
    [[nodiscard]] engine_world::opened& last(std::size_t index) {
        return parts[index]->sessions.back();
    }
    void send(std::size_t index, std::string const& text) {
        on(index, [core = last(index).core, text] { engine_test::send(*core, text); });
    }

    void check_nothing_is_left() {
        settle();
        for (auto const& each : parts) {
            CHECK(each->server->sessions() == 0);
            CHECK(each->http->connections() == 0);
            for (auto const& session : each->sessions)
                CHECK(session.sink->closes == 1);
        }
        CHECK(clock->armed() == 0);
    }

    std::vector<std::unique_ptr<part>> parts;
};

}  // namespace engine_test
