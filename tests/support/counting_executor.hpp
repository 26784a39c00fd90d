// SPDX-License-Identifier: BSL-1.0
// An executor of a program's own, as Asio wants them: it passes on what it runs to another one, and
// counts that.
#pragma once

#include <socoro/net/asio.hpp>

#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace test {

/// Runs one task at a time if `Inner` does, and says so.
template <typename Inner = asio::io_context::executor_type>
class counting_executor {
public:
    explicit counting_executor(
        Inner inner,
        std::shared_ptr<std::size_t> count = std::make_shared<std::size_t>())
        : inner_(std::move(inner))
        , count_(std::move(count)) {}

    /// How many tasks it and its copies were given.
    [[nodiscard]] std::size_t count() const noexcept { return *count_; }

    [[nodiscard]] bool running_in_this_thread() const noexcept {
        return inner_.running_in_this_thread();
    }

    template <typename F>
    void execute(F&& task) const {
        ++*count_;
#if ASIO_VERSION >= 102400
        inner_.execute(std::forward<F>(task));
#else
        asio::execution::execute(inner_, std::forward<F>(task));
#endif
    }

    template <typename Property>
    requires asio::can_query<Inner const&, Property>::value [[nodiscard]] decltype(auto) query(
        Property const& asked) const {
        return asio::query(inner_, asked);
    }
    template <typename Property>
    requires asio::can_require<Inner const&, Property>::value [[nodiscard]] auto require(
        Property const& wanted) const {
        auto changed = asio::require(inner_, wanted);
        return counting_executor<decltype(changed)>(std::move(changed), count_);
    }

    friend bool operator==(counting_executor const& a, counting_executor const& b) noexcept {
        return a.inner_ == b.inner_ && a.count_ == b.count_;
    }
    friend bool operator!=(counting_executor const& a, counting_executor const& b) noexcept {
        return !(a == b);
    }

private:
    Inner inner_;
    std::shared_ptr<std::size_t> count_;
};

}  // namespace test
