// SPDX-License-Identifier: BSL-1.0
// A call to many sockets at once: who replies in time counts, who leaves is not waited for.
#pragma once

#include <socoro/channel_core.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace socoro {

/// What a broadcast `call` gives. It does not throw: what came in time is there.
template <typename Reply>
struct replies {
    /// The replies, in the order in which they came; `std::monostate` for one without a value.
    std::vector<std::conditional_t<std::is_void_v<Reply>, std::monostate, Reply>> values;
    /// How many sockets were asked.
    std::size_t expected = 0;
    /// Whether all of them replied, with what fits.
    bool complete = false;
};

namespace detail {

/// One request to many sockets, under one id.
class group_call final : public reply_sink {
public:
    explicit group_call(net::shard& owner) : changed_(owner) {}

    /// Waits for the reply of one more socket.
    void ask(channel_core& whom, std::uint64_t id, std::shared_ptr<reply_sink> const& self) {
        if (!whom.expect_reply(id, self))
            return;
        ++open_;
        asked_.push_back(whom.weak_from_this());
    }

    void answer(sio::packet&& packet) override {
        replies_.push_back(std::move(packet));
        close_one();
    }
    void fail(std::error_code) override { close_one(); }

    /// Nobody waits any more.
    void forget(std::uint64_t id) const {
        if (open_ == 0)
            return;
        for (auto const& weak : asked_)
            if (auto const whom = weak.lock())
                whom->forget_reply(id);
    }

    [[nodiscard]] bool is_complete() const noexcept { return open_ == 0; }
    [[nodiscard]] std::size_t asked() const noexcept { return asked_.size(); }
    [[nodiscard]] std::vector<sio::packet> const& replies() const noexcept { return replies_; }
    [[nodiscard]] net::signal& changed() noexcept { return changed_; }

private:
    void close_one() {
        if (--open_ == 0)
            changed_.notify_all();
    }

    std::size_t open_ = 0;
    std::vector<std::weak_ptr<channel_core>> asked_;
    std::vector<sio::packet> replies_;
    net::signal changed_;
};

/// Takes a call out of the tables of all its sockets when nobody waits for it any more.
class group_guard {
public:
    group_guard(std::shared_ptr<group_call> call, std::uint64_t id)
        : call_(std::move(call))
        , id_(id) {}
    group_guard(group_guard&&) = default;
    group_guard& operator=(group_guard&&) = delete;
    ~group_guard() {
        if (call_)
            call_->forget(id_);
    }

    [[nodiscard]] std::shared_ptr<group_call> const& call() const noexcept { return call_; }

private:
    std::shared_ptr<group_call> call_;
    std::uint64_t id_;
};

template <typename Executor, typename Reply>
[[nodiscard]] asio::awaitable<socoro::replies<Reply>, Executor> await_replies(
    group_guard guard,
    std::optional<net::time_point> deadline) {
    auto const call = guard.call();
    bool waiting = !call->is_complete();
    while (waiting) {
        auto const ec = co_await call->changed().template wait<Executor>(deadline);
        waiting = !ec && !call->is_complete();
    }
    socoro::replies<Reply> result;
    result.expected = call->asked();
    for (auto const& packet : call->replies()) {
        typename reply_values<Reply>::type values;
        if (read_reply(packet, values))
            continue;
        if constexpr (std::is_void_v<Reply>)
            result.values.emplace_back();
        else if constexpr (is_instance<Reply, std::tuple>)
            result.values.push_back(std::move(values));
        else
            result.values.push_back(std::get<0>(std::move(values)));
    }
    result.complete = result.values.size() == result.expected;
    co_return result;
}

}  // namespace detail

}  // namespace socoro
