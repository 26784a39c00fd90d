// SPDX-License-Identifier: BSL-1.0
// The shared state of one end of a namespace: events in, events out, and the replies to both. What
// lies beneath, a server's session for example, is told what to send by the class derived from it.
#pragma once

#include <socoro/ack.hpp>
#include <socoro/base/describe.hpp>
#include <socoro/channel_options.hpp>
#include <socoro/engine/failure.hpp>
#include <socoro/engine/session_core.hpp>
#include <socoro/frames.hpp>
#include <socoro/inbox.hpp>
#include <socoro/incoming.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/task_group.hpp>
#include <socoro/sio/ack_table.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

/// One end of a namespace. Belongs to its shard; `emit` alone is safe from any thread.
class channel_core : public reply_source, public std::enable_shared_from_this<channel_core> {
public:
    /// Whether it tells about its connection: see lifecycle.hpp.
    static constexpr bool tells = false;

    /// Coroutines that belong to the channel run in `tasks`.
    channel_core(
        std::string id,
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<net::task_group> tasks,
        channel_settings opts);
    channel_core(channel_core const&) = delete;
    channel_core& operator=(channel_core const&) = delete;
    ~channel_core() override = default;

    // ------------------------------------------------------------------------------- sending

    /// Sends an event, in the order of each thread's calls. Ignored unless connected.
    void emit(encoded_event&& event, bool is_volatile = false);

    /// Sends the frames of an event that others receive as well. Ignored unless connected.
    void send(frame_list const& frames, std::string_view name, bool is_volatile);

    /// Sends the frames of a request that others receive as well: somebody waits for the reply,
    /// so that it is never dropped. Ignored unless connected.
    void send_request(frame_list const& frames) {
        if (connected_)
            std::ignore = transmit(frames, {});
        on_wait();
    }

    /// Sends a request, or keeps it for later if `keeps_calls`; the guard ends the wait for the reply.
    [[nodiscard]] call_guard call(encoded_event&& event);

    /// How long a request is waited for unless told otherwise.
    [[nodiscard]] virtual std::optional<net::duration> call_timeout() const { return std::nullopt; }

    /// Keeps who waits for the reply with this id; false unless connected.
    [[nodiscard]] bool expect_reply(std::uint64_t id, std::shared_ptr<reply_sink> waiting);
    virtual void forget_reply(std::uint64_t id) { std::ignore = calls_.take(id); }

    /// The sender of the reply to the request with this id.
    [[nodiscard]] replier reply_to(std::optional<std::uint64_t> id);
    void send_reply(std::uint64_t id, encoded_event&& content) override;

    /// What other threads sent before is sent now. Anybody may be resumed by it.
    void settle() {
        auto const held = shared_from_this();
        shard_->run_submitted();
    }

    /// Waits until everything sent has left, or the connection has ended.
    [[nodiscard]] virtual asio::awaitable<void> drain() = 0;

    // ----------------------------------------------------------------------------- receiving

    /// Another event was taken out of the inbox.
    virtual void on_taken() {}

    /// Waits for something new in the inbox, or for the end.
    template <typename Executor>
    [[nodiscard]] auto wait(std::optional<net::time_point> deadline) {
        on_wait();
        return inbox_.wait<Executor>(deadline);
    }

    /// An event did not fit what it was received as.
    void on_misfit(incoming const& event, misfit const& why);

    /// Whether a coroutine with this cancellation slot may be one of several that were started
    /// side by side, the first of which cancels the rest.
    [[nodiscard]] bool may_race(asio::cancellation_slot const& slot) const;

    [[nodiscard]] detail::inbox& inbox() noexcept { return inbox_; }

    // --------------------------------------------------------------------- its own coroutines

    /// Starts a coroutine that ends with the channel: an exception other than the disconnect is
    /// reported, and disconnects it.
    template <typename Executor>
    void spawn(asio::awaitable<void, Executor> task) {
        spawn(*tasks_, std::move(task));
    }
    /// The same in a group of its own.
    template <typename Executor>
    void spawn(net::task_group& in, asio::awaitable<void, Executor> task);

    /// Runs a coroutine of the channel. Gives what it failed with, if that was not the disconnect.
    template <typename Executor>
    [[nodiscard]] static asio::awaitable<std::exception_ptr, Executor> run(
        std::shared_ptr<channel_core> self,
        asio::awaitable<void, Executor> task);

    // -------------------------------------------------------------------------- its life

