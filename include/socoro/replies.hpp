// SPDX-License-Identifier: BSL-1.0
// A call to many sockets at once, on whatever node they are: who replies in time counts, who leaves
// is not waited for.
#pragma once

#include <socoro/adapter/message.hpp>
#include <socoro/channel_core.hpp>
#include <socoro/gathering.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <system_error>
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
    /// How many were asked: sockets, or servers.
    std::size_t expected = 0;
    /// Whether all of them replied, with what fits.
    bool complete = false;
};

namespace detail {

class namespace_core;

/// What came back from a call to many.
struct group_answers {
    std::vector<sio::packet> replies;
    std::size_t asked = 0;
    /// Whether all nodes have said how many they asked.
    bool is_known = true;
};

/// An answer that came from another node.
[[nodiscard]] inline sio::packet to_reply(adapter::answer_values&& values) {
    sio::packet reply;
    reply.type = sio::packet_type::ack;
    reply.data = std::move(values.list);
    reply.attachments = std::move(values.binary);
    return reply;
}

/// The replies to one request, of sockets on all nodes.
class group_call final : public gathering {
public:
    using answers = group_answers;
    using gathering::gathering;

    /// So many more sockets were asked.
    void on_asked(std::size_t count) {
        got_.asked += count;
        open_ += static_cast<std::ptrdiff_t>(count);
    }
    void on_reply(sio::packet&& reply) {
        if (on_each)
            on_each(std::move(reply));
        else
            got_.replies.push_back(std::move(reply));
        on_left(1);
    }
    /// So many will not reply any more.
    void on_left(std::size_t count) {
        open_ -= static_cast<std::ptrdiff_t>(count);
        look();
    }

    [[nodiscard]] std::size_t asked() const noexcept { return got_.asked; }
    [[nodiscard]] group_answers take() {
        got_.is_known = is_answered();
        return std::exchange(got_, {});
    }

    /// Takes each reply, instead of keeping it.
    std::function<void(sio::packet&&)> on_each;
    /// Told how many sockets were asked, once all nodes have said so.
    std::function<void(std::size_t)> on_known;

private:
    void on_all_nodes() override {
        if (on_known)
            std::exchange(on_known, nullptr)(got_.asked);
    }
    [[nodiscard]] bool has_all() const noexcept override { return open_ <= 0; }

    group_answers got_;
    std::ptrdiff_t open_ = 0;
};

/// The sockets of one shard that a request went to. Lives there, and is made so that it is destroyed
/// there; as long as replies are open, the sockets hold it.
class asked_sockets final : public reply_sink, public std::enable_shared_from_this<asked_sockets> {
public:
    explicit asked_sockets(std::shared_ptr<group_call> by) : call_(std::move(by)) {}
    asked_sockets(asked_sockets const&) = delete;
    asked_sockets& operator=(asked_sockets const&) = delete;
    ~asked_sockets() override {
        if (open_ > 0)
            call_->owner()->submit([call = call_, left = open_] { call->on_left(left); });
    }

    /// Sends the request to the sockets of this shard that it is for, under an id that is theirs.
    void ask(namespace_core& part, adapter::broadcast const& request);

    void answer(sio::packet&& reply) override {
        --open_;
        tell(call_, [reply = std::move(reply)](group_call& call) mutable {
            call.on_reply(std::move(reply));
        });
    }
    void fail(std::error_code) override {
        --open_;
        tell(call_, [](group_call& call) { call.on_left(1); });
    }

    /// Nobody waits any more.
    void forget() {
        if (open_ == 0)
            return;
        for (auto const& weak : asked_)
            if (auto const whom = weak.lock())
                whom->forget_reply(id_);
        open_ = 0;
    }

    [[nodiscard]] std::size_t count() const noexcept { return asked_.size(); }

private:
    std::shared_ptr<group_call> call_;
    std::uint64_t id_ = 0;
    std::size_t open_ = 0;
    std::vector<std::weak_ptr<channel_core>> asked_;
};

/// Takes a call out of the tables of all its sockets when nobody waits for it any more.
class group_guard {
public:
    struct part {
        std::shared_ptr<net::shard> on;
        std::shared_ptr<asked_sockets> asked;
    };

    explicit group_guard(std::shared_ptr<group_call> call) : call_(std::move(call)) {}
    group_guard(group_guard&&) = default;
    group_guard& operator=(group_guard&&) = delete;
    ~group_guard() {
        for (auto const& [on, asked] : parts_)
            if (on->is_in_order())
                asked->forget();
            else
                on->submit([asked = asked] { asked->forget(); });
    }

    /// Sockets of one shard that are going to be asked.
    std::shared_ptr<asked_sockets> add(std::shared_ptr<net::shard> const& on) {
        auto made = net::make_on_shard<asked_sockets>(on, call_);
        parts_.push_back({on, made});
        return made;
    }

    [[nodiscard]] std::shared_ptr<group_call> const& call() const noexcept { return call_; }

private:
    std::shared_ptr<group_call> call_;
    std::vector<part> parts_;
};

/// The replies that fit.
template <typename Reply>
[[nodiscard]] socoro::replies<Reply> to_replies(group_answers const& got) {
    socoro::replies<Reply> result;
    result.expected = got.asked;
    for (auto const& packet : got.replies) {
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
    result.complete = got.is_known && result.values.size() == result.expected;
    return result;
}

template <typename Executor, typename Reply>
[[nodiscard]] asio::awaitable<socoro::replies<Reply>, Executor> await_replies(
    group_guard guard,
    std::optional<net::time_point> deadline) {
    auto const call = guard.call();
    auto const got = co_await gather<Executor>(call, deadline);
    co_return to_replies<Reply>(got);
}

}  // namespace detail

}  // namespace socoro
