// SPDX-License-Identifier: BSL-1.0
// The shared state of a Socket.IO server: its namespaces, on top of an Engine.IO server.
#pragma once

#include <socoro/client_bundle.hpp>
#include <socoro/engine/server_core.hpp>
#include <socoro/namespace.hpp>
#include <socoro/options.hpp>
#include <socoro/peer.hpp>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

/// Not thread-safe; it lives on the executor of its shard.
class server_core : public std::enable_shared_from_this<server_core> {
public:
    server_core(std::shared_ptr<net::shard> owner, options opts);

    /// Makes the Engine.IO server; once, when a `shared_ptr` holds this.
    void start();

    /// The namespace of this name, made if it is not there.
    [[nodiscard]] std::shared_ptr<namespace_core> of(std::string name);

    /// Takes the requests under the path from an HTTP server, before its own handler.
    void attach(net::http_server_core& http);

    /// Whether a request is under the path of this server.
    [[nodiscard]] bool owns(http::request const& request) const { return engine_->owns(request); }

    /// Answers the request whose head has been read.
    [[nodiscard]] asio::awaitable<void> serve(net::http_connection& connection);

    /// Disconnects every socket, with `server shutting down`, and ends every session.
    void close();

    [[nodiscard]] engine::server_core& engine() noexcept { return *engine_; }
    [[nodiscard]] socoro::options const& opts() const noexcept { return *options_; }
    [[nodiscard]] std::shared_ptr<net::shard> const& owner() const noexcept { return shard_; }

private:
    [[nodiscard]] std::shared_ptr<namespace_core> find(std::string const& name) const;

    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<options const> options_;
    client_bundle bundle_;
    std::shared_ptr<engine::server_core> engine_;
    std::map<std::string, std::shared_ptr<namespace_core>, std::less<>> namespaces_;
};

inline server_core::server_core(std::shared_ptr<net::shard> owner, options opts)
    : shard_(std::move(owner))
    , options_(std::make_shared<options const>(std::move(opts)))
    , bundle_(options_->serve_client ? options_->client_directory : std::filesystem::path()) {
    std::ignore = of("/");
}

inline void server_core::start() {
    auto const accept =
        [weak = weak_from_this()](
            std::shared_ptr<engine::session_core> const& opened) -> std::shared_ptr<engine::sink> {
        auto const self = weak.lock();
        return std::make_shared<peer>(opened, self->options_, [weak](std::string const& name) {
            auto const server = weak.lock();
            return server ? server->find(name) : nullptr;
        });
    };
    engine_ = std::make_shared<engine::server_core>(shard_, *options_, accept);
}

inline std::shared_ptr<namespace_core> server_core::of(std::string name) {
    if (name.empty() || name.front() != '/')
        name.insert(0, "/");
    if (name.find(',') != std::string::npos)
        throw std::invalid_argument("socoro: the name of a namespace has no comma");
    auto const found = namespaces_.find(name);
    if (found != namespaces_.end())
        return found->second;
    auto const made = std::make_shared<namespace_core>(name);
    namespaces_.emplace(std::move(name), made);
    return made;
}

inline std::shared_ptr<namespace_core> server_core::find(std::string const& name) const {
    auto const found = namespaces_.find(name);
    return found == namespaces_.end() ? nullptr : found->second;
}

inline void server_core::attach(net::http_server_core& http) {
    http.mount(net::mount_for(weak_from_this()));
}

inline asio::awaitable<void> server_core::serve(net::http_connection& connection) {
    auto const self = shared_from_this();
    auto const& request = connection.head();
    auto const rest = engine_->below_path(request);
    if (auto answer = bundle_.find(rest, request)) {
        for (auto const& field : engine_->common_fields(request))
            answer->headers.add(field.name, field.value);
        co_await connection.respond(*answer);
    } else {
        co_await engine_->serve(connection);
    }
}

inline void server_core::close() {
    // A handler that is told may destroy the server.
    auto const self = shared_from_this();
    for (auto const& [name, nsp] : namespaces_) {
        auto const sockets = nsp->sockets();
        for (auto const& [id, socket] : sockets)
            if (auto const owner = socket->owner())
                owner->close_sockets(errc::server_shutting_down);
    }
    engine_->close();
}

}  // namespace socoro::detail
