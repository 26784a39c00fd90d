// SPDX-License-Identifier: BSL-1.0
// The shared state of one socket of a client: one namespace, over one connection after the other.
#pragma once

#include <socoro/base/refused.hpp>
#include <socoro/channel_core.hpp>
#include <socoro/client_options.hpp>
#include <socoro/credentials.hpp>
#include <socoro/eio/handshake.hpp>
#include <socoro/kept_events.hpp>
#include <socoro/lifecycle.hpp>
#include <socoro/retry_queue.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::detail {

class client_core;

/// One namespace of a client. It stays through the loss of a connection, and ends when it is
/// disconnected on purpose, refused, or when nobody tries to connect any more.
class client_socket_core final : public channel_core {
public:
    static constexpr bool tells = true;

    client_socket_core(
        std::string nsp,
        std::shared_ptr<client_core> const& owner,
        std::shared_ptr<net::shard> shard,
        std::shared_ptr<net::task_group> tasks,
        std::shared_ptr<client_options const> opts,
        credentials shown);

    // ------------------------------------------------------------------------------- sending

    /// As for any channel; with the option `retries` it is sent until it is acknowledged.
    void emit(encoded_event&& event, bool is_volatile = false);
    [[nodiscard]] call_guard call(encoded_event&& event);
    void forget_reply(std::uint64_t id) override;
    [[nodiscard]] std::optional<net::duration> call_timeout() const override;
    [[nodiscard]] asio::awaitable<void> drain() override;

    // ------------------------------------------------------------------------------- its life

    /// The data of the packet that asks to be connected: the credentials, and where to go on.
    [[nodiscard]] std::optional<json::value> introduction(json::value const& shown) const;
    void on_packet(sio::packet&& packet, std::size_t size);
    /// The connection is lost; it will be tried again.
    void on_session_lost(errc reason);
    void on_attempt(reconnect_attempt event) { tell(event); }
    /// The connection could not be made.
    void on_error(connect_error event, bool tried_again);
    /// The server refuses the socket: it ends.
    void on_refused(std::string message, json::value data);
    /// The end.
    void end(errc reason);
    void disconnect(bool close) override;

    /// The program has a handle of it.
    void on_handed_out() noexcept { handed_out_ = true; }
    /// Whether the program has a handle of it, or waits for one.
    [[nodiscard]] bool is_of_use() const noexcept { return handed_out_ || changed_.has_waiters(); }

    /// Waits until it is connected. Throws why it has ended instead: `refused`, or
    /// `std::system_error`.
    [[nodiscard]] static asio::awaitable<void> wait_connected(
        std::shared_ptr<client_socket_core> self,
        std::optional<net::time_point> deadline);

    [[nodiscard]] std::string const& nsp_name() const noexcept override { return nsp_; }
    [[nodiscard]] credentials const& shown() const noexcept { return shown_; }
    [[nodiscard]] bool recovered() const noexcept { return recovered_; }
    /// Why it is not connected now.
    [[nodiscard]] std::optional<errc> last_reason() const noexcept { return last_reason_; }
    [[nodiscard]] std::shared_ptr<client_core> client() const noexcept { return client_.lock(); }
    void on_taken() override;

private:
    class retried;

    engine::sent transmit(frame_list const& frames, engine::delivery how) override;
    [[nodiscard]] std::uint64_t next_ack_id() override { return next_ack_id_++; }
    void on_wait() override;
    void on_flood() override;
    [[nodiscard]] asio::awaitable<void> drain_session();
    void leave();
    void close_client();
    void keep(frame_list const& frames, std::string_view event, std::optional<std::uint64_t> id)
        override;
    [[nodiscard]] bool keeps_calls() const noexcept override { return !reason(); }

