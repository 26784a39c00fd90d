// SPDX-License-Identifier: BSL-1.0
// The Socket.IO server.
#pragma once

#include <socoro/namespace.hpp>
#include <socoro/net/http_server.hpp>
#include <socoro/net/run_on_shard.hpp>
#include <socoro/server_core.hpp>

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <regex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro {

/// The program's HTTP server, for its page beside the sockets.
using http_server = net::http_server;
using http_server_options = net::http_server_options;

/// A socket of the operating system that somebody else made.
using net::descriptor;
/// How a server listens.
using net::listen_options;

namespace detail {

/// Executors of a pool that run one task at a time, or of which shards make some.
template <typename E>
concept strands_of_pool = std::is_same_v<E, net::executor> ||
    std::is_same_v<E, asio::strand<asio::thread_pool::executor_type>>;

/// One for each thread of the pool.
template <strands_of_pool E>
[[nodiscard]] std::vector<E> make_strands(asio::thread_pool& pool) {
    std::vector<E> made;
    for (auto left = asio::query(pool.get_executor(), asio::execution::occupancy); left > 0; --left)
        made.emplace_back(asio::make_strand(pool));
    return made;
}

}  // namespace detail

/// A Socket.IO server. Sockets connect to namespaces, `/` unless told otherwise; what happens
/// then is up to the handler of the namespace. The execution context must outlive the server;
/// destroying the server disconnects its clients, whose handlers then end by themselves.
///
/// It lives on one executor, or on several that run at once: its shards. A client and its sockets
/// live on one of them, and so do their handlers, one task at a time; rooms and everything that is
/// sent reach all shards. Handlers, middleware, steps, rules and hooks of several shards run at
/// once: what they share has to bear that.
///
/// Any thread may use what it gives to send to the namespace `/` (`emit`, `send`, `to`, `except`,
/// `volatile_`, `compress`) and `close` it, ask it what it `owns`, and give it connections (`serve`)
/// but those that are a `net::stream`; everything else is used on its executor, of several on any of
/// them, or before they run.
///
/// What the program gives to it and what it gives to wait for are coroutines on `Executor`,
/// `asio::awaitable<void, Executor>`. `server` is the one for `asio::any_io_executor`, which takes
/// every executor. With a type of its own, as `io_context::executor_type`, `asio::strand` or one of
/// the program, coroutines and their timers cost less; it must run one task at a time.
template <typename Executor = asio::any_io_executor>
class basic_server : public detail::whole_namespace<basic_server<Executor>, Executor> {
    static_assert(net::check_executor<Executor>());

public:
    using executor_type = Executor;
    using socket_type = basic_socket<Executor>;
    using nsp_type = basic_nsp<Executor>;
    using nsp_family_type = basic_nsp_family<Executor>;
    using broadcast_type = basic_broadcast<Executor>;
    using duration = typename broadcast_type::duration;

    /// Runs on `ex`, which runs one task at a time: a strand, or an `io_context` of one thread.
    explicit basic_server(Executor ex, options opts = {})
        : basic_server(net::shard::make<Executor>(std::move(ex)), std::move(opts)) {}

    /// Runs on an `io_context` that one thread runs.
    explicit basic_server(asio::io_context& context, options opts = {}) requires
        std::is_convertible_v<asio::io_context::executor_type, Executor>
        : basic_server(Executor(context.get_executor()), std::move(opts)) {}

    /// Runs on several executors, each of which runs one task at a time: a shard for each, for
    /// example one `io_context` for each core, with a thread of its own. Throws
    /// `std::invalid_argument` without any.
    explicit basic_server(std::vector<Executor> const& shards, options opts = {})
        : basic_server(make_shards(shards), std::move(opts)) {}

    /// Runs on the threads of a pool, with as many shards, each a strand.
    explicit basic_server(asio::thread_pool& pool, options opts = {}) requires
        detail::strands_of_pool<Executor>
        : basic_server(make_shards(detail::make_strands<Executor>(pool)), std::move(opts)) {}

    /// Runs on a shard with a clock of its own, for tests. Throws `std::invalid_argument` for a
    /// shard that was not made on an `Executor`.
    explicit basic_server(std::shared_ptr<net::shard> owner, options opts = {})
        : basic_server(std::vector{std::move(owner)}, std::move(opts)) {}
    /// The same on several.
    explicit basic_server(std::vector<std::shared_ptr<net::shard>> owners, options opts = {});

    basic_server(basic_server const&) = delete;
    basic_server& operator=(basic_server const&) = delete;
    ~basic_server() { close(); }

    /// Listens at an endpoint and returns it, with the port the system chose for port 0. Requests
    /// that are not under the path get status 404: attach to an `http_server` to serve them.
    /// Throws `std::system_error`, if the port is taken for example, and `std::logic_error` once it
    /// was closed. Of several shards, the first listens for all: there, or before they run.
    net::endpoint listen(net::endpoint const& at, listen_options how = {}) {
        return http_.front()->listen(at, how);
    }

    /// Listens at a port on every address, IPv6 and IPv4.
    net::endpoint listen(unsigned short port, listen_options how = {}) {
        return listen(net::any_address(port), how);
    }

    /// Listens on a socket that listens already, of whatever family: systemd has made it, or the
    /// process before this one, and processes that share it take turns without a gap. Returns
    /// where, without address and port if that is not TCP. Throws as above.
    net::endpoint listen(descriptor listening) {
        return http_.front()->listen(std::move(listening));
    }

    /// Accepts no more, but for those who have connected before; clients stay connected. A server of
    /// several shards may be told by any thread, and then stops a moment later.
    void stop_listening() {
        if (http_.size() == 1)
            return http_.front()->stop_listening();
        home()->owner()->execute([http = http_.front()] { http->stop_listening(); });
    }

    /// Takes the requests under the path from an HTTP server of the program. Both run on the same
    /// executors; throws `std::invalid_argument` otherwise.
    void attach(http_server& http);

    /// Whether a request is under the path of this server.
    [[nodiscard]] bool owns(http::request const& request) const { return home()->owns(request); }

    /// The same for the target of a request, whatever type its server has for requests. Safe from
    /// any thread; no target is, once this was closed.
    [[nodiscard]] bool owns(std::string_view target) const;

    /// Takes over a connection that another HTTP server accepted. `already_read` are the bytes read
    /// from it that nobody has answered, the head of a request first.
    ///
    /// A browser uses one connection for the sockets and for the pages beside them. So the first
    /// request on it that is not under the path goes `back(connection, unanswered)` to its server,
    /// with the connection and the bytes that were read. It is called on the executor of this
    /// server, at most once, and never once this was closed: the connection ends then, as it does
    /// when it takes longer than `deadlines` allow. Without `back` the answer to the first request
    /// is the last, and the client opens another connection: that costs one for every poll. But a
    /// connection from which nothing was read is this server's alone, and requests that are not
    /// under the path get status 404.
    ///
    /// Once this was closed, `connection` is closed as well. It is served on the shard that the
    /// caller runs on, to which it belongs. Not for other threads.
    void serve(
        std::shared_ptr<net::stream> connection,
        std::string already_read,
        net::give_back back = nullptr) {
        http_[home()->shards()->here().value_or(0)]->serve_for_another(
            std::move(connection),
            std::move(already_read),
            std::move(back));
    }

    /// The same for a head that was parsed; `behind` are the bytes read behind it.
    /// Throws `std::invalid_argument` for a head that could not have been read.
    void serve(
        std::shared_ptr<net::stream> connection,
        http::request const& head,
        std::string_view behind = {},
        net::give_back back = nullptr) {
        serve(std::move(connection), http::serialize_head(head).append(behind), std::move(back));
    }

    /// The same for a socket of any `io_context`, none of whose operations is under way: it is
    /// released from it, and one with the same executor goes back. Safe from any thread that may
    /// use the socket; `back` is called on the executor of this server all the same. Throws
    /// `std::system_error` if it is not connected.
    void serve(
        asio::ip::tcp::socket connection,
        std::string already_read,
        std::function<void(asio::ip::tcp::socket, std::string)> back = nullptr);

    /// The same for a connection of whatever family and library: what it is in the operating
    /// system. It becomes non-blocking, and stays so when it goes back. Safe from any thread.
    /// Throws `std::system_error` for what is no connected stream socket; what fails later is told
    /// to the hook `accept_failed`. It is closed then, and when the server or its execution context
    /// has ended. Of several shards the one with the fewest connections serves it and calls `back`.
    void serve(
        descriptor connection,
        std::string already_read,
        std::function<void(descriptor, std::string)> back = nullptr);

    /// Opens a session over a transport of the program, for a client that sent `request` from
    /// `address`, on the shard that the caller runs on.
    void adopt(transport::any_transport over, http::request request, std::string address) {
        // A hook may destroy the server.
        auto const core = cores_[home()->shards()->here().value_or(0)];
        core->engine().open(std::move(over), std::move(request), std::move(address));
    }

    /// The namespace of this name, made if it is not there. Clients can connect to it from then
    /// on. Throws `std::invalid_argument` for a name with a comma.
    [[nodiscard]] nsp_type of(std::string name) const {
        return nsp_type(home()->of(std::move(name)));
    }

    /// The namespaces whose whole name matches, slash included; each comes into being when a client
    /// asks for it, and goes with its last socket, unless the option
    /// `cleanup_empty_child_namespaces` says that it stays. Names that `of` was given are not among them.
    /// Names longer than `limits.sio_dynamic_name` do not match.
    [[nodiscard]] nsp_family_type of(std::regex pattern) const;

    /// The namespaces that `allows` agrees to: `asio::awaitable<bool>(std::string const& name,
    /// socoro::json::value const& auth)`, which may wait. Of several rules the oldest that agrees
    /// has its way; an exception refuses and is reported to the hook. It is asked for a namespace
    /// that is not there: whom to let into one that is, middleware decides (`use`).
    template <typename Predicate>
    requires std::is_invocable_r_v<
        asio::awaitable<bool, Executor>,
        Predicate&,
        std::string const&,
        json::value const&> [[nodiscard]] nsp_family_type
    of(Predicate allows) const {
        return add_rule(detail::as_predicate<Executor>(std::move(allows)));
    }

    /// Starts `handler(socket)` for each socket of the namespace `/`: see `nsp::on_connection`.
    template <typename Handler>
    nsp_type on_connection(Handler handler) const {
        return root().on_connection(std::move(handler));
    }

    /// Adds a middleware to the namespace `/`: see `nsp::use`.
    template <typename Middleware>
    nsp_type use(Middleware step) const {
        return root().use(std::move(step));
    }

    /// Adds a packet middleware to the namespace `/`: see `nsp::use_packets`.
    template <typename Middleware>
    nsp_type use_packets(Middleware step) const {
        return root().use_packets(std::move(step));
    }

    /// Receives events of other nodes for the namespace `/`: see `nsp::on_server_side`.
    template <typename E, typename Function>
    nsp_type on_server_side(Function function) const {
        return root().template on_server_side<E>(std::move(function));
    }

    /// Sends an event to every socket of the namespace `/`; the forms of `socket::emit`.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        root().emit(event);
    }
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        root().template emit<E>(std::forward<Args>(args)...);
    }
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        root().emit(name, args...);
    }

    /// Sends the event `message` to every socket of the namespace `/`.
    template <typename... Args>
    void send(Args const&... args) const {
        root().send(args...);
    }

    /// Calls every socket of the namespace `/`: see `basic_broadcast::call`.
    template <typename E, typename... Args>
    [[nodiscard]] auto call(Args&&... args) const {
        return root().template call<E>(std::forward<Args>(args)...);
    }

    /// To the sockets of the namespace `/` in a room.
    [[nodiscard]] broadcast_type to(std::string room) const { return root().to(std::move(room)); }
    /// The same as `to`.
    [[nodiscard]] broadcast_type in(std::string room) const { return to(std::move(room)); }
    /// To the sockets of the namespace `/` that are not in the room.
    [[nodiscard]] broadcast_type except(std::string room) const {
        return root().except(std::move(room));
    }

    /// To the sockets of the namespace `/` to whom it can leave at once.
    [[nodiscard]] broadcast_type volatile_() const { return root().volatile_(); }
    /// Compressed or not: see `basic_socket::compress`.
    [[nodiscard]] broadcast_type compress(bool wanted) const { return root().compress(wanted); }
    /// To the sockets of the namespace `/`; `call` waits no longer than this.
    [[nodiscard]] broadcast_type timeout(duration within) const { return root().timeout(within); }

    /// Runs `step(request)` for every request under the path, after the steps added earlier: those
    /// that open a session, polls, posts and requests for WebSockets, before anything else is said
    /// about them. Preflights of CORS and requests for the browser's script pass it by. It may wait,
    /// add header fields to the answer, or answer itself. A `refused` refuses the request with code
    /// 3 and its message, any other exception with `Bad request`; that goes to the hook
    /// `handler_failed`.
    ///
    ///     asio::awaitable<void> step(socoro::pending_request& asked)
    template <typename Step>
    void use_requests(Step step) {
        request_step const kept = detail::as_request_step<Executor>(std::move(step));
        configure([kept](detail::server_core& core) { core.engine().use(kept); });
    }

    /// How many clients are connected.
    [[nodiscard]] std::size_t clients_count() const { return home()->engine().sessions(); }

    /// Listens no more and disconnects everybody, for good: the reason is `server shutting down`,
    /// or `forced close` for a client that middleware still looks at. Handlers end by themselves,
    /// as soon as they wait for their socket; one of them may destroy the server. What was sent
    /// before leaves as far as it can leave at once: over WebSocket, or to a poll that waits.
    /// Safe from any thread, which does not wait for it.
    void close();

    /// The same with more patience, and waits until every handler, child, middleware and connection
    /// has ended. A POST that has begun to arrive is received, and answered, before its client is
    /// disconnected; every answer is the last of its connection; a connection between two requests
    /// ends at once, and one without any has a second to begin the first, which gets status 503.
    /// What has not ended `within` this time is cancelled, again and again until it ends: it leaves
    /// nothing behind.
    /// Safe from any executor, but not from a handler of this server, which would be waited for.
    /// Who is cancelled while waiting leaves the rest to its own end.
    [[nodiscard]] asio::awaitable<void, Executor> close(duration within);

