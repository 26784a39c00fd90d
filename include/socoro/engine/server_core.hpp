// SPDX-License-Identifier: BSL-1.0
// The Engine.IO server: it answers the HTTP requests under its path, and owns the sessions that
// come of them. What a request asks for is decided by the router.
#pragma once

#include <socoro/base/base64.hpp>
#include <socoro/base/describe.hpp>
#include <socoro/base/random.hpp>
#include <socoro/engine/cors.hpp>
#include <socoro/engine/refusals.hpp>
#include <socoro/engine/router.hpp>
#include <socoro/engine/server_session_core.hpp>
#include <socoro/http/forwarded.hpp>
#include <socoro/net/http_server_core.hpp>
#include <socoro/net/task_group.hpp>
#include <socoro/transport/polling_server.hpp>
#include <socoro/transport/websocket.hpp>

#include <atomic>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>

namespace socoro::engine {

/// The shared state of an Engine.IO server. Not thread-safe; it lives on the executor of its
/// shard. It must be held by a `shared_ptr`.
class server_core : public std::enable_shared_from_this<server_core> {
public:
    /// Decides who receives what a new session brings. It may send and close already; when it
    /// throws, the session ends.
    using on_session =
        std::function<std::shared_ptr<sink>(std::shared_ptr<session_core> const& opened)>;

    server_core(std::shared_ptr<net::shard> owner, options opts, on_session accept);

    /// Whether a request is under the path of this server, which is not closed. Thread-safe.
    [[nodiscard]] bool owns(http::request const& request) const {
        return owns_path(request.path());
    }

    /// The same for the path of a request.
    [[nodiscard]] bool owns_path(std::string_view path) const;

    /// What follows the path and its slash in the path of a request that this server owns.
    [[nodiscard]] std::string_view below_path(http::request const& request) const {
        return request.path().substr(options_->path.size() + 1);
    }

    /// Answers the request whose head has been read.
    [[nodiscard]] asio::awaitable<void> serve(net::http_connection& connection);

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
        return http;
    }

    server_core(server_core const&) = delete;
    server_core& operator=(server_core const&) = delete;
    /// Sessions that are still there are those of an execution context that is gone.
    ~server_core() {
        for (auto const& [sid, session] : sessions_)
            session->release();
    }

    /// Opens a session over a transport that somebody else made, for a client that sent
    /// `request` from `address`. Once closed it opens none, and discards the transport.
    void open(transport::any_transport over, http::request request, std::string address);

    /// Ends every session at once, after what was sent to it before if that can leave at once; new
    /// ones are refused.
    void close();

    /// The same, but a session whose POST is on its way receives that first, and ends `late`.
    void finish(errc late);

    /// Whether `finish` lets this session receive a POST first.
    [[nodiscard]] static bool is_posting(session_core const& session) {
        auto const polling = session.current().target<transport::polling_server>();
        return polling && polling->is_reading();
    }

    /// Waits until nothing of any session runs any more, closing handshakes included. Gives no
    /// error, `errc::timeout` at the deadline, which ends nothing (see `abandon`), or
    /// `operation_aborted` when cancelled. It ends nothing itself: that is up to `close`.
    [[nodiscard]] asio::awaitable<std::error_code> wait_closed(
        std::optional<net::time_point> deadline = std::nullopt) {
        return loops_->wait(deadline);
    }

    /// Closes, and cancels what of its sessions still runs. `wait_closed` waits for the rest.
    void abandon();

    /// The header fields that every answer to `request` carries.
    [[nodiscard]] http::fields common_fields(http::request const& request) const {
        return cors_fields(options_->cors, request);
    }

    [[nodiscard]] std::size_t sessions() const noexcept { return sessions_.size(); }
    [[nodiscard]] std::shared_ptr<server_session_core> find(std::string const& sid) const;
    /// The options; the path has no slash at its end.
    [[nodiscard]] engine::options const& options() const noexcept { return *options_; }
    [[nodiscard]] std::shared_ptr<net::shard> const& owner() const noexcept { return shard_; }

