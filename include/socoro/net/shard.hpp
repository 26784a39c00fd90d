// SPDX-License-Identifier: BSL-1.0
// A shard: one serial executor and everything that lives on it. It owns the clock, knows every
// coroutine that waits for one of our own signals, collects work for the end of a turn, and takes
// work from other threads.
#pragma once

#include <socoro/net/clock.hpp>
#include <socoro/net/mailbox.hpp>
#include <socoro/net/overlap.hpp>
#include <socoro/net/serial_executor.hpp>

#include <boost/intrusive/list.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <system_error>
#include <type_traits>
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
/// but for what says that it is thread-safe, and for taking and dropping shares.
///
/// The executor must run one task at a time: an `io_context` that one thread runs, or a strand,
/// which is made for any other executor. Two threads at once end the program, where that is seen.
/// When its execution context is destroyed, the coroutines that wait here are destroyed with it.
/// That is not thread-safe: no other thread uses the shard or what lives on it at that time, and
/// afterwards any may, though nothing runs any more.
class shard : public std::enable_shared_from_this<shard> {
public:
    /// A shard on `ex`, or on a strand of it unless it is known to run one task at a time; with
    /// the clock of the operating system or the one given. It is destroyed on its executor,
    /// whichever thread drops the last share.
    [[nodiscard]] static std::shared_ptr<shard> make(
        executor ex,
        std::shared_ptr<net::clock> clock = nullptr);

    /// The same on an executor whose type is known, `make<E>(ex)`: it runs one task at a time, which
    /// is checked as far as the compiler can see.
    template <typename E>
    [[nodiscard]] static std::shared_ptr<shard> make(
        std::type_identity_t<E> ex,
        std::shared_ptr<net::clock> clock = nullptr);

    shard(shard const&) = delete;
    shard& operator=(shard const&) = delete;

    /// The executor; empty once the execution context is ending. Thread-safe.
    [[nodiscard]] executor const& get_executor() const noexcept { return executor_; }
    /// The same as what it is; null unless it is an `E`, and once the execution context is ending.
    template <typename E>
    [[nodiscard]] E const* executor_as() const noexcept;
    [[nodiscard]] std::shared_ptr<net::clock> const& clock() const noexcept { return clock_; }
    [[nodiscard]] time_point now() const noexcept { return clock_->now(); }

    /// Runs `task` after what runs now has returned to the executor, together with the others.
    /// It must not throw. Nothing runs any more once the execution context is ending.
    void defer(std::function<void()> task);

    /// Whether the caller runs on the executor. Thread-safe.
    [[nodiscard]] bool is_here() const noexcept { return here_(); }

    /// Runs `task` later, on the executor; the tasks of each thread in the order of its calls.
    /// It must not throw. It is destroyed unrun, perhaps before this returns, once the execution
    /// context is ending. Thread-safe.
    void submit(std::function<void()> task);

    /// Whether what is done now comes behind all that was submitted: the caller is on the executor,
    /// and nothing waits. Otherwise it has to be submitted as well to stay in order. Thread-safe.
    [[nodiscard]] bool is_in_order() const noexcept { return is_here() && mailbox_.is_empty(); }

    /// Runs what was submitted so far, so that a thread that submitted and then came here finds
    /// that done. Costs one atomic load when there is nothing. Anything may be destroyed by it.
    void run_submitted();

    /// Runs `task` now, after what was submitted before, if the caller runs on the executor;
    /// submits it otherwise, for which it must be copyable. Thread-safe.
    template <typename F>
    void execute(F&& task);

    /// Destroys every waiting coroutine and stops the clock; the execution context is ending.
    void shutdown() noexcept;

private:
    template <typename Handler>
    friend class handler_waiter;
    friend class signal;
    friend struct std::default_delete<shard>;

    template <typename E>
    shard(std::type_identity<E> kind, executor ex, std::shared_ptr<net::clock> clock);
    ~shard();

    template <typename E>
    [[nodiscard]] static std::shared_ptr<shard> make_on(
        executor ex,
        std::shared_ptr<net::clock> clock);

    static void release(shard* last) noexcept;
    void run_deferred();

    executor executor_;
    here here_;
    mailbox mailbox_;
    overlap overlap_;
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
        while (auto* const last = take_last()) {
            // Its last owner may be a coroutine that it destroys. If there is none left, the shard
            // is on its way to be destroyed by its executor, and so still there.
            auto const kept = last->weak_from_this().lock();
            last->shutdown();
        }
    }

    [[nodiscard]] shard* take_last() noexcept {
        std::lock_guard const lock(mutex_);
        if (shards_.empty())
            return nullptr;
        auto* const last = shards_.back();
        shards_.pop_back();
        return last;
    }

    std::mutex mutex_;
    std::vector<shard*> shards_;
};

