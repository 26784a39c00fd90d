// SPDX-License-Identifier: BSL-1.0
// The Engine.IO server: it answers the HTTP requests under its path, and owns the sessions that
// come of them. What a request asks for is decided by the router.
#pragma once

#include <socoro/engine/cors.hpp>
#include <socoro/engine/live_sessions.hpp>
#include <socoro/engine/neighbours.hpp>
#include <socoro/engine/refusals.hpp>
#include <socoro/engine/request_gate.hpp>
#include <socoro/engine/router.hpp>
#include <socoro/http/forwarded.hpp>
#include <socoro/net/forwarded_exchange.hpp>
#include <socoro/net/http_server_core.hpp>
#include <socoro/transport/polling_server.hpp>
#include <socoro/transport/websocket.hpp>

#include <algorithm>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::engine {

/// The shared state of an Engine.IO server. Not thread-safe; it lives on the executor of its
/// shard. It must be held by a `shared_ptr`.
class server_core : public std::enable_shared_from_this<server_core> {
public:
    using on_session = live_sessions::on_session;

    server_core(std::shared_ptr<net::shard> owner, options opts, on_session accept);

    /// Makes these the parts of one server, each on a shard of its own: their sids tell which of
    /// them has a session, and a request for it that another one gets is answered there. They count
    /// their sessions together. Once, before any of them runs, with the same options; throws
    /// `std::invalid_argument` for more than `most_shards`.
    static void introduce(std::vector<std::shared_ptr<server_core>> const& parts);

    /// Whether a request is under the path of this server, which is not closed. Thread-safe.
    [[nodiscard]] bool owns(http::request const& request) const {
        return owns_path(request.path());
    }

    /// The same for the path of a request.
    [[nodiscard]] bool owns_path(std::string_view path) const;

    /// What follows the path, and its slash if there is one, in the path of a request that this
    /// server owns.
    [[nodiscard]] std::string_view below_path(http::request const& request) const {
        auto const path = request.path();
        return path.substr(std::min(path.size(), options_->path.size() + 1));
    }

    /// Answers the request whose head has been read, or has it answered where its session lives.
    [[nodiscard]] asio::awaitable<void> serve(net::http_connection& connection);

    /// Runs `step` for every request under the path, after the steps added earlier and before
    /// anything is decided about it.
    void use(request_step step) {
        steps_.push_back(std::make_shared<request_step const>(std::move(step)));
    }

    /// Takes the requests under the path from an HTTP server, before its own handler, until this
    /// server is closed or destroyed.
    void attach(net::http_server_core& http) { http.mount(net::mount_for(weak_from_this())); }

    /// What an HTTP server that is there for this one alone should know.
    [[nodiscard]] net::http_server_options http_options() const {
        net::http_server_options http;
        http.limits = options_->limits;
        http.deadlines = options_->deadlines;
        http.hooks = options_->hooks;
        http.tls = options_->tls;
        http.max_connections = options_->max_connections;
        return http;
    }

    /// Opens a session over a transport that somebody else made, for a client that sent
    /// `request` from `address`. Once closed it opens none, and discards the transport.
    void open(transport::any_transport over, http::request request, std::string address);

    /// Ends every session at once, after what was sent to it before if that can leave at once; new
    /// ones are refused.
    void close() { sessions_->close(); }

    /// The same, but a session whose POST is on its way receives that first, and ends `late`.
    void finish(errc late) { sessions_->finish(late); }

    /// Waits until nothing of any session runs any more, closing handshakes included. Gives no
    /// error, `errc::timeout` at the deadline, which ends nothing (see `abandon`), or
    /// `operation_aborted` when cancelled. It ends nothing itself: that is up to `close`.
    [[nodiscard]] asio::awaitable<std::error_code> wait_closed(
        std::optional<net::time_point> deadline = std::nullopt) {
        return sessions_->wait_closed(deadline);
    }

    /// Closes, and cancels what of its sessions still runs. `wait_closed` waits for the rest.
    void abandon() { sessions_->abandon(); }

    /// The header fields that every answer to `request` carries.
    [[nodiscard]] http::fields common_fields(http::request const& request) const {
        return cors_fields(options_->cors, request);
    }

