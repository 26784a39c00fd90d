// SPDX-License-Identifier: BSL-1.0
// One Engine.IO session: it keeps a transport, its heartbeat and its outbox going, changes the
// transport when the client upgrades, and ends with exactly one reason. The heartbeat and the
// upgrade are decided in `eio`; here those decisions are carried out.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/eio/handshake.hpp>
#include <socoro/eio/heartbeat.hpp>
#include <socoro/engine/options.hpp>
#include <socoro/engine/outbox.hpp>
#include <socoro/engine/sink.hpp>
#include <socoro/engine/upgrade_attempt.hpp>
#include <socoro/http/message.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/transport/any_transport.hpp>
#include <socoro/transport/polling_server.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::engine {

/// The shared state of a session. Not thread-safe; it lives on the executor of its shard.
class session_core : public std::enable_shared_from_this<session_core> {
public:
    /// `on_end` is called once, when the session has ended.
    session_core(
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<engine::options const> opts,
        std::string sid,
        http::request request,
        std::string address,
        std::function<void(session_core&)> on_end);

    /// Takes its transport and queues the open packet, before everything else that is sent.
    void open(transport::any_transport first);

    /// Starts to send, and to receive for `receiver`. Comes once, after `open`; a session that
    /// was closed in between tells the receiver so.
    void start(std::shared_ptr<sink> receiver);

    /// Tries to go on over `candidate`. False if that may not be: an upgrade is under way or
    /// done, none is allowed, the session is not on polling, or it has ended.
    [[nodiscard]] bool start_upgrade(transport::any_transport candidate);

    /// Queues packets in order, all or none, unless that cannot be; dropped once the session is
    /// closing. They leave together with what else is sent in this turn of the executor. A client
    /// for which too much waits is disconnected afterwards, or misses events, as the option
    /// `when_outbox_full` says.
    sent send(std::span<packet_ptr const> packets, delivery how = {});

    /// Asks the sink again whether it wants more.
    void resume() { resumed_.notify_all(); }

    /// Delivers what is queued, then ends the session with `forced_close`.
    void close();

    /// Ends the session without waiting for anything.
    void discard();

    [[nodiscard]] std::string const& sid() const noexcept { return sid_; }
    [[nodiscard]] http::request const& request() const noexcept { return request_; }
    [[nodiscard]] std::string const& address() const noexcept { return address_; }
    /// The name of the transport; after the end, of the last one.
    [[nodiscard]] std::string_view transport_name() const noexcept { return transport_name_; }
    /// The transport; none after the end.
    [[nodiscard]] transport::any_transport const& current() const noexcept { return transport_; }
    [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
    [[nodiscard]] bool is_closed() const noexcept { return state_ == state::closed; }
    [[nodiscard]] engine::options const& options() const noexcept { return *options_; }
    [[nodiscard]] net::shard& owner() const noexcept { return *shard_; }

    /// Whether a packet sent now would leave at once.
    [[nodiscard]] bool is_writable() const {
        return is_open() && outbox_.empty() && transport_.is_writable();
    }

    /// Bytes that wait for the transport.
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return outbox_.bytes(); }

    /// How many events this client missed because it did not take them in time, volatile ones
    /// included.
    [[nodiscard]] std::size_t dropped() const noexcept { return outbox_.dropped() + missed_; }

    /// Waits until nothing is queued, or the session has ended.
    [[nodiscard]] asio::awaitable<void> drain() { return drain(shared_from_this()); }

private:
    enum class state {
        open,
        closing,  // what is queued is delivered first
        failed,   // about to be closed: nothing is delivered any more
        closed
    };

    using self_ptr = std::shared_ptr<session_core>;
    [[nodiscard]] static asio::awaitable<void> read(self_ptr self, transport::any_transport from);
    [[nodiscard]] static asio::awaitable<void> write(self_ptr self);
    [[nodiscard]] static asio::awaitable<void> drain(self_ptr self);
    [[nodiscard]] static asio::awaitable<void> upgrade(
        self_ptr self,
        std::shared_ptr<upgrade_attempt> attempt,
        transport::any_transport candidate);

    void launch(asio::awaitable<void> loop);
    [[nodiscard]] asio::awaitable<void> pause();
    void on_packet(eio::packet&& packet);
    void on_heartbeat();
    void release_poll();
    void switch_to(transport::any_transport next);
    void finish_close();
    void end(errc reason);
    void send(eio::packet_type type, std::string data = {});
    void give_up();
    void flush_soon();
    void report(std::error_code why) const;

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<engine::options const> options_;
    std::string sid_;
    http::request request_;
    std::string address_;
    std::function<void(session_core&)> on_end_;
    std::shared_ptr<sink> sink_;
    transport::any_transport transport_;
    std::string_view transport_name_;
    std::shared_ptr<upgrade_attempt> attempt_;
    outbox outbox_;
    std::size_t missed_ = 0;
    net::signal wake_;
    net::signal drained_;
    net::signal resumed_;
    eio::heartbeat heartbeat_;
    net::timer heartbeat_timer_;
    state state_ = state::open;
    std::optional<errc> reason_;
    bool upgraded_ = false;
    bool reading_ = false;
    bool sending_ = false;
    bool flush_pending_ = false;
};