[[nodiscard]] inline shard_service& service_of(executor const& ex) {
    return asio::use_service<shard_service>(asio::query(ex, asio::execution::context));
}

}  // namespace detail

inline std::shared_ptr<shard> shard::make(executor ex, std::shared_ptr<net::clock> clock) {
    return make_on<executor>(serial(std::move(ex)), std::move(clock));
}

template <typename E>
std::shared_ptr<shard> shard::make(std::type_identity_t<E> ex, std::shared_ptr<net::clock> clock) {
    static_assert(check_executor<E>());
    if constexpr (std::is_same_v<E, executor>)
        return make(std::move(ex), std::move(clock));
    else
        return make_on<E>(std::move(ex), std::move(clock));
}

template <typename E>
std::shared_ptr<shard> shard::make_on(executor ex, std::shared_ptr<net::clock> clock) {
    if (!clock)
        clock = std::make_shared<system_clock>(ex);
    std::shared_ptr<shard> made(
        new shard(std::type_identity<E>(), std::move(ex), std::move(clock)),
        release);
    detail::service_of(made->executor_).add(made.get());
    return made;
}

template <typename E>
shard::shard(std::type_identity<E>, executor ex, std::shared_ptr<net::clock> clock)
    : executor_(std::move(ex))
    , here_(here::on<E>(executor_))
    , clock_(std::move(clock)) {}

template <typename E>
E const* shard::executor_as() const noexcept {
    if constexpr (std::is_same_v<E, executor>)
        return executor_ ? &executor_ : nullptr;
    else
        return target_of<E>(executor_);
}

inline void shard::release(shard* last) noexcept {
    std::unique_ptr<shard> own(last);
    if (last->executor_ && !last->is_here()) {
        auto const ex = last->executor_;
        asio::post(ex, [kept = std::move(own)] {});
    }
}

inline shard::~shard() {
    // After `shutdown` the execution context may be gone.
    if (executor_)
        detail::service_of(executor_).remove(this);
}

inline void shard::defer(std::function<void()> task) {
    if (!executor_)
        return;
    overlap_.check();
    deferred_.push_back(std::move(task));
    if (deferred_.size() == 1)
        asio::post(executor_, [self = shared_from_this()] { self->run_deferred(); });
}

inline void shard::run_deferred() {
    overlap_.run([this] {
        running_.swap(deferred_);
        for (auto& task : running_)
            task();
        running_.clear();
    });
}

inline void shard::submit(std::function<void()> task) {
    if (mailbox_.put(task))
        asio::post(executor_, [self = shared_from_this()] {
            self->overlap_.run([&] { self->mailbox_.run_announced(); });
        });
}

inline void shard::run_submitted() {
    // Whatever is in there has been announced, and that keeps a share of this.
    if (!mailbox_.is_empty())
        overlap_.run([this] { mailbox_.run(); });
}

template <typename F>
void shard::execute(F&& task) {
    if (!is_here())
        return submit(std::forward<F>(task));
    run_submitted();
    std::forward<F>(task)();
}

inline void shard::shutdown() noexcept {
    here_ = {};
    auto const submitted = mailbox_.close();
    clock_->shutdown();
    while (!waiters_.empty())
        delete &waiters_.front();
    executor_ = executor();
    auto const deferred = std::exchange(deferred_, {});
}

/// The shard itself, which a handle for coroutines on `E` is going to use.
/// Throws `std::invalid_argument` unless it was made on an `E`.
template <typename E>
[[nodiscard]] std::shared_ptr<shard> const& checked_as(std::shared_ptr<shard> const& owner) {
    if (!std::is_same_v<E, executor> && !owner->executor_as<E>())
        throw std::invalid_argument("socoro: the shard was made on an executor of another type");
    return owner;
}

/// Destroys an object on its shard, whichever thread drops the last share: at once if that is
/// the shard, or once the execution context is ending.
template <typename T>
struct shard_deleter {
    std::shared_ptr<shard> owner;

    void operator()(T* object) const {
        if (owner->is_here())
            delete object;
        else
            // Typeless, for a `T` that can share itself must not learn of this share.
            owner->submit([held = std::shared_ptr<void>(static_cast<void*>(object), [](void* last) {
                               delete static_cast<T*>(last);
                           })] {});
    }
};

/// An object whose shares any thread may hold, and that is destroyed on `owner`.
template <typename T, typename... Args>
[[nodiscard]] std::shared_ptr<T> make_on_shard(std::shared_ptr<shard> owner, Args&&... args) {
    return std::shared_ptr<T>(
        new T(std::forward<Args>(args)...),
        shard_deleter<T>{std::move(owner)});
}

}  // namespace socoro::net
