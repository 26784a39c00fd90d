// SPDX-License-Identifier: BSL-1.0
// The streams that a server has accepted, whoever uses them by now: an HTTP connection, or what
// has taken over from it and perhaps lingers after its end.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/net/http_neighbours.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/stream.hpp>

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::net {

/// Knows each stream until nobody holds a share of it any more: then nothing runs that reads or
/// writes it. Held by a `shared_ptr`, but streams may outlive it. Not thread-safe; it lives on
/// the executor of its shard.
class open_streams : public std::enable_shared_from_this<open_streams> {
public:
    explicit open_streams(std::shared_ptr<shard> owner)
        : shard_(std::move(owner))
        , gone_(*shard_) {}
    open_streams(open_streams const&) = delete;
    open_streams& operator=(open_streams const&) = delete;

    /// Gives the stream back: it counts as long as there is a share of what this returns, and so
    /// long its `place` among those of several shards is taken, if it has one.
    [[nodiscard]] std::shared_ptr<stream> add(
        std::shared_ptr<stream> opened,
        std::optional<http_neighbours::place> taken = std::nullopt);

    /// Ends all of them; whoever uses them sees an error.
    void close_all();

    [[nodiscard]] bool empty() const noexcept { return leases_.empty(); }
    /// How many there are.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

    /// Waits until there are none. Gives no error, `errc::timeout` at the deadline, or
    /// `operation_aborted` when cancelled. This lives as long as the wait.
    [[nodiscard]] asio::awaitable<std::error_code> wait(
        std::optional<time_point> deadline = std::nullopt) {
        return wait_for(shared_from_this(), deadline);
    }

private:
    using hook = boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

    struct lease : hook, std::enable_shared_from_this<lease> {
        lease(
            std::weak_ptr<open_streams> in,
            std::shared_ptr<stream> of,
            std::optional<http_neighbours::place> taken)
            : registry(std::move(in))
            , opened(std::move(of))
            , place(std::move(taken)) {}
        lease(lease const&) = delete;
        lease& operator=(lease const&) = delete;
        ~lease();

        std::weak_ptr<open_streams> registry;
        std::shared_ptr<stream> opened;
        std::optional<http_neighbours::place> place;
    };

    [[nodiscard]] static asio::awaitable<std::error_code> wait_for(
        std::shared_ptr<open_streams> self,
        std::optional<time_point> deadline);

    std::shared_ptr<shard> shard_;
    boost::intrusive::list<lease, boost::intrusive::constant_time_size<false>> leases_;
    signal gone_;
    std::size_t size_ = 0;
};

inline std::shared_ptr<stream> open_streams::add(
    std::shared_ptr<stream> opened,
    std::optional<http_neighbours::place> taken) {
    auto const made =
        std::make_shared<lease>(weak_from_this(), std::move(opened), std::move(taken));
    leases_.push_back(*made);
    ++size_;
    return {made, made->opened.get()};
}

/// Whoever lets go of a stream is in the middle of something: nobody is resumed from here.
inline open_streams::lease::~lease() {
    opened.reset();
    hook::unlink();
    auto const kept = registry.lock();
    if (kept)
        --kept->size_;
    if (kept && kept->empty() && kept->gone_.has_waiters())
        kept->shard_->defer([kept] { kept->gone_.notify_all(); });
}

inline void open_streams::close_all() {
    // A stream may tell its user at once, who may let go of others.
    std::vector<std::shared_ptr<lease>> now;
    for (auto& each : leases_)
        now.push_back(each.shared_from_this());
    for (auto const& each : now)
        each->opened->close();
}

inline asio::awaitable<std::error_code> open_streams::wait_for(
    std::shared_ptr<open_streams> self,
    std::optional<time_point> deadline) {
    while (!self->empty()) {
        auto const ec = co_await self->gone_.wait(deadline);
        if (ec)
            co_return ec;
    }
    co_return std::error_code();
}

}  // namespace socoro::net