    virtual void disconnect(bool close) = 0;

    [[nodiscard]] virtual std::string const& nsp_name() const noexcept = 0;
    [[nodiscard]] std::string const& id() const noexcept { return id_; }
    [[nodiscard]] bool connected() const noexcept { return connected_; }
    [[nodiscard]] std::optional<errc> reason() const noexcept { return reason_; }
    /// Whether it is by this error that those who waited were told that it is not connected.
    [[nodiscard]] bool is_told(std::error_code why) const {
        return !connected_ && (why == closed || (reason_ && why == *reason_));
    }
    /// Why nothing more will be received, once that is so.
    [[nodiscard]] std::optional<errc> ended() const noexcept {
        return inbox_.is_holding() ? std::nullopt : reason_;
    }
    [[nodiscard]] net::shard& owner() const noexcept { return *shard_; }
    [[nodiscard]] std::shared_ptr<net::task_group> const& tasks() const noexcept { return tasks_; }
    [[nodiscard]] channel_settings const& settings() const noexcept { return settings_; }

    /// The channel may be used: it sends and receives.
    void on_connect() { connected_ = true; }
    /// The same for a client, which learns its id by it.
    void on_connect(std::string id) {
        id_ = std::move(id);
        on_connect();
    }
    void on_event(incoming&& event);
    void on_ack(sio::packet&& packet);
    /// The connection is lost, which is not the end: who waits for a reply is told why.
    void on_lost(errc reason);
    /// The end: everybody who waits is told why. Only the first call counts.
    void on_close(errc reason);

    /// Whether somebody waits for what only reading can bring.
    [[nodiscard]] bool is_awaiting() const {
        // Who waits for an event that packet middleware still has needs nothing to be read.
        return (inbox_.has_waiters() && !inbox_.is_holding()) || !calls_.empty();
    }

protected:
    /// Hands frames to what lies beneath.
    virtual engine::sent transmit(frame_list const& frames, engine::delivery how) = 0;
    [[nodiscard]] virtual std::uint64_t next_ack_id() = 0;
    /// Somebody is about to wait: reading may go on, whatever fills the inboxes.
    virtual void on_wait() {}
    /// Other threads have sent more than may wait.
    virtual void on_flood() = 0;
    /// An event was sent while not connected; without `id` nobody waits for a reply to it.
    virtual void keep(frame_list const&, std::string_view, std::optional<std::uint64_t>) {}
    /// Whether a request that is sent while not connected is kept for later.
    [[nodiscard]] virtual bool keeps_calls() const noexcept { return false; }
    /// No reply will come to the request with this id.
    void fail_call(std::uint64_t id, errc why) {
        if (auto const waiting = calls_.take(id))
            (*waiting)->fail(why);
    }
    /// Sends what was kept, as what it is: an event, or a request. False if the connection does not
    /// take it any more.
    [[nodiscard]] bool send_kept(frame_list const& frames, std::string_view name, bool is_request);
    /// Runs `send`, which is copyable, on the shard, in the order of the caller's thread. What other
    /// threads send counts at once, so that a loop of theirs cannot fill the memory.
    template <typename F>
    void submit_counted(std::size_t size, std::string_view name, F send);
    /// Something that was sent is dropped.
    void report_dropped(std::string_view event, errc why);

private:
    void submit(frame_list&& frames, std::string_view name, bool is_volatile);
    void on_excess(std::string_view name);
    void send_indispensable(
        frame_list&& frames,
        std::string_view name,
        std::optional<std::uint64_t> called);
    void send_or_keep(
        frame_list const& frames,
        std::string_view name,
        std::optional<std::uint64_t> called);
    void fail_calls(errc why);
    [[nodiscard]] engine::delivery delivery_of(std::string_view name, bool is_volatile) const;

    std::string id_;
    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<net::task_group> tasks_;
    channel_settings settings_;
    detail::inbox inbox_;
    sio::ack_table<std::shared_ptr<reply_sink>> calls_;
    /// Of the coroutines that run for the channel by themselves.
    std::vector<asio::cancellation_slot> own_slots_;
    bool connected_ = false;
    std::optional<errc> reason_;
    std::size_t dropped_ = 0;
    /// Sent by other threads, and not handed over yet.
    std::atomic<std::size_t> submitted_bytes_{0};
};

