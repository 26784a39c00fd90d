// SPDX-License-Identifier: BSL-1.0
// Engine.IO packets over HTTP long-polling, server side (Engine.IO protocol v4, "HTTP
// long-polling"): a GET waits until there are packets for the client, a POST brings its packets.
// It answers the requests of one session; which session that is was decided before.
#pragma once

#include <socoro/base/hooks.hpp>
#include <socoro/base/limits.hpp>
#include <socoro/eio/payload.hpp>
#include <socoro/http/content_coding.hpp>
#include <socoro/http/message.hpp>
#include <socoro/net/http_exchange.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/transport/transport.hpp>

#include <algorithm>
#include <chrono>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::transport {

/// What answers to the requests of a session have beside what the transport puts there.
struct answer_fields {
    /// `asked` are the hooks that may change the fields, if any; they outlive the answer.
    answer_fields(  // NOLINT(google-explicit-constructor)
        http::fields common = {},
        hooks const* asked = nullptr,
        bool is_initial = false)
        : fields(std::move(common))
        , told(asked)
        , initial(is_initial) {}

    http::fields fields;
    hooks const* told;
    /// Whether the request opens the session ...
    bool initial;
    /// ... and the cookie that the answer to it sets; empty: none.
    std::string cookie;

    /// Lets the hooks see, and change, the fields of an answer that are complete.
    void announce(http::request const& to) {
        if (!told)
            return;
        if (initial)
            notify(told->initial_headers, fields, to);
        notify(told->headers, fields, to);
    }
};

/// A `packet_transport` made of HTTP requests. At most one GET waits and one POST is read at a
/// time; a second one ends the transport, as in the reference.
class polling_server : public std::enable_shared_from_this<polling_server> {
public:
    /// How long a close waits for a poll that takes it to the client.
    static constexpr auto close_timeout = std::chrono::seconds(30);

    /// `packets_per_answer` bounds what one poll is answered with. Without `compression` nothing is
    /// compressed.
    polling_server(
        std::shared_ptr<net::shard> owner,
        limits const& limits,
        std::size_t packets_per_answer,
        std::shared_ptr<http::compression const> compression = nullptr);

    [[nodiscard]] asio::awaitable<result<eio::packet>> recv();
    [[nodiscard]] std::error_code failure() const { return failure_; }
    [[nodiscard]] bool has_buffered() const { return !inbox_.empty(); }
    [[nodiscard]] bool is_writable() const { return poll_ && !ended_; }
    [[nodiscard]] asio::awaitable<bool> writable();
    [[nodiscard]] std::size_t batch_limit() const { return packets_per_answer_; }
    [[nodiscard]] asio::awaitable<std::error_code> send(std::span<packet_ptr const> packets);
    [[nodiscard]] bool close(ending how);
    [[nodiscard]] std::string_view name() const { return "polling"; }

    /// Whether the body of a POST is on its way.
    [[nodiscard]] bool is_reading() const noexcept { return reading_ != nullptr; }

    /// Calls back once that has ended, and what the POST brought has been received as far as it is
    /// wanted now.
    void when_read(std::function<void()> then) { when_read_ = std::move(then); }

    /// Answers a GET, with `extra` header fields, once there is something to send. A peer that
    /// goes away meanwhile ends the transport.
    [[nodiscard]] asio::awaitable<void> serve_poll(
        net::http_exchange& connection,
        answer_fields extra);

    /// Reads the packets of a POST and answers it once they have been received.
    [[nodiscard]] asio::awaitable<void> serve_post(
        net::http_exchange& connection,
        answer_fields extra);

private:
    /// A GET that waits for its answer.
    struct waiting_poll {
        explicit waiting_poll(net::shard& owner) : answered(owner) {}
        net::signal answered;
        std::optional<std::string> body;
        bool compress = false;
        bool gone = false;
    };

    /// One POST, until it may be answered: however that ends, if only with the coroutine that
    /// serves it, neither the POST nor its connection is known here afterwards.
    struct post_scope {
        post_scope(polling_server& by, net::http_exchange& from) : to(by) {
            to.posting_ = true;
            to.reading_ = &from;
        }
        post_scope(post_scope const&) = delete;
        post_scope& operator=(post_scope const&) = delete;
        ~post_scope() {
            to.posting_ = false;
            to.reading_ = nullptr;
        }
        polling_server& to;
    };

    [[nodiscard]] asio::awaitable<void>
    answer_poll(net::http_exchange& connection, answer_fields& extra, waiting_poll& poll);
    [[nodiscard]] asio::awaitable<http::response> take_post(
        net::http_exchange& connection,
        answer_fields& extra);
    [[nodiscard]] static http::response make_answer(
        answer_fields& extra,
        http::request const& request,
        std::string type,
        std::string body,
        http::coding coded = http::coding::identity);
    [[nodiscard]] http::coding compress(std::string& body, http::request const& request) const;
    void take_payload(std::string_view payload);
    void on_read();
    void answer(std::string body);
    void end(errc reason, eio::packet_type last = eio::packet_type::close);
    void on_poll_gone(std::shared_ptr<waiting_poll> const& poll);

