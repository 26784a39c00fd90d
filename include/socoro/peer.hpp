// SPDX-License-Identifier: BSL-1.0
// The Socket.IO side of one session: it reads packets, knows the client's sockets, and connects
// and disconnects them.
#pragma once

#include <socoro/admission.hpp>
#include <socoro/base/describe.hpp>
#include <socoro/engine/server_core.hpp>
#include <socoro/moving.hpp>
#include <socoro/namespaces.hpp>
#include <socoro/options.hpp>
#include <socoro/packet_filter.hpp>
#include <socoro/packet_reader.hpp>
#include <socoro/reading.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro {

namespace detail {

/// One client with its sockets, at most one for each namespace.
class peer final : public engine::sink, public std::enable_shared_from_this<peer> {
public:
    peer(
        std::shared_ptr<engine::session_core> session,
        std::shared_ptr<options const> opts,
        std::shared_ptr<namespaces> among,
        std::shared_ptr<net::task_group> tasks)
        : session_(std::move(session))
        , options_(std::move(opts))
        , namespaces_(std::move(among))
        , tasks_(std::move(tasks))
        , reader_(session_->owner().clock(), options_, [this] { fail(errc::timeout); })
        , connect_timer_(session_->owner().clock(), [this] { on_idle(); }) {
        expect_connect();
    }

    void on_message(message&& received) override;
    [[nodiscard]] bool wants_more() const override;
    void on_close(errc reason) override;

    /// Ends one socket; the client is told.
    void disconnect(socket_core& socket);

    /// Ends every socket, then the connection.
    void disconnect_all();

    /// Ends every socket with this reason; the client is not told.
    void close_sockets(errc reason);

    /// The handler of one of its sockets has ended, with a failure or with null.
    void on_handled(socket_core& socket, std::exception_ptr const& failure);

    /// One of its sockets is about to wait for what only reading can bring.
    void on_wait();

private:
    using socket_ptr = std::shared_ptr<socket_core>;

    /// Whether an inbox is full; the session reads on only if somebody waits.
    [[nodiscard]] bool is_full() const;
    [[nodiscard]] bool has_left_behind(std::size_t times) const;
    void on_packet(sio::packet&& packet, std::size_t size);
    void on_event(socket_ptr const& socket, sio::packet&& packet, std::size_t size);
    /// The client sent what makes no sense: the connection ends.
    void fail(std::error_code why);
    /// Lets the session ask again whether to read, once what runs now is done.
    void resume_reading() {
        session_->owner().defer([session = session_] { session->resume(); });
    }
    void connect(sio::packet&& packet);
    [[nodiscard]] static asio::awaitable<void>
    resolve(std::shared_ptr<peer> self, std::string name, json::value auth);
    /// Enters at once, or when what a client was on another shard has come here.
    void enter(std::shared_ptr<namespace_core> nsp, json::value auth);
    [[nodiscard]] static asio::awaitable<void> enter_from(
        std::shared_ptr<peer> self,
        std::size_t shard,
        std::shared_ptr<namespace_core> nsp,
        std::shared_ptr<void> expected,
        json::value auth);
    /// Enters as the socket that came back, if there is one.
    void
    enter_as(std::optional<comeback> from, std::shared_ptr<namespace_core> nsp, json::value auth);
    [[nodiscard]] net::task_group::on_end closing_on_failure();
    [[nodiscard]] socket_ptr
    make_socket(std::string id, std::shared_ptr<namespace_core> nsp, json::value auth);
    [[nodiscard]] static asio::awaitable<void> admit(
        std::shared_ptr<peer> self,
        socket_ptr socket,
        std::vector<std::shared_ptr<middleware const>> steps);
    void accept(socket_ptr const& socket);
    void refuse(std::string const& nsp, std::string_view message, json::value const* data);
    void forget(socket_core& socket, errc reason);
    /// In no namespace, it has to join one in time.
    void expect_connect();
    [[nodiscard]] bool is_connected() const;
    void report(std::error_code why) const {
        notify(
            options_->hooks.violated,
            violation{"Socket.IO", session_->address(), session_->sid(), why});
    }
    void on_idle();
    /// The client broke the protocol, or idles: the connection ends.
    void close_connection();
    void send_packet(
        sio::packet_type type,
        std::string_view nsp,
        std::optional<json::value> const& data = std::nullopt) {
        session_->send(make_frames(options_->parser.get(), type, nsp, data));
    }

