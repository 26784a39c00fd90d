// SPDX-License-Identifier: BSL-1.0
// The shared state of one socket of a server: one client in one namespace.
#pragma once

#include <socoro/channel_core.hpp>
#include <socoro/engine/session_core.hpp>
#include <socoro/handshake.hpp>
#include <socoro/namespace_core.hpp>
#include <socoro/program_data.hpp>

#include <exception>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace socoro::detail {

class peer;
class packet_filter;

/// How a socket comes back as the one it was, if its connection breaks.
struct lineage {
    /// What the client proves with that it is the same.
    std::string pid;
    /// The newest event that was sent to it, if any was.
    adapter::event_place last_sent = {};
    /// The place of the event that is about to be sent, if it has one already.
    adapter::event_place sending = {};
    /// Whether it has come back.
    bool recovered = false;
    /// What it came back from, until it is accepted ...
    std::optional<adapter::kept_session> origin = std::nullopt;
    /// ... and the event behind which those begin that it missed.
    adapter::event_place missed_after = {};
    /// If it has moved here from another shard.
    std::optional<adapter::beginning> begun = std::nullopt;
    /// Its entry in what says where sessions are; null on a server of one shard.
    std::shared_ptr<adapter::listing> listed = nullptr;
};

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

    /// Sends an event that others receive as well, and that is kept.
    void send_placed(
        adapter::event_place const& place,
        frame_list const& frames,
        std::string_view name) {
        if (!connected())
            return;
        line->sending = place;
        send(frames, name, false);
    }

    /// Its handler has ended, with a failure or with null.
    void on_handled(std::exception_ptr const& failure);
    /// Ends it, and the client is told; with `close` the whole connection ends.
    void disconnect(bool close) override;
    /// Ends its whole connection as one that is dead: its client has another one.
    void make_way();
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
    [[nodiscard]] program_data& data() {
        if (!data_)
            data_ = std::make_shared<program_data>();
        return *data_;
    }
    /// The same, shared with the socket that its client may come back as; null if there is none.
    [[nodiscard]] std::shared_ptr<program_data> const& shared_data() const noexcept {
        return data_;
    }
    void adopt_data(std::shared_ptr<program_data> from) noexcept { data_ = std::move(from); }
    [[nodiscard]] std::shared_ptr<socket_core> share() {
        return std::static_pointer_cast<socket_core>(shared_from_this());
    }

    /// The rooms it was in when it was disconnected.
    std::vector<std::string> last_rooms;
    /// Whether its handler runs.
    bool is_handled = false;
    /// What its events pass before they can be received; null if there is nothing.
    std::shared_ptr<packet_filter> filter;
    /// How it comes back; null if it cannot.
    std::unique_ptr<lineage> line;

private:
    engine::sent transmit(frame_list const& frames, engine::delivery how) override {
        return line ? transmit_kept(frames, how) : session_->send(frames, how);
    }
    engine::sent transmit_kept(frame_list const& frames, engine::delivery how);
    void keep(frame_list const& frames, std::string_view name, std::optional<std::uint64_t> called)
        override;
    [[nodiscard]] std::uint64_t next_ack_id() override { return nsp_->next_ack_id(); }
    void on_wait() override;
    void on_flood() override { session_->overflow(); }

    std::shared_ptr<namespace_core> nsp_;
    std::weak_ptr<peer> peer_;
    std::shared_ptr<engine::session_core> session_;
    std::shared_ptr<handshake const> handshake_;
    std::shared_ptr<program_data> data_;
};

inline void namespace_core::deliver(
    frame_list const& frames,
    std::string_view event,
    broadcast_target const& target,
    bool is_volatile) {
    if (recovery_ && !is_volatile)
        return send_kept(frames, event, target);
    adapter_.for_each(target, [&](socket_core& socket) {
        socket.send(frames, event, is_volatile);
    });
}

inline void namespace_core::send_kept(
    frame_list const& frames,
    std::string_view event,
    broadcast_target const& target) {
    if (is_empty())
        return;
    auto const placed = keep_event(frames, target);
    adapter_.for_each(target, [&](socket_core& socket) {
        socket.send_placed(placed.place, placed.frames, event);
    });
}

inline void namespace_core::deliver(adapter::sent_event const& sent, std::string_view event) {
    if (is_empty())
        return;
    recovery_->keep_shared(*log_, sent);
    adapter_.for_each(sent.target, [&](socket_core& socket) {
        socket.send_placed(sent.place, sent.frames, event);
    });
}

inline void namespace_core::add(std::shared_ptr<socket_core> const& socket) {
    sockets_.emplace(socket->id(), socket);
    if (socket->line)
        by_pid_.put(socket->line->pid, socket.get());
    adapter_.add(*socket);
    adapter_.join(*socket, socket->id());
}

inline void namespace_core::remove(socket_core& socket) {
    socket.last_rooms = adapter_.rooms_of(socket);
    adapter_.remove(socket);
    sockets_.erase(socket.id());
    if (socket.line)
        by_pid_.erase(socket.line->pid);
    end_if_empty();
}

inline void namespace_core::on_join(socket_core& member, std::string_view room, bool is_first) {
    auto const tell = [&](bool created) {
        if (created)
            report(room_change::created, room);
        report(room_change::joined, room, member.id());
    };
    auto const& shards = whole_->shards();
    if (shards.size() == 1)
        return tell(is_first);
    shards.rooms().on_join(name(), room, is_first, tell);
}

inline void namespace_core::on_leave(socket_core& member, std::string_view room, bool is_last) {
    auto const& shards = whole_->shards();
    auto const tell = [&](bool deleted) {
        report(room_change::left, room, member.id());
        if (deleted)
            report(room_change::deleted, room);
    };
    if (shards.size() == 1)
        return tell(is_last);
    shards.rooms().on_leave(name(), room, is_last, tell);
}

inline engine::sent socket_core::transmit_kept(frame_list const& frames, engine::delivery how) {
    // What has no topic is no event, but a request or a reply.
    if (how.topic == 0 || how.is_volatile)
        return session_->send(frames, how);
    // The hook that sees packets may send as well: by then everything is in order.
    line->last_sent = std::exchange(line->sending, {});
    if (line->last_sent)
        return session_->send(frames, how);
    auto const own = nsp_->keep_event(frames, {{id()}, {}});
    line->last_sent = own.place;
    return session_->send(own.frames, how);
}

/// What is emitted to a client that may come back is for whoever it comes back as.
inline void socket_core::keep(
    frame_list const& frames,
    std::string_view name,
    std::optional<std::uint64_t> called) {
    if (!line || called || !reason() || !is_recoverable(*reason()))
        return;
    broadcast_target const itself{{id()}, {}};
    // It may be on another shard by now.
    if (nsp_->whole()->shards().order())
        nsp_->whole()->send_in_order(frames, name, itself);
    else
        nsp_->send_kept(frames, name, itself);
}

}  // namespace socoro::detail