private:
    [[nodiscard]] static std::vector<std::shared_ptr<net::shard>> make_shards(
        std::vector<Executor> const& on) {
        std::vector<std::shared_ptr<net::shard>> made;
        for (auto const& ex : on)
            made.push_back(net::shard::make<Executor>(ex));
        return made;
    }
    friend class detail::whole_namespace<basic_server, Executor>;

    [[nodiscard]] std::shared_ptr<detail::namespace_ref const> whole() const {
        return home()->root();
    }
    [[nodiscard]] nsp_type root() const { return nsp_type(home()->root()); }
    /// What is on the first shard.
    [[nodiscard]] std::shared_ptr<detail::server_core> const& home() const noexcept {
        return cores_.front();
    }
    [[nodiscard]] nsp_family_type add_rule(namespace_predicate allows) const;
    /// Tells every shard; a server of one does it at once.
    template <typename Change>
    void configure(Change const& with) const;

    using core_list = std::vector<std::shared_ptr<detail::server_core>>;
    using http_list = std::vector<std::shared_ptr<net::http_server_core>>;
    [[nodiscard]] static asio::awaitable<void>
    close_all(core_list cores, http_list http, duration within);

    // By shard.
    core_list cores_;
    http_list http_;
};

template <typename Executor>
basic_server<Executor>::basic_server(
    std::vector<std::shared_ptr<net::shard>> owners,
    options opts) {
    for (auto const& owner : owners)
        std::ignore = net::checked_as<Executor>(owner);
    auto const all = std::make_shared<detail::server_shards>(std::move(owners));
    auto const shared = std::make_shared<options const>(std::move(opts));
    for (std::size_t i = 0; i < all->size(); ++i) {
        auto const& owner = all->owner(i);
        auto const core = net::make_on_shard<detail::server_core>(owner, all, i, shared);
        core->start();
        auto const http = net::make_on_shard<net::http_server_core>(
            owner,
            owner,
            nullptr,
            core->engine().http_options());
        core->attach(*http);
        cores_.push_back(core);
        http_.push_back(http);
    }
    detail::server_core::introduce(cores_);
    net::http_server_core::introduce(http_);
}