    /// A new identifier: 20 characters that nobody can guess.
    [[nodiscard]] static std::string make_id() { return base64::encode_url(random_bytes(15)); }

private:
    [[nodiscard]] asio::awaitable<void>
    refuse(net::http_connection& connection, refusal code, std::string_view context);
    [[nodiscard]] asio::awaitable<void> refuse_method(net::http_connection& connection);
    [[nodiscard]] asio::awaitable<void> refuse_handshake(
        net::http_connection& connection,
        std::error_code why);
    [[nodiscard]] asio::awaitable<void> open_polling(net::http_connection& connection);
    [[nodiscard]] asio::awaitable<void> open_websocket(
        net::http_connection& connection,
        std::string sid);
    /// Where a session comes from that is opened by the request whose head has been read.
    [[nodiscard]] origin origin_of(net::http_connection const& connection) const;
    [[nodiscard]] std::shared_ptr<server_session_core> make_session(origin from);
    void start(std::shared_ptr<server_session_core> const& session, transport::any_transport over);
    [[nodiscard]] std::string address_of(net::http_connection const& connection) const {
        auto const proxies = options_->trusted_proxies;
        auto const told = http::forwarded_for(connection.head().headers, proxies);
        return told ? std::string(*told) : connection.remote_address();
    }
    void end_when_read(server_session_core const& session, errc reason);
    static void end(session_core& session, errc reason) {
        session.flush();
        session.abort(reason);
    }

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<engine::options const> options_;
    on_session accept_;
    std::shared_ptr<ws::negotiator> negotiator_;
    std::shared_ptr<net::task_group> loops_;
    std::unordered_map<std::string, std::shared_ptr<server_session_core>> sessions_;
    // Asked by other threads, too: see `owns`.
    std::atomic<bool> closed_ = false;
};

inline server_core::server_core(
    std::shared_ptr<net::shard> owner,
    engine::options opts,
    on_session accept)
    : shard_(std::move(owner))
    , options_(std::make_shared<engine::options const>(normalized(std::move(opts))))
    , accept_(std::move(accept))
    , negotiator_(
          options_->per_message_deflate ? options_->per_message_deflate->make_negotiator()
                                        : nullptr)
    , loops_(std::make_shared<net::task_group>(shard_)) {}

inline bool server_core::owns_path(std::string_view path) const {
    auto const& prefix = options_->path;
    return !closed_ && path.size() > prefix.size() && path.starts_with(prefix) &&
           path[prefix.size()] == '/';
}

inline std::shared_ptr<server_session_core> server_core::find(std::string const& sid) const {
    auto const found = sessions_.find(sid);
    return found == sessions_.end() ? nullptr : found->second;
}

inline asio::awaitable<void> server_core::serve(net::http_connection& connection) {
    auto const self = shared_from_this();
    auto const& request = connection.head();
    if (is_preflight(options_->cors, request)) {
        auto const answer = preflight(options_->cors, request);
        co_await connection.respond(answer);
        co_return;
    }
    auto const verdict = route(request, *options_, [this](std::string const& sid) {
        auto const session = find(sid);
        return session ? std::optional(session->transport_name()) : std::nullopt;
    });
    using kind = engine::verdict::kind;
    auto const polling = verdict.what == kind::poll || verdict.what == kind::post
                             ? find(verdict.sid)->current().target<transport::polling_server>()
                             : nullptr;
    auto extra = common_fields(request);
    switch (verdict.what) {
    case kind::refuse: co_await refuse(connection, verdict.code, verdict.context); break;
    case kind::open_polling: co_await open_polling(connection); break;
    case kind::open_websocket:
    case kind::upgrade: co_await open_websocket(connection, verdict.sid); break;
    case kind::poll: co_await polling->serve_poll(connection, std::move(extra)); break;
    case kind::post: co_await polling->serve_post(connection, std::move(extra)); break;
    case kind::bad_method: co_await refuse_method(connection); break;
    }
}

inline asio::awaitable<void>
server_core::refuse(net::http_connection& connection, refusal code, std::string_view context) {
    auto const& request = connection.head();
    report(options_->hooks, connection, {int(code), message_of(code), context, {}, {}});
    auto const answer = refusal_answer(code, request, common_fields(request));
    co_await connection.respond(answer);
}

inline asio::awaitable<void> server_core::refuse_method(net::http_connection& connection) {
    http::response answer;
    answer.status = 500;
    answer.headers = common_fields(connection.head());
    co_await connection.respond(answer);
}

