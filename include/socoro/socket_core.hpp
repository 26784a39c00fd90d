// SPDX-License-Identifier: BSL-1.0
// The shared state of one socket of a server: one client in one namespace.
#pragma once

#include <socoro/channel_core.hpp>
#include <socoro/engine/session_core.hpp>
#include <socoro/handshake.hpp>
#include <socoro/namespace_core.hpp>

#include <any>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace socoro::detail {

class peer;
class packet_filter;

/// One client in one namespace. It does not know its rooms: the namespace's adapter does.
class socket_core final : public channel_core {
public:
    socket_core(
        std::string id,
        std::shared_ptr<namespace_core> nsp,
        std::weak_ptr<peer> owner,
        std::shared_ptr<engine::session_core> session,
        std::shared_ptr<net::task_group> tasks,
        std::shared_ptr<options const> opts,
        std::shared_ptr<handshake const> brought)
        : channel_core(std::move(id), nsp->owner(), std::move(tasks), std::move(opts))
        , nsp_(std::move(nsp))
        , peer_(std::move(owner))
        , session_(std::move(session))
        , handshake_(std::move(brought)) {}

    /// Ends it, and the client is told; with `close` the whole connection ends.
    void disconnect(bool close) override;
    [[nodiscard]] asio::awaitable<void> drain() override {
        settle();
        return session_->drain();
    }
    void on_taken() override { session_->resume(); }

    [[nodiscard]] std::shared_ptr<namespace_core> const& nsp() const noexcept { return nsp_; }
    [[nodiscard]] std::string const& nsp_name() const noexcept override { return nsp_->name(); }
    [[nodiscard]] std::shared_ptr<peer> owning_peer() const noexcept { return peer_.lock(); }
    [[nodiscard]] engine::session_core& session() const noexcept { return *session_; }
    [[nodiscard]] socoro::handshake const& brought() const noexcept { return *handshake_; }
    [[nodiscard]] std::any& data() noexcept { return data_; }
    [[nodiscard]] std::shared_ptr<socket_core> share() {
        return std::static_pointer_cast<socket_core>(shared_from_this());
    }

    /// The rooms it was in when it was disconnected.
    std::vector<std::string> last_rooms;
    /// Whether its handler runs.
    bool is_handled = false;
    /// What its events pass before they can be received; null if there is nothing.
    std::shared_ptr<packet_filter> filter;

private:
    engine::sent transmit(frame_list const& frames, engine::delivery how) override {
        return session_->send(frames, how);
    }
    [[nodiscard]] std::uint64_t next_ack_id() override { return nsp_->next_ack_id(); }
    void on_wait() override;
    void on_flood() override { session_->overflow(); }

    std::shared_ptr<namespace_core> nsp_;
    std::weak_ptr<peer> peer_;
    std::shared_ptr<engine::session_core> session_;
    std::shared_ptr<handshake const> handshake_;
    std::any data_;
};

inline void namespace_core::broadcast(
    frame_list&& frames,
    std::string_view event,
    broadcast_target const& target,
    bool is_volatile) {
    if (shard_->is_in_order())
        return deliver(frames, event, target, is_volatile);
    shard_->submit([self = shared_from_this(),
                    frames = std::move(frames),
                    event = std::string(event),
                    target,
                    is_volatile] { self->deliver(frames, event, target, is_volatile); });
}

inline void namespace_core::deliver(
    frame_list const& frames,
    std::string_view event,
    broadcast_target const& target,
    bool is_volatile) {
    adapter_.for_each(target, [&](socket_core& socket) {
        socket.send(frames, event, is_volatile);
    });
}

inline void namespace_core::add(std::shared_ptr<socket_core> const& socket) {
    sockets_.emplace(socket->id(), socket);
    adapter_.add(*socket);
    adapter_.join(*socket, socket->id());
}

inline void namespace_core::remove(socket_core& socket) {
    socket.last_rooms = adapter_.rooms_of(socket);
    adapter_.remove(socket);
    sockets_.erase(socket.id());
    if (on_empty && is_empty())
        on_empty();
}

}  // namespace socoro::detail
