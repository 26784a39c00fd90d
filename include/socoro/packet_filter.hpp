// SPDX-License-Identifier: BSL-1.0
// Packet middleware: what every event of a socket passes, in order, before it can be received.
#pragma once

#include <socoro/socket.hpp>

#include <deque>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace socoro::detail {

/// The events of one socket that are on their way through its packet middleware. They count as
/// events in its inbox already, so that middleware that waits makes the client wait.
class packet_filter : public std::enable_shared_from_this<packet_filter> {
public:
    using steps = std::vector<std::shared_ptr<packet_middleware const>>;

    explicit packet_filter(steps through) : steps_(std::move(through)) {}

    /// Takes an event of `socket`, whose filter this is.
    void push(std::shared_ptr<socket_core> const& socket, incoming&& event);

private:
    [[nodiscard]] static asio::awaitable<void> run(
        std::shared_ptr<packet_filter> self,
        std::shared_ptr<socket_core> socket);
    [[nodiscard]] asio::awaitable<void> pass_next(std::shared_ptr<socket_core> const& socket);
    [[nodiscard]] static asio::awaitable<std::exception_ptr>
    pass(steps const& through, socoro::socket& socket, any_event& event);

    steps steps_;
    std::deque<incoming> waiting_;
    bool running_ = false;
};

inline void packet_filter::push(std::shared_ptr<socket_core> const& socket, incoming&& event) {
    socket->inbox().hold(event.size);
    waiting_.push_back(std::move(event));
    if (!std::exchange(running_, true))
        socket->tasks()->spawn(run(shared_from_this(), socket));
}

inline asio::awaitable<std::exception_ptr>
packet_filter::pass(steps const& through, socoro::socket& socket, any_event& event) {
    try {
        for (auto const& step : through)
            co_await (*step)(socket, event);
    } catch (...) {
        co_return std::current_exception();
    }
    co_return nullptr;
}

inline asio::awaitable<void> packet_filter::run(
    std::shared_ptr<packet_filter> self,
    std::shared_ptr<socket_core> socket) {
    try {
        while (!self->waiting_.empty())
            co_await self->pass_next(socket);
    } catch (...) {
        // Cancelled: what is left is not going to pass.
        for (auto const& event : std::exchange(self->waiting_, {}))
            socket->inbox().release(event.size);
        socket->inbox().notify();
    }
    self->running_ = false;
}

inline asio::awaitable<void> packet_filter::pass_next(std::shared_ptr<socket_core> const& socket) {
    auto event = std::move(waiting_.front());
    waiting_.pop_front();
    auto const size = event.size;
    auto const id = event.id;
    socoro::socket handle(socket);
    any_event seen(std::move(event), socket->reply_to(id));
    auto const refusal = co_await pass(steps_, handle, seen);
    socket->inbox().release(size);
    if (refusal) {
        notify(
            socket->settings().hooks().packet_refused,
            refused_event{socket->id(), seen.name, describe(refusal)});
        // The disconnect waits for what was on its way before it.
        socket->inbox().notify();
    } else {
        // Who has been answered is not answered again.
        auto const reply_id = seen.is_awaited() ? id : std::nullopt;
        socket->on_event(to_incoming(std::move(seen), reply_id, size));
    }
    // There may be room now.
    socket->on_taken();
}

}  // namespace socoro::detail
