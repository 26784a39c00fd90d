// SPDX-License-Identifier: BSL-1.0
// One Engine.IO session, whichever end of it: it joins the link to the peer and the layer above, and
// ends with exactly one reason. What differs between the ends, the heartbeat and how a session
// begins, is added by server_session_core.hpp and client_session_core.hpp.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/engine/failure.hpp>
#include <socoro/engine/link.hpp>
#include <socoro/engine/origin.hpp>
#include <socoro/engine/session_options.hpp>
#include <socoro/engine/sink.hpp>
#include <socoro/http/message.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/net/task_group.hpp>
#include <socoro/transport/any_transport.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::engine {

/// The shared state of a session. Not thread-safe; it lives on the executor of its shard.
class session_core : public link::owner {
public:
    session_core(session_core const&) = delete;
    session_core& operator=(session_core const&) = delete;
    virtual ~session_core() = default;

    /// Starts to send, and to receive for `receiver`. Comes once, after the session has a
    /// transport; one that was closed in between tells the receiver so.
    void start(std::shared_ptr<sink> receiver);

    /// Queues packets in order, all or none, unless that cannot be; dropped once the session is
    /// closing. They leave together with what else is sent in this turn of the executor. A peer
    /// for which too much waits is disconnected afterwards, or misses events, as the option
    /// `when_outbox_full` says.
    sent send(std::span<packet_ptr const> packets, delivery how = {});

    /// Asks the sink again whether it wants more.
    void resume() { resumed_.notify_all(); }

    /// Delivers what is queued, then ends the session with `forced_close`.
    void close();

    /// What is queued leaves for the last time, as far as it can leave at once, and not with the
    /// turn of the executor. Comes right before the end.
    void flush_last() {
        auto const keep = shared_from_this();
        link_.flush_last();
    }

    /// Ends the session without waiting for anything.
    void discard() { end(errc::forced_close); }
    /// The same for another reason.
    void abort(errc reason) { end(reason); }

    /// Ends the session with `transport_error`, as one that does not take what it is sent.
    void overflow() {
        if (state_ == state::open)
            give_up();
    }

    /// Lets go of the receiver without a word: the execution context is gone, and the two hold
    /// each other.
    void release() noexcept { sink_ = nullptr; }

    [[nodiscard]] std::string const& sid() const noexcept { return origin_.sid; }
    [[nodiscard]] engine::origin const& from() const noexcept { return origin_; }
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
    /// Why it has ended, if it has.
    [[nodiscard]] std::optional<errc> reason() const noexcept { return reason_; }
    [[nodiscard]] session_options const& options() const noexcept { return *options_; }
    [[nodiscard]] net::shard& owner() const noexcept { return *shard_; }

    /// Whether a packet sent now would leave at once.
    [[nodiscard]] bool is_writable() const { return is_open() && link_.is_writable(); }

    /// Bytes that wait for the transport.
    [[nodiscard]] std::size_t queued_bytes() const noexcept { return link_.queued().bytes(); }

    /// How many events the peer missed because it did not take them in time, volatile ones
    /// included.
    [[nodiscard]] std::size_t dropped() const noexcept { return link_.queued().dropped(); }

    /// Waits until nothing is queued, or the session has ended.
    [[nodiscard]] asio::awaitable<void> drain() { return link_.drain(); }

protected:
    /// What reads and writes runs in `loops`.
    session_core(
        std::shared_ptr<net::task_group> loops,
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<session_options const> opts,
        engine::origin from);

    /// A packet arrived that is no message.
    virtual void on_control(eio::packet const& received) = 0;
    /// Whether packets of the peer can reach us from now on.
    virtual void on_reading(bool reads) = 0;
    /// The session has ended: nothing may be timed any more.
    virtual void on_end() = 0;
    /// What this end calls it that its transport has ended so.
    [[nodiscard]] virtual errc told_as(errc reason) const { return reason; }

    void send_control(eio::packet_type type, std::string data = {});
    /// Runs a coroutine of the session; an exception out of it ends this session, and nothing else.
    void launch(asio::awaitable<void> loop);
    void end(errc reason);
    [[nodiscard]] link& peer_link() noexcept { return link_; }
    void show(direction way, std::string_view transport, eio::packet const& packet) const override {
        engine::show(options_->hooks, origin_, way, transport, packet);
    }

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
        end(state_ == state::closing ? errc::forced_close : told_as(reason));
    }
    void on_broken() override { end(told_as(errc::transport_error)); }
    void on_upgraded(std::string_view from) override {
        upgraded_session const told{sid(), address(), from, transport_name()};
        notify(options_->hooks.upgraded, told);
    }
    void report(std::error_code why) const override {
        // What only broke is nobody's fault.
        if (why == condition::remote && state_ != state::closed)
            engine::report(options_->hooks, origin_, why);
    }

    [[nodiscard]] std::shared_ptr<session_core> self() {
        return std::static_pointer_cast<session_core>(shared_from_this());
    }
    [[nodiscard]] bool is_wanted() const { return !is_open() || sink_->wants_more(); }
    void give_up();

    std::shared_ptr<net::task_group> loops_;
    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<session_options const> options_;
    engine::origin origin_;
    std::shared_ptr<sink> sink_;
    link link_;
    net::signal resumed_;
    state state_ = state::open;
    std::optional<errc> reason_;
};

inline session_core::session_core(
    std::shared_ptr<net::task_group> loops,
    std::shared_ptr<net::shard> owner,
    std::shared_ptr<session_options const> opts,
    engine::origin from)
    : loops_(std::move(loops))
    , shard_(std::move(owner))
    , options_(std::move(opts))
    , origin_(std::move(from))
    , link_(*this, *shard_, *options_)
    , resumed_(*shard_) {}

inline void session_core::start(std::shared_ptr<sink> receiver) {
    if (is_closed())
        return receiver->on_close(*reason_);
    sink_ = std::move(receiver);
    // Sending may end the session, whose transport then still has a close to carry out.
    auto reading = link_.read();
    launch(link_.write());
    launch(std::move(reading));
}

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
    if (received.type == eio::packet_type::message) {
        // The message may end the session, which lets go of the sink.
        auto const receiver = sink_;
        receiver->on_message(message{received.binary, std::move(received.data)});
    } else {
        on_control(received);
    }
    return is_wanted();
}

inline asio::awaitable<void> session_core::wait_until_wanted() {
    if (is_wanted())
        co_return;
    on_reading(false);
    while (!is_wanted())
        co_await resumed_.wait();
    on_reading(true);
}

inline void session_core::on_idle() {
    if (state_ == state::closing && link_.close())
        end(errc::forced_close);
}

inline void session_core::send_control(eio::packet_type type, std::string data) {
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
            show(direction::sent, transport_name(), *packet);
    return became;
}

/// The caller may be in the middle of a broadcast: nobody is called from here.
inline void session_core::give_up() {
    state_ = state::failed;
    link_.clear();
    shard_->defer([self = self()] {
        if (!self->is_closed())
            engine::report(self->options_->hooks, self->origin_, errc::outbox_full);
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
    // Closing a transport may let the next request in: it must not find this session any more.
    on_end();
    // Whoever keeps the session afterwards keeps neither the connection nor its buffers.
    link_.stop();
    if (auto const receiver = std::exchange(sink_, nullptr))
        receiver->on_close(reason);
    link_.wake_all();
    resumed_.notify_all();
}

}  // namespace socoro::engine
