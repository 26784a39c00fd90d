// SPDX-License-Identifier: BSL-1.0
// How one coroutine of a shard wakes another: wait for a signal, with or without a deadline.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/net/shard.hpp>

#include <exception>
#include <optional>
#include <system_error>
#include <utility>

namespace socoro::net {

/// Coroutines wait for it; a notification resumes them before `notify` returns, so the notifier
/// must have its own state in order first. Belongs to its shard, not thread-safe.
///
/// A signal remembers nothing: whoever waits looks at the state it is about, before and after.
class signal {
public:
    explicit signal(shard& owner) : shard_(&owner) {}
    signal(signal const&) = delete;
    signal& operator=(signal const&) = delete;
    /// Resumes those that still wait, with `operation_aborted`, once the caller has returned.
    ~signal();

    /// Waits for the next notification. The signal must outlive the wait, or end it by its end.
    /// Gives no error, `errc::timeout` at the deadline, or `operation_aborted` when cancelled.
    /// Who waits on the executor of the shard is resumed within the notification.
    template <typename Executor = executor>
    [[nodiscard]] asio::awaitable<std::error_code, Executor> wait(
        std::optional<time_point> deadline = std::nullopt);

    /// Resumes every coroutine that waits now.
    void notify_all() { resume_all({}); }

    /// Whether anybody waits.
    [[nodiscard]] bool has_waiters() const noexcept { return !waiters_.empty(); }

private:
    template <typename Handler>
    friend class handler_waiter;

    void resume_all(std::error_code ec);

    shard* shard_;
    detail::waiter_list<detail::by_signal> waiters_;
};

/// A waiter that owns the completion handler of a coroutine, which knows its executor.
template <typename Handler>
class handler_waiter final : public detail::waiter {
public:
    handler_waiter(shard& owner, Handler handler, std::optional<time_point> deadline)
        : handler_(std::move(handler))
        , inline_(is_on(handler_.get_executor(), owner)) {
        if (deadline) {
            timer_.emplace(owner.clock(), [this] { complete(errc::timeout); });
            timer_->arm(*deadline);
        }
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.assign([this](asio::cancellation_type) { cancel(); });
    }

    void complete(std::error_code ec) override { finish(ec, inline_); }

    handler_waiter(handler_waiter const&) = delete;
    handler_waiter& operator=(handler_waiter const&) = delete;
    ~handler_waiter() override { unlink(); }

    /// Never resumes from within: who cancels is in the middle of something.
    void cancel() override { finish(asio::error::operation_aborted, false); }

private:
    template <typename Executor>
    [[nodiscard]] static bool is_on(Executor const& ex, shard const& owner) noexcept {
        auto const* const own = owner.executor_as<Executor>();
        return own && *own == ex;
    }

    void finish(std::error_code ec, bool inline_now) {
        auto slot = asio::get_associated_cancellation_slot(handler_);
        if (slot.is_connected())
            slot.clear();
        auto handler = std::move(handler_);
        delete this;
        if (inline_now)
            return std::move(handler)(std::exception_ptr(), ec);
        auto const ex = handler.get_executor();
        asio::post(ex, [h = std::move(handler), ec]() mutable {
            std::move(h)(std::exception_ptr(), ec);
        });
    }

    Handler handler_;
    bool inline_;
    std::optional<timer> timer_;
};

inline signal::~signal() {
    while (!waiters_.empty()) {
        auto& first = waiters_.front();
        waiters_.pop_front();
        first.cancel();
    }
}

template <typename Executor>
asio::awaitable<std::error_code, Executor> signal::wait(std::optional<time_point> deadline) {
    auto initiate = [this, deadline](auto handler) {
        using waiter_type = handler_waiter<decltype(handler)>;
        auto* const waiter = new waiter_type(*shard_, std::move(handler), deadline);
        shard_->waiters_.push_back(*waiter);
        waiters_.push_back(*waiter);
    };
    // An error in the first place would be thrown. Behind an exception that is never there it is a
    // value, so that one coroutine frame is enough.
    asio::use_awaitable_t<Executor> token;
    using signature = void(std::exception_ptr, std::error_code);
    return asio::async_initiate<asio::use_awaitable_t<Executor>, signature>(initiate, token);
}

inline void signal::resume_all(std::error_code ec) {
    // Those who wait again while this runs wait for the next notification.
    detail::waiter_list<detail::by_signal> now;
    now.swap(waiters_);
    while (!now.empty()) {
        auto& first = now.front();
        now.pop_front();
        first.complete(ec);
    }
}

}  // namespace socoro::net
