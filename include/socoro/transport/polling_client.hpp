// SPDX-License-Identifier: BSL-1.0
// Engine.IO packets over HTTP long-polling, client side (Engine.IO protocol v4, "HTTP long-polling"):
// what is received is asked for with GET, what is sent goes with POST. How a request is written, and
// over which connection it goes, is the business of `http_exchange`.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/eio/payload.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/transport/transport.hpp>

#include <chrono>
#include <cstddef>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::transport {

/// Makes the requests of one session that polls. At most one GET and one POST are under way.
class http_exchange {
public:
    http_exchange() = default;
    http_exchange(http_exchange const&) = delete;
    http_exchange& operator=(http_exchange const&) = delete;
    virtual ~http_exchange() = default;

    /// Asks for packets, and gives the body of the answer.
    [[nodiscard]] virtual asio::awaitable<result<std::string>> get() = 0;
    /// Brings packets. Gives why they were not taken, if so.
    [[nodiscard]] virtual asio::awaitable<std::error_code> post(std::string body) = 0;
    /// Ends what is under way, with an error.
    virtual void close() = 0;
};

/// A `packet_transport` made of HTTP requests. A poll is under way only while somebody receives;
/// what cancels that, or a `send`, ends the transport, for it may have taken packets along.
/// `failure()` is whatever went wrong: what the server did, or the connections to it.
class polling_client : public std::enable_shared_from_this<polling_client> {
public:
    /// How long the server may take to hear of the end.
    static constexpr auto close_timeout = std::chrono::seconds(2);

    polling_client(
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<http_exchange> over,
        limits const& limits)
        : shard_(std::move(owner))
        , over_(std::move(over))
        , limits_(limits)
        , changed_(*shard_)
        , close_timer_(shard_->clock(), [this] { end(errc::transport_close); }) {}

    [[nodiscard]] asio::awaitable<result<eio::packet>> recv();
    [[nodiscard]] std::error_code failure() const { return failure_; }
    [[nodiscard]] bool has_buffered() const { return !inbox_.empty(); }
    [[nodiscard]] bool is_writable() const { return !posting_ && !paused_ && !closing_ && !ended_; }
    [[nodiscard]] asio::awaitable<bool> writable();
    [[nodiscard]] std::size_t batch_limit() const {
        return std::numeric_limits<std::size_t>::max();
    }
    [[nodiscard]] asio::awaitable<std::error_code> send(std::span<packet_ptr const> packets);
    [[nodiscard]] bool close(ending how);
    [[nodiscard]] std::string_view name() const { return "polling"; }

    /// No POST is to be larger than this, unless one packet alone is; 0 for no such limit.
    void limit_payload(std::size_t bytes) noexcept { most_bytes_ = bytes; }

    /// Polls no more, and waits until no request is under way and everything has been received.
    /// Gives whether that is so: not if the transport is closing or has ended, or was resumed.
    [[nodiscard]] asio::awaitable<bool> pause();

    /// Polls again.
    void resume();

private:
    [[nodiscard]] asio::awaitable<void> poll();
    [[nodiscard]] asio::awaitable<std::error_code> post(std::span<packet_ptr const> packets);
    void take_payload(std::string_view payload);
    [[nodiscard]] std::size_t fitting(std::span<packet_ptr const> packets) const;
    [[nodiscard]] static asio::awaitable<void> say_goodbye(std::shared_ptr<polling_client> self);
    void end(errc reason);
    void fail(std::error_code why, errc reason) {
        if (!ended_)
            failure_ = why;
        end(reason);
    }

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<http_exchange> over_;
    limits limits_;
    std::deque<eio::packet> inbox_;
    net::signal changed_;
    net::timer close_timer_;
    std::size_t most_bytes_ = 0;
    bool polling_ = false;
    bool posting_ = false;
    bool paused_ = false;
    bool closing_ = false;
    std::optional<errc> ended_;
    std::error_code failure_;
};

inline asio::awaitable<result<eio::packet>> polling_client::recv() {
    auto const self = shared_from_this();
    while (inbox_.empty() && !ended_) {
        // Whoever waits in `pause` counts on what was received.
        if (paused_ || polling_ || closing_)
            std::ignore = co_await changed_.wait();
        else
            co_await poll();
    }
    if (inbox_.empty())
        co_return result<eio::packet>(make_error_code(*ended_));
    auto packet = std::move(inbox_.front());
    inbox_.pop_front();
    if (inbox_.empty() && paused_)
        shard_->defer([self] { self->changed_.notify_all(); });
    co_return result<eio::packet>(std::move(packet));
}