inline channel_core::channel_core(
    std::string id,
    std::shared_ptr<net::shard> owner,
    std::shared_ptr<net::task_group> tasks,
    channel_settings opts)
    : id_(std::move(id))
    , shard_(std::move(owner))
    , tasks_(std::move(tasks))
    , settings_(std::move(opts))
    , inbox_(*shard_, settings_.channel().inbox_events, settings_.channel().inbox_bytes) {}

inline void channel_core::emit(encoded_event&& event, bool is_volatile) {
    auto const name = event.name;
    auto frames = make_frames(settings_.parser(), {.nsp = nsp_name()}, std::move(event));
    if (shard_->is_in_order())
        send(frames, name, is_volatile);
    else
        submit(std::move(frames), name, is_volatile);
}

/// Somebody waits for it.
inline void channel_core::send_indispensable(
    frame_list&& frames,
    std::string_view name,
    std::optional<std::uint64_t> called) {
    if (shard_->is_in_order())
        return send_or_keep(frames, name, called);
    shard_->submit(
        [self = shared_from_this(), frames = std::move(frames), name = std::string(name), called] {
            self->send_or_keep(frames, name, called);
        });
}

inline void channel_core::send_or_keep(
    frame_list const& frames,
    std::string_view name,
    std::optional<std::uint64_t> called) {
    if (connected_)
        std::ignore = transmit(frames, {});
    else if (called)
        keep(frames, name, called);
}

inline void channel_core::submit(frame_list&& frames, std::string_view name, bool is_volatile) {
    auto const size = engine::cost_of(frames);
    auto submitted = [this, frames = std::move(frames), name = std::string(name), is_volatile] {
        send(frames, name, is_volatile);
    };
    submit_counted(size, name, std::move(submitted));
}

template <typename F>
void channel_core::submit_counted(std::size_t size, std::string_view name, F send) {
    auto self = shared_from_this();
    if (submitted_bytes_.fetch_add(size) <= settings_.session().outbox_bytes)
        return shard_->submit([self = std::move(self), size, send = std::move(send)]() mutable {
            self->submitted_bytes_ -= size;
            send();
        });
    submitted_bytes_ -= size;
    shard_->submit([self = std::move(self), name = std::string(name)] { self->on_excess(name); });
}

/// Other threads have sent too much.
inline void channel_core::on_excess(std::string_view name) {
    if (reason_)
        return;
    if (connected_ && settings_.session().when_outbox_full == engine::outbox_policy::disconnect)
        on_flood();
    else
        report_dropped(name, errc::outbox_full);
}

inline void channel_core::send(frame_list const& frames, std::string_view name, bool is_volatile) {
    if (!connected_ && is_volatile)
        return;
    if (!connected_)
        return keep(frames, name, std::nullopt);
    auto const became = transmit(frames, delivery_of(name, is_volatile));
    // Who disconnects for it has another hook, and who sends volatile events expects it.
    bool const expected =
        is_volatile || settings_.session().when_outbox_full == engine::outbox_policy::disconnect;
    if (became != engine::sent::queued && !expected)
        report_dropped(name, errc::outbox_full);
}

inline bool
channel_core::send_kept(frame_list const& frames, std::string_view name, bool is_request) {
    auto const how = is_request ? engine::delivery() : delivery_of(name, false);
    auto const became = transmit(frames, how);
    bool const overflows =
        settings_.session().when_outbox_full == engine::outbox_policy::disconnect;
    if (became != engine::sent::queued && !overflows)
        report_dropped(name, errc::outbox_full);
    return became != engine::sent::dropped || !overflows;
}

/// Events of one name in one namespace are a topic. Where that makes no difference, all are one.
inline engine::delivery channel_core::delivery_of(std::string_view name, bool is_volatile) const {
    std::uint64_t topic = 1;
    if (settings_.session().when_outbox_full == engine::outbox_policy::keep_latest) {
        std::hash<std::string_view> const hash;
        topic += (hash(name) * 31 + hash(nsp_name())) >> 1;
    }
    return {topic, is_volatile};
}

inline void channel_core::report_dropped(std::string_view event, errc why) {
    notify(settings_.hooks().dropped, dropped_event{id_, event, why, ++dropped_});
}

inline bool channel_core::expect_reply(std::uint64_t id, std::shared_ptr<reply_sink> waiting) {
    bool const may_come = connected_ || keeps_calls();
    if (may_come)
        calls_.add(id, std::move(waiting));
    return may_come;
}

