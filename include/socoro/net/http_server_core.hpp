// SPDX-License-Identifier: BSL-1.0
// The work of the HTTP server: it accepts connections, reads requests and gives each to whoever
// owns its path.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/base/hooks.hpp>
#include <socoro/net/acceptor.hpp>
#include <socoro/net/http_connection.hpp>
#include <socoro/net/http_neighbours.hpp>
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
    /// The most connections at once, on all shards together, of those it accepted itself and those
    /// it was given, also as long as something else has taken them over. One more that it accepts is closed at once, and
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

    /// Makes these the parts of one server, each on a shard of its own: who is accepted by one of
    /// them goes to the one with the fewest connections, which are counted together. Once, before
    /// any of them runs.
    static void introduce(std::vector<std::shared_ptr<http_server_core>> const& parts);

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

    /// Takes a connection that was just accepted, unless there are too many, to the part with the
    /// fewest: TLS comes first, if the server speaks it.
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
    /// the hook `accept_failed` is told. It is non-blocking when it goes back. The part with the
    /// fewest connections serves it, and gives it back, on its own shard. Thread-safe.
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

    /// How many connections this part has that have not been taken over, those in a handshake
    /// included.
    [[nodiscard]] std::size_t connections() const noexcept {
        return connections_.size() + handshakes_.size();
    }

    [[nodiscard]] std::shared_ptr<shard> const& owner() const noexcept { return shard_; }

