// SPDX-License-Identifier: BSL-1.0
// A Socket.IO socket as its handler sees it: events in, events out, rooms, data.
#pragma once

#include <socoro/broadcast.hpp>
#include <socoro/channel.hpp>
#include <socoro/socket_core.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro {

/// One client in one namespace: a handle, cheap to copy, that stays valid after the disconnect.
/// After it, sending does nothing, while `broadcast`, `to` and `rooms` go on to work, so that a
/// handler can say goodbye.
///
/// Any thread may copy it, use what it gives to send (`emit`, `send`, `to`, `broadcast`,
/// `volatile_`, `compress`) and `disconnect`; everything else is used on the server's executor.
template <typename Executor, typename Contract>
class basic_socket : public channel<detail::socket_core, Executor, Contract> {
    using base = channel<detail::socket_core, Executor, Contract>;
    using base::core_;

public:
    using broadcast_type = basic_broadcast<Executor, Contract>;
    using typename base::duration;

    explicit basic_socket(std::shared_ptr<detail::socket_core> core) : base(std::move(core)) {}

    /// The same socket under another contract, of which nothing is checked but what the compiler
    /// sees; or for `asio::any_io_executor`, where functions take a `socoro::socket` to send.
    template <typename From, typename Other>
    requires(detail::becomes<From, Other, Executor, Contract>)
        basic_socket(basic_socket<From, Other> const& other)  // NOLINT(google-explicit-constructor)
        : base(other.core_) {
        base::timeout_ = other.timeout_;
        base::is_volatile_ = other.is_volatile_;
        base::compress_ = other.compress_;
    }

    /// What the client brought: headers, cookies, query, `auth`, address.
    [[nodiscard]] socoro::handshake const& handshake() const noexcept { return core_->brought(); }

    /// The name of the transport: `polling` or `websocket`, as it is now.
    [[nodiscard]] std::string_view transport() const { return core_->session().transport_name(); }

    /// Whether the client came back: it has the id, the rooms and the data that it had before its
    /// connection broke, and what was emitted to it meanwhile was sent to it. The handler runs
    /// anew. Always false unless `options::connection_state_recovery` is enabled.
    [[nodiscard]] bool recovered() const noexcept { return core_->line && core_->line->recovered; }

    // -------------------------------------------------------------------------------- sending

    /// A handle of the same socket whose `call` gives up after this time.
    [[nodiscard]] basic_socket timeout(duration within) const {
        auto limited = *this;
        limited.timeout_ = within;
        return limited;
    }

    /// A handle of the same socket whose events are dropped unless they can leave at once: for
    /// what is soon outdated, such as positions in a game.
    [[nodiscard]] basic_socket volatile_() const {
        auto careless = *this;
        careless.is_volatile_ = true;
        return careless;
    }

    /// A handle of the same socket whose events are compressed or not, where the connection can do
    /// that: not is for what is compressed already, pictures for example, or secret.
    [[nodiscard]] basic_socket compress(bool wanted) const {
        auto as_wanted = *this;
        as_wanted.compress_ = wanted;
        return as_wanted;
    }

    /// To everybody in the namespace but this socket.
    [[nodiscard]] broadcast_type broadcast() const {
        auto others = broadcast_type(core_->nsp()->whole()).except(base::id());
        if (!base::compress_)
            others = others.compress(false);
        if (base::is_volatile_)
            others = others.volatile_();
        return base::timeout_ ? others.timeout(*base::timeout_) : others;
    }

    /// To the sockets in a room, but not to this one.
    [[nodiscard]] broadcast_type to(std::string room) const {
        return broadcast().to(std::move(room));
    }

    /// The same as `to`.
    [[nodiscard]] broadcast_type in(std::string room) const { return to(std::move(room)); }

    /// To everybody but this socket and those in the room.
    [[nodiscard]] broadcast_type except(std::string room) const {
        return broadcast().except(std::move(room));
    }

    /// To everybody of this shard but this socket: see `basic_broadcast::local`.
    [[nodiscard]] broadcast_type local() const { return broadcast().local(); }

    // ----------------------------------------------------------------------- rooms, data, end

    /// Enters a room, which comes into being if it is not there. Nothing after the disconnect.
    void join(std::string_view room) const { core_->nsp()->adapter().join(*core_, room); }

    /// Leaves a room.
    void leave(std::string_view room) const { core_->nsp()->adapter().leave(*core_, room); }

    /// The rooms it is in, that of its own id among them; after the disconnect those it was in.
    [[nodiscard]] std::vector<std::string> rooms() const {
        return core_->reason() ? core_->last_rooms : core_->nsp()->adapter().rooms_of(*core_);
    }

    /// The program's own data of this socket: a `T` that is default-constructed at first use and
    /// lives as long as any handle of the socket, so it should not hold one. `T` is copyable. A
    /// socket that comes back (`recovered`) has the very same object.
    /// Throws `std::bad_any_cast` if it was used with another type before.
    template <typename T>
    [[nodiscard]] T& data() const {
        return core_->data().template get<T>();
    }

    /// Disconnects from the namespace, with the reason `server namespace disconnect`; with
    /// `close` all sockets of this client and its connection as well. What was sent before is
    /// still delivered. Safe from any thread, in the order of each thread's calls. On the
    /// executor of the server, those who wait for the socket are resumed before this returns.
    void disconnect(bool close = false) const {
        core_->owner().execute([core = core_, close] { core->disconnect(close); });
    }

private:
    template <typename, typename>
    friend class basic_socket;
};

}  // namespace socoro
