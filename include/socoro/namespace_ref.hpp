// SPDX-License-Identifier: BSL-1.0
// A namespace of a server, on all of its shards: what its handles hold, and how its events reach
// everybody. On each shard a `namespace_core` has the sockets that live there.
#pragma once

#include <socoro/adapter/memory.hpp>
#include <socoro/frames.hpp>
#include <socoro/server_shards.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::detail {

class namespace_core;

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

    /// Sends the frames of the event `event` to every connected socket that the target names, in
    /// the order of the caller's thread. All shards share the frames.
    void broadcast(
        frame_list&& frames,
        std::string_view event,
        broadcast_target const& target,
        bool is_volatile) const;

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