    std::shared_ptr<engine::session_core> session_;
    std::shared_ptr<options const> options_;
    std::shared_ptr<namespaces> namespaces_;
    std::shared_ptr<net::task_group> tasks_;
    packet_reader reader_;
    /// By the name of the namespace; those that middleware still looks at included.
    std::map<std::string, socket_ptr, std::less<>> sockets_;
    /// Those that the client has left while their handlers still run.
    std::vector<socket_ptr> leaving_;
    /// The names of namespaces of which it is not known yet whether they are there.
    std::set<std::string, std::less<>> resolving_;
    net::timer connect_timer_;
    bool closed_ = false;
};

inline void peer::on_message(message&& received) {
    if (closed_)
        return;
    auto next = reader_.feed(std::move(received));
    if (!next)
        return fail(next.error());
    if (*next)
        on_packet(std::move((*next)->packet), (*next)->bytes);
}

inline void peer::fail(std::error_code why) {
    auto const keep = shared_from_this();
    report(why);
    session_->close();
    // What was sent before is still on its way, but the sockets are of no use any more.
    if (!session_->is_closed())
        close_sockets(errc::forced_close);
}

inline bool peer::is_full() const {
    return has_full_inbox(sockets_) || has_left_behind(1);
}

/// Whether events that wait for handlers of namespaces the client has left fill `times` an inbox.
inline bool peer::has_left_behind(std::size_t times) const {
    std::size_t events = 0, bytes = 0;
    for (auto const& socket : leaving_) {
        events += socket->inbox().size();
        bytes += socket->inbox().bytes();
    }
    return events > times * options_->inbox_events || bytes > times * options_->inbox_bytes;
}

/// A full inbox stops the reading, but only while nobody waits for what only reading can bring.
inline bool peer::wants_more() const {
    return closed_ || !is_full() || is_awaited(sockets_);
}

inline void peer::on_wait() {
    // By then the waiting has begun.
    if (is_full())
        resume_reading();
}

inline void peer::on_packet(sio::packet&& packet, std::size_t size) {
    auto const found = sockets_.find(packet.nsp);
    bool const known = found != sockets_.end();
    if (packet.type == sio::packet_type::connect && !known && !resolving_.contains(packet.nsp))
        return connect(std::move(packet));
    if (!known || !found->second->connected())
        return close_connection();
    auto const socket = found->second;
    switch (packet.type) {
    case sio::packet_type::event: on_event(socket, std::move(packet), size); break;
    case sio::packet_type::ack: socket->on_ack(std::move(packet)); break;
    case sio::packet_type::disconnect: forget(*socket, errc::client_namespace_disconnect); break;
    default: close_connection(); break;
    }
}

inline void peer::on_event(socket_ptr const& socket, sio::packet&& packet, std::size_t size) {
    // Without a payload it is nobody's, as in the reference.
    if (!packet.data)
        return;
    auto event = to_incoming(std::move(packet), size);
    if (socket->filter)
        socket->filter->push(socket, std::move(event));
    else
        socket->on_event(std::move(event));
    if (socket->inbox().is_overfull() || has_left_behind(2))
        fail(errc::inbox_full);
}

inline void peer::connect(sio::packet&& packet) {
    auto const entered = sockets_.size() + resolving_.size() + leaving_.size();
    if (entered >= options_->limits.sio_namespaces)
        return refuse(packet.nsp, "Too many namespaces", nullptr);
    auto auth = packet.data ? std::move(*packet.data) : json::value(json::object());
    if (auto nsp = namespaces_->find(packet.nsp))
        return enter(std::move(nsp), std::move(auth));
    if (!namespaces_->has_parents())
        return refuse(packet.nsp, "Invalid namespace", nullptr);
    resolving_.insert(packet.nsp);
    tasks_->spawn(resolve(shared_from_this(), std::move(packet.nsp), std::move(auth)));
}

inline asio::awaitable<void>
peer::resolve(std::shared_ptr<peer> self, std::string name, json::value auth) {
    std::shared_ptr<namespace_core> nsp;
    std::exception_ptr failure;
    try {
        nsp = co_await namespaces::resolve(self->namespaces_, name, auth);
    } catch (...) {
        failure = std::current_exception();
    }
    self->resolving_.erase(name);
    if (failure)
        notify(self->options_->hooks.handler_failed, name, describe(failure));
    if (nsp && !self->closed_)
        self->enter(nsp, std::move(auth));
    else if (!self->closed_)
        self->refuse(name, "Invalid namespace", nullptr);
    else if (nsp)
        self->namespaces_->forget_if_empty(*nsp);
}

inline void peer::enter(std::shared_ptr<namespace_core> nsp, json::value auth) {
    auto const elsewhere = kept_elsewhere(*nsp, auth);
    if (!elsewhere) {
        auto const keep = shared_from_this();
        auto from = take_back(*nsp, auth, *session_);
        return enter_as(std::move(from), std::move(nsp), std::move(auth));
    }
    resolving_.insert(nsp->name());
    auto expected = nsp->expect_socket();
    auto entering = enter_from(
        shared_from_this(),
        *elsewhere,
        std::move(nsp),
        std::move(expected),
        std::move(auth));
    tasks_->spawn(std::move(entering), closing_on_failure());
}

/// For what the client waits for, which it must not do in vain: the parser may fail to write the
/// answer.
inline net::task_group::on_end peer::closing_on_failure() {
    return [keep = shared_from_this()](std::exception_ptr const& failure) {
        if (!failure || keep->closed_)
            return;
        notify(keep->options_->hooks.handler_failed, keep->session_->sid(), describe(failure));
        keep->close_connection();
    };
}

inline asio::awaitable<void> peer::enter_from(
    std::shared_ptr<peer> self,
    std::size_t shard,
    std::shared_ptr<namespace_core> nsp,
    std::shared_ptr<void> /*expected*/,
    json::value auth) {
    auto claimed = read_claim(auth);
    auto const most = self->session_->options().outbox_bytes;
    auto moving = bring_here(nsp, shard, std::move(*claimed), most);
    auto from = co_await std::move(moving);
    self->resolving_.erase(nsp->name());
    self->enter_as(std::move(from), nsp, std::move(auth));
}

inline void peer::enter_as(
    std::optional<comeback> from,
    std::shared_ptr<namespace_core> nsp,
    json::value auth) {
    auto const keep = shared_from_this();
    // Meanwhile handlers of a connection that made way were resumed, or it took some time.
    if (closed_) {
        give_back(*nsp, std::move(from));
        return namespaces_->forget_if_empty(*nsp);
    }
    auto const steps = nsp->rules.middlewares;
    bool const is_known = from && options_->connection_state_recovery.skip_middlewares;
    auto id = from ? from->origin.sid : nsp->whole()->shards().make_id();
    auto const socket = make_socket(std::move(id), std::move(nsp), std::move(auth));
    sockets_.emplace(socket->nsp_name(), socket);
    // Middleware may join rooms already.
    socket->nsp()->adapter().add(*socket);
    begin_line(*socket, std::move(from));
    if (steps.empty() || is_known)
        return accept(socket);
    tasks_->spawn(admit(keep, socket, steps), closing_on_failure());
}

inline peer::socket_ptr
peer::make_socket(std::string id, std::shared_ptr<namespace_core> nsp, json::value auth) {
    auto const owner = nsp->owner();
    auto const filters = nsp->rules.packet_middlewares;
    auto made = net::make_on_shard<socket_core>(
        owner,
        std::move(id),
        std::move(nsp),
        weak_from_this(),
        session_,
        tasks_,
        options_,
        make_handshake(*session_, std::move(auth)));
    if (!filters.empty())
        made->filter = std::make_shared<packet_filter>(filters);
    return made;
}

inline asio::awaitable<void> peer::admit(
    std::shared_ptr<peer> self,
    socket_ptr socket,
    std::vector<std::shared_ptr<middleware const>> steps) {
    auto const refusal = co_await run_middleware(socket, std::move(steps));
    // The connection may have ended while the middleware ran: then its verdict means nothing.
    if (self->closed_ || socket->reason())
        co_return;
    if (!refusal) {
        self->accept(socket);
        co_return;
    }
    self->forget(*socket, errc::refused);
    auto const* const data = refusal->data() ? &*refusal->data() : nullptr;
    self->refuse(socket->nsp_name(), refusal->what(), data);
}

inline void peer::accept(socket_ptr const& socket) {
    // Too much may have happened while middleware looked at it: next time it starts anew.
    if (!send_missed(*socket))
        return close_connection();
    connect_timer_.cancel();
    socket->on_connect();
    socket->nsp()->add(socket);
    // A hook may have ended it.
    if (socket->reason())
        return;
    json::object answer;
    answer.emplace("sid", socket->id());
    if (socket->line)
        answer.emplace("pid", socket->line->pid);
    send_packet(sio::packet_type::connect, socket->nsp_name(), std::move(answer));
    if (auto const handler = socket->nsp()->rules.handler)
        (*handler)(socket);
}

inline void
peer::refuse(std::string const& nsp, std::string_view message, json::value const* data) {
    json::object answer;
    answer.emplace("message", message);
    if (data)
        answer.emplace("data", *data);
    send_packet(sio::packet_type::connect_error, nsp, std::move(answer));
}

inline void peer::on_handled(socket_core& socket, std::exception_ptr const& failure) {
    auto const kept = socket.share();
    if (failure)
        notify(
            options_->hooks.handler_failed,
            socket.nsp_name(),
            describe(engine::unwrapped(failure)));
    // What other threads sent before the end is sent before it.
    socket.settle();
    disconnect(socket);
    socket.inbox().clear();
    socket.is_handled = false;
    if (std::erase(leaving_, kept) > 0)
        resume_reading();
}

inline void peer::disconnect(socket_core& socket) {
    if (socket.reason())
        return;
    if (socket.connected())
        send_packet(sio::packet_type::disconnect, socket.nsp_name());
    forget(socket, errc::server_namespace_disconnect);
}

inline void peer::disconnect_all() {
    auto const keep = shared_from_this();
    auto const sockets = sockets_;
    for (auto const& [name, socket] : sockets)
        disconnect(*socket);
    close_connection();
}

inline void peer::forget(socket_core& socket, errc reason) {
    auto const keep = socket.share();
    bool const was_connected = socket.connected();
    sockets_.erase(socket.nsp_name());
    if (keep->is_handled && !closed_)
        leaving_.push_back(keep);
    keep_line(socket, reason);
    socket.nsp()->remove(socket);
    if (!closed_)
        expect_connect();
    // Its inbox may have been what kept the session from reading.
    resume_reading();
    socket.on_close(reason);
    if (was_connected)
        notify(options_->hooks.closed, closed_socket{socket.id(), socket.nsp_name(), reason});
}

inline void peer::close_sockets(errc reason) {
    auto const keep = shared_from_this();
    closed_ = true;
    leaving_.clear();
    connect_timer_.cancel();
    reader_.stop();
    while (!sockets_.empty()) {
        auto const socket = sockets_.begin()->second;
        forget(*socket, reason);
    }
}

inline void peer::close_connection() {
    auto const keep = shared_from_this();
    session_->close();
    // Over polling the close is still on its way to the client, which makes no difference here.
    if (!session_->is_closed())
        close_sockets(errc::forced_server_close);
}

inline void peer::on_close(errc reason) {
    close_sockets(reason);
}

inline bool peer::is_connected() const {
    return std::any_of(sockets_.begin(), sockets_.end(), [](auto const& entry) {
        return entry.second->connected();
    });
}

inline void peer::expect_connect() {
    if (!is_connected() && !connect_timer_.armed())
        connect_timer_.arm_after(options_->connect_timeout);
}

inline void peer::on_idle() {
    if (!is_connected())
        close_connection();
}

inline void socket_core::on_handled(std::exception_ptr const& failure) {
    if (auto const owner = peer_.lock())
        owner->on_handled(*this, failure);
}

inline void socket_core::on_wait() {
    if (auto const owner = peer_.lock())
        owner->on_wait();
}

inline void socket_core::make_way() {
    auto const keep = share();
    if (auto const owner = peer_.lock())
        owner->close_sockets(errc::transport_close);
    session_->discard();
}

inline void socket_core::disconnect(bool close) {
    auto const owner = peer_.lock();
    if (!owner)
        return;
    if (close)
        owner->disconnect_all();
    else
        owner->disconnect(*this);
}

}  // namespace detail

}  // namespace socoro
