// SPDX-License-Identifier: BSL-1.0
// One Engine.IO session: it joins the link to its client, the heartbeat and the layer above, and
// ends with exactly one reason.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/eio/handshake.hpp>
#include <socoro/engine/failure.hpp>
#include <socoro/engine/link.hpp>
#include <socoro/engine/options.hpp>
#include <socoro/engine/origin.hpp>
#include <socoro/engine/pacemaker.hpp>
#include <socoro/engine/sink.hpp>
#include <socoro/http/message.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/task_group.hpp>
#include <socoro/transport/any_transport.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::engine {

/// The shared state of a session. Not thread-safe; it lives on the executor of its shard.
class session_core final : public link::owner {
public:
    /// What reads and writes runs in `loops`. `on_end` is called once, when the session has ended.
    session_core(
        std::shared_ptr<net::task_group> loops,
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<engine::options const> opts,
        engine::origin from,
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
    void discard() { end(errc::forced_close); }

    /// Ends the session with `transport_error`, as one that does not take what it is sent.
    void overflow() {
        if (state_ == state::open)
            give_up();
    }

    /// Lets go of the receiver without a word: the execution context is gone, and the two hold
    /// each other.
    void release() noexcept { sink_ = nullptr; }

    [[nodiscard]] std::string const& sid() const noexcept { return origin_.sid; }
    [[nodiscard]] http::request const& request() const noexcept { return origin_.request; }
    [[nodiscard]] std::string const& address() const noexcept { return origin_.address; }
    /// The name of the transport; after the end, of the last one.
    [[nodiscard]] std::string_view transport_name() const noexcept { return link_.name(); }
    /// The transport; none after the end.
    [[nodiscard]] transport::any_transport const& current() const noexcept {
        return link_.current();
    }
    [[nodiscard]] bool is_open() const noexcept { return state_ == state::open; }
    [[nodiscard]] bool is_closed() const noexcept { return state_ == state::closed; }
    [[nodiscard]] engine::options const& options() const noexcept { return *options_; }
    [[nodiscard]] net::shard& owner() const noexcept { return *shard_; }

    /// Whether a packet sent now would leave at once.
    [[nodiscard]] bool is_writable() const { return is_open() && link_.is_writable(); }

    /// Bytes that wait for the transport.
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return link_.queued().bytes(); }

    /// How many events this client missed because it did not take them in time, volatile ones
    /// included.
    [[nodiscard]] std::size_t dropped() const noexcept { return link_.queued().dropped(); }

    /// Waits until nothing is queued, or the session has ended.
    [[nodiscard]] asio::awaitable<void> drain() { return link_.drain(); }

private:
    enum class state {
        open,
        closing,  // what is queued is delivered first
        failed,   // about to be closed: nothing is delivered any more
        closed
    };

    [[nodiscard]] bool on_packet(eio::packet&& received) override;
    [[nodiscard]] asio::awaitable<void> wait_until_wanted() override;
    void on_idle() override;
    void on_ended(errc reason) override {
        end(state_ == state::closing ? errc::forced_close : reason);
    }
    void on_broken() override { end(errc::transport_error); }
    void release_poll() override {
        if (is_writable())
            send(eio::packet_type::noop);
    }
    void report(std::error_code why) const override {
        if (why && state_ != state::closed)
            engine::report(options_->hooks, origin_, why);
    }
    void show(direction way, eio::packet const& packet) const override {
        engine::show(options_->hooks, origin_, way, packet);
    }

    [[nodiscard]] std::shared_ptr<session_core> self() {
        return std::static_pointer_cast<session_core>(shared_from_this());
    }
    [[nodiscard]] bool is_wanted() const { return !is_open() || sink_->wants_more(); }
    void launch(asio::awaitable<void> loop);
    void send(eio::packet_type type, std::string data = {});
    void give_up();
    void end(errc reason);

    std::shared_ptr<net::task_group> loops_;
    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<engine::options const> options_;
    engine::origin origin_;
    std::function<void(session_core&)> on_end_;
    std::shared_ptr<sink> sink_;
    link link_;
    pacemaker pacemaker_;
    net::signal resumed_;
    state state_ = state::open;
    std::optional<errc> reason_;
};

inline session_core::session_core(
    std::shared_ptr<net::task_group> loops,
    std::shared_ptr<net::shard> owner,
    std::shared_ptr<engine::options const> opts,
    engine::origin from,
    std::function<void(session_core&)> on_end)
    : loops_(std::move(loops))
    , shard_(std::move(owner))
    , options_(std::move(opts))
    , origin_(std::move(from))
    , on_end_(std::move(on_end))
    , link_(*this, *shard_, *options_)
    , pacemaker_(
          *shard_,
          *options_,
          [this] { send(eio::packet_type::ping); },
          [this] { end(errc::ping_timeout); })
    , resumed_(*shard_) {}