inline asio::awaitable<void> server_core::refuse_handshake(
    net::http_connection& connection,
    std::error_code why) {
    auto const told = why.message();
    report(options_->hooks, connection, {400, told, "WebSocket handshake", {}, {}});
    auto const answer = handshake_refusal(why);
    co_await connection.respond(answer);
}

inline asio::awaitable<void> server_core::open_polling(net::http_connection& connection) {
    if (closed_) {
        auto const answer = closed_answer();
        co_await connection.respond(answer);
        co_return;
    }
    auto const session = make_session(origin_of(connection));
    auto const polling = std::make_shared<transport::polling_server>(
        shard_,
        options_->limits,
        options_->packets_per_poll,
        options_->http_compression);
    start(session, transport::any_transport(polling));
    auto extra = common_fields(connection.head());
    co_await polling->serve_poll(connection, std::move(extra));
}

inline asio::awaitable<void> server_core::open_websocket(
    net::http_connection& connection,
    std::string sid) {
    if (auto const why = net::check_upgrade(connection.head())) {
        co_await refuse_handshake(connection, why);
        co_return;
    }
    auto agreed = net::negotiate(connection.head(), negotiator_.get());
    if (!agreed) {
        co_await refuse_handshake(connection, agreed.error());
        co_return;
    }
    auto const fresh = sid.empty() ? make_session(origin_of(connection)) : nullptr;
    auto const answer = net::accept_upgrade(connection.head(), agreed->answer);
    auto const failed = co_await connection.respond(answer);
    if (failed)
        co_return;
    std::string rest;
    auto stream = connection.release(rest);
    auto const socket = std::make_shared<net::websocket>(
        shard_,
        std::move(stream),
        ws::role::server,
        options_->limits,
        std::move(rest),
        std::move(agreed->codecs));
    transport::any_transport over(std::make_shared<transport::websocket>(socket));
    // The session may have ended, or upgraded, while the answer was on its way.
    auto const upgrading = fresh ? nullptr : find(sid);
    if (fresh && !closed_) {
        start(fresh, std::move(over));
    } else if (!upgrading || !upgrading->start_upgrade(over)) {
        std::ignore = over.close(transport::ending::discard);
        co_await transport::linger(over);
    }
}

inline void
server_core::open(transport::any_transport over, http::request request, std::string address) {
    if (closed_)
        std::ignore = over.close(transport::ending::discard);
    else
        start(make_session({make_id(), std::move(request), std::move(address)}), std::move(over));
}

inline origin server_core::origin_of(net::http_connection const& connection) const {
    origin from{make_id(), connection.head(), address_of(connection)};
    if (auto const* const over = connection.over()) {
        from.secure = over->is_encrypted();
        from.certificate = over->peer_certificate();
    }
    return from;
}

inline std::shared_ptr<server_session_core> server_core::make_session(origin from) {
    return std::make_shared<server_session_core>(
        loops_,
        shard_,
        options_,
        std::move(from),
        [weak = weak_from_this()](server_session_core& ended) {
            if (auto const self = weak.lock())
                self->sessions_.erase(ended.sid());
        });
}

inline void server_core::start(
    std::shared_ptr<server_session_core> const& session,
    transport::any_transport over) {
    session->open(std::move(over));
    sessions_.emplace(session->sid(), session);
    try {
        session->start(accept_(session));
    } catch (...) {
        session->discard();
        notify(options_->hooks.handler_failed, session->sid(), describe(std::current_exception()));
    }
}

inline void server_core::close() {
    closed_ = true;
    auto const ending = std::exchange(sessions_, {});
    for (auto const& [sid, session] : ending)
        end(*session, errc::forced_close);
}

inline void server_core::finish(errc late) {
    closed_ = true;
    auto const ending = sessions_;
    for (auto const& [sid, session] : ending) {
        if (is_posting(*session))
            end_when_read(*session, late);
        else
            end(*session, errc::forced_close);
    }
}

inline void server_core::end_when_read(server_session_core const& session, errc reason) {
    auto const polling = session.current().target<transport::polling_server>();
    polling->when_read([weak = weak_from_this(), sid = session.sid(), reason] {
        auto const self = weak.lock();
        if (auto const ending = self ? self->find(sid) : nullptr)
            end(*ending, reason);
    });
}

inline void server_core::abandon() {
    auto const self = shared_from_this();
    close();
    loops_->cancel_all();
}

}  // namespace socoro::engine