private:
    using hook = boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;
    struct live_connection final : hook, http_connection {
        live_connection(
            http_server_core& of,
            std::shared_ptr<stream> from,
            std::string already_read)
            : http_connection(
                  of.shard_,
                  std::move(from),
                  std::move(already_read),
                  of.options_.limits,
                  of.options_.deadlines)
            , server(&of) {}
        [[nodiscard]] bool move_to(shard const& there) override;
        http_server_core* server;
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
    using place = std::optional<http_neighbours::place>;

    [[nodiscard]] endpoint listen(std::shared_ptr<acceptor> const& listener);
    void start(
        std::shared_ptr<stream> from,
        std::string already_read,
        borrowed_ptr of,
        place taken = std::nullopt);
    void
    begin(std::shared_ptr<stream> from, std::string already_read, borrowed_ptr of, place taken);
    void lend(std::shared_ptr<stream> from, std::string already_read, give_back back, place taken);
    /// A place for one more connection here; none if there is no other part.
    [[nodiscard]] place take_place() const {
        return neighbours_ ? place(neighbours_->take(index_)) : std::nullopt;
    }
    [[nodiscard]] bool is_full() const {
        return options_.max_connections &&
               (neighbours_ ? neighbours_->connections() : streams_->size()) >=
                   *options_.max_connections;
    }
    /// Who was accepted in the instant in which this began to finish is no worse off than others.
    [[nodiscard]] bool takes_more() const noexcept { return !closed_ || finishing_; }
    void welcome(std::shared_ptr<stream> accepted, place taken);
    template <typename Arrive>
    static void send_away(departure moving, http_neighbours::place taken, Arrive arrive);
    void open_for_another(
        descriptor connection,
        std::string already_read,
        std::function<void(descriptor, std::string)> back,
        place taken);
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
    std::shared_ptr<http_neighbours> neighbours_;  // null: this is all there is
    std::size_t index_ = 0;
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

inline void http_server_core::introduce(
    std::vector<std::shared_ptr<http_server_core>> const& parts) {
    if (parts.size() < 2)
        return;
    std::vector<http_neighbours::part> each;
    for (auto const& core : parts)
        each.push_back({core->shard_, core});
    auto const known = std::make_shared<http_neighbours>(std::move(each));
    for (std::size_t i = 0; i < parts.size(); ++i) {
        parts[i]->neighbours_ = known;
        parts[i]->index_ = i;
    }
}

inline void http_server_core::admit(std::shared_ptr<stream> accepted) {
    if (is_full())
        return turn_away(*accepted);
    auto const there = neighbours_ ? neighbours_->next() : index_;
    auto moving = there == index_ ? nullptr : accepted->depart();
    if (!moving)
        return welcome(std::move(accepted), take_place());
    send_away(
        std::move(moving),
        neighbours_->take(there),
        [](http_server_core& part, std::shared_ptr<stream> arrived, place taken) {
            part.welcome(std::move(arrived), std::move(taken));
        });
}

inline void http_server_core::welcome(std::shared_ptr<stream> accepted, place taken) {
    if (!takes_more())
        return accepted->close();
    if (!options_.tls)
        return begin(std::move(accepted), {}, nullptr, std::move(taken));
    auto counted = streams_->add(std::move(accepted), std::move(taken));
    tasks_->spawn(secure(shared_from_this(), std::move(counted)));
}

/// A stream that arrives nowhere, because nobody is there any more, ends with what is not run.
template <typename Arrive>
void http_server_core::send_away(departure moving, http_neighbours::place taken, Arrive arrive) {
    auto const& to = taken.of();
    // What a shard is told to do has to be copyable.
    auto const held = std::make_shared<http_neighbours::place>(std::move(taken));
    to.on->submit(
        [weak = to.core, on = to.on, moving = std::move(moving), held, arrive = std::move(arrive)] {
            auto const part = weak.lock();
            if (!part)
                return;
            try {
                arrive(*part, moving(part->shard_), place(std::move(*held)));
            } catch (std::system_error const& e) {
                notify(part->options_.hooks.accept_failed, e.code());
            }
        });
}

/// It is not given back any more: who asks for another protocol gets that, or the end.
inline bool http_server_core::live_connection::move_to(shard const& there) {
    auto const& known = server->neighbours_;
    auto const index = known ? known->find(there) : std::nullopt;
    if (!index || !is_open())
        return false;
    auto read = http::serialize_head(head());
    auto moving = depart();
    if (!moving)
        return false;
    std::string behind;
    release(behind).reset();
    send_away(
        std::move(moving),
        known->take(*index),
        [read = read.append(
             behind)](http_server_core& part, std::shared_ptr<stream> arrived, place taken) {
            if (part.takes_more())
                part.begin(std::move(arrived), read, nullptr, std::move(taken));
        });
    return true;
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
    lend(std::move(from), std::move(already_read), std::move(back), std::nullopt);
}

inline void http_server_core::lend(
    std::shared_ptr<stream> from,
    std::string already_read,
    give_back back,
    place taken) {
    borrowed_ptr of;
    if (back || !already_read.empty()) {
        of = std::make_unique<borrowed>();
        of->connection = from;
        of->back = std::move(back);
    }
    start(std::move(from), std::move(already_read), std::move(of), std::move(taken));
}

inline void http_server_core::serve_for_another(
    descriptor connection,
    std::string already_read,
    std::function<void(descriptor, std::string)> back) {
    auto taken = neighbours_ ? place(neighbours_->take(neighbours_->next())) : std::nullopt;
    auto const on = taken ? taken->of().on : shard_;
    auto const core = taken ? taken->of().core : weak_from_this();
    struct baggage {
        descriptor connection;
        std::string read;
        std::function<void(descriptor, std::string)> back;
        place taken;
    };
    // What a shard is told to do has to be copyable.
    auto const held = std::make_shared<baggage>(
        baggage{std::move(connection), std::move(already_read), std::move(back), std::move(taken)});
    on->execute([core, held] {
        if (auto const part = core.lock())
            part->open_for_another(
                std::move(held->connection),
                std::move(held->read),
                std::move(held->back),
                std::move(held->taken));
    });
}

inline void http_server_core::open_for_another(
    descriptor connection,
    std::string already_read,
    std::function<void(descriptor, std::string)> back,
    place taken) {
    std::shared_ptr<tcp_stream> from;
    try {
        from = std::make_shared<tcp_stream>(
            to_stream_socket(shard_->get_executor(), std::move(connection)));
    } catch (std::system_error const& e) {
        return notify(options_.hooks.accept_failed, e.code());
    }
    give_back returns;
    if (back)
        returns = [from,
                   back = std::move(back)](std::shared_ptr<stream> const&, std::string unanswered) {
            back(from->release(), std::move(unanswered));
        };
    lend(from, std::move(already_read), std::move(returns), std::move(taken));
}

inline void http_server_core::start(
    std::shared_ptr<stream> from,
    std::string already_read,
    borrowed_ptr of,
    place taken) {
    if (closed_)
        return from->close();
    begin(std::move(from), std::move(already_read), std::move(of), std::move(taken));
}

inline void http_server_core::begin(
    std::shared_ptr<stream> from,
    std::string already_read,
    borrowed_ptr of,
    place taken) {
    auto counted = streams_->add(std::move(from), taken ? std::move(taken) : take_place());
    tasks_->spawn(
        run(shared_from_this(), std::move(counted), std::move(already_read), std::move(of)));
}

inline asio::awaitable<void> http_server_core::run(
    self_ptr self,
    std::shared_ptr<stream> from,
    std::string already_read,
    borrowed_ptr of) {
    auto const& options = self->options_;
    live_connection connection(*self, std::move(from), std::move(already_read));
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