template <typename Executor>
void basic_server<Executor>::attach(http_server& http) {
    if (http.parts().size() != cores_.size())
        throw std::invalid_argument("socoro: an HTTP server runs on as many executors");
    for (auto const& core : cores_)
        std::ignore = net::part_on(http.parts(), *core->owner());
    configure([parts = http.parts()](detail::server_core& core) {
        core.attach(*net::part_on(parts, *core.owner()));
    });
}

template <typename Executor>
template <typename Change>
void basic_server<Executor>::configure(Change const& with) const {
    if (cores_.size() == 1)
        return with(*home());
    for (auto const& core : cores_)
        core->owner()->execute([core, with] { with(*core); });
}

template <typename Executor>
basic_nsp_family<Executor> basic_server<Executor>::add_rule(namespace_predicate allows) const {
    std::vector<std::shared_ptr<detail::parent_core>> rules(cores_.size());
    for (auto& rule : rules) {
        rule = std::make_shared<detail::parent_core>();
        rule->allows = allows;
    }
    auto const& shards = home()->shards();
    shards->configure(
        [rules](detail::namespaces& among, std::size_t index) { among.add_parent(rules[index]); });
    return {shards, rules};
}

template <typename Executor>
bool basic_server<Executor>::owns(std::string_view target) const {
    http::request request;
    request.target = target;
    return home()->owns(request);
}