    std::shared_ptr<net::shard> shard_;
    limits limits_;
    std::size_t packets_per_answer_;
    std::shared_ptr<http::compression const> compression_;
    std::deque<eio::packet> inbox_;
    net::signal received_;
    net::signal consumed_;
    net::signal writable_;
    std::shared_ptr<waiting_poll> poll_;
    net::http_exchange* reading_ = nullptr;  // the POST whose body is being read
    bool posting_ = false;                   // a POST is read, or its packets wait to be received
    std::function<void()> when_read_;
    net::timer close_timer_;
    bool closing_ = false;
    std::optional<errc> ended_;
    std::error_code failure_;
};

/// An answer with packets, or to packets.
inline http::response polling_server::make_answer(
    answer_fields& extra,
    http::request const& request,
    std::string type,
    std::string body,
    http::coding coded) {
    auto& fields = extra.fields;
    fields.set("Content-Type", std::move(type));
    if (coded != http::coding::identity)
        fields.set("Content-Encoding", std::string(http::name_of(coded)));
    // Old Internet Explorers would take JSON in the body for an attack.
    auto const agent = request.headers.get("user-agent");
    if (agent.find(";MSIE") != agent.npos || agent.find("Trident/") != agent.npos)
        fields.set("X-XSS-Protection", "0");
    fields.set("cache-control", "no-store");
    if (!extra.cookie.empty())
        fields.add("Set-Cookie", std::move(extra.cookie));
    extra.announce(request);
    return {200, std::move(fields), std::move(body)};
}

inline polling_server::polling_server(
    std::shared_ptr<net::shard> owner,
    limits const& limits,
    std::size_t packets_per_answer,
    std::shared_ptr<http::compression const> compression)
    : shard_(std::move(owner))
    , limits_(limits)
    , packets_per_answer_(packets_per_answer)
    , compression_(std::move(compression))
    , received_(*shard_)
    , consumed_(*shard_)
    , writable_(*shard_)
    , close_timer_(shard_->clock(), [this] { end(errc::transport_close); }) {}

inline asio::awaitable<result<eio::packet>> polling_server::recv() {
    while (inbox_.empty() && !ended_)
        co_await received_.wait();
    if (inbox_.empty())
        co_return result<eio::packet>(make_error_code(*ended_));
    auto packet = std::move(inbox_.front());
    inbox_.pop_front();
    if (inbox_.empty())
        consumed_.notify_all();
    co_return result<eio::packet>(std::move(packet));
}

inline asio::awaitable<bool> polling_server::writable() {
    while (!poll_ && !ended_ && !closing_)
        co_await writable_.wait();
    co_return is_writable();
}

inline asio::awaitable<std::error_code> polling_server::send(std::span<packet_ptr const> packets) {
    if (!is_writable())
        co_return asio::error::make_error_code(asio::error::not_connected);
    // The reference compresses if any packet may be. But what must not be is often secret, and the
    // size of the answer would tell of it beside a text of somebody else's.
    poll_->compress =
        compression_ && std::all_of(packets.begin(), packets.end(), [](auto const& packet) {
            return packet->compress;
        });
    answer(eio::encode(packets));
    co_return std::error_code();
}

inline bool polling_server::close(ending how) {
    if (reading_)
        reading_->close();
    if (poll_ || ended_ || how == ending::discard) {
        end(errc::transport_close);
        return true;
    }
    if (!std::exchange(closing_, true)) {
        close_timer_.arm_after(close_timeout);
        writable_.notify_all();
    }
    return false;
}

inline void polling_server::answer(std::string body) {
    auto const poll = std::exchange(poll_, nullptr);
    poll->body = std::move(body);
    poll->answered.notify_all();
}

/// A poll that waits is answered with `last`.
inline void polling_server::end(errc reason, eio::packet_type last) {
    if (ended_)
        return;
    ended_ = reason;
    close_timer_.cancel();
    auto const self = shared_from_this();
    if (poll_)
        answer(eio::encode(std::vector{eio::packet::of(last)}));
    writable_.notify_all();
    received_.notify_all();
    consumed_.notify_all();
}

