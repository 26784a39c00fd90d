// SPDX-License-Identifier: BSL-1.0
// A Socket.IO server on several shards, and scripted clients that speak packets to it over
// connections in memory. One thread runs all shards, a step of one after a step of another, in an
// order that a seed decides.
#pragma once

#include <socoro/namespace.hpp>
#include <socoro/net/manual_clock.hpp>
#include <socoro/server_core.hpp>

#include "support/http_script.hpp"
#include "support/websocket_peer.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

/// A WebSocket that is open. Nothing runs by itself.
class wire {
public:
    explicit wire(memory_peer raw) : peer_(std::move(raw)) {}

    /// Sends a Socket.IO packet.
    void send(std::string_view packet) const { peer_.text("4" + std::string(packet)); }
    /// The connection is gone.
    void vanish() const { peer_.raw.vanish(asio::error::eof); }
    /// The Socket.IO packets that have arrived; `closed` for the end of the WebSocket.
    [[nodiscard]] std::vector<std::string> take() {
        std::vector<std::string> packets;
        for (auto const& frame : peer_.take())
            if (frame.starts_with("text:4"))
                packets.push_back(frame.substr(6));
            else if (frame.starts_with("close:"))
                packets.emplace_back("closed");
        return packets;
    }

private:
    websocket_peer peer_;
};

class shards_scene {
public:
    explicit shards_scene(std::size_t shards, socoro::options opts = {}, unsigned seed = 1)
        : order_(seed) {
        std::vector<std::shared_ptr<net::shard>> owners;
        for (std::size_t i = 0; i < shards; ++i) {
            contexts_.push_back(std::make_unique<asio::io_context>());
            owners.push_back(net::shard::make(contexts_.back()->get_executor(), clock));
        }
        all_ = std::make_shared<socoro::detail::server_shards>(std::move(owners));
        auto const shared = std::make_shared<socoro::options const>(std::move(opts));
        for (std::size_t i = 0; i < shards; ++i) {
            auto const& on = owner(i);
            cores_.push_back(net::make_on_shard<socoro::detail::server_core>(on, all_, i, shared));
            cores_.back()->start();
            http_.push_back(net::make_on_shard<net::http_server_core>(
                on,
                on,
                nullptr,
                net::http_server_options()));
            cores_.back()->attach(*http_.back());
        }
    }
    shards_scene(shards_scene const&) = delete;
    ~shards_scene() {
        close();
        // What ends last ends on its shard.
        cores_.clear();
        http_.clear();
        run();
    }

    [[nodiscard]] socoro::nsp of(std::string name) const {
        return socoro::nsp(cores_.front()->of(std::move(name)));
    }
    /// Adds a rule by which namespaces come into being.
    [[nodiscard]] socoro::nsp_family family(socoro::namespace_predicate const& allows) const {
        std::vector<std::shared_ptr<socoro::detail::parent_core>> rules(cores_.size());
        for (auto& rule : rules) {
            rule = std::make_shared<socoro::detail::parent_core>();
            rule->allows = allows;
        }
        all_->configure([rules](socoro::detail::namespaces& among, std::size_t index) {
            among.add_parent(rules[index]);
        });
        return {all_, rules};
    }
    [[nodiscard]] std::shared_ptr<net::shard> const& owner(std::size_t shard) const {
        return all_->owner(shard);
    }
    [[nodiscard]] socoro::detail::server_core& core(std::size_t shard) const {
        return *cores_[shard];
    }

    /// Runs a step of one shard; false if none has anything to do.
    bool step() {
        auto const first = order_() % contexts_.size();
        for (std::size_t i = 0; i < contexts_.size(); ++i) {
            auto& context = *contexts_[(first + i) % contexts_.size()];
            context.restart();
            if (context.poll_one() > 0)
                return true;
        }
        return false;
    }
    /// Runs whatever can run now.
    void run() {
        while (step())
            continue;
    }
    /// Calls `task` on a shard, where it is in nobody's order.
    template <typename Task>
    void on(std::size_t shard, Task task) const {
        asio::post(contexts_[shard]->get_executor(), std::move(task));
    }
    /// A number below `most`, as the seed has it.
    [[nodiscard]] std::size_t pick(std::size_t most) { return order_() % most; }

    /// Opens a WebSocket to one of the shards.
    [[nodiscard]] wire connect(std::size_t shard) {
        memory_connection connection(owner(shard));
        on(shard, [http = http_[shard], stream = connection.stream] { http->serve(stream); });
        auto const raw = connection.peer;
        raw.send(get("/socket.io/?EIO=4&transport=websocket", std::string(upgrade_fields)));
        std::string head;
        // The rest runs on as the seed has it.
        while (head.empty() && step())
            head = raw.take();
        REQUIRE(head.starts_with("HTTP/1.1 101 "));
        return wire(raw);
    }

    /// Shuts the server down.
    void close() {
        for (std::size_t i = 0; i < cores_.size(); ++i)
            on(i, [core = cores_[i], http = http_[i]] {
                core->close();
                http->close();
            });
        run();
    }

    std::shared_ptr<net::manual_clock> clock = std::make_shared<net::manual_clock>();

private:
    std::mt19937 order_;
    std::vector<std::unique_ptr<asio::io_context>> contexts_;
    std::shared_ptr<socoro::detail::server_shards> all_;
    std::vector<std::shared_ptr<socoro::detail::server_core>> cores_;
    std::vector<std::shared_ptr<net::http_server_core>> http_;
};

}  // namespace test
