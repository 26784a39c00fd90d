// SPDX-License-Identifier: BSL-1.0
// Coroutines that belong to one owner: counted, cancelled together, awaited together. It is no
// scheduler: each starts at once, and none waits for another.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>

#include <boost/intrusive/list.hpp>

#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::net {

/// The running tasks of one owner, held by a `shared_ptr`. Not thread-safe; it lives on the
/// executor of its shard. Tasks that run keep what they need alive themselves: the group may go
/// at any time, which cancels nothing.
class task_group : public std::enable_shared_from_this<task_group> {
public:
    /// What is told how a task ended: with an exception, or with null. It must not throw.
    using on_end = std::function<void(std::exception_ptr)>;

    explicit task_group(std::shared_ptr<shard> owner) : shard_(std::move(owner)), idle_(*shard_) {}
    task_group(task_group const&) = delete;
    task_group& operator=(task_group const&) = delete;

    /// Starts a task, at once when called on the executor. `ended` may be empty; it is called
    /// once, never from within `spawn`, when the task has left the group, also if that is gone.
    /// Neither runs once the execution context is ending; a task that waits then is destroyed.
    /// The executor of the task is what the shard was made with.
    template <typename Executor>
    void spawn(asio::awaitable<void, Executor> task, on_end ended = nullptr);

    /// Cancels every task that runs now: what it awaits ends with `operation_aborted`, mostly
    /// later, and so does all that it awaits then; one that has not started never does. Tasks
    /// that are spawned meanwhile are spared.
    void cancel_all();

    /// How many tasks run. Counts them one by one.
    [[nodiscard]] std::size_t size() const noexcept { return tasks_.size(); }

    /// Waits until none runs; never called by one of them. Gives no error, `errc::timeout` at the
    /// deadline, or `operation_aborted` when cancelled. The group lives as long as this waits.
    template <typename Executor = executor>
    [[nodiscard]] asio::awaitable<std::error_code, Executor> wait(
        std::optional<time_point> deadline = std::nullopt) {
        return wait_for<Executor>(shared_from_this(), deadline);
    }

private:
    using hook = boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

    /// Owned by the completion handler of the task, so that it is there as long as Asio may look
    /// at the slot of its signal, and goes with a coroutine that is destroyed.
    struct running : hook, std::enable_shared_from_this<running> {
        running(std::weak_ptr<task_group> in, on_end call)
            : group(std::move(in))
            , ended(std::move(call)) {}
        void end(std::exception_ptr const& why);

        std::weak_ptr<task_group> group;
        on_end ended;
        asio::cancellation_signal cancel;
    };

    template <typename Executor>
    [[nodiscard]] static asio::awaitable<std::error_code, Executor> wait_for(
        std::shared_ptr<task_group> self,
        std::optional<time_point> deadline);

    std::shared_ptr<shard> shard_;
    boost::intrusive::list<running, boost::intrusive::constant_time_size<false>> tasks_;
    signal idle_;
};

template <typename Executor>
void task_group::spawn(asio::awaitable<void, Executor> task, on_end ended) {
    auto const* const found = shard_->executor_as<Executor>();
    if (!found)
        return;
    auto const ex = *found;
    auto started = std::make_shared<running>(weak_from_this(), std::move(ended));
    tasks_.push_back(*started);
    auto const slot = started->cancel.slot();
    auto completion = [own = std::move(started)](std::exception_ptr const& why) { own->end(why); };
    asio::co_spawn(ex, std::move(task), asio::bind_cancellation_slot(slot, std::move(completion)));
}

inline void task_group::running::end(std::exception_ptr const& why) {
    hook::unlink();
    auto const kept = group.lock();
    if (ended)
        std::exchange(ended, nullptr)(why);
    if (kept && kept->tasks_.empty())
        kept->idle_.notify_all();
}

inline void task_group::cancel_all() {
    // Nothing of the group is looked at below: who is cancelled may end at once, and destroy it.
    std::vector<std::shared_ptr<running>> now;
    for (auto& task : tasks_)
        now.push_back(task.shared_from_this());
    for (auto const& task : now)
        task->cancel.emit(asio::cancellation_type::all);
}

template <typename Executor>
asio::awaitable<std::error_code, Executor> task_group::wait_for(
    std::shared_ptr<task_group> self,
    std::optional<time_point> deadline) {
    while (!self->tasks_.empty()) {
        auto const ec = co_await self->idle_.template wait<Executor>(deadline);
        if (ec)
            co_return ec;
    }
    co_return std::error_code();
}

}  // namespace socoro::net
