// SPDX-License-Identifier: BSL-1.0
// A question to all nodes of a service: who asks waits until each has answered, or cannot any more.
// The shards of a server are nodes, and so are other servers.
#pragma once

#include <socoro/net/run_on_shard.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace socoro::detail {

/// The answers of several nodes, as far as they have come. Lives on the shard of who asks, and is
/// made there: see `net::make_on_shard`. Any thread may hold it.
class gathering {
public:
    explicit gathering(std::shared_ptr<net::shard> owner)
        : owner_(std::move(owner))
        , changed_(*owner_) {}
    gathering(gathering const&) = delete;
    gathering& operator=(gathering const&) = delete;
    virtual ~gathering() = default;

    [[nodiscard]] std::shared_ptr<net::shard> const& owner() const noexcept { return owner_; }

    /// So many more nodes are asked; before anybody can answer, or while `is_counting`.
    void expect(std::size_t nodes) noexcept { open_ += static_cast<std::ptrdiff_t>(nodes); }

    /// It is not known yet how many others are asked; some may answer before it is.
    void start_counting() noexcept { is_counting_ = true; }
    virtual void on_counted(std::size_t nodes) {
        is_counting_ = false;
        expect(nodes);
        on_node();
    }

    /// A node has said all that it has to say.
    void on_answered() {
        --open_;
        on_node();
    }

    /// Whether every node has answered.
    [[nodiscard]] bool is_answered() const noexcept { return !is_counting_ && open_ <= 0; }
    /// Whether nothing more will come.
    [[nodiscard]] bool is_complete() const noexcept { return is_answered() && has_all(); }
    [[nodiscard]] net::signal& changed() noexcept { return changed_; }

    /// Called once, when all have answered, for those who do not wait.
    std::function<void()> on_complete;
    /// What other servers know it by, for as long as it is there.
    std::shared_ptr<void> enrolled;

protected:
    /// Something has come: tells who waits if that was the last.
    void look() {
        if (!is_complete())
            return;
        changed_.notify_all();
        if (on_complete)
            std::exchange(on_complete, nullptr)();
    }

private:
    void on_node() {
        if (is_answered())
            on_all_nodes();
        look();
    }
    /// Every node has answered.
    virtual void on_all_nodes() {}
    /// Whether nothing is missing from those who have answered.
    [[nodiscard]] virtual bool has_all() const noexcept { return true; }

    std::shared_ptr<net::shard> owner_;
    net::signal changed_;
    std::ptrdiff_t open_ = 0;
    bool is_counting_ = false;
};

/// Tells a gathering something, on its shard: at once if that is here.
template <typename Gathering, typename Tell>
void tell(std::shared_ptr<Gathering> const& whom, Tell what) {
    auto const owner = whom->owner();
    if (owner->is_in_order())
        what(*whom);
    else
        owner->submit([whom, what = std::move(what)]() mutable { what(*whom); });
}

/// The answer that one node owes. Who drops it without one, as a shard that ends, has answered that
/// there is nothing.
template <typename Gathering>
class owed_answer {
public:
    explicit owed_answer(std::shared_ptr<Gathering> to) : to_(std::move(to)) {}
    owed_answer(owed_answer const&) = delete;
    owed_answer& operator=(owed_answer const&) = delete;
    ~owed_answer() {
        if (to_)
            to_->owner()->submit([to = to_] { to->on_answered(); });
    }

    /// Answers with what `with(gathering)` adds.
    template <typename With>
    void give(With with) {
        if (!to_)
            return;
        auto const to = std::exchange(to_, nullptr);
        tell(to, [with = std::move(with)](Gathering& all) mutable {
            with(all);
            all.on_answered();
        });
    }

private:
    std::shared_ptr<Gathering> to_;
};

/// Waits on the shard of the gathering.
template <typename Executor>
[[nodiscard]] asio::awaitable<void, Executor> await_answers(
    std::shared_ptr<gathering> all,
    std::optional<net::time_point> deadline) {
    while (!all->is_complete()) {
        auto const ec = co_await all->changed().template wait<Executor>(deadline);
        if (ec)
            co_return;
    }
}

template <typename Gathering>
[[nodiscard]] asio::awaitable<void> take_answers(
    std::shared_ptr<Gathering> all,
    std::optional<net::time_point> deadline,
    std::shared_ptr<typename Gathering::answers> into) {
    co_await await_answers<net::executor>(all, deadline);
    *into = all->take();
}

/// Waits until all have answered, or for the deadline, and gives what there is then. Safe from any
/// executor; who is cancelled gets what there is.
template <typename Executor, typename Gathering>
[[nodiscard]] asio::awaitable<typename Gathering::answers, Executor> gather(
    std::shared_ptr<Gathering> all,
    std::optional<net::time_point> deadline) {
    auto const got = std::make_shared<typename Gathering::answers>();
    if (all->owner()->is_here()) {
        co_await await_answers<Executor>(all, deadline);
        *got = all->take();
    } else {
        auto task = take_answers(all, deadline, got);
        co_await net::run_on_shard<Executor>(all->owner(), std::move(task));
    }
    co_return std::move(*got);
}

}  // namespace socoro::detail