inline asio::awaitable<void> polling_server::serve_poll(
    net::http_exchange& connection,
    answer_fields extra) {
    auto const self = shared_from_this();
    if (poll_ || ended_) {
        end(errc::transport_error);
        http::response const refused{400, std::move(extra.fields), {}};
        co_await connection.respond(refused);
        co_return;
    }
    auto const poll = std::make_shared<waiting_poll>(*shard_);
    poll_ = poll;
    if (closing_) {
        // The empty send of the reference, with the close packet behind it.
        answer(eio::encode(std::vector{
            eio::packet::of(eio::packet_type::noop),
            eio::packet::of(eio::packet_type::close)}));
        end(errc::transport_close);
    } else {
        writable_.notify_all();
    }
    if (!poll->body) {
        connection.watch([weak = weak_from_this(), poll] {
            if (auto const transport = weak.lock())
                transport->on_poll_gone(poll);
        });
        while (!poll->body && !poll->gone)
            co_await poll->answered.wait();
    }
    if (poll->gone)
        co_return connection.close();
    co_await answer_poll(connection, extra, *poll);
}

/// The packets are lost if the answer is, or if there can be none, because of a field that a hook
/// has added for example: the client must not go on without them.
inline asio::awaitable<void> polling_server::answer_poll(
    net::http_exchange& connection,
    answer_fields& extra,
    waiting_poll& poll) {
    std::exception_ptr failure;
    std::error_code lost;
    try {
        auto const& request = connection.head();
        auto body = std::move(*poll.body);
        auto const coded = poll.compress ? compress(body, request) : http::coding::identity;
        auto const response =
            make_answer(extra, request, "text/plain; charset=UTF-8", std::move(body), coded);
        lost = co_await connection.respond(response);
    } catch (...) {
        failure = std::current_exception();
    }
    if (lost || failure)
        end(errc::transport_error);
    if (failure)
        std::rethrow_exception(failure);
}

/// Compresses a body that is worth it, if the client accepts that. Nobody keeps these answers, so
/// they do not say that they vary.
inline http::coding polling_server::compress(std::string& body, http::request const& request)
    const {
    if (body.size() < compression_->threshold())
        return http::coding::identity;
    auto const chosen = http::preferred_coding(request.headers.list("Accept-Encoding"));
    if (chosen != http::coding::identity)
        body = compression_->encode(chosen, body);
    return chosen;
}

inline void polling_server::on_poll_gone(std::shared_ptr<waiting_poll> const& poll) {
    if (poll->body)
        return;
    poll->gone = true;
    if (poll_ == poll)
        poll_ = nullptr;
    end(errc::transport_error);
    poll->answered.notify_all();
}

inline asio::awaitable<void> polling_server::serve_post(
    net::http_exchange& connection,
    answer_fields extra) {
    auto const self = shared_from_this();
    bool const binary = connection.head().headers.get("content-type") == "application/octet-stream";
    if (posting_ || ended_ || binary) {
        end(errc::transport_error);
        http::response const refused{400, std::move(extra.fields), {}};
        co_await connection.respond(refused);
        co_return;
    }
    auto const response = co_await take_post(connection, extra);
    co_await connection.respond(response);
}

/// Reads the packets of a POST and makes its answer.
inline asio::awaitable<http::response> polling_server::take_post(
    net::http_exchange& connection,
    answer_fields& extra) {
    post_scope const scope(*this, connection);
    auto const body = co_await connection.read_body(limits_.max_http_buffer_size);
    reading_ = nullptr;
    if (body) {
        take_payload(*body);
        on_read();
        // A session that does not read makes its client wait, as TCP would.
        while (!inbox_.empty() && !ended_)
            co_await consumed_.wait();
        co_return make_answer(extra, connection.head(), "text/html", "ok");
    }
    http::response refused{400, std::move(extra.fields), {}};
    if (body.error().category() == errc_category() && connection.is_open()) {
        // The request was wrong, or too large: that costs the sender this request.
        refused.status = http::status_of(body.error());
        if (body.error() == errc::http_truncated)
            end(errc::transport_error);
        on_read();
    } else {
        end(errc::transport_error);
        on_read();
    }
    co_return refused;
}

inline void polling_server::on_read() {
    if (auto const then = std::exchange(when_read_, nullptr))
        then();
}

inline void polling_server::take_payload(std::string_view payload) {
    if (payload.empty() || ended_)
        return;
    eio::payload_reader reader(payload, limits_);
    std::optional<errc> reason;
    while (!reason) {
        auto next = reader.next();
        if (!next) {
            failure_ = next.error();
            reason = errc::parse_error;
        } else if (!*next) {
            break;
        } else if ((*next)->type == eio::packet_type::close)
            reason = errc::transport_close;
        else
            inbox_.push_back(std::move(**next));
    }
    if (!reason)
        return received_.notify_all();
    // The client that closes has a noop for its poll, one that broke the rules a close packet.
    bool const closed = *reason == errc::transport_close;
    end(*reason, closed ? eio::packet_type::noop : eio::packet_type::close);
}

static_assert(packet_transport<polling_server>);

}  // namespace socoro::transport
