// SPDX-License-Identifier: BSL-1.0
// The Socket.IO server.
#pragma once

#include <socoro/namespace.hpp>
#include <socoro/net/http_server.hpp>
#include <socoro/server_core.hpp>

#include <chrono>
#include <memory>
#include <regex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace socoro {

/// The program's HTTP server, for its page beside the sockets.
using http_server = net::http_server;

/// A Socket.IO server. Sockets connect to namespaces, `/` unless told otherwise; what happens
/// then is up to the handler of the namespace. The execution context must outlive the server;
/// destroying the server disconnects its clients, whose handlers then end by themselves.
///
/// Any thread may use what it gives to send to the namespace `/` (`emit`, `send`, `to`, `except`,
/// `volatile_`) and `close` it; everything else is used on its executor, or before that runs.
class server {
public:
    using duration = broadcast_operator::duration;

    /// Runs on `ex`, which runs one task at a time: a strand, or an `io_context` of one thread.
    explicit server(asio::any_io_executor ex, options opts = {});

    /// Runs on an `io_context` that one thread runs.
    explicit server(asio::io_context& context, options opts = {})
        : server(context.get_executor(), std::move(opts)) {}

    /// Runs on a shard with a clock of its own, for tests.
    explicit server(std::shared_ptr<net::shard> owner, options opts = {});

    server(server const&) = delete;
    server& operator=(server const&) = delete;
    ~server() { close(); }

    /// Listens at an endpoint and returns it, with the port the system chose for port 0. Requests
    /// that are not under the path get status 404: attach to an `http_server` to serve them.
    /// Throws `std::system_error`, if the port is taken for example.
    net::endpoint listen(net::endpoint const& at) { return http_->listen(at); }

    /// Listens at a port on every address, IPv6 and IPv4.
    net::endpoint listen(unsigned short port) { return listen(net::any_address(port)); }

    /// Takes the requests under the path from an HTTP server of the program. Both run on the same
    /// executor.
    void attach(http_server& http) { core_->attach(*http.core()); }

    /// Takes over a connection that another HTTP server accepted, for the rest of its life.
    /// `already_read` are the bytes read from it that nobody has answered, the head of a request
    /// first. Later requests on it that are not under the path get status 404.
    void serve(std::shared_ptr<net::stream> connection, std::string already_read) {
        http_->serve(std::move(connection), std::move(already_read));
    }

    /// The same for a head that was parsed; `behind` are the bytes read behind it.
    /// Throws `std::invalid_argument` for a head that could not have been read.
    void serve(
        std::shared_ptr<net::stream> connection,
        http::request const& head,
        std::string_view behind = {}) {
        serve(std::move(connection), http::serialize_head(head).append(behind));
    }

    /// Opens a session over a transport of the program, for a client that sent `request` from
    /// `address`.
    void adopt(transport::any_transport over, http::request request, std::string address) {
        core_->engine().open(std::move(over), std::move(request), std::move(address));
    }

    /// Whether a request is under the path of this server.
    [[nodiscard]] bool owns(http::request const& request) const { return core_->owns(request); }

    /// The namespace of this name, made if it is not there. Clients can connect to it from then
    /// on. Throws `std::invalid_argument` for a name with a comma.
    [[nodiscard]] nsp of(std::string name) const {
        return nsp(core_->namespaces().of(std::move(name)));
    }

    /// The namespaces whose whole name matches, slash included; each comes into being when a client
    /// asks for it, and goes with its last socket. Names that `of` was given are not among them.
    /// Names longer than `limits.sio_dynamic_name` do not match.
    [[nodiscard]] nsp_family of(std::regex pattern) const;

