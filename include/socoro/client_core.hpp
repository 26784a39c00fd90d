// SPDX-License-Identifier: BSL-1.0
// The shared state of a client: one connection after the other to one server, and the sockets that
// share it.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/base/utf8.hpp>
#include <socoro/client_socket_core.hpp>
#include <socoro/engine/client_session_core.hpp>
#include <socoro/engine/dialer.hpp>
#include <socoro/packet_reader.hpp>
#include <socoro/reading.hpp>
#include <socoro/reconnection.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>

namespace socoro::detail {

/// Not thread-safe; it lives on the executor of its shard.
class client_core final : public std::enable_shared_from_this<client_core> {
public:
    client_core(
        std::shared_ptr<net::shard> owner,
        http::url server,
        std::shared_ptr<client_options const> opts);

    /// The socket of a namespace. One that is not there is made, and connects.
    [[nodiscard]] std::shared_ptr<client_socket_core> socket(
        std::string nsp,
        std::optional<credentials> shown);

    /// The socket of a namespace, if there is one.
    [[nodiscard]] std::shared_ptr<client_socket_core> find(std::string_view nsp) const;

    /// Ends every socket, the connection, and every attempt to connect.
    void close();
    /// The same, and waits until nothing runs any more; what is late is cancelled.
    [[nodiscard]] static asio::awaitable<void> close(
        std::shared_ptr<client_core> self,
        net::duration within);

    // ------------------------------------------------------------------------ for its sockets

    engine::sent send(frame_list const& frames, engine::delivery how) {
        return session_ ? session_->send(frames, how) : engine::sent::dropped;
    }
    /// A socket has ended.
    void forget(client_socket_core& socket);
    /// One of its sockets is about to wait for what only reading can bring.
    void on_wait();
    void resume_reading();
    void overflow();
    [[nodiscard]] std::shared_ptr<engine::client_session_core> const& session() const noexcept {
        return session_;
    }

    [[nodiscard]] http::url const& server() const noexcept { return dialer_->server(); }
    [[nodiscard]] std::shared_ptr<net::shard> const& owner() const noexcept { return shard_; }

private:
    using socket_ptr = std::shared_ptr<client_socket_core>;

    /// Tells what a session tells, and does not keep whom it tells: a client keeps its session.
    class ear;

    void on_message(message&& received);
    [[nodiscard]] bool wants_more() const;
    void on_close(errc reason);
    void send_packet(
        sio::packet_type type,
        std::string_view nsp,
        std::optional<json::value> const& data = std::nullopt) {
        send(make_frames(options_->parser.get(), type, nsp, data), {});
    }

