// SPDX-License-Identifier: BSL-1.0
// The shared state of a namespace: its sockets and their rooms, its middleware and its handler.
#pragma once

#include <socoro/adapter/memory.hpp>
#include <socoro/frames.hpp>
#include <socoro/net/asio.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace socoro {

class socket;

/// Runs as long as a socket is connected; when it returns, the socket is disconnected.
using connection_handler = std::function<asio::awaitable<void>(socket)>;

/// Runs before a socket is connected; an exception refuses it.
using middleware = std::function<asio::awaitable<void>(socket&)>;

namespace detail {

class socket_core;

/// One namespace of a server. Not thread-safe; it lives on the executor of its shard.
class namespace_core {
public:
    explicit namespace_core(std::string name) : name_(std::move(name)) {}

    /// Sends the frames to every connected socket that the target names.
    void broadcast(std::span<transport::packet_ptr const> frames, broadcast_target const& target);

    /// A socket is connected: it is in the room of its own id.
    void add(std::shared_ptr<socket_core> const& socket);

    /// A socket is disconnected: it is in no room.
    void remove(socket_core& socket);

    [[nodiscard]] std::shared_ptr<socket_core> find(std::string const& id) const;

    /// Ids of acknowledgements are counted per namespace, as in the reference.
    [[nodiscard]] std::uint64_t next_ack_id() noexcept { return next_ack_id_++; }

    [[nodiscard]] std::string const& name() const noexcept { return name_; }
    [[nodiscard]] adapter::memory& adapter() noexcept { return adapter_; }
    [[nodiscard]] std::size_t size() const noexcept { return sockets_.size(); }
    [[nodiscard]] auto const& sockets() const noexcept { return sockets_; }

    /// Coroutines hold their own share of what they run, so that both may be changed meanwhile.
    std::shared_ptr<connection_handler const> handler;
    std::vector<std::shared_ptr<middleware const>> middlewares;

private:
    std::string name_;
    adapter::memory adapter_;
    std::unordered_map<std::string, std::shared_ptr<socket_core>> sockets_;
    std::uint64_t next_ack_id_ = 0;
};

inline std::shared_ptr<socket_core> namespace_core::find(std::string const& id) const {
    auto const found = sockets_.find(id);
    return found == sockets_.end() ? nullptr : found->second;
}

}  // namespace detail

}  // namespace socoro
