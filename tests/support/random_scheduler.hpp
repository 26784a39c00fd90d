// SPDX-License-Identifier: BSL-1.0
// An execution context of our own whose tasks one thread runs, each drawn by lot: what several cores
// could do in any order happens in one order, which a seed decides and repeats.
#pragma once

#include <socoro/net/asio.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <random>
#include <type_traits>
#include <utility>
#include <vector>

namespace test {

/// Runs tasks in an order that follows from a seed alone. Its executors belong to *lanes*, one for
/// each core, so to speak: a lane is drawn, then one of its tasks. Who needs an order of their own,
/// as shards do, use a strand. Now and then a lane stands still for a while, as a core does that
/// has something else to do. Not thread-safe.
class random_scheduler : public asio::execution_context {
public:
    class executor_type;

    explicit random_scheduler(std::uint64_t seed) : random_(seed) {}
    random_scheduler(random_scheduler const&) = delete;
    random_scheduler& operator=(random_scheduler const&) = delete;
    ~random_scheduler() {
        shutdown();
        // What is destroyed may leave more behind.
        for (auto at = first_busy(); at < lanes_.size(); at = first_busy())
            std::ignore = take(lanes_[at], 0);
    }

    [[nodiscard]] executor_type get_executor(std::size_t lane = 0);

    /// Runs one task, if there is one.
    bool run_one();

    /// A number below `end`, which is not 0, from the same seed.
    [[nodiscard]] std::size_t draw(std::size_t end) { return random_() % end; }

    [[nodiscard]] std::size_t tasks_run() const noexcept { return tasks_run_; }

private:
    struct runnable {
        runnable() = default;
        runnable(runnable const&) = delete;
        runnable& operator=(runnable const&) = delete;
        virtual ~runnable() = default;
        virtual void run() = 0;
    };
    template <typename Function>
    struct holding final : runnable {
        template <typename From>
        explicit holding(From&& from) : function(std::forward<From>(from)) {}
        void run() override { std::move(function)(); }
        Function function;
    };
    using task = std::unique_ptr<runnable>;
    using tasks = std::vector<task>;

    template <typename Function>
    void add(std::size_t to, Function&& function) {
        using type = holding<std::decay_t<Function>>;
        lanes_[to].push_back(std::make_unique<type>(std::forward<Function>(function)));
    }

    [[nodiscard]] std::size_t first_busy() const {
        auto const is_busy = [](tasks const& each) { return !each.empty(); };
        auto const found = std::find_if(lanes_.begin(), lanes_.end(), is_busy);
        return static_cast<std::size_t>(found - lanes_.begin());
    }
    [[nodiscard]] std::size_t draw_lane();

    [[nodiscard]] static task take(tasks& from, std::size_t index) {
        std::swap(from[index], from.back());
        auto taken = std::move(from.back());
        from.pop_back();
        return taken;
    }

    std::mt19937_64 random_;
    std::vector<tasks> lanes_;
    /// The lane that stands still; one that does not exist, mostly.
    std::size_t still_ = 0;
    std::size_t tasks_run_ = 0;
};

/// The least that Asio asks of an executor that `asio::any_io_executor` can hold: it can be copied
/// and compared, names its context, and runs nothing before `execute` has returned.
class random_scheduler::executor_type {
public:
    executor_type(random_scheduler& on, std::size_t lane) noexcept : on_(&on), lane_(lane) {}

    [[nodiscard]] asio::execution_context& query(asio::execution::context_t) const noexcept {
        return *on_;
    }
    [[nodiscard]] static constexpr asio::execution::blocking_t query(
        asio::execution::blocking_t) noexcept {
        return asio::execution::blocking.never;
    }
    template <typename Function>
    void execute(Function&& function) const {
        on_->add(lane_, std::forward<Function>(function));
    }
    [[nodiscard]] friend bool operator==(executor_type const& a, executor_type const& b) noexcept =
        default;

private:
    random_scheduler* on_;
    std::size_t lane_;
};

inline random_scheduler::executor_type random_scheduler::get_executor(std::size_t lane) {
    lanes_.resize(std::max(lanes_.size(), lane + 1));
    return {*this, lane};
}

inline bool random_scheduler::run_one() {
    if (first_busy() == lanes_.size())
        return false;
    auto& from = lanes_[draw_lane()];
    auto const chosen = take(from, draw(from.size()));
    ++tasks_run_;
    chosen->run();
    return true;
}

inline std::size_t random_scheduler::draw_lane() {
    constexpr std::size_t between_changes = 40;
    if (draw(between_changes) == 0)
        still_ = draw(2 * lanes_.size());
    std::vector<std::size_t> busy;
    for (std::size_t i = 0; i < lanes_.size(); ++i)
        if (!lanes_[i].empty())
            busy.push_back(i);
    if (busy.size() > 1)
        std::erase(busy, still_);
    return busy[draw(busy.size())];
}

}  // namespace test
