// SPDX-License-Identifier: BSL-1.0
// Executors that run one task at a time, and whether the caller is one of their tasks.
#pragma once

#include <socoro/net/asio.hpp>

#include <utility>

namespace socoro::net {

/// Tells whether the caller runs on an executor: a few nanoseconds, from any thread. It points
/// into the executor it was made from, which must stay where it is.
class here {
public:
    here() = default;
    explicit here(executor const& ex) noexcept {
        look_for<asio::io_context::executor_type>(ex);
        look_for<asio::strand<asio::io_context::executor_type>>(ex);
        look_for<asio::strand<asio::any_io_executor>>(ex);
        look_for<asio::strand<asio::thread_pool::executor_type>>(ex);
    }

    /// Whether the executor is of a kind that can tell.
    [[nodiscard]] bool is_known() const noexcept { return target_ != nullptr; }

    /// False for an executor that cannot tell.
    [[nodiscard]] bool operator()() const noexcept { return target_ && test_(target_); }

private:
    template <typename E>
    void look_for(executor const& ex) noexcept {
        if (auto const* const found = target_of<E>(ex)) {
            target_ = found;
            test_ = [](void const* target) noexcept {
                return static_cast<E const*>(target)->running_in_this_thread();
            };
        }
    }

    void const* target_ = nullptr;
    bool (*test_)(void const*) noexcept = nullptr;
};

/// The executor itself if it is known to run one task at a time, else a strand on it. That is for
/// a `thread_pool`, whose tasks overlap, and for any type of which we know nothing: of those
/// `here` could not tell, and a strand of ours costs less than posting what need not be posted.
[[nodiscard]] inline executor serial(executor ex) {
    if (here(ex).is_known())
        return ex;
    return asio::make_strand(std::move(ex));
}

}  // namespace socoro::net
