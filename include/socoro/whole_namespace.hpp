// SPDX-License-Identifier: BSL-1.0
// What a handle of a namespace can do with all its sockets at once, and with the servers that have
// it: on every shard, and beyond.
#pragma once

#include <socoro/broadcast.hpp>
#include <socoro/server_side.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

/// The part of a handle that is about all nodes. `Derived` has `whole()`, which gives the namespace.
/// Any thread may use it.
template <typename Derived, typename Executor>
class whole_namespace {
public:
    /// To the sockets of this node only: see `basic_broadcast::local`.
    [[nodiscard]] basic_broadcast<Executor> local() const { return everyone().local(); }

    /// Who is connected: see `basic_broadcast::fetch_sockets`.
    [[nodiscard]] asio::awaitable<std::vector<basic_remote_socket<Executor>>, Executor>
    fetch_sockets() const {
        return everyone().fetch_sockets();
    }

    /// Makes every socket enter a room, or several.
    void sockets_join(room_names rooms) const { everyone().sockets_join(std::move(rooms)); }

    /// Makes every socket leave a room, or several.
    void sockets_leave(room_names rooms) const { everyone().sockets_leave(std::move(rooms)); }

    /// Disconnects every socket: see `basic_broadcast::disconnect_sockets`.
    void disconnect_sockets(bool close = false) const { everyone().disconnect_sockets(close); }

    /// Sends an event to the other nodes, where `on_server_side` receives it: the other shards of
    /// this server, and other servers if there is an `options::adapter`. Who runs on no shard
    /// counts as being on the first.
    template <maybe_event E>
    void server_side_emit(E const& event) const {
        whole()->server_side_emit(server_side_event(encode_event(event)));
    }
    template <typename E, typename... Args>
    void server_side_emit(Args&&... args) const {
        server_side_emit(make_event<E>(std::forward<Args>(args)...));
    }
    /// The same under a name that is known at run time only. Throws `std::system_error` with
    /// `errc::reserved_event` for `connect`, `connection` and `new_namespace`.
    template <typename... Args>
    void server_side_emit(std::string_view name, Args const&... args) const {
        whole()->server_side_emit(server_side_event(encode_named(name, args...)));
    }

    /// Asks the other nodes: gives an awaitable for their answers, `replies<R>`. It waits until each
    /// has answered, or cannot, but with an `options::adapter` no longer than `requests_timeout`;
    /// then it gives what came, and never throws. It may be awaited on any executor.
    template <typename E, typename... Args>
    [[nodiscard]] auto server_side_call(Args&&... args) const {
        static_assert(check_call<E>());
        auto const event = make_event<E>(std::forward<Args>(args)...);
        auto const nsp = whole();
        auto call = nsp->server_side_ask(server_side_event(encode_event(event)));
        auto const until = nsp->deadline(*call, std::nullopt);
        return await_server_replies<Executor, reply_of_t<E>>(std::move(call), until);
    }

private:
    [[nodiscard]] std::shared_ptr<namespace_ref const> whole() const {
        return static_cast<Derived const&>(*this).whole();
    }
    [[nodiscard]] basic_broadcast<Executor> everyone() const {
        return basic_broadcast<Executor>(whole());
    }
    [[nodiscard]] static encoded_event server_side_event(encoded_event&& event) {
        refuse_reserved_server_side(event.name);
        return std::move(event);
    }
};

}  // namespace socoro::detail
