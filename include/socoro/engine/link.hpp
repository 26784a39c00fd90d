// SPDX-License-Identifier: BSL-1.0
// How a session reaches its peer: over one transport at a time, which an upgrade exchanges
// without losing a packet. It keeps what waits to be sent, reads and writes, and knows nothing of
// what the packets mean.
#pragma once

#include <socoro/base/hooks.hpp>
#include <socoro/engine/outbox.hpp>
#include <socoro/engine/upgrade_attempt.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/signal.hpp>
#include <socoro/transport/any_transport.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::engine {

/// The link of one session, part of it. Not thread-safe; it lives on the executor of its shard.
class link {
public:
    /// The session, as its link sees it.
    class owner : public std::enable_shared_from_this<owner> {
    public:
        /// A packet arrived. Gives whether the next one may come.
        [[nodiscard]] virtual bool on_packet(eio::packet&& received) = 0;
        /// Waits until the next packet may come.
        [[nodiscard]] virtual asio::awaitable<void> wait_until_wanted() = 0;
        /// Nothing is left to be sent.
        virtual void on_idle() = 0;
        /// The transport ended.
        virtual void on_ended(errc reason) = 0;
        /// The transport cannot send any more.
        virtual void on_broken() = 0;
        /// What the peer did wrong, if it did.
        virtual void report(std::error_code why) const = 0;
        /// A packet arrived or leaves over a transport, whether it means anything or not.
        virtual void show(direction way, std::string_view transport, eio::packet const& packet)
            const = 0;
        /// It goes on over another transport than this one.
        virtual void on_upgraded(std::string_view from) = 0;

    protected:
        ~owner() = default;
    };

    link(owner& of, net::shard& on, session_options const& opts)
        : owner_(&of)
        , shard_(&on)
        , outbox_(opts.when_outbox_full, opts.outbox_bytes)
        , wake_(on)
        , drained_(on) {}

    /// Takes the first transport.
    void open(transport::any_transport first) {
        transport_ = std::move(first);
        name_ = transport_.name();
    }

    /// Queues a group of packets, or not. It leaves with what else is sent in this turn of the
    /// executor, or with all the answers to packets that arrived together.
    sent push(std::span<packet_ptr const> packets, delivery how);

    /// Forgets what is queued.
    void clear() noexcept { outbox_.clear(); }

    /// What is queued leaves, or the lack of it is noticed, at the end of this turn.
    void flush_soon();

    /// What is queued leaves now, as far as it can leave at once.
    void flush();

    /// The same for the last time: a poll that takes it tells the end as well, for the next one
    /// would find no session.
    void flush_last();

    /// Reads over the transport of now. These coroutines keep the session.
    [[nodiscard]] asio::awaitable<void> read() { return read(self(), transport_); }
    /// The same over a transport that the session may go on over; what comes before it does so is
    /// dropped.
    [[nodiscard]] asio::awaitable<void> read_ahead(transport::any_transport next) {
        return read(self(), std::move(next));
    }
    /// Writes what is queued, until the end.
    [[nodiscard]] asio::awaitable<void> write() { return write(self()); }
    /// Waits until nothing is queued, or until the end.
    [[nodiscard]] asio::awaitable<void> drain() { return drain(self()); }

    /// Whether an upgrade may begin.
    [[nodiscard]] bool can_upgrade() const noexcept {
        bool const under_way = attempt_ && !attempt_->is_abandoned();
        return !under_way && !upgraded_ && !stopped_ && name_ == "polling";
    }
    /// Tries to go on over another transport, and reads over it if that succeeds. To be run at
    /// once.
    [[nodiscard]] asio::awaitable<void> upgrade(std::shared_ptr<upgrade_attempt> by);

    /// Closes the transport after what was sent, as its own `close` does.
    [[nodiscard]] bool close() { return transport_.close(transport::ending::orderly); }

    /// Ends everything at once, and lets go of the transport and its buffers.
    void stop();
    /// Those who wait notice.
    void wake_all() {
        wake_.notify_all();
        drained_.notify_all();
    }

    /// Whether a packet sent now would leave at once.
    [[nodiscard]] bool is_writable() const { return outbox_.empty() && transport_.is_writable(); }
    /// Whether everything has left.
    [[nodiscard]] bool is_idle() const noexcept {
        return outbox_.empty() && !sending_ && !settling_;
    }
    [[nodiscard]] outbox const& queued() const noexcept { return outbox_; }
    /// The transport; none after the end.
    [[nodiscard]] transport::any_transport const& current() const noexcept { return transport_; }
    /// The name of the transport; after the end, of the last one.
    [[nodiscard]] std::string_view name() const noexcept { return name_; }

private:
    using self_ptr = std::shared_ptr<link>;
    /// Keeps the session, whose part it is.
    [[nodiscard]] self_ptr self() { return {owner_->shared_from_this(), this}; }
    [[nodiscard]] static asio::awaitable<void> read(self_ptr self, transport::any_transport from);
    [[nodiscard]] static asio::awaitable<void> write(self_ptr self);
    [[nodiscard]] static asio::awaitable<void> drain(self_ptr self);
    [[nodiscard]] static asio::awaitable<void> carry_out(
        self_ptr self,
        std::shared_ptr<upgrade_attempt> attempt);
    [[nodiscard]] bool take(transport::any_transport const& from, eio::packet&& received);
    void switch_to(transport::any_transport next);