inline asio::awaitable<void> polling_client::poll() {
    polling_ = true;
    result<std::string> answer(make_error_code(errc::transport_error));
    try {
        answer = co_await over_->get();
    } catch (...) {
        polling_ = false;
        end(errc::transport_error);
        throw;
    }
    polling_ = false;
    if (answer)
        take_payload(*answer);
    else
        fail(answer.error(), errc::transport_error);
    changed_.notify_all();
}

inline void polling_client::take_payload(std::string_view payload) {
    eio::payload_reader reader(payload, limits_);
    while (!ended_) {
        auto next = reader.next();
        if (!next)
            return fail(next.error(), errc::parse_error);
        if (!*next)
            return;
        if ((*next)->type == eio::packet_type::close)
            return end(errc::transport_close);
        inbox_.push_back(std::move(**next));
    }
}

inline asio::awaitable<bool> polling_client::writable() {
    auto const self = shared_from_this();
    while (!is_writable() && !closing_ && !ended_)
        std::ignore = co_await changed_.wait();
    co_return is_writable();
}

/// How many of the packets go into one POST: at least one.
inline std::size_t polling_client::fitting(std::span<packet_ptr const> packets) const {
    if (most_bytes_ == 0)
        return packets.size();
    std::size_t count = 0, bytes = 0;
    for (auto const& packet : packets) {
        bytes += eio::text_size(*packet) + (count > 0 ? 1 : 0);
        if (count > 0 && bytes > most_bytes_)
            break;
        ++count;
    }
    return count;
}

inline asio::awaitable<std::error_code> polling_client::send(std::span<packet_ptr const> packets) {
    auto const self = shared_from_this();
    if (!is_writable())
        co_return asio::error::make_error_code(asio::error::not_connected);
    std::error_code failed;
    posting_ = true;
    try {
        failed = co_await post(packets);
    } catch (...) {
        posting_ = false;
        end(errc::transport_error);
        throw;
    }
    posting_ = false;
    if (failed)
        fail(failed, errc::transport_error);
    changed_.notify_all();
    co_return failed;
}

inline asio::awaitable<std::error_code> polling_client::post(std::span<packet_ptr const> packets) {
    std::error_code failed;
    while (!failed && !packets.empty()) {
        auto const batch = packets.first(fitting(packets));
        packets = packets.subspan(batch.size());
        failed = co_await over_->post(eio::encode(batch));
    }
    co_return failed;
}

inline asio::awaitable<bool> polling_client::pause() {
    auto const self = shared_from_this();
    paused_ = true;
    auto const rests = [this] { return !polling_ && !posting_ && inbox_.empty(); };
    while (paused_ && !closing_ && !ended_ && !rests())
        std::ignore = co_await changed_.wait();
    co_return paused_ && !closing_ && !ended_;
}

inline void polling_client::resume() {
    paused_ = false;
    auto const self = shared_from_this();
    changed_.notify_all();
}

inline bool polling_client::close(ending how) {
    if (ended_ || how == ending::discard) {
        end(errc::transport_close);
        return true;
    }
    if (!std::exchange(closing_, true)) {
        close_timer_.arm_after(close_timeout);
        auto const self = shared_from_this();
        changed_.notify_all();
        auto goodbye = say_goodbye(self);
        asio::co_spawn(shard_->get_executor(), std::move(goodbye), asio::detached);
    }
    return false;
}

/// The close packet goes after what was sent.
inline asio::awaitable<void> polling_client::say_goodbye(std::shared_ptr<polling_client> self) {
    while (self->posting_ && !self->ended_)
        std::ignore = co_await self->changed_.wait();
    if (self->ended_)
        co_return;
    std::string last(1, static_cast<char>(eio::packet_type::close));
    std::ignore = co_await self->over_->post(std::move(last));
    self->end(errc::transport_close);
}

inline void polling_client::end(errc reason) {
    if (ended_)
        return;
    ended_ = reason;
    close_timer_.cancel();
    auto const self = shared_from_this();
    over_->close();
    changed_.notify_all();
}

static_assert(packet_transport<polling_client>);

}  // namespace socoro::transport