    [[nodiscard]] asio::awaitable<std::error_code> wait_closed(net::time_point deadline);
    /// Connects, again and again, as long as there are sockets.
    [[nodiscard]] static asio::awaitable<void> run(std::shared_ptr<client_core> self);
    void start();
    [[nodiscard]] std::shared_ptr<engine::client_session_core> take_session();
    [[nodiscard]] asio::awaitable<void> connect();
    [[nodiscard]] asio::awaitable<engine::dialed> dial(std::shared_ptr<net::stop_source> stop);
    [[nodiscard]] asio::awaitable<bool> wait_for_turn();
    void on_dialed(engine::dialed&& opened);
    void on_failed(std::error_code code, std::error_code why);
    void end_all(errc reason);
    void introduce(socket_ptr const& socket);
    [[nodiscard]] static asio::awaitable<void> ask_and_introduce(
        std::shared_ptr<client_core> self,
        socket_ptr socket);
    void introduce(socket_ptr const& socket, json::value const& shown);
    void on_outdated(sio::packet const& packet);
    void wait_for_answer();
    void fail(std::error_code why, errc reason);
    [[nodiscard]] bool is_wanted() const noexcept { return !sockets_.empty(); }
    [[nodiscard]] double random() { return std::uniform_real_distribution<double>(0, 1)(random_); }
    template <typename Tell>
    void tell_all(Tell tell);

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<client_options const> options_;
    std::shared_ptr<engine::dialer> dialer_;
    /// What the sockets run, and what connects.
    std::shared_ptr<net::task_group> tasks_;
    /// What the sessions run.
    std::shared_ptr<net::task_group> loops_;
    std::map<std::string, socket_ptr, std::less<>> sockets_;
    std::shared_ptr<engine::client_session_core> session_;
    /// By namespace: who has asked the server to be connected, and has no answer yet. They may have
    /// ended meanwhile.
    std::map<std::string, socket_ptr, std::less<>> introduced_;
    std::optional<packet_reader> reader_;
    net::timer answer_timer_;
    /// Ends the attempt that is under way.
    std::shared_ptr<net::stop_source> stop_;
    net::signal changed_;
    std::minstd_rand random_;
    socoro::reconnection reconnection_;
    bool running_ = false;
    bool closed_ = false;
};

class client_core::ear final : public engine::sink {
public:
    ear(std::weak_ptr<client_core> of, engine::session_core const& at)
        : of_(std::move(of))
        , at_(&at) {}
    void on_message(message&& received) override {
        if (auto const client = listener())
            client->on_message(std::move(received));
    }
    [[nodiscard]] bool wants_more() const override {
        auto const client = listener();
        return !client || client->wants_more();
    }
    void on_close(errc reason) override {
        if (auto const client = listener())
            client->on_close(reason);
    }

private:
    /// Nobody once the client has let go of the session.
    [[nodiscard]] std::shared_ptr<client_core> listener() const {
        auto client = of_.lock();
        return client && client->session_.get() == at_ ? client : nullptr;
    }

