// SPDX-License-Identifier: BSL-1.0
// Sending one event to many sockets of a namespace; it is encoded once.
#pragma once

#include <socoro/socket_core.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace socoro {

/// Whom to send to: `io.to("a").to("b").except("c").emit(event)`. A value: each step gives a new
/// one, which may be kept and used again. Used on the server's executor.
class broadcast_operator {
public:
    explicit broadcast_operator(
        std::shared_ptr<detail::namespace_core> nsp,
        broadcast_target target = {})
        : nsp_(std::move(nsp))
        , target_(std::move(target)) {}

    /// Also to the sockets in this room. Without any room it goes to everybody.
    [[nodiscard]] broadcast_operator to(std::string room) const {
        auto next = *this;
        next.target_.rooms.push_back(std::move(room));
        return next;
    }

    /// The same as `to`.
    [[nodiscard]] broadcast_operator in(std::string room) const { return to(std::move(room)); }

    /// But not to the sockets in this room.
    [[nodiscard]] broadcast_operator except(std::string room) const {
        auto next = *this;
        next.target_.except.push_back(std::move(room));
        return next;
    }

    /// Sends an event.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        send(detail::encode_event(event));
    }

    /// Sends an event made of these arguments.
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        send(detail::encode_event(detail::make_event<E>(std::forward<Args>(args)...)));
    }

    /// Sends an event whose name is known at run time only. Throws `std::system_error` with
    /// `errc::reserved_event` for a name that the protocol keeps for itself.
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        send(detail::encode_untyped(name, args...));
    }

    /// Sends on an event that was received, under the name that it has now.
    void emit(any_event const& event) const { send(detail::encode_event(event)); }

private:
    void send(detail::encoded_event&& event) const {
        sio::header header;
        header.nsp = nsp_->name();
        auto const frames = detail::make_frames(header, std::move(event));
        nsp_->broadcast(frames, target_);
    }

    std::shared_ptr<detail::namespace_core> nsp_;
    broadcast_target target_;
};

}  // namespace socoro
