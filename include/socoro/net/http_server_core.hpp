// SPDX-License-Identifier: BSL-1.0
// The work of the HTTP server: it accepts connections, reads requests and gives each to whoever
// owns its path.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/base/hooks.hpp>
#include <socoro/net/acceptor.hpp>
#include <socoro/net/http_connection.hpp>
#include <socoro/net/open_streams.hpp>
#include <socoro/net/server_layer.hpp>
#include <socoro/net/task_group.hpp>

#include <boost/intrusive/list.hpp>

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::net {

/// Answers a request; the body has been read.
using http_handler = std::function<asio::awaitable<http::response>(http::request)>;

/// Takes over the requests it owns, such as those of Engine.IO.
struct http_mount {
    std::function<bool(http::request const&)> owns;
    /// Reads the rest of the request and answers it, or takes the stream away.
    std::function<asio::awaitable<void>(http_connection&)> serve;
};

/// Is given a connection back, with the bytes read from it that nobody has answered, the head of a
/// request first. Nothing of ours reads, writes or times it any more. What it throws ends the
/// connection alone, and goes to the hook `handler_failed`.
using give_back = std::function<void(std::shared_ptr<stream>, std::string unanswered)>;

/// Takes over for a server that `owns` requests and can `serve` them, as long as it is there.
template <typename Server>
[[nodiscard]] http_mount mount_for(std::weak_ptr<Server> server) {
    http_mount mount;
    mount.owns = [server](http::request const& request) {
        auto const self = server.lock();
        return self && self->owns(request);
    };
    mount.serve = [server](http_connection& connection) {
        return server.lock()->serve(connection);
    };
    return mount;
}

/// What an HTTP server may be told.
struct http_server_options {
    socoro::limits limits;
    http_deadlines deadlines;
    /// The largest body that reaches the handler, in bytes.
    std::size_t max_body = 1'000'000;
    /// The most connections at once, of those it accepted itself and those it was given, also as
    /// long as something else has taken them over. One more that it accepts is closed at once, and
    /// told to the hook `connection_dropped`. Without a number, as many as come.
    std::optional<std::size_t> max_connections;
    socoro::hooks hooks;
    /// Speaks TLS on every connection that is accepted, and so on for those who attach to the
    /// server: `socoro::tls_server()`, from <socoro/tls.hpp>. Null: plain HTTP.
    std::shared_ptr<server_layer> tls;
};

/// The shared state of an HTTP server. Not thread-safe; it lives on the executor of its shard.
class http_server_core : public std::enable_shared_from_this<http_server_core> {
public:
    http_server_core(
        std::shared_ptr<shard> owner,
        http_handler handler,
        http_server_options options)
        : shard_(std::move(owner))
        , handler_(std::move(handler))
        , options_(std::move(options))
        , tasks_(std::make_shared<task_group>(shard_))
        , streams_(std::make_shared<open_streams>(shard_)) {}

    /// Listens at one more endpoint. Throws `std::system_error`, and `std::logic_error` once it
    /// was closed.
    endpoint listen(endpoint const& at, listen_options how = {});

    /// Listens on a socket that listens already. Throws as above.
    endpoint listen(descriptor listening);

    /// Gives requests to `mount` before the handler sees them; the first that owns one has it.
    /// A mount that throws has its request answered with 500, or loses the connection.
    void mount(http_mount mount) {
        mounts_.push_back(std::make_shared<http_mount const>(std::move(mount)));
    }

    /// Takes a connection that was just accepted, unless there are too many: TLS comes first, if the
    /// server speaks it.
    void admit(std::shared_ptr<stream> accepted);

    /// Serves a connection that is this server's alone, as it is, and counts. `already_read` was
    /// read from it.
    void serve(std::shared_ptr<stream> from, std::string already_read = {}) {
        start(std::move(from), std::move(already_read), nullptr);
    }

    /// Serves a connection of another server, which has read `already_read` from it: the head of a
    /// request first. The first request that nobody here owns goes `back`, with the connection. If
    /// `back` is empty, the answer to the first request is the last: what follows might be for the
    /// other server, so the client has to connect again. But if nothing was read either, nobody
    /// else can have anything to do with the connection, and it is this server's alone.
    void serve_for_another(std::shared_ptr<stream> from, std::string already_read, give_back back);

    /// The same for a connection of another library, which is closed if it cannot be taken over:
    /// the hook `accept_failed` is told. It is non-blocking when it goes back.
    void serve_for_another(
        descriptor connection,
        std::string already_read,
        std::function<void(descriptor, std::string)> back);

    /// Accepts no more; who has connected before is accepted.
    void stop_listening();

    /// Accepts no more and ends every connection that has not been taken over. That is final.
    void close() noexcept;

    /// The same, but every request that has begun to arrive is answered first: see
    /// `http_connection::finish`. A handshake has as long as a first request. Requests that nobody
    /// owns get status 503 unless there is a handler.
    void finish();

    /// Once closed, waits until every connection has ended, also one that was taken over, and
    /// nothing reads or writes it any more. Gives no error, `errc::timeout` at the deadline, which ends nothing
    /// (see `abandon`), or `operation_aborted` when cancelled. The core lives as long as this
    /// waits; a handler or a mount that waits for it waits for itself.
    [[nodiscard]] asio::awaitable<std::error_code> wait_closed(
        std::optional<time_point> deadline = std::nullopt) {
        return wait_for_end(shared_from_this(), deadline);
    }

    /// Closes, cancels the handlers and mounts that still answer, and ends every connection at
    /// once, also one that was taken over or lingers. `wait_closed` waits for the rest.
    void abandon();

    /// How many connections there are that have not been taken over, those in a handshake included.
    [[nodiscard]] std::size_t connections() const noexcept {
        return connections_.size() + handshakes_.size();
    }

private:
    using hook = boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
    struct live_connection : hook, http_connection {
        using http_connection::http_connection;
    };
    /// The TLS handshake of one connection, which ends early when it takes too long.
    struct live_handshake : hook {
        live_handshake(shard const& owner, duration patience)
            : deadline(owner.clock(), [this] {
                late = true;
                stop->request_stop();
            }) {
            deadline.arm_after(patience);
        }
        std::shared_ptr<stop_source> stop = std::make_shared<stop_source>();
        bool late = false;
        timer deadline;
    };
    using self_ptr = std::shared_ptr<http_server_core>;
    using mount_ptr = std::shared_ptr<http_mount const>;

    /// The connection of another server.
    struct borrowed {
        std::shared_ptr<stream> connection;
        give_back back;
    };
    using borrowed_ptr = std::unique_ptr<borrowed>;

    [[nodiscard]] endpoint listen(std::shared_ptr<acceptor> const& listener);
    void start(std::shared_ptr<stream> from, std::string already_read, borrowed_ptr of);
    [[nodiscard]] static asio::awaitable<void> secure(self_ptr self, std::shared_ptr<stream> plain);
    void report(std::string_view address, std::error_code why);
    [[nodiscard]] static asio::awaitable<void>
    run(self_ptr self, std::shared_ptr<stream> from, std::string already_read, borrowed_ptr of);
    [[nodiscard]] bool returns(http_connection& connection, borrowed_ptr& of) const;
    [[nodiscard]] static asio::awaitable<std::error_code> wait_for_end(
        self_ptr self,
        std::optional<time_point> deadline);
    void turn_away(stream& accepted);
    [[nodiscard]] asio::awaitable<void> answer(http_connection& connection);
    [[nodiscard]] asio::awaitable<void> answer_from_handler(http_connection& connection);
    [[nodiscard]] mount_ptr find_mount(http::request const& request) const;

    std::shared_ptr<shard> shard_;
    http_handler handler_;
    http_server_options options_;
    std::vector<mount_ptr> mounts_;
    std::vector<std::shared_ptr<acceptor>> acceptors_;
    boost::intrusive::list<live_connection, boost::intrusive::constant_time_size<false>>
        connections_;
    boost::intrusive::list<live_handshake, boost::intrusive::constant_time_size<false>> handshakes_;
    std::size_t failed_handshakes_ = 0;
    std::shared_ptr<task_group> tasks_;
    std::shared_ptr<open_streams> streams_;
    std::size_t dropped_ = 0;
    bool closed_ = false;
    bool finishing_ = false;  // closed, but who has connected before is answered
    bool abandoned_ = false;
};

inline endpoint http_server_core::listen(endpoint const& at, listen_options how) {
    return listen(std::make_shared<acceptor>(shard_, at, how));
}

inline endpoint http_server_core::listen(descriptor listening) {
    return listen(std::make_shared<acceptor>(shard_, std::move(listening)));
}

inline endpoint http_server_core::listen(std::shared_ptr<acceptor> const& listener) {
    if (closed_)
        throw std::logic_error("socoro: an HTTP server that was closed listens no more");
    acceptors_.push_back(listener);
    auto const taker = [weak = weak_from_this()](std::unique_ptr<stream> accepted) {
        if (auto const self = weak.lock())
            self->admit(std::move(accepted));
    };
    auto const failed = [hook = options_.hooks.accept_failed](std::error_code ec) {
        notify(hook, ec);
    };
    tasks_->spawn(listener->accept(taker, failed));
    return listener->local_endpoint();
}

inline void http_server_core::admit(std::shared_ptr<stream> accepted) {
    if (options_.max_connections && streams_->size() >= *options_.max_connections)
        return turn_away(*accepted);
    // Who was accepted in the instant in which this began to finish is no worse off than others.
    if (closed_ && !finishing_)
        return accepted->close();
    auto counted = streams_->add(std::move(accepted));
    if (options_.tls)
        tasks_->spawn(secure(shared_from_this(), std::move(counted)));
    else
        tasks_->spawn(run(shared_from_this(), std::move(counted), {}, nullptr));
}

inline void http_server_core::turn_away(stream& accepted) {
    auto const address = accepted.remote_address();
    accepted.close();
    notify(options_.hooks.connection_dropped, dropped_connection{address, ++dropped_});
}

/// The connection is a task of its own, so that nothing of the handshake is kept for its life.
inline asio::awaitable<void> http_server_core::secure(
    self_ptr self,
    std::shared_ptr<stream> plain) {
    live_handshake handshake(*self->shard_, self->options_.deadlines.handshake);
    self->handshakes_.push_back(handshake);
    if (self->closed_)
        handshake.deadline.arm_after(http_connection::first_request);
    auto const address = plain->remote_address();
    auto secured =
        co_await self->options_.tls->accept(self->shard_, std::move(plain), handshake.stop);
    if (secured)
        self->tasks_->spawn(run(self, std::move(*secured), {}, nullptr));
    else if (self->closed_)
        co_return;
    else if (handshake.late)
        self->report(address, errc::timeout);
    else if (secured.error() != asio::error::eof)
        self->report(address, secured.error());
}

inline void http_server_core::report(std::string_view address, std::error_code why) {
    notify(options_.hooks.tls_failed, failed_handshake{address, why, ++failed_handshakes_});
}

inline void http_server_core::serve_for_another(
    std::shared_ptr<stream> from,
    std::string already_read,
    give_back back) {
    if (!back && already_read.empty())
        return serve(std::move(from));
    auto of = std::make_unique<borrowed>();
    of->connection = from;
    of->back = std::move(back);
    start(std::move(from), std::move(already_read), std::move(of));
}

inline void http_server_core::serve_for_another(
    descriptor connection,
    std::string already_read,
    std::function<void(descriptor, std::string)> back) {
    std::error_code failed;
    asio::generic::stream_protocol::socket opened(shard_->get_executor());
    opened.assign(protocol_of(connection), connection.native_handle(), failed);
    if (failed)
        return notify(options_.hooks.accept_failed, failed);
    std::ignore = connection.release();
    auto const from = std::make_shared<tcp_stream>(std::move(opened));
    give_back returns;
    if (back)
        returns = [from,
                   back = std::move(back)](std::shared_ptr<stream> const&, std::string unanswered) {
            back(from->release(), std::move(unanswered));
        };
    serve_for_another(from, std::move(already_read), std::move(returns));
}

inline void
http_server_core::start(std::shared_ptr<stream> from, std::string already_read, borrowed_ptr of) {
    if (closed_)
        return from->close();
    auto counted = streams_->add(std::move(from));
    tasks_->spawn(
        run(shared_from_this(), std::move(counted), std::move(already_read), std::move(of)));
}

inline asio::awaitable<void> http_server_core::run(
    self_ptr self,
    std::shared_ptr<stream> from,
    std::string already_read,
    borrowed_ptr of) {
    auto const& options = self->options_;
    live_connection connection(
        self->shard_,
        std::move(from),
        std::move(already_read),
        options.limits,
        options.deadlines);
    self->connections_.push_back(connection);
    if (of && !of->back)
        connection.end_after_answer();
    // Its handshake may have ended after that.
    if (self->closed_)
        connection.finish();
    for (;;) {
        bool const another = co_await connection.read_head();
        if (!another || self->returns(connection, of))
            break;
        co_await self->answer(connection);
    }
    if (auto const why = connection.failure()) {
        auto const protocol = protocol_of(static_cast<errc>(why.value()));
        notify(options.hooks.violated, violation{protocol, connection.remote_address(), {}, why});
    }
}

/// Gives a connection back whose request is its owner's, and says whether it did. Once closed,
/// nothing is told apart any more.
inline bool http_server_core::returns(http_connection& connection, borrowed_ptr& of) const {
    if (closed_ || !of || !of->back || find_mount(connection.head()))
        return false;
    auto const returned = std::exchange(of, nullptr);
    try {
        auto unanswered = http::serialize_head(connection.head());
        std::string behind;
        // What counts the stream here lets go of it; whoever has it back may keep it for ever.
        connection.release(behind).reset();
        returned->back(std::move(returned->connection), unanswered.append(behind));
    } catch (...) {
        auto const where = connection.head().path();
        notify(options_.hooks.handler_failed, where, describe(std::current_exception()));
    }
    return true;
}

/// An exception is the failure of who should have answered, also when it is about a response that
/// cannot be written, with a line break in a field for example. It costs its own request alone.
inline asio::awaitable<void> http_server_core::answer(http_connection& connection) {
    std::exception_ptr failure;
    try {
        // Held here, for its own code may add mounts.
        auto const mount = find_mount(connection.head());
        if (mount)
            co_await mount->serve(connection);
        else
            co_await answer_from_handler(connection);
    } catch (...) {
        failure = std::current_exception();
    }
    // Who was cancelled has not failed.
    if (!failure || abandoned_)
        co_return;
    notify(options_.hooks.handler_failed, connection.head().path(), describe(failure));
    if (connection.is_answered())
        co_return connection.close();
    auto apology = http::text(500, "Internal Server Error");
    if (connection.head().wants_upgrade())
        apology.headers.set("Connection", "close");
    co_await connection.respond(apology);
}

inline http_server_core::mount_ptr http_server_core::find_mount(
    http::request const& request) const {
    for (auto const& mount : mounts_)
        if (mount->owns(request))
            return mount;
    return nullptr;
}

inline asio::awaitable<void> http_server_core::answer_from_handler(http_connection& connection) {
    auto body = co_await connection.read_body(options_.max_body);
    http::response response;
    if (!body) {
        response.status = http::status_of(body.error());
    } else if (!handler_) {
        response = closed_ ? http::text(503, "Service Unavailable") : http::text(404, "Not Found");
    } else {
        auto request = connection.head();
        request.body = std::move(*body);
        response = co_await handler_(std::move(request));
    }
    // Nobody here speaks the other protocol, and what follows would not be HTTP.
    if (connection.head().wants_upgrade())
        response.headers.set("Connection", "close");
    co_await connection.respond(response);
}

inline void http_server_core::stop_listening() {
    auto const stopping = std::exchange(acceptors_, {});
    for (auto const& listener : stopping)
        listener->stop();
}

inline void http_server_core::close() noexcept {
    closed_ = true;
    finishing_ = false;
    auto const closing = std::exchange(acceptors_, {});
    for (auto const& listener : closing)
        listener->close();
    for (auto& connection : connections_)
        connection.close();
    while (!handshakes_.empty()) {
        auto const stop = handshakes_.front().stop;
        handshakes_.pop_front();
        stop->request_stop();
    }
}

inline void http_server_core::finish() {
    stop_listening();
    finishing_ = finishing_ || !closed_;
    closed_ = true;
    for (auto& connection : connections_)
        connection.finish();
    for (auto& handshake : handshakes_)
        handshake.deadline.arm_after(http_connection::first_request);
}

inline void http_server_core::abandon() {
    // Who is cancelled may destroy whoever holds the other shares.
    auto const self = shared_from_this();
    abandoned_ = true;
    close();
    tasks_->cancel_all();
    streams_->close_all();
}

inline asio::awaitable<std::error_code> http_server_core::wait_for_end(
    self_ptr self,
    std::optional<time_point> deadline) {
    auto const ec = co_await self->tasks_->wait(deadline);
    if (ec)
        co_return ec;
    co_return co_await self->streams_->wait(deadline);
}

}  // namespace socoro::net