    std::weak_ptr<client_core> of_;
    engine::session_core const* at_;
};

inline client_core::client_core(
    std::shared_ptr<net::shard> owner,
    http::url server,
    std::shared_ptr<client_options const> opts)
    : shard_(std::move(owner))
    , options_(std::move(opts))
    , dialer_(std::make_shared<engine::dialer>(shard_, std::move(server), options_))
    , tasks_(std::make_shared<net::task_group>(shard_))
    , loops_(std::make_shared<net::task_group>(shard_))
    , answer_timer_(shard_->clock(), [this] { fail(errc::timeout, errc::transport_error); })
    , changed_(*shard_)
    , random_(std::random_device()())
    , reconnection_(options_->backoff, options_->reconnection_attempts) {}

// ------------------------------------------------------------------------------------- sockets

/// Whether the packet says if a socket may be connected.
[[nodiscard]] inline bool is_answer(sio::packet const& packet) noexcept {
    return packet.type == sio::packet_type::connect ||
           packet.type == sio::packet_type::connect_error;
}

/// A name as it is sent. Throws for one that cannot be.
[[nodiscard]] inline std::string normal_name(std::string nsp) {
    if (!nsp.starts_with('/'))
        nsp.insert(nsp.begin(), '/');
    auto const is_bad = [](char c) {
        return c == ',' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
    };
    if (std::any_of(nsp.begin(), nsp.end(), is_bad) || !is_utf8(nsp))
        throw std::invalid_argument(
            "the name of a namespace is UTF-8 without commas and control characters");
    return nsp;
}

inline std::shared_ptr<client_socket_core> client_core::socket(
    std::string nsp,
    std::optional<credentials> shown) {
    nsp = normal_name(nsp.empty() ? server().path : std::move(nsp));
    auto const found = sockets_.find(nsp);
    // One that has ended may still be there while those are told who wait for it.
    if (found != sockets_.end() && !found->second->reason())
        return found->second;
    auto made = net::make_on_shard<client_socket_core>(
        shard_,
        nsp,
        shared_from_this(),
        shard_,
        tasks_,
        options_,
        shown ? std::move(*shown) : options_->auth);
    if (closed_) {
        made->end(errc::io_client_disconnect);
        return made;
    }
    sockets_.insert_or_assign(std::move(nsp), made);
    if (session_ && session_->is_open())
        introduce(made);
    else
        start();
    return made;
}

/// One run at a time; whoever came when the last was about to end is not forgotten.
inline void client_core::start() {
    if (!is_wanted() || std::exchange(running_, true))
        return;
    tasks_->spawn(run(shared_from_this()), [weak = weak_from_this()](std::exception_ptr) {
        if (auto const self = weak.lock()) {
            self->running_ = false;
            self->start();
        }
    });
}

/// Lets go of the session, and of what was about it.
inline std::shared_ptr<engine::client_session_core> client_core::take_session() {
    reader_.reset();
    introduced_.clear();
    answer_timer_.cancel();
    return std::exchange(session_, nullptr);
}

inline void client_core::forget(client_socket_core& socket) {
    auto const found = sockets_.find(socket.nsp_name());
    if (found == sockets_.end() || found->second.get() != &socket)
        return;
    sockets_.erase(found);
    if (!sockets_.empty())
        return resume_reading();
    // It delivers what was sent. Whoever wants a connection from now on gets another.
    if (auto const last = take_session())
        last->close();
    reconnection_.reset();
    // Who is stopped may let go of it.
    if (auto const stop = stop_)
        stop->request_stop();
    changed_.notify_all();
}

template <typename Tell>
void client_core::tell_all(Tell tell) {
    auto const now = sockets_;
    for (auto const& [name, socket] : now)
        tell(*socket);
}

inline void client_core::end_all(errc reason) {
    tell_all([reason](client_socket_core& socket) { socket.end(reason); });
}

/// One after the other: the server's answer does not say to whom it is.
inline void client_core::introduce(socket_ptr const& socket) {
    auto const asked = introduced_.find(socket->nsp_name());
    if (asked != introduced_.end())
        return asked->second == socket ? void() : wait_for_answer();
    if (socket->shown().is_asked_for())
        tasks_->spawn(ask_and_introduce(shared_from_this(), socket));
    else
        introduce(socket, socket->shown().value());
}

inline asio::awaitable<void> client_core::ask_and_introduce(
    std::shared_ptr<client_core> self,
    socket_ptr socket) {
    auto const session = self->session_;
    json::value shown;
    std::exception_ptr failure;
    try {
        shown = co_await socket->shown().ask()();
    } catch (...) {
        failure = std::current_exception();
    }
    if (socket->reason() || self->session_ != session)
        co_return;
    if (failure)
        socket->on_refused(describe(failure), nullptr);
    else
        self->introduce(socket, shown);
}

inline void client_core::introduce(socket_ptr const& socket, json::value const& shown) {
    if (introduced_.contains(socket->nsp_name()))
        return;
    auto const data = socket->introduction(shown);
    try {
        send_packet(sio::packet_type::connect, socket->nsp_name(), data);
    } catch (...) {
        // The parser cannot write these credentials: without the connection having failed, it would
        // be tried again at once, for ever.
        return socket->on_refused(describe(std::current_exception()), nullptr);
    }
    introduced_.emplace(socket->nsp_name(), socket);
}

// ------------------------------------------------------------------------------- the connection

inline asio::awaitable<void> client_core::run(std::shared_ptr<client_core> self) {
    while (self->is_wanted()) {
        bool const may_try = co_await self->wait_for_turn();
        if (!may_try)
            continue;
        co_await self->connect();
        while (self->session_)
            std::ignore = co_await self->changed_.wait();
    }
    self->reconnection_.reset();
}

/// Waits for the time of the next attempt. False if there is to be none.
inline asio::awaitable<bool> client_core::wait_for_turn() {
    if (!reconnection_.is_delayed())
        co_return true;
    auto const delay = reconnection_.next(random());
    if (!delay) {
        // Whoever wants to be connected after that is a new beginning.
        reconnection_.reset();
        end_all(errc::reconnect_failed);
        co_return false;
    }
    auto const until = shard_->now() + *delay;
    std::error_code waited;
    while (is_wanted() && !waited)
        waited = co_await changed_.wait(until);
    if (is_wanted())
        tell_all([n = reconnection_.attempt()](client_socket_core& socket) {
            socket.on_attempt(reconnect_attempt{n});
        });
    co_return is_wanted();
}

inline asio::awaitable<void> client_core::connect() {
    auto const stop = stop_ = std::make_shared<net::stop_source>();
    bool late = false;
    net::timer timeout(shard_->clock(), [&late, stop] {
        late = true;
        auto const held = stop;
        held->request_stop();
    });
    if (options_->timeout.count() > 0)
        timeout.arm_after(options_->timeout);
    auto opened = co_await dial(stop);
    timeout.cancel();
    stop_ = nullptr;
    if (late && opened.failed)
        opened.failed = opened.why = make_error_code(errc::connect_timeout);
    // It was stopped because nobody wanted it, which may have changed.
    bool const dropped = stop->stop_requested() && !late;
    if (is_wanted() && !(dropped && opened.failed))
        on_dialed(std::move(opened));
    else if (!opened.failed)
        std::ignore = opened.over.close(transport::ending::discard);
}

/// An exception out of what the program has put in, such as a connector, is a failed attempt.
inline asio::awaitable<engine::dialed> client_core::dial(std::shared_ptr<net::stop_source> stop) {
    engine::dialed opened;
    try {
        opened = co_await dialer_->dial(std::move(stop));
    } catch (...) {
        notify(options_->hooks.handler_failed, server().host, describe(std::current_exception()));
        opened.failed = opened.why = make_error_code(errc::transport_error);
    }
    co_return opened;
}

inline void client_core::on_dialed(engine::dialed&& opened) {
    if (opened.failed)
        return on_failed(opened.failed, opened.why);
    reconnection_.reset();
    reader_.emplace(shard_->clock(), options_, [this] {
        fail(errc::timeout, errc::transport_error);
    });
    session_ = std::make_shared<engine::client_session_core>(
        loops_,
        shard_,
        options_,
        dialer_,
        std::move(opened));
    auto const session = session_;
    session->start(std::make_shared<ear>(weak_from_this(), *session));
    auto const now = sockets_;
    for (auto const& [name, socket] : now)
        if (session_ == session && !socket->reason())
            introduce(socket);
}

inline void client_core::on_failed(std::error_code code, std::error_code why) {
    if (options_->reconnection)
        reconnection_.on_failure();
    tell_all([&](client_socket_core& socket) {
        socket.on_error(connect_error{code.message(), nullptr, code, why}, options_->reconnection);
    });
}

inline void client_core::on_close(errc reason) {
    auto const held = shared_from_this();
    std::ignore = take_session();
    if (is_wanted() && options_->reconnection)
        reconnection_.on_failure();
    tell_all([&](client_socket_core& socket) {
        if (options_->reconnection)
            socket.on_session_lost(reason);
        else
            socket.end(reason);
    });
    changed_.notify_all();
}

inline void client_core::close() {
    auto const held = shared_from_this();
    closed_ = true;
    tell_all([](client_socket_core& socket) { socket.disconnect(false); });
}

inline asio::awaitable<void> client_core::close(
    std::shared_ptr<client_core> self,
    net::duration within) {
    constexpr auto again_after = std::chrono::milliseconds(100);
    auto const deadline = self->shard_->now() + within;
    self->close();
    auto late = co_await self->wait_closed(deadline);
    while (late == errc::timeout) {
        self->tasks_->cancel_all();
        self->loops_->cancel_all();
        self->dialer_->streams().close_all();
        late = co_await self->wait_closed(self->shard_->now() + again_after);
    }
}

/// Waits until nothing runs any more: no task, no session, no connection.
inline asio::awaitable<std::error_code> client_core::wait_closed(net::time_point deadline) {
    auto late = co_await tasks_->wait(deadline);
    if (!late)
        late = co_await loops_->wait(deadline);
    if (!late)
        late = co_await dialer_->streams().wait(deadline);
    co_return late;
}

// ---------------------------------------------------------------------------------- what arrives

inline void client_core::on_message(message&& received) {
    auto next = reader_->feed(std::move(received));
    if (!next)
        return fail(next.error(), errc::parse_error);
    if (!*next)
        return;
    auto& [packet, bytes] = **next;
    auto const socket = find(packet.nsp);
    auto const asked = introduced_.find(packet.nsp);
    if (asked != introduced_.end() && asked->second != socket)
        return on_outdated(packet);
    if (is_answer(packet))
        introduced_.erase(packet.nsp);
    if (!socket)
        return;
    socket->on_packet(std::move(packet), bytes);
    if (socket->inbox().is_overfull())
        fail(errc::inbox_full, errc::transport_error);
}

/// The packet is for a socket that ended before the server had answered it.
inline void client_core::on_outdated(sio::packet const& packet) {
    if (!is_answer(packet))
        return;
    introduced_.erase(packet.nsp);
    answer_timer_.cancel();
    if (packet.type == sio::packet_type::connect)
        send_packet(sio::packet_type::disconnect, packet.nsp);
    if (auto const successor = find(packet.nsp))
        introduce(successor);
}

/// A socket waits for the answer to another, which has no use for it. That must not take for ever.
inline void client_core::wait_for_answer() {
    if (!answer_timer_.armed() && options_->timeout.count() > 0)
        answer_timer_.arm_after(options_->timeout);
}

inline client_core::socket_ptr client_core::find(std::string_view nsp) const {
    auto const found = sockets_.find(nsp);
    return found == sockets_.end() ? nullptr : found->second;
}

/// The server sent what makes no sense, or too much: this connection ends.
inline void client_core::fail(std::error_code why, errc reason) {
    auto const held = shared_from_this();
    auto const session = session_;
    if (!session)
        return;
    notify(
        options_->hooks.violated,
        violation{"Socket.IO", session->address(), session->sid(), why});
    session->abort(reason);
}

/// A full inbox stops the reading, but only while nobody waits for what only reading can bring.
inline bool client_core::wants_more() const {
    return !has_full_inbox(sockets_) || is_awaited(sockets_);
}

inline void client_core::on_wait() {
    if (has_full_inbox(sockets_))
        resume_reading();
}

inline void client_core::resume_reading() {
    if (session_)
        shard_->defer([session = session_] { session->resume(); });
}

inline void client_core::overflow() {
    if (session_)
        session_->overflow();
}

// -------------------------------------------------------------------- what a socket asks of it

inline engine::sent client_socket_core::transmit(frame_list const& frames, engine::delivery how) {
    auto const owner = client();
    return owner ? owner->send(frames, how) : engine::sent::dropped;
}

inline void client_socket_core::on_wait() {
    if (auto const owner = client())
        owner->on_wait();
}

inline void client_socket_core::on_taken() {
    auto const owner = client();
    if (owner && owner->session())
        owner->session()->resume();
}

inline void client_socket_core::on_flood() {
    if (auto const owner = client())
        owner->overflow();
}

inline void client_socket_core::leave() {
    if (auto const owner = client())
        owner->forget(*this);
}

inline void client_socket_core::close_client() {
    if (auto const owner = client())
        owner->close();
}

inline asio::awaitable<void> client_socket_core::drain_session() {
    auto const owner = client();
    auto const session = owner ? owner->session() : nullptr;
    if (session)
        co_await session->drain();
}

}  // namespace socoro::detail
