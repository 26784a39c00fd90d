// SPDX-License-Identifier: BSL-1.0
// How one part of a shard ends early what another waits for: the words of the standard library's
// stop tokens, without their threads, which not every standard library has.
#pragma once

#include <socoro/base/config.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

namespace socoro::net {

class stop_callback;

/// Says once that something is to stop. Held by a `shared_ptr`. Not thread-safe; it lives on the
/// executor of its shard.
class stop_source {
public:
    stop_source() = default;
    stop_source(stop_source const&) = delete;
    stop_source& operator=(stop_source const&) = delete;

    /// Calls every callback, each once. They may resume coroutines and destroy what they like, but
    /// for the last share of this.
    void request_stop();

    [[nodiscard]] bool stop_requested() const noexcept { return requested_; }

private:
    friend class stop_callback;

    std::vector<stop_callback*> callbacks_;
    bool requested_ = false;
};

/// Calls `stop` when its source says so, or at once if it has; never once it is destroyed.
class stop_callback {
public:
    stop_callback(std::shared_ptr<stop_source> of, std::function<void()> stop)
        : source_(std::move(of))
        , stop_(std::move(stop)) {
        if (source_->requested_)
            stop_();
        else
            source_->callbacks_.push_back(this);
    }
    stop_callback(stop_callback const&) = delete;
    stop_callback& operator=(stop_callback const&) = delete;
    ~stop_callback() { std::erase(source_->callbacks_, this); }

private:
    friend class stop_source;

    std::shared_ptr<stop_source> source_;
    std::function<void()> stop_;
};

inline void stop_source::request_stop() {
    requested_ = true;
    while (!callbacks_.empty()) {
        // It may destroy the callback, and so itself, while it runs.
        auto const stop = callbacks_.back()->stop_;
        callbacks_.pop_back();
        stop();
    }
}

}  // namespace socoro::net
