// SPDX-License-Identifier: BSL-1.0
// A request that is answered on another shard than its connection's. The connection stays where it
// is, with its deadlines: what is asked of the exchange is asked there, and what comes of it comes
// back, both through the mailboxes of the shards, and so in order.
#pragma once

#include <socoro/net/http_connection.hpp>
#include <socoro/net/http_exchange.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace socoro::net {

namespace detail {
class forwarding;
}

/// The request as the other shard sees it. Held by a `shared_ptr`, whose last share any thread may
/// drop; all else is for that shard. Whoever has it calls `finish` at the end; dropped before, the
/// connection ends, unless it was answered.
class forwarded_exchange final : public http_exchange,
                                 public std::enable_shared_from_this<forwarded_exchange> {
public:
    /// `on` is the shard that answers, `home` the one of the connection.
    forwarded_exchange(
        std::shared_ptr<shard> on,
        std::shared_ptr<shard> home,
        std::weak_ptr<detail::forwarding> from,
        http_connection const& connection)
        : on_(std::move(on))
        , home_(std::move(home))
        , origin_(std::move(from))
        , head_(connection.head())
        , remote_address_(connection.remote_address())
        , told_(*on_) {}
    ~forwarded_exchange() override { finish(nullptr); }

    [[nodiscard]] http::request const& head() const override { return head_; }
    [[nodiscard]] asio::awaitable<result<std::string>> read_body(std::size_t limit) override;
    [[nodiscard]] asio::awaitable<std::error_code> respond(http::response const& answer) override;
    void watch(std::function<void()> on_gone) override;
    [[nodiscard]] bool is_open() const noexcept override { return open_; }
    void close() noexcept override;
    [[nodiscard]] std::string const& remote_address() const noexcept override {
        return remote_address_;
    }
    [[nodiscard]] stream const* over() const noexcept override { return nullptr; }
    [[nodiscard]] std::shared_ptr<stream> release(std::string&) override { return nullptr; }

    /// Nothing more is asked. With a failure, that is what the request has come to, and the HTTP
    /// server of the connection answers.
    void finish(std::exception_ptr const& failure);

private:
    friend class detail::forwarding;

    /// How an answer came out.
    struct outcome {
        std::error_code error;
        std::exception_ptr failure;
    };

    template <typename Ask>
    void ask(Ask what) const;
    void on_body(result<std::string> body, bool still_open);
    void on_answered(outcome how, bool still_open);
    void on_gone();
    void on_lost();

    std::shared_ptr<shard> on_;
    std::shared_ptr<shard> home_;
    std::weak_ptr<detail::forwarding> origin_;
    http::request head_;
    std::string remote_address_;
    signal told_;
    std::optional<result<std::string>> body_;
    std::optional<outcome> answered_;
    std::function<void()> watching_;
    bool open_ = true;
    bool lost_ = false;  // nobody is there any more to ask
    bool finished_ = false;
};

/// Has a request answered on the shard `to`: `receive` is called there with the exchange, once. Ends
/// when that is finished, with its failure if it has one.
[[nodiscard]] asio::awaitable<void> forward(
    http_connection& connection,
    std::shared_ptr<shard> home,
    std::shared_ptr<shard> to,
    std::function<void(std::shared_ptr<forwarded_exchange>)> receive);

namespace detail {

/// The connection's end of it, for as long as the connection waits. Lives on the connection's shard.
class forwarding : public std::enable_shared_from_this<forwarding> {
public:
    forwarding(http_connection& of, shard& home, std::shared_ptr<shard> to)
        : connection_(of)
        , to_(std::move(to))
        , asked_(home) {}
    forwarding(forwarding const&) = delete;
    forwarding& operator=(forwarding const&) = delete;
    /// However the wait ends, if only with its coroutine: the other side must know.
    ~forwarding() {
        if (!finished_)
            tell([](forwarded_exchange& there) { there.on_lost(); });
    }

    void begin(
        std::shared_ptr<shard> const& home,
        std::function<void(std::shared_ptr<forwarded_exchange>)> receive);
    [[nodiscard]] asio::awaitable<void> run();

    void read(std::size_t limit) {
        limit_ = limit;
        asked_.notify_all();
    }
    void respond(http::response answer) {
        answer_ = std::move(answer);
        asked_.notify_all();
    }
    void watch();
    void close() { connection_.close(); }
    void finish(std::exception_ptr failure);

private:
    template <typename Tell>
    void tell(Tell what) const;
    [[nodiscard]] asio::awaitable<void> read_body();
    [[nodiscard]] asio::awaitable<void> send_answer();

    http_connection& connection_;
    std::shared_ptr<shard> to_;
    std::weak_ptr<forwarded_exchange> there_;
    signal asked_;
    std::optional<std::size_t> limit_;
    std::optional<http::response> answer_;
    std::exception_ptr failure_;
    bool finished_ = false;
};

}  // namespace detail

/// Asks the connection's side for something, unless that is gone.
template <typename Ask>
void forwarded_exchange::ask(Ask what) const {
    home_->submit([weak = origin_, what = std::move(what)]() mutable {
        if (auto const origin = weak.lock())
            what(*origin);
    });
}

