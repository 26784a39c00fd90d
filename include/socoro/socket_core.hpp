// SPDX-License-Identifier: BSL-1.0
// The shared state of one Socket.IO socket: one client in one namespace.
#pragma once

#include <socoro/ack.hpp>
#include <socoro/engine/session_core.hpp>
#include <socoro/frames.hpp>
#include <socoro/handshake.hpp>
#include <socoro/inbox.hpp>
#include <socoro/namespace_core.hpp>
#include <socoro/options.hpp>
#include <socoro/sio/ack_table.hpp>

#include <any>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

class peer;

/// One client in one namespace. It does not know its rooms: the namespace's adapter does.
class socket_core : public std::enable_shared_from_this<socket_core> {
public:
    socket_core(
        std::string id,
        std::shared_ptr<namespace_core> nsp,
        std::weak_ptr<peer> owner,
        std::shared_ptr<engine::session_core> session,
        std::shared_ptr<options const> opts,
        std::shared_ptr<handshake const> brought)
        : id_(std::move(id))
        , nsp_(std::move(nsp))
        , peer_(std::move(owner))
        , session_(std::move(session))
        , options_(std::move(opts))
        , handshake_(std::move(brought))
        , inbox_(session_->owner(), options_->inbox_events, options_->inbox_bytes) {}

    /// Sends an event, with an id if it asks for a reply. Ignored unless connected.
    void emit(encoded_event&& event, std::optional<std::uint64_t> id = std::nullopt) {
        emit_packet(sio::packet_type::event, id, std::move(event));
    }

    /// Sends frames that others receive as well. Ignored unless connected.
    void send(std::span<transport::packet_ptr const> frames) {
        if (connected_)
            session_->send(frames);
    }

    /// Sends a request; the guard ends the wait for the reply.
    [[nodiscard]] call_guard call(encoded_event&& event);

    void on_event(sio::packet&& packet, std::size_t size);
    void on_ack(sio::packet&& packet);

    /// The socket may be used: it answers and receives.
    void on_connect() { connected_ = true; }

    /// The socket is disconnected: everybody who waits is told why. Only the first call counts.
    void on_close(errc reason);

    /// The sender of the reply to the request with this id.
    [[nodiscard]] replier reply_to(std::optional<std::uint64_t> id);

    void report_invalid(std::string_view event, misfit const& why) const;

    /// Whether somebody waits for what only reading can bring.
    [[nodiscard]] bool is_awaiting() const { return inbox_.has_waiters() || !calls_.empty(); }

    /// Another event was taken out of the inbox.
    void on_taken() { session_->resume(); }

    /// Somebody is about to wait: the session may read on, whatever fills the inboxes.
    void on_wait();

    [[nodiscard]] std::string const& id() const noexcept { return id_; }
    [[nodiscard]] std::shared_ptr<namespace_core> const& nsp() const noexcept { return nsp_; }
    [[nodiscard]] std::shared_ptr<peer> owner() const noexcept { return peer_.lock(); }
    [[nodiscard]] engine::session_core& session() const noexcept { return *session_; }
    [[nodiscard]] socoro::handshake const& brought() const noexcept { return *handshake_; }
    [[nodiscard]] detail::inbox& inbox() noexcept { return inbox_; }
    [[nodiscard]] std::any& data() noexcept { return data_; }
    [[nodiscard]] bool connected() const noexcept { return connected_; }
    [[nodiscard]] std::optional<errc> reason() const noexcept { return reason_; }

    /// The rooms it was in when it was disconnected.
    std::vector<std::string> last_rooms;

private:
    void
    emit_packet(sio::packet_type type, std::optional<std::uint64_t> id, encoded_event&& content);

    std::string id_;
    std::shared_ptr<namespace_core> nsp_;
    std::weak_ptr<peer> peer_;
    std::shared_ptr<engine::session_core> session_;
    std::shared_ptr<options const> options_;
    std::shared_ptr<handshake const> handshake_;
    detail::inbox inbox_;
    sio::ack_table<std::shared_ptr<pending_call>> calls_;
    std::any data_;
    bool connected_ = false;
    std::optional<errc> reason_;
    std::size_t dropped_ = 0;
};

inline void socket_core::emit_packet(
    sio::packet_type type,
    std::optional<std::uint64_t> id,
    encoded_event&& content) {
    if (!connected_)
        return;
    sio::header header;
    header.type = type;
    header.nsp = nsp_->name();
    header.id = id;
    auto const frames = make_frames(header, std::move(content));
    session_->send(frames);
}

inline call_guard socket_core::call(encoded_event&& event) {
    auto const pending = std::make_shared<pending_call>(session_->owner());
    if (!connected_) {
        pending->why = make_error_code(reason_.value_or(errc::transport_close));
        return {pending, [] {}};
    }
    auto const id = nsp_->next_ack_id();
    calls_.add(id, pending);
    emit(std::move(event), id);
    on_wait();
    return {pending, [weak = weak_from_this(), id] {
                if (auto const self = weak.lock())
                    std::ignore = self->calls_.take(id);
            }};
}

inline void socket_core::on_ack(sio::packet&& packet) {
    if (!packet.id)
        return;
    if (auto const pending = calls_.take(*packet.id))
        (*pending)->answer(std::move(packet));
}

inline void socket_core::on_event(sio::packet&& packet, std::size_t size) {
    if (!connected_ || !packet.data)
        return;
    incoming event;
    event.list = std::move(packet.data->as_array());
    // The reference takes a number as a name, too: it is then the name's text.
    auto const& name = event.list.front();
    if (name.is_string())
        event.name = name.get_string();
    else
        sio::append_json(event.name, name);
    event.attachments = std::move(packet.attachments);
    event.id = packet.id;
    event.size = size + sizeof(incoming);
    auto const keep = shared_from_this();
    for (auto const& dropped : inbox_.push(std::move(event)))
        notify(options_->hooks.dropped, dropped_event{id_, dropped, errc::inbox_full, ++dropped_});
}

inline void socket_core::on_close(errc reason) {
    if (reason_)
        return;
    reason_ = reason;
    connected_ = false;
    auto const keep = shared_from_this();
    for (auto const& pending : calls_.take_all())
        pending->fail(reason);
    inbox_.notify();
}

inline replier socket_core::reply_to(std::optional<std::uint64_t> id) {
    if (!id)
        return {};
    return replier([weak = weak_from_this(), id](encoded_event&& content) {
        if (auto const self = weak.lock())
            self->emit_packet(sio::packet_type::ack, id, std::move(content));
    });
}

inline void socket_core::report_invalid(std::string_view event, misfit const& why) const {
    notify(options_->hooks.invalid, invalid_payload{id_, event, why.where, why.expected});
}

inline void namespace_core::broadcast(
    std::span<transport::packet_ptr const> frames,
    broadcast_target const& target) {
    adapter_.for_each(target, [&](socket_core& socket) { socket.send(frames); });
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
}

}  // namespace socoro::detail
