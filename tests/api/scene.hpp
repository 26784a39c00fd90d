// SPDX-License-Identifier: BSL-1.0
// A Socket.IO server in a world of its own, with scripted clients that speak packets to it over
// connections in memory. Time stands still until the test moves it.
#pragma once

#include <socoro/namespace.hpp>
#include <socoro/options.hpp>
#include <socoro/peer.hpp>

#include "support/http_script.hpp"
#include "support/websocket_peer.hpp"
#include "support/world.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::detail {
class server_core;
}

namespace test {

/// A client over WebSocket, already open.
class client {
public:
    client(world& in, memory_peer raw) : world_(&in), peer_(std::move(raw)) {}

    /// Sends a Socket.IO packet; the server has dealt with it when this returns.
    void send(std::string_view packet);
    /// Sends an attachment.
    void send_binary(std::string_view bytes);
    /// Sends packets that arrive together.
    void send_together(std::vector<std::string> const& packets);
    /// Sends a pong, so that the session lives on.
    void pong();
    /// The connection is gone.
    void vanish(std::error_code why = asio::error::eof);

    /// The Socket.IO packets that have arrived, separated by ` | `. An attachment is `<bytes>`,
    /// another Engine.IO packet `eio:` with its text, the end of the WebSocket `closed`. The
    /// value of `"sid"` becomes `ID`, and is kept in `id`.
    [[nodiscard]] std::string take();

    /// Joins a namespace; false if the server does not agree.
    bool join(std::string_view nsp = "/");

    memory_peer const& raw() const { return peer_.raw; }

    std::string id;

private:
    world* world_;
    websocket_peer peer_;
};

/// A client over long-polling, already open.
class poller {
public:
    poller(world& in, memory_peer gets, memory_peer posts)
        : world_(&in)
        , gets_(std::move(gets))
        , posts_(std::move(posts)) {}

    void open();
    /// Sends a Socket.IO packet; gives the status of the answer, 0 if none has come.
    int send(std::string_view packet);
    /// Asks for packets; `answer` gives them.
    void poll();
    /// The body of the next answer, Engine.IO packets separated by ` | `; or its status.
    [[nodiscard]] std::string answer();

private:
    [[nodiscard]] std::string target() const;

    world* world_;
    memory_peer gets_, posts_;
    std::string got_, sid_;
};

class scene {
public:
    explicit scene(socoro::options opts = {});
    scene(scene const&) = delete;
    ~scene();

    [[nodiscard]] socoro::nsp of(std::string name);
    [[nodiscard]] socoro::nsp_family family(socoro::namespace_predicate allows);
    /// Opens a WebSocket; `query` begins with `&`, `fields` are whole lines.
    [[nodiscard]] client connect(std::string_view query = {}, std::string_view fields = {});
    /// As `connect`, and joined to a namespace.
    [[nodiscard]] client joined(std::string_view nsp = "/");
    [[nodiscard]] poller connect_polling();
    /// The shared state of a namespace.
    [[nodiscard]] socoro::detail::namespace_core& core_of(std::string name);
    /// Shuts the server down.
    void close();
    /// Engine.IO sessions.
    [[nodiscard]] std::size_t sessions() const;
    /// What the hooks were told since the last call, separated by ` | `.
    [[nodiscard]] std::string reports();

    test::world world;

private:
    [[nodiscard]] memory_peer open_connection();

    std::shared_ptr<std::string> reports_ = std::make_shared<std::string>();
    std::shared_ptr<socoro::detail::server_core> core_;
    std::shared_ptr<socoro::net::http_server_core> http_;
};

}  // namespace test
