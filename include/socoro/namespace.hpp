// SPDX-License-Identifier: BSL-1.0
// A namespace as the program sees it: who may connect, what happens then, and sending to all.
#pragma once

#include <socoro/broadcast.hpp>
#include <socoro/socket.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro {

/// One namespace of a server: a handle, cheap to copy. Used on the server's executor.
class nsp {
public:
    explicit nsp(std::shared_ptr<detail::namespace_core> core) : core_(std::move(core)) {}

    [[nodiscard]] std::string const& name() const noexcept { return core_->name(); }

    /// Starts `handler(socket)` for each socket that connects from now on, and keeps it as long as
    /// it runs. When it returns, the socket is disconnected; an exception other than the
    /// disconnect of its own socket is reported to the hook, and ends that socket alone.
    template <typename Handler>
    nsp const& on_connection(Handler handler) const {
        static_assert(
            std::is_invocable_r_v<asio::awaitable<void>, Handler&, socket>,
            "socoro: a connection handler is asio::awaitable<void>(socoro::socket)");
        core_->handler = std::make_shared<connection_handler const>(std::move(handler));
        return *this;
    }

    /// Runs `step(socket)` before a socket is connected, after the steps added earlier. It may
    /// wait, set data, join rooms and look at the handshake. An exception refuses the socket: a
    /// `refused` with its message and data, another with its message.
    template <typename Middleware>
    nsp const& use(Middleware step) const {
        static_assert(
            std::is_invocable_r_v<asio::awaitable<void>, Middleware&, socket&>,
            "socoro: a middleware is asio::awaitable<void>(socoro::socket&)");
        core_->middlewares.push_back(std::make_shared<middleware const>(std::move(step)));
        return *this;
    }

    /// Sends an event to every socket of the namespace; the forms of `socket::emit`.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        everyone().emit(event);
    }
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        everyone().template emit<E>(std::forward<Args>(args)...);
    }
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        everyone().emit(name, args...);
    }

    /// To the sockets in a room.
    [[nodiscard]] broadcast_operator to(std::string room) const {
        return everyone().to(std::move(room));
    }
    /// The same as `to`.
    [[nodiscard]] broadcast_operator in(std::string room) const { return to(std::move(room)); }
    /// To everybody who is not in the room.
    [[nodiscard]] broadcast_operator except(std::string room) const {
        return everyone().except(std::move(room));
    }

    /// The socket with this id, if it is connected.
    [[nodiscard]] std::optional<socket> find(std::string const& id) const {
        auto found = core_->find(id);
        return found ? std::optional<socket>(std::move(found)) : std::nullopt;
    }

    /// Every connected socket, or those in a room.
    [[nodiscard]] std::vector<socket> sockets() const {
        std::vector<socket> all;
        for (auto const& [id, core] : core_->sockets())
            all.emplace_back(core);
        return all;
    }
    [[nodiscard]] std::vector<socket> sockets(std::string_view room) const {
        std::vector<socket> members;
        for (auto* const member : core_->adapter().members_of(room))
            if (member->connected())
                members.emplace_back(member->shared_from_this());
        return members;
    }

    /// How many sockets are connected.
    [[nodiscard]] std::size_t size() const noexcept { return core_->size(); }

private:
    [[nodiscard]] broadcast_operator everyone() const { return broadcast_operator(core_); }

    std::shared_ptr<detail::namespace_core> core_;
};

}  // namespace socoro
