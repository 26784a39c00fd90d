// SPDX-License-Identifier: BSL-1.0
// Which rooms are there on any shard of a server, so that a room is told to come into being once,
// however many shards have somebody in it.
#pragma once

#include <socoro/base/config.hpp>

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::detail {

/// Counts the shards that have a room. Thread-safe: what is told about rooms is told by one thread
/// at a time, in the order in which it is counted.
class room_census {
public:
    /// Somebody has joined, as the first on its shard or not. Calls `tell(created)`, which may cause
    /// more of this.
    template <typename Tell>
    void on_join(std::string_view nsp, std::string_view room, bool is_first_here, Tell tell) {
        std::lock_guard const lock(mutex_);
        tell(is_first_here && ++shards_with_[key(nsp, room)] == 1);
    }

    /// Somebody has left, as the last on its shard or not. Calls `tell(deleted)`, as above.
    template <typename Tell>
    void on_leave(std::string_view nsp, std::string_view room, bool is_last_here, Tell tell) {
        std::lock_guard const lock(mutex_);
        tell(is_last_here && uncount(nsp, room));
    }

private:
    using name = std::pair<std::string, std::string>;

    [[nodiscard]] static name key(std::string_view nsp, std::string_view room) {
        return {std::string(nsp), std::string(room)};
    }
    [[nodiscard]] bool uncount(std::string_view nsp, std::string_view room) {
        auto const found = shards_with_.find(key(nsp, room));
        if (--found->second > 0)
            return false;
        shards_with_.erase(found);
        return true;
    }

    // A hook that is called may join rooms.
    std::recursive_mutex mutex_;
    std::map<name, std::size_t> shards_with_;
};

}  // namespace socoro::detail
