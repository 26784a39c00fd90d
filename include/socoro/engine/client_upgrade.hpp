// SPDX-License-Identifier: BSL-1.0
// The client's side of an upgrade (Engine.IO protocol v4, "Upgrade"): the WebSocket is probed while
// polling goes on; then polling rests, and what it had under way is waited for, so that nothing is
// lost or overtaken; then the session goes over. If anything fails before that, polling goes on.
#pragma once

#include <socoro/base/hooks.hpp>
#include <socoro/engine/upgrade_attempt.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/transport/any_transport.hpp>
#include <socoro/transport/polling_client.hpp>

#include <array>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

namespace socoro::engine {

/// An upgrade that we have begun. Not thread-safe; it lives on the executor of its shard.
class client_upgrade final : public upgrade_attempt,
                             public std::enable_shared_from_this<client_upgrade> {
public:
    /// What the session does for it. Called only while it is awaited.
    struct helpers {
        /// Opens the other transport; gives none once it is asked to stop.
        std::function<asio::awaitable<result<transport::any_transport>>(
            std::shared_ptr<net::stop_source>)>
            open;
        /// The server has answered over it.
        std::function<void()> probed;
        /// Reads over it from now on, and says when it has ended.
        std::function<void(transport::any_transport, std::function<void()>)> read;
        /// A packet arrived over it, or leaves.
        std::function<void(direction, eio::packet const&)> show;
    };

    client_upgrade(
        net::shard& owner,
        std::shared_ptr<transport::polling_client> from,
        std::chrono::milliseconds timeout,
        helpers session)
        : from_(std::move(from))
        , session_(std::move(session))
        , timer_(owner.clock(), [this] { abandon(); }) {
        timer_.arm_after(timeout);
    }

    [[nodiscard]] asio::awaitable<transport::any_transport> run() override;
    [[nodiscard]] bool reads_ahead() const noexcept override { return reads_ahead_; }
    void abandon() override;
    [[nodiscard]] bool is_abandoned() const noexcept override { return state_ == state::abandoned; }

private:
    enum class state { trying, taken, abandoned };

    [[nodiscard]] asio::awaitable<bool> probe();
    [[nodiscard]] asio::awaitable<bool> change_over();
    [[nodiscard]] asio::awaitable<bool> send(eio::packet_type type, std::string data = {});

    std::shared_ptr<transport::polling_client> from_;
    helpers session_;
    net::timer timer_;
    std::shared_ptr<net::stop_source> stop_ = std::make_shared<net::stop_source>();
    transport::any_transport candidate_;
    bool reads_ahead_ = false;
    state state_ = state::trying;
};

inline asio::awaitable<transport::any_transport> client_upgrade::run() {
    auto const self = shared_from_this();
    bool ready = co_await probe();
    if (ready)
        ready = co_await change_over();
    if (ready) {
        state_ = state::taken;
        timer_.cancel();
        co_return std::exchange(candidate_, {});
    }
    abandon();
    if (candidate_ && !reads_ahead_)
        co_await transport::linger(candidate_);
    co_return transport::any_transport();
}

/// Whether the server answers over the WebSocket.
inline asio::awaitable<bool> client_upgrade::probe() {
    auto opened = co_await session_.open(stop_);
    if (!opened)
        co_return false;
    candidate_ = std::move(*opened);
    if (is_abandoned()) {
        std::ignore = candidate_.close(transport::ending::discard);
        co_return false;
    }
    bool const asked = co_await send(eio::packet_type::ping, "probe");
    if (!asked)
        co_return false;
    auto const answer = co_await candidate_.recv();
    if (!answer || is_abandoned())
        co_return false;
    session_.show(direction::received, *answer);
    co_return answer->type == eio::packet_type::pong && answer->data == "probe";
}

/// Whether polling rests, and the server has been told to go on over the WebSocket. That is read
/// meanwhile, so that its end is noticed as long as there is another way.
inline asio::awaitable<bool> client_upgrade::change_over() {
    session_.probed();
    reads_ahead_ = true;
    session_.read(candidate_, [self = shared_from_this()] { self->abandon(); });
    if (is_abandoned())
        co_return false;
    bool const rests = co_await from_->pause();
    if (!rests || is_abandoned())
        co_return false;
    bool const told = co_await send(eio::packet_type::upgrade);
    co_return told && !is_abandoned();
}

inline asio::awaitable<bool> client_upgrade::send(eio::packet_type type, std::string data) {
    std::array<transport::packet_ptr, 1> const only{
        std::make_shared<eio::packet const>(eio::packet::of(type, std::move(data)))};
    session_.show(direction::sent, *only.front());
    auto const failed = co_await candidate_.send(only);
    co_return !failed;
}

inline void client_upgrade::abandon() {
    if (state_ != state::trying)
        return;
    state_ = state::abandoned;
    auto const self = shared_from_this();
    timer_.cancel();
    if (candidate_)
        std::ignore = candidate_.close(transport::ending::discard);
    from_->resume();
    stop_->request_stop();
}

}  // namespace socoro::engine