    /// The namespaces that `allows` agrees to: `asio::awaitable<bool>(std::string const& name,
    /// socoro::json::value const& auth)`, which may wait. Of several rules the oldest that agrees
    /// has its way; an exception refuses and is reported to the hook. It is asked for a namespace
    /// that is not there: whom to let into one that is, middleware decides (`use`).
    template <typename Predicate>
    requires std::is_invocable_r_v<
        asio::awaitable<bool>,
        Predicate&,
        std::string const&,
        json::value const&> [[nodiscard]] nsp_family
    of(Predicate allows) const {
        return nsp_family(core_->namespaces().add_parent(std::move(allows)));
    }

    /// Starts `handler(socket)` for each socket of the namespace `/`: see `nsp::on_connection`.
    template <typename Handler>
    nsp on_connection(Handler handler) const {
        return root().on_connection(std::move(handler));
    }

    /// Adds a middleware to the namespace `/`: see `nsp::use`.
    template <typename Middleware>
    nsp use(Middleware step) const {
        return root().use(std::move(step));
    }

    /// Adds a packet middleware to the namespace `/`: see `nsp::use_packets`.
    template <typename Middleware>
    nsp use_packets(Middleware step) const {
        return root().use_packets(std::move(step));
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
    [[nodiscard]] broadcast_operator to(std::string room) const {
        return root().to(std::move(room));
    }
    /// The same as `to`.
    [[nodiscard]] broadcast_operator in(std::string room) const { return to(std::move(room)); }
    /// To the sockets of the namespace `/` that are not in the room.
    [[nodiscard]] broadcast_operator except(std::string room) const {
        return root().except(std::move(room));
    }

    /// To the sockets of the namespace `/` to whom it can leave at once.
    [[nodiscard]] broadcast_operator volatile_() const { return root().volatile_(); }
    /// To the sockets of the namespace `/`; `call` waits no longer than this.
    [[nodiscard]] broadcast_operator timeout(duration within) const {
        return root().timeout(within);
    }

    /// How many clients are connected.
    [[nodiscard]] std::size_t clients() const { return core_->engine().sessions(); }

    /// Listens no more and disconnects everybody, for good: the reason is `server shutting down`,
    /// or `forced close` for a client that middleware still looks at. Handlers end by themselves,
    /// as soon as they wait for their socket; one of them may destroy the server.
    /// Safe from any thread, which does not wait for it.
    void close();

    /// The same, and waits until every handler, child, middleware and connection has ended. What
    /// has not by `within` is cancelled, again and again until it ends: it leaves nothing behind.
    /// Safe from any executor, but not from a handler of this server, which would be waited for.
    /// Who is cancelled while waiting leaves the rest to its own end.
    [[nodiscard]] asio::awaitable<void> close(duration within);

private:
    [[nodiscard]] nsp root() const { return nsp(core_->root()); }

    std::shared_ptr<detail::server_core> core_;
    std::shared_ptr<net::http_server_core> http_;
};

inline server::server(asio::any_io_executor ex, options opts)
    : server(net::shard::make(std::move(ex)), std::move(opts)) {}

inline server::server(std::shared_ptr<net::shard> owner, options opts)
    : core_(net::make_on_shard<detail::server_core>(owner, owner, std::move(opts))) {
    core_->start();
    http_ = net::make_on_shard<net::http_server_core>(
        core_->owner(),
        core_->owner(),
        nullptr,
        core_->engine().http_options());
    core_->attach(*http_);
}

inline nsp_family server::of(std::regex pattern) const {
    auto const longest = core_->opts().limits.sio_dynamic_name;
    return of(
        [pattern = std::move(pattern),
         longest](std::string const& name, json::value const&) -> asio::awaitable<bool> {
            co_return name.size() <= longest&& std::regex_match(name, pattern);
        });
}

inline void server::close() {
    core_->owner()->execute([core = core_, http = http_] { engine::close_together(core, http); });
}

inline asio::awaitable<void> server::close(duration within) {
    auto const core = core_;
    auto closing = detail::server_core::close(core_, http_, within);
    co_await asio::co_spawn(core->owner()->get_executor(), std::move(closing), asio::use_awaitable);
}

}  // namespace socoro
