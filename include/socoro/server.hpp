// SPDX-License-Identifier: BSL-1.0
// The Socket.IO server.
#pragma once

#include <socoro/net/http_server.hpp>
#include <socoro/server_core.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace socoro {

/// The program's HTTP server, for its page beside the sockets.
using http_server = net::http_server;

/// A Socket.IO server. Sockets connect to namespaces, `/` unless told otherwise; what happens
/// then is up to the handler of the namespace. The execution context must outlive the server;
/// destroying the server disconnects its clients, whose handlers then end by themselves.
/// Not thread-safe: it is used on its executor, or before that runs.
class server {
public:
    /// Runs on `ex`, which runs one task at a time: a strand, or an `io_context` of one thread.
    explicit server(asio::any_io_executor ex, options opts = {});

    /// Runs on an `io_context` that one thread runs.
    explicit server(asio::io_context& context, options opts = {})
        : server(context.get_executor(), std::move(opts)) {}

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

    /// Whether a request is under the path of this server.
    [[nodiscard]] bool owns(http::request const& request) const { return core_->owns(request); }

    /// The namespace of this name, made if it is not there. Clients can connect to it from then
    /// on. Throws `std::invalid_argument` for a name with a comma.
    [[nodiscard]] nsp of(std::string name) const { return nsp(core_->of(std::move(name))); }

    /// Starts `handler(socket)` for each socket of the namespace `/`: see `nsp::on_connection`.
    template <typename Handler>
    nsp on_connection(Handler handler) const {
        return of("/").on_connection(std::move(handler));
    }

    /// Adds a middleware to the namespace `/`: see `nsp::use`.
    template <typename Middleware>
    nsp use(Middleware step) const {
        return of("/").use(std::move(step));
    }

    /// Sends an event to every socket of the namespace `/`; the forms of `socket::emit`.
    template <detail::maybe_event E>
    void emit(E const& event) const {
        of("/").emit(event);
    }
    template <typename E, typename... Args>
    void emit(Args&&... args) const {
        of("/").emit<E>(std::forward<Args>(args)...);
    }
    template <typename... Args>
    void emit(std::string_view name, Args const&... args) const {
        of("/").emit(name, args...);
    }

    /// To the sockets of the namespace `/` in a room.
    [[nodiscard]] broadcast_operator to(std::string room) const {
        return of("/").to(std::move(room));
    }
    /// The same as `to`.
    [[nodiscard]] broadcast_operator in(std::string room) const { return to(std::move(room)); }
    /// To the sockets of the namespace `/` that are not in the room.
    [[nodiscard]] broadcast_operator except(std::string room) const {
        return of("/").except(std::move(room));
    }

    /// How many clients are connected.
    [[nodiscard]] std::size_t clients() const { return core_->engine().sessions(); }

    /// Listens no more and disconnects everybody, for good: the reason is `server shutting down`,
    /// or `forced close` for a client that middleware still looks at. Handlers end by themselves,
    /// as soon as they wait for their socket; one of them may destroy the server.
    void close();

private:
    std::shared_ptr<detail::server_core> core_;
    std::shared_ptr<net::http_server_core> http_;
};

inline server::server(asio::any_io_executor ex, options opts)
    : core_(
          std::make_shared<detail::server_core>(net::shard::make(std::move(ex)), std::move(opts))) {
    core_->start();
    http_ = std::make_shared<net::http_server_core>(
        core_->owner(),
        nullptr,
        core_->engine().http_options());
    core_->attach(*http_);
}

inline void server::close() {
    engine::close_together(core_, http_);
}

}  // namespace socoro