    /// How many sessions there are, on all shards. Thread-safe.
    [[nodiscard]] std::size_t sessions() const noexcept { return sessions_->size(); }
    /// A new identifier for something of this part: see `engine::make_id`.
    [[nodiscard]] std::string make_id() const { return sessions_->make_id(); }
    [[nodiscard]] std::shared_ptr<server_session_core> find(std::string const& sid) const {
        return sessions_->find(sid);
    }
    /// The options; the path has no slash at its end.
    [[nodiscard]] engine::options const& options() const noexcept { return *options_; }
    [[nodiscard]] std::shared_ptr<net::shard> const& owner() const noexcept { return shard_; }

private:
    using place = live_sessions::place;

    [[nodiscard]] neighbours::part const* elsewhere(http::request const& request) const;
    [[nodiscard]] asio::awaitable<void> answer_preflight(net::http_exchange& connection);
    [[nodiscard]] asio::awaitable<void> pass_on(
        net::http_connection& connection,
        neighbours::part const& to);
    [[nodiscard]] asio::awaitable<void> refuse_to_move(net::http_exchange& connection);
    void receive(std::shared_ptr<net::forwarded_exchange> const& from);
    [[nodiscard]] static asio::awaitable<void> answer_forwarded(
        std::shared_ptr<server_core> self,
        std::shared_ptr<net::forwarded_exchange> from);
    [[nodiscard]] asio::awaitable<void> answer(net::http_exchange& connection);
    [[nodiscard]] verdict decide(http::request const& request) const;
    /// What a request for a session has to name; nothing if no request can reach its transport,
    /// which the program brought.
    [[nodiscard]] static std::string_view reached_by(session_core const& session) {
        auto const name = session.transport_name();
        bool const polls = session.current().target<transport::polling_server>() != nullptr;
        return name == "polling" && !polls ? std::string_view() : name;
    }
    /// The verdict lasts as long as what this gives.
    [[nodiscard]] asio::awaitable<void>
    carry_out(verdict const& what, net::http_exchange& connection, pending_request& asked);
    [[nodiscard]] asio::awaitable<bool> ask(
        net::http_exchange& connection,
        pending_request& asked,
        request_step const& step,
        verdict const& refusal);
    [[nodiscard]] asio::awaitable<bool> ask_steps(
        net::http_exchange& connection,
        pending_request& asked);
    [[nodiscard]] asio::awaitable<void>
    refuse(net::http_exchange& connection, pending_request& asked, verdict const& why);
    [[nodiscard]] asio::awaitable<void> refuse_method(
        net::http_exchange& connection,
        pending_request& asked);
    [[nodiscard]] asio::awaitable<void> serve_polling(
        net::http_exchange& connection,
        pending_request& asked,
        verdict const& what) const;
    [[nodiscard]] asio::awaitable<place> find_place(
        net::http_exchange& connection,
        pending_request& asked);
    [[nodiscard]] asio::awaitable<void> open_polling(
        net::http_exchange& connection,
        pending_request& asked);
    [[nodiscard]] asio::awaitable<void> open_websocket(
        net::http_exchange& connection,
        pending_request& asked);
    [[nodiscard]] asio::awaitable<void>
    upgrade(net::http_exchange& connection, pending_request& asked, std::string sid);
    [[nodiscard]] asio::awaitable<transport::any_transport>
    accept_websocket(net::http_exchange& connection, pending_request& asked, bool initial);
    [[nodiscard]] transport::answer_fields fields_of(pending_request& asked, bool initial) const {
        return {std::move(asked.headers), &options_->hooks, initial};
    }
    [[nodiscard]] std::string_view address_of(net::http_exchange const& connection) const {
        auto const proxies = options_->trusted_proxies;
        if (proxies == 0)
            return connection.remote_address();
        auto const told = http::forwarded_for(connection.head().headers, proxies);
        return told.value_or(connection.remote_address());
    }

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<engine::options const> options_;
    std::shared_ptr<live_sessions> sessions_;
    std::shared_ptr<ws::negotiator> negotiator_;
    std::vector<std::shared_ptr<request_step const>> steps_;
    std::shared_ptr<neighbours const> neighbours_;  // null: this is all there is
    std::size_t number_ = 0;                        // of our shard
};

