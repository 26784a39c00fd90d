// SPDX-License-Identifier: BSL-1.0
// The server's end of a session: it opens it, pings, and lets the client upgrade.
#pragma once

#include <socoro/eio/handshake.hpp>
#include <socoro/engine/options.hpp>
#include <socoro/engine/pacemaker.hpp>
#include <socoro/engine/server_upgrade.hpp>
#include <socoro/engine/session_core.hpp>

#include <functional>
#include <memory>
#include <utility>

namespace socoro::engine {

/// The shared state of a session of a server. Not thread-safe; it lives on the executor of its
/// shard.
class server_session_core final : public session_core {
public:
    /// What reads and writes runs in `loops`. `told` is called once, when the session has ended.
    server_session_core(
        std::shared_ptr<net::task_group> loops,
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<engine::options const> opts,
        engine::origin from,
        std::function<void(server_session_core&)> told)
        : session_core(std::move(loops), owner, opts, std::move(from))
        , options_(std::move(opts))
        , told_(std::move(told))
        , pacemaker_(
              *owner,
              *options_,
              [this] { send_control(eio::packet_type::ping); },
              [this] { end(errc::ping_timeout); }) {}

    /// Takes its transport and queues the open packet, before everything else that is sent.
    void open(transport::any_transport first);

    /// Tries to go on over `candidate`. False if that may not be: an upgrade is under way or
    /// done, none is allowed, the session is not on polling, or it has ended.
    [[nodiscard]] bool start_upgrade(transport::any_transport candidate);

private:
    void on_control(eio::packet const& received) override;
    /// While we do not read, the peer's pong cannot reach us: its deadline waits as well.
    void on_reading(bool reads) override { reads ? pacemaker_.resume() : pacemaker_.suspend(); }
    void on_end() override {
        pacemaker_.stop();
        told_(*this);
    }
    /// A waiting poll is answered, so that the client stops polling.
    void release_poll() {
        if (is_writable())
            send_control(eio::packet_type::noop);
    }

    std::shared_ptr<engine::options const> options_;
    std::function<void(server_session_core&)> told_;
    pacemaker pacemaker_;
};

inline void server_session_core::open(transport::any_transport first) {
    eio::open open;
    open.sid = sid();
    bool const may_upgrade = options_->allow_upgrades && options_->allows("websocket");
    if (may_upgrade && first.name() == "polling")
        open.upgrades.emplace_back("websocket");
    open.ping_interval = options_->ping_interval;
    open.ping_timeout = options_->ping_timeout;
    open.max_payload = options_->limits.max_http_buffer_size;
    peer_link().open(std::move(first));
    send_control(eio::packet_type::open, eio::encode(open));
    pacemaker_.start();
}

inline void server_session_core::on_control(eio::packet const& received) {
    if (received.type == eio::packet_type::pong)
        pacemaker_.on_pong();
    // In this direction only the server pings.
    if (received.type == eio::packet_type::ping)
        end(errc::transport_error);
}

inline bool server_session_core::start_upgrade(transport::any_transport candidate) {
    if (!options_->allow_upgrades || is_closed() || !peer_link().can_upgrade())
        return false;
    auto attempt = std::make_shared<server_upgrade>(
        owner(),
        std::move(candidate),
        options_->upgrade_timeout,
        [this] { release_poll(); },
        [this](direction way, eio::packet const& packet) { show(way, "websocket", packet); });
    launch(peer_link().upgrade(std::move(attempt)));
    return true;
}

}  // namespace socoro::engine
