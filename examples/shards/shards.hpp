// SPDX-License-Identifier: BSL-1.0
// Rooms whose members live on several shards of one server: what one says is heard by all.
#pragma once

#include <socoro.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <vector>

namespace shards {

using enter = socoro::event<"enter", std::size_t(std::string)>;  // gives the shard one lives on
using leave = socoro::event<"leave", std::string>;
using say = socoro::event<"say", std::string, std::string>;  // a room, and what to say
/// The shard of who said it, and what.
using said = socoro::event<"said", std::size_t, std::string>;
/// Gives how many sockets each shard has.
using census = socoro::event<"census", std::vector<std::size_t>()>;

// [shared]
/// Counts the sockets of each shard. Handlers of several shards run at once, and all of them share
/// this: so it is locked.
class registry {
public:
    /// Gives the number of the shard; the first that serves somebody is 0.
    std::size_t arrive(asio::any_io_executor const& shard) {
        std::lock_guard const lock(mutex_);
        auto const found = std::find(shards_.begin(), shards_.end(), shard);
        auto const number = static_cast<std::size_t>(found - shards_.begin());
        if (found == shards_.end()) {
            shards_.push_back(shard);
            sockets_.push_back(0);
        }
        ++sockets_[number];
        return number;
    }
    void leave(std::size_t shard) {
        std::lock_guard const lock(mutex_);
        --sockets_[shard];
    }
    [[nodiscard]] std::vector<std::size_t> sockets() const {
        std::lock_guard const lock(mutex_);
        return sockets_;
    }

private:
    mutable std::mutex mutex_;
    std::vector<asio::any_io_executor> shards_;
    std::vector<std::size_t> sockets_;
};
// [/shared]

// [handler]
inline asio::awaitable<void>
visit(socoro::server& io, std::shared_ptr<registry> all, socoro::socket socket) {
    auto const executor = co_await asio::this_coro::executor;  // that of the shard
    auto const shard = all->arrive(executor);
    auto const handlers = socoro::overloaded{
        [&](socoro::request<enter> const& asked) {
            socket.join(asked.args);
            asked.reply(shard);
        },
        [&](leave const& event) { socket.leave(std::get<0>(event)); },
        [&](socoro::request<census> const& asked) { asked.reply(all->sockets()); },
        [&](say const& event) {
            auto const& [room, text] = event;
            io.to(room).emit<said>(shard, text);  // to its members, on whatever shard they live
        }};
    std::ignore = co_await socket.serve(handlers);

    all->leave(shard);
}

/// Opens the rooms on a server of any number of shards.
inline void open(socoro::server& io) {
    auto const all = std::make_shared<registry>();
    io.on_connection([&io, all](socoro::socket socket) { return visit(io, all, socket); });
}
// [/handler]

}  // namespace shards