inline server_core::server_core(
    std::shared_ptr<net::shard> owner,
    engine::options opts,
    on_session accept)
    : shard_(std::move(owner))
    , options_(std::make_shared<engine::options const>(normalized(std::move(opts))))
    , sessions_(std::make_shared<live_sessions>(shard_, options_, std::move(accept)))
    , negotiator_(
          options_->per_message_deflate ? options_->per_message_deflate->make_negotiator()
                                        : nullptr) {}

inline bool server_core::owns_path(std::string_view path) const {
    auto const& prefix = options_->path;
    if (sessions_->is_closed() || !path.starts_with(prefix))
        return false;
    if (path.size() == prefix.size())
        return !options_->add_trailing_slash;
    return path[prefix.size()] == '/';
}

inline void server_core::introduce(std::vector<std::shared_ptr<server_core>> const& parts) {
    if (parts.size() > most_shards)
        throw std::invalid_argument("socoro: a server has 4096 shards at most");
    if (parts.size() < 2)
        return;
    std::vector<neighbours::part> each;
    for (auto const& core : parts)
        each.push_back({core->shard_, core});
    auto const known = std::make_shared<neighbours const>(std::move(each));
    auto const together = parts.front()->sessions_->all_seats();
    for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i]->neighbours_ = known;
        parts[i]->number_ = i;
        parts[i]->sessions_->join(together, i);
    }
}

inline asio::awaitable<void> server_core::serve(net::http_connection& connection) {
    auto const& request = connection.head();
    if (is_preflight(options_->cors, request))
        return answer_preflight(connection);
    if (auto const* const there = elsewhere(request))
        return pass_on(connection, *there);
    return answer(connection);
}

/// The part that has the session of a request, unless that is this one, or nobody knows it.
inline neighbours::part const* server_core::elsewhere(http::request const& request) const {
    if (!neighbours_)
        return nullptr;
    return neighbours_->other(http::query(request.query()).get("sid"), number_);
}

inline asio::awaitable<void> server_core::answer_preflight(net::http_exchange& connection) {
    auto const allowed = preflight(options_->cors, connection.head());
    co_await connection.respond(allowed);
}

/// A request for another protocol takes its connection along; others leave it where it is, since a
/// proxy's connection carries the requests of many clients.
inline asio::awaitable<void> server_core::pass_on(
    net::http_connection& connection,
    neighbours::part const& to) {
    auto const self = shared_from_this();
    if (!connection.head().wants_upgrade()) {
        auto const receive = [there =
                                  to.core](std::shared_ptr<net::forwarded_exchange> const& from) {
            if (auto const core = there.lock())
                core->receive(from);
        };
        co_return co_await net::forward(connection, shard_, to.on, receive);
    }
    if (!connection.move_to(*to.on))
        co_await refuse_to_move(connection);
}

/// The client stays with the transport that it has.
inline asio::awaitable<void> server_core::refuse_to_move(net::http_exchange& connection) {
    auto const& request = connection.head();
    pending_request asked{request, address_of(connection), {}, std::nullopt};
    auto const why = detail::refuse(refusal::bad_request, "STREAM_CANNOT_MOVE");
    co_await refuse(connection, asked, why);
}

inline void server_core::receive(std::shared_ptr<net::forwarded_exchange> const& from) {
    sessions_->spawn(
        answer_forwarded(shared_from_this(), from),
        [from](std::exception_ptr const& failure) { from->finish(failure); });
}

inline asio::awaitable<void> server_core::answer_forwarded(
    std::shared_ptr<server_core> self,
    std::shared_ptr<net::forwarded_exchange> from) {
    std::exception_ptr failure;
    try {
        co_await self->answer(*from);
    } catch (...) {
        failure = std::current_exception();
    }
    auto const state = co_await asio::this_coro::cancellation_state;
    // Who was cancelled has not failed.
    if (failure && state.cancelled() == asio::cancellation_type::none)
        std::rethrow_exception(failure);
}