    /// Packets for which memory is kept between two flushes.
    static constexpr std::size_t most_spare = 1024;

    owner* owner_;
    net::shard* shard_;
    transport::any_transport transport_;
    std::string_view name_;
    std::shared_ptr<upgrade_attempt> attempt_;
    outbox outbox_;
    net::signal wake_;
    net::signal drained_;
    bool upgraded_ = false;
    bool reading_ = false;
    bool sending_ = false;
    bool settling_ = false;
    bool flush_pending_ = false;
    bool stopped_ = false;
};

inline sent link::push(std::span<packet_ptr const> packets, delivery how) {
    if (how.is_volatile && !is_writable())
        return outbox_.skip();
    auto const became = outbox_.push(packets, how.topic);
    if (!reading_)
        flush_soon();
    return became;
}

inline void link::flush_soon() {
    if (std::exchange(flush_pending_, true))
        return;
    shard_->defer([self = self()] {
        self->flush_pending_ = false;
        self->flush();
    });
}

/// Most of the time the system takes everything, and the writer can sleep on.
inline void link::flush() {
    if (sending_ || stopped_ || outbox_.empty() || !transport_.sends_at_once())
        return wake_.notify_all();
    // Memory is kept from one flush to the next; it is taken, since one may bring about another.
    thread_local std::vector<packet_ptr> spare;
    auto batch = std::exchange(spare, {});
    outbox_.take_all(batch);
    auto const ec = transport_.send_now(batch);
    batch.clear();
    if (batch.capacity() <= most_spare)
        spare = std::move(batch);
    if (ec)
        return owner_->on_broken();
    // What the system did not take at once, the writer waits for.
    settling_ = !transport_.is_writable();
    if (settling_)
        return wake_.notify_all();
    drained_.notify_all();
    owner_->on_idle();
}

inline asio::awaitable<void> link::read(self_ptr self, transport::any_transport from) {
    for (;;) {
        auto received = co_await from.recv();
        if (!received) {
            self->owner_->report(from.failure());
            if (self->transport_ == from)
                self->owner_->on_ended(static_cast<errc>(received.error().value()));
            co_return co_await transport::linger(from);
        }
        bool const wanted = self->take(from, std::move(*received));
        if (!wanted)
            co_await self->owner_->wait_until_wanted();
    }
}

/// What a batch of packets gives rise to leaves in one write.
inline bool link::take(transport::any_transport const& from, eio::packet&& received) {
    owner_->show(direction::received, from.name(), received);
    if (transport_ != from)
        return true;
    reading_ = true;
    bool const wanted = owner_->on_packet(std::move(received));
    reading_ = false;
    if (outbox_.empty()) {
    } else if (wanted && from.has_buffered()) {
        flush_soon();
    } else {
        flush();
    }
    return wanted;
}

inline asio::awaitable<void> link::write(self_ptr self) {
    while (!self->stopped_) {
        if (self->outbox_.empty() && !self->settling_) {
            self->drained_.notify_all();
            self->owner_->on_idle();
            if (self->outbox_.empty() && !self->stopped_)
                co_await self->wake_.wait();
            continue;
        }
        auto to = self->transport_;
        bool const writable = co_await to.writable();
        if (self->transport_ != to)
            continue;
        if (!writable) {
            if (!self->stopped_)
                co_await self->wake_.wait();
            continue;
        }
        // Nothing at all has its turn, too: after what is still on its way.
        auto const batch = self->outbox_.take(to.batch_limit());
        self->settling_ = false;
        self->sending_ = true;
        auto const ec = co_await to.send(batch);
        self->sending_ = false;
        if (ec && self->transport_ == to)
            self->owner_->on_broken();
    }
    self->drained_.notify_all();
}

inline asio::awaitable<void> link::drain(self_ptr self) {
    while (!self->is_idle() && !self->stopped_)
        co_await self->drained_.wait();
}

inline asio::awaitable<void> link::upgrade(std::shared_ptr<upgrade_attempt> by) {
    attempt_ = by;
    return carry_out(self(), std::move(by));
}

inline asio::awaitable<void> link::carry_out(
    self_ptr self,
    std::shared_ptr<upgrade_attempt> attempt) {
    auto taken = co_await attempt->run();
    if (self->attempt_ == attempt)
        self->attempt_ = nullptr;
    if (!taken)
        co_return;
    self->switch_to(taken);
    if (attempt->reads_ahead())
        co_return;
    co_await self->owner_->wait_until_wanted();
    co_await read(self, std::move(taken));
}

inline void link::switch_to(transport::any_transport next) {
    auto old = std::exchange(transport_, std::move(next));
    auto const before = std::exchange(name_, transport_.name());
    upgraded_ = true;
    std::ignore = old.close(transport::ending::discard);
    wake_.notify_all();
    owner_->on_upgraded(before);
}

inline void link::flush_last() {
    packet_ptr const close =
        std::make_shared<eio::packet const>(eio::packet::of(eio::packet_type::close));
    if (!outbox_.empty() && name_ == "polling")
        std::ignore = outbox_.push(std::span(&close, 1), 0);
    flush();
}

inline void link::stop() {
    stopped_ = true;
    outbox_.clear();
    // First, so that an upgrade that is given up finds nothing to go on with.
    if (auto last = std::exchange(transport_, {}))
        std::ignore = last.close(transport::ending::discard);
    if (auto const given_up = std::exchange(attempt_, nullptr))
        given_up->abandon();
}

}  // namespace socoro::engine