    /// Puts an event where those who wait will find it; `put` without resuming them.
    template <typename E>
    void put(E event) {
        incoming told;
        told.name = E::event_name;
        told.told = std::make_shared<E const>(std::move(event));
        inbox().tell(std::move(told));
    }
    template <typename E>
    void tell(E event) {
        put(std::move(event));
        inbox().notify();
    }
    [[nodiscard]] bool is_expected(sio::packet const& packet) const noexcept;
    void on_connected(json::object const& answer);
    void on_unsupported();
    void send_all_kept();
    void on_event_packet(sio::packet&& packet, std::size_t size);
    [[nodiscard]] bool retries() const noexcept { return options_->retries.has_value(); }
    void retry_in_order(encoded_event&& event, std::shared_ptr<reply_sink> waiting);
    void retry(encoded_event&& event, std::shared_ptr<reply_sink> waiting);
    void send_retried(bool again);
    void on_retried(sio::packet&& reply);
    void on_retry_failed(std::error_code why);
    [[nodiscard]] std::shared_ptr<client_socket_core> share() {
        return std::static_pointer_cast<client_socket_core>(shared_from_this());
    }

    std::string nsp_;
    std::weak_ptr<client_core> client_;
    std::shared_ptr<client_options const> options_;
    credentials shown_;
    kept_events kept_;
    retry_queue retried_;
    net::timer retry_timer_;
    /// Of the event that is under way.
    std::optional<std::uint64_t> retried_id_;
    net::signal changed_;
    std::uint64_t next_ack_id_ = 0;
    std::string pid_;
    std::string last_offset_;
    bool recovered_ = false;
    bool handed_out_ = false;
    std::optional<errc> last_reason_;
    std::error_code last_error_;
    std::optional<refused> refusal_;
};

/// Waits for the reply to the event that is under way.
class client_socket_core::retried final : public reply_sink {
public:
    retried(std::weak_ptr<client_socket_core> of, std::uint64_t id) : of_(std::move(of)), id_(id) {}
    void answer(sio::packet&& packet) override {
        auto const socket = of_.lock();
        if (socket && socket->retried_id_ == id_)
            socket->on_retried(std::move(packet));
    }
    void fail(std::error_code ec) override {
        auto const socket = of_.lock();
        if (socket && socket->retried_id_ == id_)
            socket->on_retry_failed(ec);
    }

private:
    std::weak_ptr<client_socket_core> of_;
    std::uint64_t id_;
};

inline client_socket_core::client_socket_core(
    std::string nsp,
    std::shared_ptr<client_core> const& owner,
    std::shared_ptr<net::shard> shard,
    std::shared_ptr<net::task_group> tasks,
    std::shared_ptr<client_options const> opts,
    credentials shown)
    : channel_core({}, shard, std::move(tasks), opts)
    , nsp_(std::move(nsp))
    , client_(owner)
    , options_(std::move(opts))
    , shown_(std::move(shown))
    , kept_(options_->offline_bytes)
    , retried_(options_->retries.value_or(0), options_->outbox_bytes)
    , retry_timer_(shard->clock(), [this] { on_retry_failed(errc::timeout); })
    , changed_(*shard) {}

// ------------------------------------------------------------------------------------- sending

inline void client_socket_core::emit(encoded_event&& event, bool is_volatile) {
    if (!retries() || is_volatile)
        return channel_core::emit(std::move(event), is_volatile);
    retry_in_order(std::move(event), nullptr);
}

inline void client_socket_core::retry_in_order(
    encoded_event&& event,
    std::shared_ptr<reply_sink> waiting) {
    // Each try is written anew. What a parser throws about it has to come out here, while somebody
    // can catch it.
    if (auto const* const by = settings().parser())
        std::ignore = make_frames(by, {.nsp = nsp_, .id = 0}, encoded_event(event));
    if (owner().is_in_order())
        return retry(std::move(event), std::move(waiting));
    auto const size = retry_queue::cost_of(event);
    // The name belongs to the caller, who may be gone by then.
    auto const name = std::string(event.name);
    auto queue = [self = share(), event = std::move(event), name, waiting]() mutable {
        event.name = name;
        self->retry(std::move(event), std::move(waiting));
    };
    // A request is never dropped: somebody waits for the reply.
    if (waiting)
        owner().submit(std::move(queue));
    else
        submit_counted(size, name, std::move(queue));
}

inline call_guard client_socket_core::call(encoded_event&& event) {
    if (!retries() || reason())
        return channel_core::call(std::move(event));
    auto const pending = std::make_shared<pending_call>(owner());
    retry_in_order(std::move(event), pending);
    on_wait();
    return {pending, [] {}};
}

inline void client_socket_core::forget_reply(std::uint64_t id) {
    kept_.forget(id);
    channel_core::forget_reply(id);
}