inline asio::awaitable<void> server_core::answer(net::http_exchange& connection) {
    auto const self = shared_from_this();
    auto const& request = connection.head();
    auto common = common_fields(request);
    pending_request asked{request, address_of(connection), std::move(common), std::nullopt};
    if (!steps_.empty()) {
        bool const passed = co_await ask_steps(connection, asked);
        if (!passed)
            co_return;
    }
    auto verdict = decide(request);
    if (verdict.opens() && options_->allow_request) {
        auto const refusal = detail::refuse(refusal::forbidden, "ALLOW_REQUEST");
        bool const allowed = co_await ask(connection, asked, options_->allow_request, refusal);
        if (!allowed)
            co_return;
    }
    if (verdict.opens() && !speaks_our_version(request))
        verdict = detail::refuse(refusal::unsupported_protocol_version, "protocol");
    co_await carry_out(verdict, connection, asked);
}

inline verdict server_core::decide(http::request const& request) const {
    return route(request, *options_, [this](std::string const& sid) {
        auto const session = find(sid);
        return session ? std::optional(reached_by(*session)) : std::nullopt;
    });
}

inline asio::awaitable<void> server_core::carry_out(
    verdict const& what,
    net::http_exchange& connection,
    pending_request& asked) {
    using kind = verdict::kind;
    switch (what.what) {
    case kind::refuse: break;
    case kind::open_polling: return open_polling(connection, asked);
    case kind::open_websocket: return open_websocket(connection, asked);
    case kind::upgrade: return upgrade(connection, asked, what.sid);
    case kind::poll:
    case kind::post: return serve_polling(connection, asked, what);
    case kind::bad_method: return refuse_method(connection, asked);
    }
    return refuse(connection, asked, what);
}

/// Whether a step lets a request go on; if not, it has been answered.
inline asio::awaitable<bool> server_core::ask(
    net::http_exchange& connection,
    pending_request& asked,
    request_step const& step,
    verdict const& refusal) {
    auto const instead = co_await engine::ask(step, asked, refusal, options_->hooks);
    if (instead)
        co_await connection.respond(*instead);
    // The client may be gone, or the server.
    co_return !instead && connection.is_open();
}

inline asio::awaitable<bool> server_core::ask_steps(
    net::http_exchange& connection,
    pending_request& asked) {
    // Others may be added while one waits.
    auto const all = steps_;
    auto const refusal = detail::refuse(refusal::bad_request, "MIDDLEWARE_FAILURE");
    for (auto const& step : all) {
        bool const passed = co_await ask(connection, asked, *step, refusal);
        if (!passed)
            co_return false;
    }
    co_return true;
}

inline asio::awaitable<void>
server_core::refuse(net::http_exchange& connection, pending_request& asked, verdict const& why) {
    auto const refused = engine::refuse(options_->hooks, asked, why);
    co_await connection.respond(refused);
}

inline asio::awaitable<void> server_core::refuse_method(
    net::http_exchange& connection,
    pending_request& asked) {
    http::response const refused{500, std::move(asked.headers), {}};
    co_await connection.respond(refused);
}

inline asio::awaitable<void> server_core::serve_polling(
    net::http_exchange& connection,
    pending_request& asked,
    verdict const& what) const {
    auto const polling = find(what.sid)->current().target<transport::polling_server>();
    auto extra = fields_of(asked, false);
    return what.what == verdict::kind::poll ? polling->serve_poll(connection, std::move(extra))
                                            : polling->serve_post(connection, std::move(extra));
}

/// A sid for a new session; without one the request has been answered.
inline asio::awaitable<server_core::place> server_core::find_place(
    net::http_exchange& connection,
    pending_request& asked) {
    bool const closed = sessions_->is_closed();
    auto seat = closed ? std::nullopt : sessions_->take_seat();
    if (!seat) {
        auto const refused = turn_away(options_->hooks, asked, closed ? "CLOSED" : "MAX_CLIENTS");
        co_await connection.respond(refused);
        co_return std::nullopt;
    }
    auto taken = sessions_->reserve(asked.request, std::move(*seat));
    if (!taken) {
        auto const why = detail::refuse(refusal::bad_request, "ID_GENERATION_ERROR");
        co_await refuse(connection, asked, why);
    }
    co_return taken;
}