template <typename Executor>
void basic_server<Executor>::serve(
    asio::ip::tcp::socket connection,
    std::string already_read,
    std::function<void(asio::ip::tcp::socket, std::string)> back) {
    std::function<void(descriptor, std::string)> returns;
    if (back)
        returns = [ex = connection.get_executor(),
                   back = std::move(back)](descriptor returned, std::string unanswered) {
            back(net::to_tcp_socket(ex, std::move(returned)), std::move(unanswered));
        };
    serve(descriptor(connection.release()), std::move(already_read), std::move(returns));
}

template <typename Executor>
void basic_server<Executor>::serve(
    descriptor connection,
    std::string already_read,
    std::function<void(descriptor, std::string)> back) {
    net::require_connection(connection);
    http_.front()->serve_for_another(
        std::move(connection),
        std::move(already_read),
        std::move(back));
}

template <typename Executor>
basic_nsp_family<Executor> basic_server<Executor>::of(std::regex pattern) const {
    auto const longest = home()->opts().limits.sio_dynamic_name;
    return add_rule(
        [pattern = std::move(pattern),
         longest](std::string const& name, json::value const&) -> asio::awaitable<bool> {
            co_return name.size() <= longest&& std::regex_match(name, pattern);
        });
}

template <typename Executor>
void basic_server<Executor>::close() {
    engine::close_together(cores_, http_);
}

/// On the first shard.
template <typename Executor>
asio::awaitable<void>
basic_server<Executor>::close_all(core_list cores, http_list http, duration within) {
    auto const all = std::make_shared<net::task_group>(cores.front()->owner());
    for (std::size_t i = 0; i < cores.size(); ++i) {
        auto closing = detail::server_core::close(cores[i], http[i], within);
        all->spawn(net::run_on_shard(cores[i]->owner(), std::move(closing)));
    }
    auto const cancelled = co_await all->wait();
    if (cancelled)
        all->cancel_all();
}

template <typename Executor>
asio::awaitable<void, Executor> basic_server<Executor>::close(duration within) {
    auto const owner = home()->owner();
    auto closing = close_all(cores_, http_, within);
    co_await net::run_on_shard<Executor>(owner, std::move(closing));
}

/// A server on any executor.
using server = basic_server<>;

}  // namespace socoro