inline std::optional<net::duration> client_socket_core::call_timeout() const {
    // What is retried is waited for each time anew.
    return retries() ? std::nullopt : std::optional<net::duration>(options_->ack_timeout);
}

inline asio::awaitable<void> client_socket_core::drain() {
    settle();
    auto const self = share();
    while (!reason() && (!kept_.empty() || !retried_.empty()))
        std::ignore = co_await changed_.wait();
    co_await drain_session();
}

inline void client_socket_core::keep(
    frame_list const& frames,
    std::string_view event,
    std::optional<std::uint64_t> id) {
    if (reason() || kept_.push(frames, event, id))
        return;
    report_dropped(event, errc::outbox_full);
    if (id)
        fail_call(*id, errc::outbox_full);
}

// ----------------------------------------------------------------------------- retried events

inline void client_socket_core::retry(encoded_event&& event, std::shared_ptr<reply_sink> waiting) {
    if (reason()) {
        if (waiting)
            waiting->fail(*reason());
        return;
    }
    auto const name = std::string(event.name);
    if (retried_.push(std::move(event), waiting))
        return send_retried(false);
    report_dropped(name, errc::outbox_full);
    if (waiting)
        waiting->fail(errc::outbox_full);
}

inline void client_socket_core::send_retried(bool again) {
    auto const* const entry = connected() ? retried_.next(again) : nullptr;
    if (!entry)
        return;
    auto const id = next_ack_id();
    retried_id_ = id;
    auto content = entry->event;
    std::ignore = expect_reply(id, std::make_shared<retried>(share(), id));
    send_request(make_frames(settings().parser(), {.nsp = nsp_, .id = id}, std::move(content)));
    if (options_->ack_timeout)
        retry_timer_.arm_after(*options_->ack_timeout);
}

inline void client_socket_core::on_retried(sio::packet&& reply) {
    retry_timer_.cancel();
    retried_id_.reset();
    auto const done = retried_.on_reply();
    send_retried(false);
    if (retried_.empty())
        changed_.notify_all();
    if (done.waiting)
        done.waiting->answer(std::move(reply));
}

inline void client_socket_core::on_retry_failed(std::error_code why) {
    retry_timer_.cancel();
    auto const held = share();
    if (auto const id = std::exchange(retried_id_, std::nullopt))
        forget_reply(*id);
    if (retried_.empty())
        return;
    auto const given_up = retried_.on_failure();
    send_retried(false);
    if (!given_up)
        return;
    if (given_up->waiting)
        given_up->waiting->fail(why);
    else
        report_dropped(given_up->name, errc::timeout);
    if (retried_.empty())
        changed_.notify_all();
}

// ------------------------------------------------------------------------------------ its life

inline std::optional<json::value> client_socket_core::introduction(json::value const& shown) const {
    if (pid_.empty())
        return shown.is_null() ? std::nullopt : std::optional(shown);
    json::object data{{"pid", pid_}};
    if (!last_offset_.empty())
        data["offset"] = last_offset_;
    if (auto const* const own = shown.if_object())
        for (auto const& [name, value] : *own)
            data[name] = value;
    return data;
}

inline void client_socket_core::on_packet(sio::packet&& packet, std::size_t size) {
    if (!connected() && !is_expected(packet))
        return;
    static json::object const none;
    auto const* const object = packet.data ? packet.data->if_object() : nullptr;
    auto const& data = object ? *object : none;
    switch (packet.type) {
    case sio::packet_type::connect: on_connected(data); break;
    case sio::packet_type::event: on_event_packet(std::move(packet), size); break;
    case sio::packet_type::ack: on_ack(std::move(packet)); break;
    case sio::packet_type::disconnect: end(errc::io_server_disconnect); break;
    case sio::packet_type::connect_error: {
        auto const* const more = data.if_contains("data");
        on_refused(eio::detail::string_member(data, "message"), more ? *more : json::value());
        break;
    }
    default: break;
    }
}

/// Before it is connected a socket gets its answer, and what it has missed. All else is for the one
/// that there was before.
inline bool client_socket_core::is_expected(sio::packet const& packet) const noexcept {
    switch (packet.type) {
    case sio::packet_type::connect:
    case sio::packet_type::connect_error: return true;
    case sio::packet_type::event: return !pid_.empty();
    default: return false;
    }
}