namespace detail {

/// Where a session comes from that a request opens.
[[nodiscard]] inline origin
origin_of(net::http_exchange const& connection, pending_request const& asked, std::string sid) {
    origin from{std::move(sid), asked.request, std::string(asked.address)};
    if (auto const* const over = connection.over()) {
        from.secure = over->is_encrypted();
        from.certificate = over->peer_certificate();
    }
    return from;
}

/// Ends a transport that nobody needs any more.
[[nodiscard]] inline asio::awaitable<void> dismiss(transport::any_transport over) {
    std::ignore = over.close(transport::ending::discard);
    co_await transport::linger(over);
}

}  // namespace detail

inline asio::awaitable<void> server_core::open_polling(
    net::http_exchange& connection,
    pending_request& asked) {
    auto taken = co_await find_place(connection, asked);
    if (!taken)
        co_return;
    auto const session = sessions_->make(detail::origin_of(connection, asked, taken->sid()));
    auto const polling = std::make_shared<transport::polling_server>(
        shard_,
        options_->limits,
        options_->packets_per_poll,
        options_->http_compression);
    auto extra = fields_of(asked, true);
    if (options_->cookie.enabled)
        extra.cookie = sid_cookie(options_->cookie, session->sid());
    sessions_->begin(std::move(*taken), session, transport::any_transport(polling));
    co_await polling->serve_poll(connection, std::move(extra));
}

inline asio::awaitable<void> server_core::open_websocket(
    net::http_exchange& connection,
    pending_request& asked) {
    auto taken = co_await find_place(connection, asked);
    if (!taken)
        co_return;
    auto const session = sessions_->make(detail::origin_of(connection, asked, taken->sid()));
    auto over = co_await accept_websocket(connection, asked, true);
    if (!over)
        co_return;
    if (!sessions_->is_closed())
        co_return sessions_->begin(std::move(*taken), session, over);
    co_await detail::dismiss(std::move(over));
}

inline asio::awaitable<void>
server_core::upgrade(net::http_exchange& connection, pending_request& asked, std::string sid) {
    auto over = co_await accept_websocket(connection, asked, false);
    if (!over)
        co_return;
    // The session may have ended, or upgraded, while the answer was on its way.
    auto const session = find(sid);
    if (session && session->start_upgrade(over))
        co_return;
    co_await detail::dismiss(std::move(over));
}

/// Answers with 101, or refuses what breaks RFC 6455: then, or when the client is gone, there is no
/// transport.
inline asio::awaitable<transport::any_transport> server_core::accept_websocket(
    net::http_exchange& connection,
    pending_request& asked,
    bool initial) {
    auto why = net::check_upgrade(asked.request);
    auto agreed = net::negotiate(asked.request, negotiator_.get());
    if (!why && !agreed)
        why = agreed.error();
    if (why) {
        auto const refused = refuse_handshake(options_->hooks, asked, why);
        co_await connection.respond(refused);
        co_return transport::any_transport();
    }
    auto accepted = net::accept_upgrade(asked.request, agreed->answer);
    auto extra = fields_of(asked, initial);
    extra.announce(asked.request);
    for (auto const& field : extra.fields)
        accepted.headers.add(field.name, field.value);
    auto const failed = co_await connection.respond(accepted);
    if (failed)
        co_return transport::any_transport();
    std::string rest;
    auto stream = connection.release(rest);
    auto const socket = std::make_shared<net::websocket>(
        shard_,
        std::move(stream),
        ws::role::server,
        options_->limits,
        std::move(rest),
        std::move(agreed->codecs));
    co_return transport::any_transport(std::make_shared<transport::websocket>(socket));
}

inline void
server_core::open(transport::any_transport over, http::request request, std::string address) {
    // A hook may destroy the server.
    auto const self = shared_from_this();
    auto seat = sessions_->is_closed() ? std::nullopt : sessions_->take_seat();
    auto taken = seat ? sessions_->reserve(request, std::move(*seat)) : place();
    if (!taken) {
        std::ignore = over.close(transport::ending::discard);
        return;
    }
    auto const session = sessions_->make({taken->sid(), std::move(request), std::move(address)});
    sessions_->begin(std::move(*taken), session, std::move(over));
}

}  // namespace socoro::engine