inline session_core::session_core(
    std::shared_ptr<net::shard> owner,
    std::shared_ptr<engine::options const> opts,
    std::string sid,
    http::request request,
    std::string address,
    std::function<void(session_core&)> on_end)
    : shard_(std::move(owner))
    , options_(std::move(opts))
    , sid_(std::move(sid))
    , request_(std::move(request))
    , address_(std::move(address))
    , on_end_(std::move(on_end))
    , outbox_(options_->when_outbox_full, options_->outbox_bytes)
    , wake_(*shard_)
    , drained_(*shard_)
    , resumed_(*shard_)
    , heartbeat_(shard_->now(), options_->ping_interval, options_->ping_timeout)
    , heartbeat_timer_(shard_->clock(), [this] { on_heartbeat(); }) {}

inline void session_core::open(transport::any_transport first) {
    transport_ = std::move(first);
    transport_name_ = transport_.name();
    eio::open open;
    open.sid = sid_;
    bool const may_upgrade = options_->allow_upgrades && options_->allows("websocket");
    if (may_upgrade && transport_.name() == "polling")
        open.upgrades.emplace_back("websocket");
    open.ping_interval = options_->ping_interval;
    open.ping_timeout = options_->ping_timeout;
    open.max_payload = options_->limits.max_http_buffer_size;
    send(eio::packet_type::open, eio::encode(open));
    heartbeat_timer_.arm(heartbeat_.deadline());
}

inline void session_core::start(std::shared_ptr<sink> receiver) {
    if (state_ == state::closed)
        return receiver->on_close(*reason_);
    sink_ = std::move(receiver);
    // Sending may end the session, whose transport then still has a close to carry out.
    auto from = transport_;
    launch(write(shared_from_this()));
    launch(read(shared_from_this(), std::move(from)));
}

/// An exception out of the sink ends this session, and nothing else.
inline void session_core::launch(asio::awaitable<void> loop) {
    asio::co_spawn(
        shard_->get_executor(),
        std::move(loop),
        [self = shared_from_this()](std::exception_ptr const& failure) {
            if (!failure)
                return;
            notify(self->options_->hooks.handler_failed, self->sid_, describe(failure));
            self->end(errc::forced_close);
        });
}

inline asio::awaitable<void> session_core::read(self_ptr self, transport::any_transport from) {
    for (;;) {
        auto received = co_await from.recv();
        bool const current = self->transport_ == from;
        if (!received) {
            self->report(from.failure());
            if (current)
                self->end(
                    self->state_ == state::closing ? errc::forced_close
                                                   : static_cast<errc>(received.error().value()));
            co_return co_await transport::linger(from);
        }
        if (!current || self->state_ != state::open)
            continue;
        self->reading_ = true;
        self->on_packet(std::move(*received));
        self->reading_ = false;
        bool const wanted = self->state_ != state::open || self->sink_->wants_more();
        // What a batch of packets gives rise to leaves in one write.
        if (self->outbox_.empty()) {
        } else if (wanted && from.has_buffered()) {
            self->flush_soon();
        } else {
            self->wake_.notify_all();
        }
        if (!wanted)
            co_await self->pause();
    }
}

/// While we do not read, the peer's pong cannot reach us: its deadline waits as well.
inline asio::awaitable<void> session_core::pause() {
    // What was sent in the meantime may have failed, and so ended the session.
    if (state_ != state::open)
        co_return;
    heartbeat_.suspend();
    heartbeat_timer_.arm(heartbeat_.deadline());
    while (state_ == state::open && !sink_->wants_more())
        co_await resumed_.wait();
    heartbeat_.resume(shard_->now());
    if (state_ != state::closed)
        heartbeat_timer_.arm(heartbeat_.deadline());
}

inline asio::awaitable<void> session_core::write(self_ptr self) {
    while (self->state_ != state::closed) {
        if (self->outbox_.empty()) {
            self->drained_.notify_all();
            if (self->state_ == state::closing)
                self->finish_close();
            if (self->outbox_.empty() && self->state_ != state::closed)
                co_await self->wake_.wait();
            continue;
        }
        auto to = self->transport_;
        bool const writable = co_await to.writable();
        if (self->transport_ != to)
            continue;
        if (!writable) {
            if (self->state_ != state::closed)
                co_await self->wake_.wait();
            continue;
        }
        auto const batch = self->outbox_.take(to.batch_limit());
        self->sending_ = true;
        auto const ec = co_await to.send(batch);
        self->sending_ = false;
        if (ec && self->transport_ == to)
            self->end(errc::transport_error);
    }
    self->drained_.notify_all();
}

inline void session_core::on_packet(eio::packet&& packet) {
    switch (packet.type) {
    case eio::packet_type::message: {
        // The message may end the session, which lets go of the sink.
        auto const receiver = sink_;
        receiver->on_message(message{packet.binary, std::move(packet.data)});
        break;
    }
    case eio::packet_type::pong:
        heartbeat_.on_pong(shard_->now());
        heartbeat_timer_.arm(heartbeat_.deadline());
        break;
    case eio::packet_type::ping:
        // In this direction only the server pings.
        end(errc::transport_error);
        break;
    default: break;
    }
}

