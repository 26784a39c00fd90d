// SPDX-License-Identifier: BSL-1.0
// Whether a connection is read on, as the inboxes of its sockets want it. Both ends decide alike.
#pragma once

#include <socoro/channel_core.hpp>

#include <algorithm>

namespace socoro::detail {

/// Whether the inbox of one of these sockets, values of a map, is full.
template <typename Sockets>
[[nodiscard]] bool has_full_inbox(Sockets const& sockets) {
    return std::any_of(sockets.begin(), sockets.end(), [](auto const& entry) {
        return entry.second->inbox().is_full();
    });
}

/// Whether somebody waits for what only reading can bring.
template <typename Sockets>
[[nodiscard]] bool is_awaited(Sockets const& sockets) {
    return std::any_of(sockets.begin(), sockets.end(), [](auto const& entry) {
        return entry.second->is_awaiting();
    });
}

}  // namespace socoro::detail