inline asio::awaitable<result<std::string>> forwarded_exchange::read_body(std::size_t limit) {
    auto const self = shared_from_this();
    ask([limit](detail::forwarding& origin) { origin.read(limit); });
    while (!body_ && !lost_)
        co_await told_.wait();
    if (!body_)
        co_return result<std::string>(asio::error::make_error_code(asio::error::operation_aborted));
    co_return std::move(*body_);
}

inline asio::awaitable<std::error_code> forwarded_exchange::respond(http::response const& answer) {
    auto const self = shared_from_this();
    watching_ = nullptr;
    if (!open_)
        co_return asio::error::operation_aborted;
    ask([copy = answer](detail::forwarding& origin) mutable { origin.respond(std::move(copy)); });
    while (!answered_ && !lost_)
        co_await told_.wait();
    if (!answered_)
        co_return asio::error::operation_aborted;
    auto const how = std::exchange(answered_, std::nullopt);
    if (how->failure)
        std::rethrow_exception(how->failure);
    co_return how->error;
}

inline void forwarded_exchange::watch(std::function<void()> on_gone) {
    if (!open_)
        return;
    watching_ = std::move(on_gone);
    ask([](detail::forwarding& origin) { origin.watch(); });
}

inline void forwarded_exchange::close() noexcept {
    if (std::exchange(open_, false))
        ask([](detail::forwarding& origin) { origin.close(); });
}

inline void forwarded_exchange::finish(std::exception_ptr const& failure) {
    if (!std::exchange(finished_, true))
        ask([failure](detail::forwarding& origin) { origin.finish(failure); });
}

inline void forwarded_exchange::on_body(result<std::string> body, bool still_open) {
    open_ = open_ && still_open;
    body_ = std::move(body);
    told_.notify_all();
}

inline void forwarded_exchange::on_answered(outcome how, bool still_open) {
    open_ = open_ && still_open;
    answered_ = std::move(how);
    told_.notify_all();
}

inline void forwarded_exchange::on_gone() {
    if (auto const told = std::exchange(watching_, nullptr))
        told();
}

inline void forwarded_exchange::on_lost() {
    open_ = false;
    lost_ = true;
    on_gone();
    told_.notify_all();
}

namespace detail {

/// Tells the other side, unless it has finished.
template <typename Tell>
void forwarding::tell(Tell what) const {
    to_->submit([weak = there_, what = std::move(what)]() mutable {
        if (auto const there = weak.lock())
            what(*there);
    });
}

inline void forwarding::begin(
    std::shared_ptr<shard> const& home,
    std::function<void(std::shared_ptr<forwarded_exchange>)> receive) {
    auto there = std::make_shared<forwarded_exchange>(to_, home, weak_from_this(), connection_);
    there_ = there;
    to_->submit([there = std::move(there), receive = std::move(receive)]() mutable {
        receive(std::move(there));
    });
}

/// An answer that was asked for is sent before the end is seen.
inline asio::awaitable<void> forwarding::run() {
    for (;;) {
        if (limit_)
            co_await read_body();
        else if (answer_)
            co_await send_answer();
        else if (finished_)
            break;
        else
            co_await asked_.wait();
    }
    if (failure_)
        std::rethrow_exception(failure_);
}

inline asio::awaitable<void> forwarding::read_body() {
    auto const limit = *std::exchange(limit_, std::nullopt);
    auto body = co_await connection_.read_body(limit);
    tell([body = std::move(body), open = connection_.is_open()](forwarded_exchange& there) mutable {
        there.on_body(std::move(body), open);
    });
}

inline asio::awaitable<void> forwarding::send_answer() {
    auto const answer = *std::exchange(answer_, std::nullopt);
    forwarded_exchange::outcome how;
    try {
        how.error = co_await connection_.respond(answer);
    } catch (std::invalid_argument const&) {
        how.failure = std::current_exception();
    }
    tell([how, open = connection_.is_open()](forwarded_exchange& there) {
        there.on_answered(how, open);
    });
}

inline void forwarding::watch() {
    auto const gone = [weak = weak_from_this()] {
        if (auto const self = weak.lock())
            self->tell([](forwarded_exchange& there) { there.on_gone(); });
    };
    // Since it was asked for, the connection may have ended.
    if (connection_.is_open())
        connection_.watch(gone);
    else
        gone();
}

/// Whoever stops in the middle leaves nobody who would answer.
inline void forwarding::finish(std::exception_ptr failure) {
    finished_ = true;
    failure_ = std::move(failure);
    if (!failure_ && !answer_ && !connection_.is_answered())
        connection_.close();
    asked_.notify_all();
}

}  // namespace detail

inline asio::awaitable<void> forward(
    http_connection& connection,
    std::shared_ptr<shard> home,
    std::shared_ptr<shard> to,
    std::function<void(std::shared_ptr<forwarded_exchange>)> receive) {
    auto const waiting = std::make_shared<detail::forwarding>(connection, *home, std::move(to));
    waiting->begin(home, std::move(receive));
    co_await waiting->run();
}

}  // namespace socoro::net