inline void session_core::on_heartbeat() {
    auto const keep = shared_from_this();
    switch (heartbeat_.on_timer(shard_->now())) {
    case eio::heartbeat::action::send_ping: send(eio::packet_type::ping); break;
    case eio::heartbeat::action::timed_out: end(errc::ping_timeout); return;
    case eio::heartbeat::action::none: break;
    }
    heartbeat_timer_.arm(heartbeat_.deadline());
}

inline void session_core::send(eio::packet_type type, std::string data) {
    packet_ptr const packet =
        std::make_shared<eio::packet const>(eio::packet::of(type, std::move(data)));
    std::ignore = send(std::span(&packet, 1));
}

inline sent session_core::send(std::span<packet_ptr const> packets, delivery how) {
    if (state_ != state::open)
        return sent::dropped;
    if (how.is_volatile && !is_writable()) {
        ++missed_;
        return sent::dropped;
    }
    auto const became = outbox_.push(packets, how.topic);
    if (outbox_.is_overfull()) {
        give_up();
        return sent::dropped;
    }
    if (!reading_)
        flush_soon();
    return became;
}

/// The caller may be in the middle of a broadcast: nobody is called from here.
inline void session_core::give_up() {
    state_ = state::failed;
    outbox_.clear();
    shard_->defer([self = shared_from_this()] {
        self->report(errc::outbox_full);
        self->end(errc::transport_error);
    });
}

inline void session_core::flush_soon() {
    if (std::exchange(flush_pending_, true))
        return;
    shard_->defer([self = shared_from_this()] {
        self->flush_pending_ = false;
        self->wake_.notify_all();
    });
}

inline asio::awaitable<void> session_core::drain(self_ptr self) {
    while ((!self->outbox_.empty() || self->sending_) && self->state_ != state::closed)
        co_await self->drained_.wait();
}

inline void session_core::close() {
    if (state_ != state::open)
        return;
    state_ = state::closing;
    resumed_.notify_all();
    if (outbox_.empty() && !sending_)
        finish_close();
    else
        flush_soon();
}

inline void session_core::finish_close() {
    if (transport_.close(transport::ending::orderly))
        end(errc::forced_close);
}

inline void session_core::discard() {
    if (state_ != state::closed)
        end(errc::forced_close);
}

/// Tells the hook what the peer did wrong, if it did.
inline void session_core::report(std::error_code why) const {
    if (!why || state_ == state::closed)
        return;
    auto protocol = protocol_of(static_cast<errc>(why.value()));
    // A full outbox is nobody's protocol: it is the session that gives up.
    if (protocol.empty())
        protocol = "Engine.IO";
    notify(options_->hooks.violated, violation{protocol, address_, sid_, why});
}

inline void session_core::end(errc reason) {
    if (std::exchange(state_, state::closed) == state::closed)
        return;
    auto const keep = shared_from_this();
    reason_ = reason;
    heartbeat_timer_.cancel();
    outbox_.clear();
    // Closing a transport may let the next request in: it must not find this session any more.
    on_end_(*this);
    if (auto const given_up = std::exchange(attempt_, nullptr))
        given_up->abandon();
    // Whoever keeps the session afterwards keeps neither the connection nor its buffers.
    if (auto last = std::exchange(transport_, {}))
        std::ignore = last.close(transport::ending::discard);
    if (auto const receiver = std::exchange(sink_, nullptr))
        receiver->on_close(reason);
    wake_.notify_all();
    drained_.notify_all();
    resumed_.notify_all();
}

inline bool session_core::start_upgrade(transport::any_transport candidate) {
    bool const under_way = attempt_ && !attempt_->is_abandoned();
    if (under_way || upgraded_ || state_ == state::closed || !options_->allow_upgrades ||
        transport_name_ != "polling")
        return false;
    attempt_ =
        std::make_shared<upgrade_attempt>(*shard_, candidate, options_->upgrade_timeout, [this] {
            release_poll();
        });
    launch(upgrade(shared_from_this(), attempt_, std::move(candidate)));
    return true;
}

inline asio::awaitable<void> session_core::upgrade(
    self_ptr self,
    std::shared_ptr<upgrade_attempt> attempt,
    transport::any_transport candidate) {
    bool const taken = co_await attempt->run();
    if (self->attempt_ == attempt)
        self->attempt_ = nullptr;
    if (!taken)
        co_return;
    self->switch_to(candidate);
    if (self->state_ == state::open && !self->sink_->wants_more())
        co_await self->pause();
    co_await read(self, candidate);
}

inline void session_core::release_poll() {
    if (is_writable())
        send(eio::packet_type::noop);
}

inline void session_core::switch_to(transport::any_transport next) {
    auto old = std::exchange(transport_, std::move(next));
    transport_name_ = transport_.name();
    upgraded_ = true;
    std::ignore = old.close(transport::ending::discard);
    wake_.notify_all();
}

}  // namespace socoro::engine
