// SPDX-License-Identifier: BSL-1.0
// The client's end of a session: it answers pings, notices when none come, and upgrades.
#pragma once

#include <socoro/eio/heartbeat.hpp>
#include <socoro/engine/client_upgrade.hpp>
#include <socoro/engine/dialer.hpp>
#include <socoro/engine/session_core.hpp>

#include <memory>
#include <string>
#include <utility>

namespace socoro::engine {

/// The shared state of a session that a client has opened. Not thread-safe; it lives on the
/// executor of its shard.
class client_session_core final : public session_core {
public:
    /// What reads and writes runs in `loops`.
    client_session_core(
        std::shared_ptr<net::task_group> loops,
        std::shared_ptr<net::shard> shard,
        std::shared_ptr<client_options const> opts,
        std::shared_ptr<engine::dialer> by,
        dialed opened);

    /// Starts to send, to receive for `receiver`, and to upgrade where that is wanted.
    void start(std::shared_ptr<sink> receiver);

private:
    void on_control(eio::packet const& received) override;
    void on_reading(bool reads) override;
    void on_end() override { timer_.cancel(); }
    void on_timer();
    void start_upgrade();

    std::shared_ptr<client_options const> options_;
    std::shared_ptr<engine::dialer> dialer_;
    std::shared_ptr<transport::polling_client> polling_;
    eio::open handshake_;
    eio::ping_watch watch_;
    net::timer timer_;
    bool reads_ = true;
};

inline client_session_core::client_session_core(
    std::shared_ptr<net::task_group> loops,
    std::shared_ptr<net::shard> shard,
    std::shared_ptr<client_options const> opts,
    std::shared_ptr<engine::dialer> by,
    dialed opened)
    : session_core(
          std::move(loops),
          shard,
          opts,
          origin{opened.handshake.sid, {}, by->server().host})
    , options_(std::move(opts))
    , dialer_(std::move(by))
    , polling_(std::move(opened.polling))
    , handshake_(std::move(opened.handshake))
    , watch_(shard->now(), handshake_.ping_interval, handshake_.ping_timeout)
    , timer_(shard->clock(), [this] { on_timer(); }) {
    peer_link().open(std::move(opened.over));
    timer_.arm(watch_.deadline());
}

inline void client_session_core::start(std::shared_ptr<sink> receiver) {
    auto const keep = shared_from_this();
    session_core::start(std::move(receiver));
    auto const& offered = handshake_.upgrades;
    bool const can = std::find(offered.begin(), offered.end(), "websocket") != offered.end();
    if (transport_name() == "websocket")
        dialer_->on_upgraded();
    else if (options_->upgrade && can && options_->allows("websocket"))
        start_upgrade();
}

inline void client_session_core::start_upgrade() {
    if (!is_open() || !peer_link().can_upgrade())
        return;
    auto attempt = std::make_shared<client_upgrade>(
        owner(),
        polling_,
        [by = dialer_, sid = sid()](std::shared_ptr<net::stop_source> stop) {
            return by->open_websocket(sid, std::move(stop));
        },
        options_->upgrade_timeout,
        [this](direction way, eio::packet const& packet) { show(way, packet); });
    launch(peer_link().upgrade(std::move(attempt)));
}

inline void client_session_core::on_control(eio::packet const& received) {
    if (received.type != eio::packet_type::ping)
        return;
    watch_.on_ping(owner().now());
    timer_.arm(watch_.deadline());
    send_control(eio::packet_type::pong, received.data);
    if (transport_name() == "websocket")
        dialer_->on_upgraded();
}

/// While we do not read, no ping can reach us: we show that we are alive without being asked.
inline void client_session_core::on_reading(bool reads) {
    reads_ = reads;
    watch_.on_ping(owner().now());
    if (!is_open())
        return;
    if (reads)
        timer_.arm(watch_.deadline());
    else
        timer_.arm_after(handshake_.ping_timeout / 2);
}

inline void client_session_core::on_timer() {
    if (reads_)
        return end(errc::ping_timeout);
    send_control(eio::packet_type::pong);
    if (is_open())
        timer_.arm_after(handshake_.ping_timeout / 2);
}

}  // namespace socoro::engine