inline void session_core::open(transport::any_transport first) {
    eio::open open;
    open.sid = sid();
    bool const may_upgrade = options_->allow_upgrades && options_->allows("websocket");
    if (may_upgrade && first.name() == "polling")
        open.upgrades.emplace_back("websocket");
    open.ping_interval = options_->ping_interval;
    open.ping_timeout = options_->ping_timeout;
    open.max_payload = options_->limits.max_http_buffer_size;
    link_.open(std::move(first));
    send(eio::packet_type::open, eio::encode(open));
    pacemaker_.start();
}

inline void session_core::start(std::shared_ptr<sink> receiver) {
    if (is_closed())
        return receiver->on_close(*reason_);
    sink_ = std::move(receiver);
    // Sending may end the session, whose transport then still has a close to carry out.
    auto reading = link_.read();
    launch(link_.write());
    launch(std::move(reading));
}

/// An exception out of the sink ends this session, and nothing else.
inline void session_core::launch(asio::awaitable<void> loop) {
    loops_->spawn(std::move(loop), [self = self()](std::exception_ptr failure) {
        // After the end, a loop may have been cancelled because it took too long.
        bool const late = self->is_closed() && error_of(failure) == asio::error::operation_aborted;
        if (!failure || late)
            return;
        notify(self->options_->hooks.handler_failed, self->sid(), describe(failure));
        self->end(errc::forced_close);
    });
}

/// Tells whether the next packet may come.
inline bool session_core::on_packet(eio::packet&& received) {
    if (state_ != state::open)
        return true;
    switch (received.type) {
    case eio::packet_type::message: {
        // The message may end the session, which lets go of the sink.
        auto const receiver = sink_;
        receiver->on_message(message{received.binary, std::move(received.data)});
        break;
    }
    case eio::packet_type::pong: pacemaker_.on_pong(); break;
    case eio::packet_type::ping:
        // In this direction only the server pings.
        end(errc::transport_error);
        break;
    default: break;
    }
    return is_wanted();
}

/// While we do not read, the peer's pong cannot reach us: its deadline waits as well.
inline asio::awaitable<void> session_core::wait_until_wanted() {
    if (is_wanted())
        co_return;
    pacemaker_.suspend();
    while (!is_wanted())
        co_await resumed_.wait();
    pacemaker_.resume();
}

inline void session_core::on_idle() {
    if (state_ == state::closing && link_.close())
        end(errc::forced_close);
}

inline void session_core::send(eio::packet_type type, std::string data) {
    packet_ptr const packet =
        std::make_shared<eio::packet const>(eio::packet::of(type, std::move(data)));
    std::ignore = send(std::span(&packet, 1));
}

inline sent session_core::send(std::span<packet_ptr const> packets, delivery how) {
    if (state_ != state::open)
        return sent::dropped;
    auto const became = link_.push(packets, how);
    if (link_.queued().is_overfull()) {
        give_up();
        return sent::dropped;
    }
    if (options_->hooks.packet && became != sent::dropped)
        for (auto const& packet : packets)
            show(direction::sent, *packet);
    return became;
}

/// The caller may be in the middle of a broadcast: nobody is called from here.
inline void session_core::give_up() {
    state_ = state::failed;
    link_.clear();
    shard_->defer([self = self()] {
        self->report(errc::outbox_full);
        self->end(errc::transport_error);
    });
}

inline void session_core::close() {
    if (state_ != state::open)
        return;
    state_ = state::closing;
    resumed_.notify_all();
    if (link_.is_idle())
        on_idle();
    else
        link_.flush_soon();
}

inline void session_core::end(errc reason) {
    if (std::exchange(state_, state::closed) == state::closed)
        return;
    auto const keep = shared_from_this();
    reason_ = reason;
    pacemaker_.stop();
    // Closing a transport may let the next request in: it must not find this session any more.
    on_end_(*this);
    // Whoever keeps the session afterwards keeps neither the connection nor its buffers.
    link_.stop();
    if (auto const receiver = std::exchange(sink_, nullptr))
        receiver->on_close(reason);
    link_.wake_all();
    resumed_.notify_all();
}

inline bool session_core::start_upgrade(transport::any_transport candidate) {
    if (!options_->allow_upgrades || state_ == state::closed || !link_.can_upgrade())
        return false;
    launch(link_.upgrade(std::move(candidate), options_->upgrade_timeout));
    return true;
}

}  // namespace socoro::engine
