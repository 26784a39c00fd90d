// SPDX-License-Identifier: BSL-1.0
// The client's end of a session: it answers pings, notices when none come, and upgrades.
#pragma once

#include <socoro/eio/heartbeat.hpp>
#include <socoro/engine/client_upgrade.hpp>
#include <socoro/engine/dialer.hpp>
#include <socoro/engine/session_core.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
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
    void on_end() override;
    [[nodiscard]] errc told_as(errc reason) const override;
    void on_timer();
    void arm() { timer_.arm(reads_ ? watch_.deadline() : shown_ + rhythm()); }
    void show_life(std::string data = {});
    /// How often a server that we do not read hears of us. It chooses the number, so there is a
    /// bound to what it can make us do.
    [[nodiscard]] std::chrono::milliseconds rhythm() const {
        return std::max(handshake_.ping_timeout / 2, std::chrono::milliseconds(10));
    }
    [[nodiscard]] bool may_upgrade() const;
    void start_upgrade();
    [[nodiscard]] static asio::awaitable<void> read_ahead(
        std::shared_ptr<client_session_core> self,
        transport::any_transport candidate,
        std::function<void()> ended);

    std::shared_ptr<client_options const> options_;
    std::shared_ptr<engine::dialer> dialer_;
    std::shared_ptr<transport::polling_client> polling_;
    eio::packet first_;
    eio::open handshake_;
    eio::ping_watch watch_;
    net::timer timer_;
    /// When the server last heard of us.
    eio::time_point shown_;
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
    , first_(std::move(opened.first))
    , handshake_(std::move(opened.handshake))
    , watch_(shard->now(), handshake_.ping_interval, handshake_.ping_timeout)
    , timer_(shard->clock(), [this] { on_timer(); })
    , shown_(shard->now()) {
    peer_link().open(std::move(opened.over));
    arm();
}

inline void client_session_core::start(std::shared_ptr<sink> receiver) {
    auto const keep = shared_from_this();
    if (!is_closed())
        show(direction::received, transport_name(), std::exchange(first_, {}));
    session_core::start(std::move(receiver));
    if (may_upgrade())
        start_upgrade();
}

inline bool client_session_core::may_upgrade() const {
    auto const& offered = handshake_.upgrades;
    bool const can = std::find(offered.begin(), offered.end(), "websocket") != offered.end();
    return can && options_->upgrade && options_->allows("websocket") && is_open();
}

inline void client_session_core::start_upgrade() {
    if (!peer_link().can_upgrade())
        return;
    client_upgrade::helpers help;
    help.open = [by = dialer_, sid = sid()](std::shared_ptr<net::stop_source> stop) {
        return by->open_websocket(sid, std::move(stop));
    };
    help.probed = [by = dialer_] { by->remember(true); };
    help.read = [this](transport::any_transport candidate, std::function<void()> ended) {
        auto const self = std::static_pointer_cast<client_session_core>(shared_from_this());
        launch(read_ahead(self, std::move(candidate), std::move(ended)));
    };
    help.show = [this](direction way, eio::packet const& packet) {
        show(way, "websocket", packet);
    };
    auto attempt = std::make_shared<client_upgrade>(
        owner(),
        polling_,
        options_->upgrade_timeout,
        std::move(help));
    launch(peer_link().upgrade(std::move(attempt)));
}

inline asio::awaitable<void> client_session_core::read_ahead(
    std::shared_ptr<client_session_core> self,
    transport::any_transport candidate,
    std::function<void()> ended) {
    co_await self->peer_link().read_ahead(std::move(candidate));
    ended();
}

inline void client_session_core::on_control(eio::packet const& received) {
    if (received.type != eio::packet_type::ping)
        return;
    watch_.on_ping(owner().now());
    arm();
    show_life(received.data);
}

inline void client_session_core::show_life(std::string data) {
    shown_ = owner().now();
    send_control(eio::packet_type::pong, std::move(data));
}

/// While we do not read, no ping can reach us: we show that we are alive without being asked.
inline void client_session_core::on_reading(bool reads) {
    reads_ = reads;
    watch_.on_ping(owner().now());
    if (!is_closed())
        arm();
}

/// In the words of the reference's client, whose WebSocket does not tell a reset from an end.
inline errc client_session_core::told_as(errc reason) const {
    bool const was_reset = reason == errc::transport_error && transport_name() == "websocket" &&
                           (!current() || !current().failure());
    if (was_reset)
        return errc::transport_close;
    return reason == errc::parse_error ? errc::transport_error : reason;
}

inline void client_session_core::on_timer() {
    if (reads_)
        return end(errc::ping_timeout);
    show_life();
    arm();
}

/// A WebSocket that fails is not what the next attempt begins with.
inline void client_session_core::on_end() {
    timer_.cancel();
    if (reason() == errc::transport_error)
        dialer_->remember(false);
}

}  // namespace socoro::engine