inline void client_socket_core::on_connected(json::object const& answer) {
    // A server says so once.
    if (connected())
        return;
    auto id = eio::detail::string_member(answer, "sid");
    if (id.empty())
        return on_unsupported();
    auto pid = eio::detail::string_member(answer, "pid");
    recovered_ = !pid.empty() && pid == pid_;
    if (!recovered_)
        last_offset_.clear();
    pid_ = std::move(pid);
    auto const held = share();
    on_connect(std::move(id));
    last_reason_.reset();
    send_all_kept();
    send_retried(true);
    tell(socoro::on_connect{recovered_});
    changed_.notify_all();
}

/// As much as the connection takes; the rest waits for the next.
inline void client_socket_core::send_all_kept() {
    while (!kept_.empty() && connected()) {
        // A hook that is told of what is dropped may end the socket.
        auto next = kept_.pop();
        bool const taken = send_kept(next.frames, next.name, next.id.has_value());
        if (!taken && !reason())
            return kept_.put_back(std::move(next));
    }
}

inline void client_socket_core::on_event_packet(sio::packet&& packet, std::size_t size) {
    if (!packet.data)
        return;
    // With recovery the last argument tells how far we got; it stays there, as in the reference. A
    // volatile event has none, and cannot be told from others: one that ends in a text of its own
    // costs the recovery if it is the last one.
    auto const& list = packet.data->as_array();
    if (!pid_.empty() && !packet.id && list.size() > 1 && list.back().is_string())
        last_offset_ = list.back().get_string();
    on_event(to_incoming(std::move(packet), size));
}

inline void client_socket_core::on_session_lost(errc reason) {
    if (!connected())
        return;
    last_reason_ = reason;
    auto const held = share();
    auto const was = id();
    put(on_disconnect{reason});
    on_lost(reason);
    inbox().notify();
    notify(settings().hooks().closed, closed_socket{was, nsp_, reason});
}

inline void client_socket_core::on_error(connect_error event, bool tried_again) {
    auto const code = event.code;
    last_error_ = event.why;
    put(std::move(event));
    if (!tried_again)
        return end(static_cast<errc>(code.value()));
    auto const held = share();
    inbox().notify();
}

/// An older Socket.IO names no socket.
inline void client_socket_core::on_unsupported() {
    auto const code = make_error_code(errc::unsupported_server);
    on_error(connect_error{code.message(), nullptr, code, code}, false);
}

inline void client_socket_core::on_refused(std::string message, json::value data) {
    data.is_null() ? refusal_.emplace(message) : refusal_.emplace(message, data);
    put(connect_error{std::move(message), std::move(data), errc::refused, errc::refused});
    end(errc::refused);
}

/// Whoever waits is told; what waits to be sent is forgotten.
inline void client_socket_core::end(errc reason) {
    if (this->reason())
        return;
    auto const held = share();
    bool const was_connected = connected() && make_error_code(reason) == closed;
    last_reason_ = reason;
    kept_.clear();
    retry_timer_.cancel();
    auto const unsent = retried_.take_all();
    if (was_connected)
        put(on_disconnect{reason});
    on_close(reason);
    for (auto const& entry : unsent)
        if (entry.waiting)
            entry.waiting->fail(reason);
    changed_.notify_all();
    leave();
    if (was_connected)
        notify(settings().hooks().closed, closed_socket{id(), nsp_, reason});
}

inline void client_socket_core::disconnect(bool close) {
    if (close)
        return close_client();
    if (connected())
        std::ignore =
            transmit(make_frames(settings().parser(), sio::packet_type::disconnect, nsp_), {});
    end(errc::io_client_disconnect);
}

inline asio::awaitable<void> client_socket_core::wait_connected(
    std::shared_ptr<client_socket_core> self,
    std::optional<net::time_point> deadline) {
    std::error_code late;
    while (!self->connected() && !self->reason() && !late)
        late = co_await self->changed_.wait(deadline);
    if (self->connected())
        co_return;
    if (self->refusal_)
        throw *self->refusal_;
    auto const code = self->reason() ? make_error_code(*self->reason()) : late;
    if (self->last_error_)
        throw std::system_error(code, self->last_error_.message());
    throw std::system_error(code);
}

}  // namespace socoro::detail
