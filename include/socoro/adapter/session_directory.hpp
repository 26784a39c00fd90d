// SPDX-License-Identifier: BSL-1.0
// On which shard of a server each client is that may come back.
#pragma once

#include <socoro/adapter/secret_map.hpp>

#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::adapter {

/// The shards by the secrets of clients. Thread-safe.
class session_directory {
public:
    void put(std::string_view pid, std::size_t shard) {
        std::lock_guard const lock(mutex_);
        shards_.put(pid, shard);
    }
    void erase(std::string_view pid) {
        std::lock_guard const lock(mutex_);
        shards_.erase(pid);
    }
    [[nodiscard]] std::optional<std::size_t> find(std::string_view pid) {
        std::lock_guard const lock(mutex_);
        auto const* const found = shards_.find(pid);
        return found ? std::optional(*found) : std::nullopt;
    }
    [[nodiscard]] std::size_t size() {
        std::lock_guard const lock(mutex_);
        return shards_.size();
    }

private:
    std::mutex mutex_;
    secret_map<std::size_t> shards_;
};

/// An entry: it is there as long as the client may come back, wherever that is kept.
class listing {
public:
    listing(std::shared_ptr<session_directory> in, std::string pid, std::size_t shard)
        : directory_(std::move(in))
        , pid_(std::move(pid)) {
        move_to(shard);
    }
    listing(listing const&) = delete;
    listing& operator=(listing const&) = delete;
    ~listing() { directory_->erase(pid_); }

    void move_to(std::size_t shard) const { directory_->put(pid_, shard); }

private:
    std::shared_ptr<session_directory> directory_;
    std::string pid_;
};

}  // namespace socoro::adapter