inline call_guard channel_core::call(encoded_event&& event) {
    auto const pending = std::make_shared<pending_call>(*shard_);
    if (!connected_ && !keeps_calls()) {
        pending->fail(make_error_code(reason_.value_or(errc::transport_close)));
        return {pending, [] {}};
    }
    auto const id = next_ack_id();
    auto const name = event.name;
    // A parser may throw: then nobody waits.
    auto frames = make_frames(settings_.parser(), {.nsp = nsp_name(), .id = id}, std::move(event));
    std::ignore = expect_reply(id, pending);
    send_indispensable(std::move(frames), name, id);
    on_wait();
    return {pending, [weak = weak_from_this(), id] {
                if (auto const self = weak.lock())
                    self->forget_reply(id);
            }};
}

inline replier channel_core::reply_to(std::optional<std::uint64_t> id) {
    return id ? replier(weak_from_this(), *id) : replier();
}

inline void channel_core::send_reply(std::uint64_t id, encoded_event&& content) {
    send_indispensable(
        make_frames(
            settings_.parser(),
            {.type = sio::packet_type::ack, .nsp = nsp_name(), .id = id},
            std::move(content)),
        {},
        std::nullopt);
}

inline void channel_core::on_event(incoming&& event) {
    auto const held = shared_from_this();
    for (auto const& dropped : inbox_.push(std::move(event)))
        report_dropped(dropped, errc::inbox_full);
}

inline void channel_core::on_ack(sio::packet&& packet) {
    if (!packet.id)
        return;
    if (auto const waiting = calls_.take(*packet.id))
        (*waiting)->answer(std::move(packet));
}

inline void channel_core::on_misfit(incoming const& event, misfit const& why) {
    notify(settings_.hooks().invalid, invalid_payload{id_, event.name, why.where, why.expected});
    if (settings_.channel().answer_invalid_payload) {
        json::object const error{
            {"message", why.where + " is not " + why.expected},
            {"where", why.where},
            {"expected", why.expected}};
        reply_to(event.id)(json::object{{"error", error}});
    }
    if (settings_.channel().disconnect_on_invalid_payload)
        disconnect(false);
}

inline bool channel_core::may_race(asio::cancellation_slot const& slot) const {
    return slot.is_connected() &&
           std::find(own_slots_.begin(), own_slots_.end(), slot) == own_slots_.end();
}

inline void channel_core::on_close(errc reason) {
    if (reason_)
        return;
    reason_ = reason;
    connected_ = false;
    auto const held = shared_from_this();
    fail_calls(reason);
    inbox_.notify();
}

inline void channel_core::on_lost(errc reason) {
    connected_ = false;
    auto const held = shared_from_this();
    fail_calls(reason);
}

inline void channel_core::fail_calls(errc why) {
    for (auto const& waiting : calls_.take_all())
        waiting->fail(why);
}

template <typename Executor>
asio::awaitable<std::exception_ptr, Executor> channel_core::run(
    std::shared_ptr<channel_core> self,
    asio::awaitable<void, Executor> task) {
    auto const state = co_await asio::this_coro::cancellation_state;
    auto const slot = state.slot();
    self->own_slots_.push_back(slot);
    std::exception_ptr failure;
    try {
        co_await std::move(task);
    } catch (...) {
        failure = std::current_exception();
    }
    std::erase(self->own_slots_, slot);
    // The disconnect of its own socket is how a coroutine normally ends.
    auto const why = failure ? engine::error_of(failure) : std::error_code();
    // The task may have replaced the state that there was before.
    auto const last_state = co_await asio::this_coro::cancellation_state;
    bool const cancelled = last_state.cancelled() != asio::cancellation_type::none;
    bool const told = self->is_told(why);
    if (told || (cancelled && why == asio::error::operation_aborted))
        failure = nullptr;
    co_return failure;
}

template <typename Executor>
void channel_core::spawn(net::task_group& in, asio::awaitable<void, Executor> task) {
    using task_type = asio::awaitable<void, Executor>;
    auto const guarded = [](std::shared_ptr<channel_core> self, task_type child) -> task_type {
        auto const failure = co_await run(self, std::move(child));
        if (!failure)
            co_return;
        notify(
            self->settings_.hooks().handler_failed,
            self->nsp_name(),
            describe(engine::unwrapped(failure)));
        self->disconnect(false);
    };
    in.spawn(guarded(shared_from_this(), std::move(task)));
}

}  // namespace socoro::detail
