// SPDX-License-Identifier: BSL-1.0
// A namespace of a server, on all of its shards: what its handles hold, and how its events reach
// everybody. On each shard a `namespace_core` has the sockets that live there.
#pragma once

#include <socoro/adapter/message.hpp>
#include <socoro/frames.hpp>
#include <socoro/server_shards.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::detail {

class fetched_sockets;
class gathering;
class group_guard;
class namespace_core;
class server_side_call;

/// One namespace, by its name. Immutable; any thread may use it.
class namespace_ref {
public:
    /// `parser` is null for JSON.
    namespace_ref(
        std::shared_ptr<server_shards const> on,
        std::string name,
        std::shared_ptr<sio::parser const> parser)
        : shards_(std::move(on))
        , name_(std::move(name))
        , parser_(std::move(parser)) {}

    [[nodiscard]] std::string const& name() const noexcept { return name_; }
    [[nodiscard]] server_shards const& shards() const noexcept { return *shards_; }

    /// The frames of an event in this namespace, or of a request with this id.
    [[nodiscard]] frame_list make_frames(std::optional<std::uint64_t> id, encoded_event&& event)
        const {
        return detail::make_frames(parser_.get(), {.nsp = name_, .id = id}, std::move(event));
    }

    /// Sends an event to every connected socket that is selected, in the order of the caller's
    /// thread. All shards share its frames. With `is_local`, only to those of the caller's shard.
    void broadcast(encoded_event&& event, adapter::selection const& whom, bool is_local) const;

    /// The same for frames of the event `event`, to this server only.
    void spread(
        frame_list&& frames,
        std::string_view event,
        adapter::selection const& whom,
        bool is_local) const;

    /// As `broadcast`, and asks for replies; the guard ends the wait for them.
    [[nodiscard]] group_guard
    ask(encoded_event&& event, adapter::selection const& whom, bool is_local) const;

    /// Has `what` done with the sockets that it selects, in the order of the caller's thread:
    /// `sockets_join`, `sockets_leave` or `disconnect_sockets`.
    template <typename Order>
    void order(Order what, bool is_local) const;

    /// Asks which sockets there are.
    [[nodiscard]] std::shared_ptr<fetched_sockets> fetch(
        adapter::selection const& whom,
        bool is_local) const;

    /// Sends an event to the other nodes.
    void server_side_emit(encoded_event&& event) const;

    /// The same, and asks for their answers.
    [[nodiscard]] std::shared_ptr<server_side_call> server_side_ask(encoded_event&& event) const;

    /// Until when answers to what was asked now are waited for; unless told otherwise, without end
    /// where only this server is asked.
    [[nodiscard]] std::optional<net::time_point> deadline(
        gathering const& of,
        std::optional<net::duration> within) const;

    /// Sends the frames of an event that is kept for clients that may come back to all of several
    /// shards, in the order of the caller's thread: see `event_order`.
    void send_in_order(
        frame_list const& frames,
        std::string_view event,
        broadcast_target const& target) const;

    /// The part on the shard that the caller runs on; null if the namespace is not there.
    [[nodiscard]] std::shared_ptr<namespace_core> here() const;

private:
    std::shared_ptr<server_shards const> shards_;
    std::string name_;
    std::shared_ptr<sio::parser const> parser_;
};

}  // namespace socoro::detail
