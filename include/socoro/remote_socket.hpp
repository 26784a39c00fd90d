// SPDX-License-Identifier: BSL-1.0
// A socket that may be on another shard, or another server: a copy of what is known about it, and
// what can be done with it from here.
#pragma once

#include <socoro/contract.hpp>
#include <socoro/namespace_requests.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro {

/// A socket as `fetch_sockets` found it. What it shows is a copy of then; what it does is done where
/// the socket is, if it is still there. Any thread may use it.
template <typename Executor, typename Contract>
class basic_remote_socket : public socket_details {
public:
    using duration = std::chrono::steady_clock::duration;

    basic_remote_socket(std::shared_ptr<detail::namespace_ref const> nsp, socket_details&& known)
        : socket_details(std::move(known))
        , nsp_(std::move(nsp)) {}

    /// Sends an event to it; the forms of `socket::emit`.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        itself().emit(event);
    }
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        itself().template emit<E>(std::forward<Args>(args)...);
    }
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        itself().emit(name, args...);
    }

    /// Calls it: gives an awaitable for `replies<R>` with one reply or, if it has left or does not
    /// reply in time, with none. See `basic_broadcast::call`.
    template <typename E, typename... Args>
    [[nodiscard]] auto call(Args&&... args) const {
        return itself().template call<E>(std::forward<Args>(args)...);
    }

    /// To it alone; `call` waits no longer than this.
    [[nodiscard]] basic_broadcast<Executor, Contract> timeout(duration within) const {
        return itself().timeout(within);
    }

    /// Makes it enter a room, or several.
    void join(room_names several) const { itself().sockets_join(std::move(several)); }

    /// Makes it leave a room, or several.
    void leave(room_names several) const { itself().sockets_leave(std::move(several)); }

    /// Disconnects it; with `close` its whole client.
    void disconnect(bool close = false) const { itself().disconnect_sockets(close); }

private:
    [[nodiscard]] basic_broadcast<Executor, Contract> itself() const;

    std::shared_ptr<detail::namespace_ref const> nsp_;
};

namespace detail {

template <typename Executor, typename Contract>
[[nodiscard]] asio::awaitable<std::vector<basic_remote_socket<Executor, Contract>>, Executor>
await_sockets(
    std::shared_ptr<fetched_sockets> all,
    std::shared_ptr<namespace_ref const> nsp,
    std::optional<net::time_point> deadline) {
    auto got = co_await gather<Executor>(all, deadline);
    if (!got.is_known)
        throw std::system_error(make_error_code(errc::timeout));
    std::vector<basic_remote_socket<Executor, Contract>> sockets;
    for (auto& each : got.sockets)
        sockets.emplace_back(nsp, std::move(each));
    co_return sockets;
}

}  // namespace detail

}  // namespace socoro
