// SPDX-License-Identifier: BSL-1.0
// A shard: one serial executor and everything that lives on it. It owns the clock, knows every
// coroutine that waits for one of our own signals, and collects work for the end of a turn.
#pragma once

#include <socoro/net/clock.hpp>

#include <boost/intrusive/list.hpp>

#include <memory>
#include <mutex>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::net {

namespace detail {

namespace intrusive = boost::intrusive;
struct by_shard;
struct by_signal;
template <typename Tag>
using unlinking_hook =
    intrusive::list_base_hook<intrusive::tag<Tag>, intrusive::link_mode<intrusive::auto_unlink>>;

/// A suspended coroutine (or any completion handler) that waits for a signal.
class waiter : public unlinking_hook<by_shard>, public unlinking_hook<by_signal> {
public:
    waiter() = default;
    waiter(waiter const&) = delete;
    waiter& operator=(waiter const&) = delete;
    /// Without a call to `complete`, destroys the coroutine that waits.
    virtual ~waiter() = default;
    /// Resumes the coroutine and destroys the waiter.
    virtual void complete(std::error_code) = 0;
    /// Resumes it later with `operation_aborted`, and destroys the waiter.
    virtual void cancel() = 0;

protected:
    /// Leaves both lists. Destroying the coroutine may destroy the signal and the shard, which
    /// must not find a waiter then that is half destroyed.
    void unlink() noexcept {
        unlinking_hook<by_shard>::unlink();
        unlinking_hook<by_signal>::unlink();
    }
};

template <typename Tag>
using waiter_list = intrusive::
    list<waiter, intrusive::base_hook<unlinking_hook<Tag>>, intrusive::constant_time_size<false>>;

}  // namespace detail

/// One serial executor with what belongs to it. Everything here is used on that executor only,
/// but for construction, destruction and `get_executor`.
///
/// The executor must run one task at a time: an `io_context` that one thread runs, or a strand.
/// When its execution context is destroyed, the coroutines that wait here are destroyed with it.
class shard : public std::enable_shared_from_this<shard> {
public:
    /// A shard on `ex`, with the clock of the operating system or the one given.
    [[nodiscard]] static std::shared_ptr<shard> make(
        executor ex,
        std::shared_ptr<net::clock> clock = nullptr);

    explicit shard(executor ex, std::shared_ptr<net::clock> clock);
    shard(shard const&) = delete;
    shard& operator=(shard const&) = delete;
    ~shard();

    [[nodiscard]] executor const& get_executor() const noexcept { return executor_; }
    [[nodiscard]] std::shared_ptr<net::clock> const& clock() const noexcept { return clock_; }
    [[nodiscard]] time_point now() const noexcept { return clock_->now(); }

    /// Runs `task` after what runs now has returned to the executor, together with the others.
    /// It must not throw. Nothing runs any more once the execution context is ending.
    void defer(std::function<void()> task);

    /// Destroys every waiting coroutine and stops the clock; the execution context is ending.
    void shutdown() noexcept;

private:
    template <typename Handler>
    friend class handler_waiter;
    friend class signal;

    void run_deferred();

    executor executor_;
    std::shared_ptr<net::clock> clock_;
    detail::waiter_list<detail::by_shard> waiters_;
    std::vector<std::function<void()>> deferred_;
    std::vector<std::function<void()>> running_;
};

namespace detail {

/// Tells the shards of an execution context that it is being destroyed.
class shard_service final : public asio::execution_context::service {
public:
    using key_type = shard_service;
    static inline asio::execution_context::id id;

    explicit shard_service(asio::execution_context& context)
        : asio::execution_context::service(context) {}

    void add(shard* s) {
        std::lock_guard const lock(mutex_);
        shards_.push_back(s);
    }
    void remove(shard* s) noexcept {
        std::lock_guard const lock(mutex_);
        std::erase(shards_, s);
    }

private:
    void shutdown() noexcept override {
        while (auto const last = take_last())
            last->shutdown();
    }

    /// Keeps the shard alive while it shuts down, though its last owner may be a coroutine
    /// that it destroys.
    [[nodiscard]] std::shared_ptr<shard> take_last() noexcept {
        std::lock_guard const lock(mutex_);
        while (!shards_.empty()) {
            auto owner = shards_.back()->weak_from_this().lock();
            shards_.pop_back();
            if (owner)
                return owner;
        }
        return nullptr;
    }

    std::mutex mutex_;
    std::vector<shard*> shards_;
};

[[nodiscard]] inline shard_service& service_of(executor const& ex) {
    return asio::use_service<shard_service>(asio::query(ex, asio::execution::context));
}

}  // namespace detail

inline std::shared_ptr<shard> shard::make(executor ex, std::shared_ptr<net::clock> clock) {
    if (!clock)
        clock = std::make_shared<system_clock>(ex);
    auto made = std::make_shared<shard>(ex, std::move(clock));
    detail::service_of(ex).add(made.get());
    return made;
}

inline shard::shard(executor ex, std::shared_ptr<net::clock> clock)
    : executor_(std::move(ex))
    , clock_(std::move(clock)) {}

inline shard::~shard() {
    // After `shutdown` the execution context may be gone.
    if (executor_)
        detail::service_of(executor_).remove(this);
}

inline void shard::defer(std::function<void()> task) {
    if (!executor_)
        return;
    deferred_.push_back(std::move(task));
    if (deferred_.size() == 1)
        asio::post(executor_, [self = shared_from_this()] { self->run_deferred(); });
}

inline void shard::run_deferred() {
    running_.swap(deferred_);
    for (auto& task : running_)
        task();
    running_.clear();
}

inline void shard::shutdown() noexcept {
    clock_->shutdown();
    while (!waiters_.empty())
        delete &waiters_.front();
    deferred_.clear();
    executor_ = executor();
}

}  // namespace socoro::net
