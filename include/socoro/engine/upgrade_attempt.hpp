// SPDX-License-Identifier: BSL-1.0
// One try to go on over another transport, as the link of a session sees it. How the two ends agree
// on it differs: server_upgrade.hpp, client_upgrade.hpp.
#pragma once

#include <socoro/transport/any_transport.hpp>

namespace socoro::engine {

/// An upgrade under way. Not thread-safe; it lives on the executor of its shard.
class upgrade_attempt {
public:
    upgrade_attempt() = default;
    upgrade_attempt(upgrade_attempt const&) = delete;
    upgrade_attempt& operator=(upgrade_attempt const&) = delete;
    virtual ~upgrade_attempt() = default;

    /// Waits until the session may go on over another transport, and gives that; none if the
    /// attempt has been given up, which leaves everything as it was.
    [[nodiscard]] virtual asio::awaitable<transport::any_transport> run() = 0;

    /// Whether it has had the link read over the transport that it gives.
    [[nodiscard]] virtual bool reads_ahead() const noexcept { return false; }

    /// Gives up.
    virtual void abandon() = 0;
    [[nodiscard]] virtual bool is_abandoned() const noexcept = 0;
};

}  // namespace socoro::engine
