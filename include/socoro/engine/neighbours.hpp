// SPDX-License-Identifier: BSL-1.0
// The parts of one server, each on a shard of its own, as they know each other: a sid tells which of
// them has the session.
#pragma once

#include <socoro/engine/shard_name.hpp>
#include <socoro/net/shard.hpp>

#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::engine {

class server_core;

/// Never changes, so every part may look at it. Held by a `shared_ptr`.
class neighbours {
public:
    struct part {
        std::shared_ptr<net::shard> on;
        std::weak_ptr<server_core> core;
    };

    explicit neighbours(std::vector<part> parts) : parts_(std::move(parts)) {}

    /// The part that a sid names, if it is another one than that of this number; else null.
    [[nodiscard]] part const* other(std::string_view sid, std::size_t than) const {
        auto const named = shard_named_by(sid);
        return named && *named != than && *named < parts_.size() ? &parts_[*named] : nullptr;
    }

private:
    std::vector<part> const parts_;
};

}  // namespace socoro::engine
