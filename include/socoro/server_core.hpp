// SPDX-License-Identifier: BSL-1.0
// What a Socket.IO server has on one of its shards: its namespaces, on top of an Engine.IO server.
#pragma once

#include <socoro/client_bundle.hpp>
#include <socoro/cluster_node.hpp>
#include <socoro/engine/closing.hpp>
#include <socoro/namespaces.hpp>
#include <socoro/net/task_group.hpp>
#include <socoro/options.hpp>
#include <socoro/peer.hpp>
#include <socoro/server_shards.hpp>

#include <cstddef>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

namespace socoro::detail {

/// Not thread-safe; it lives on the executor of its shard.
class server_core : public std::enable_shared_from_this<server_core> {
public:
    /// The part on the shard of this index.
    server_core(
        std::shared_ptr<server_shards> all,
        std::size_t index,
        std::shared_ptr<options const> opts);

    /// A server on one shard.
    server_core(std::shared_ptr<net::shard> owner, options opts)
        : server_core(
              std::make_shared<server_shards>(std::vector{std::move(owner)}),
              0,
              std::make_shared<socoro::options const>(std::move(opts))) {}

    server_core(server_core const&) = delete;
    server_core& operator=(server_core const&) = delete;
    /// Namespaces and sockets hold each other, also when the execution context ended first.
    ~server_core() { release(); }

    /// Makes the Engine.IO server; once, when a `shared_ptr` holds this.
    void start();

    /// Makes the Engine.IO servers of these parts those of one server; once, before anything runs.
    static void introduce(std::vector<std::shared_ptr<server_core>> const& parts);

    [[nodiscard]] detail::namespaces& namespaces() noexcept { return *namespaces_; }
    /// The namespace `/`.
    [[nodiscard]] std::shared_ptr<namespace_ref const> const& root() const noexcept {
        return root_;
    }
    /// The namespace of this name on all shards, made where it is not. Throws
    /// `std::invalid_argument` for a name with a comma.
    [[nodiscard]] std::shared_ptr<namespace_ref const> of(std::string name) const;
    [[nodiscard]] std::shared_ptr<server_shards> const& shards() const noexcept { return shards_; }

    /// Takes the requests under the path from an HTTP server, before its own handler.
    void attach(net::http_server_core& http);

    /// Whether a request is under the path of this server.
    [[nodiscard]] bool owns(http::request const& request) const { return engine_->owns(request); }
    [[nodiscard]] bool owns_path(std::string_view path) const { return engine_->owns_path(path); }

    /// Answers the request whose head has been read.
    [[nodiscard]] asio::awaitable<void> serve(net::http_connection& connection);

    /// Disconnects every socket, with `server shutting down`, and ends every session.
    void close();

    /// The same, but a session whose POST is on its way receives that first.
    void finish();

    /// Closes a server and the HTTP server that is there for it alone, and waits for all that they
    /// run; what has not ended in time is cancelled.
    [[nodiscard]] static asio::awaitable<void> close(
        std::shared_ptr<server_core> self,
        std::shared_ptr<net::http_server_core> http,
        net::duration within);

    /// The handlers, their children, and the middleware that runs.
    [[nodiscard]] net::task_group& tasks() noexcept { return *tasks_; }

    [[nodiscard]] engine::server_core& engine() noexcept { return *engine_; }
    [[nodiscard]] socoro::options const& opts() const noexcept { return *options_; }
    [[nodiscard]] std::shared_ptr<net::shard> const& owner() const noexcept { return shard_; }

private:
    /// Lets go of all that may hold it.
    void release() {
        namespaces_->release();
        if (is_first() && shards_->cluster())
            shards_->cluster()->stop();
    }
    [[nodiscard]] bool is_first() const noexcept { return shards_->owner(0) == shard_; }
    /// Ends the sockets of every session but those that it `spares`.
    template <typename Predicate>
    void close_sockets(Predicate spares);
    [[nodiscard]] std::shared_ptr<recovery> make_recovery(std::size_t index) const {
        auto const& asked = options_->connection_state_recovery;
        if (!asked.enabled)
            return nullptr;
        if (shards_->size() > 1 && !shards_->order())
            shards_->set_order(std::make_shared<event_order>());
        return std::make_shared<recovery>(
            *shard_,
            asked,
            options_->parser,
            shard_index{index, shards_->size()});
    }

    [[nodiscard]] std::shared_ptr<room_hook const> watching() const {
        auto const& hook = options_->hooks.room;
        return hook ? std::shared_ptr<room_hook const>(options_, &hook) : nullptr;
    }

    std::shared_ptr<server_shards> shards_;
    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<options const> options_;
    client_bundle bundle_;
    std::shared_ptr<engine::server_core> engine_;
    std::shared_ptr<net::task_group> tasks_;
    std::shared_ptr<detail::namespaces> namespaces_;
    std::shared_ptr<namespace_ref const> root_;
};

inline server_core::server_core(
    std::shared_ptr<server_shards> all,
    std::size_t index,
    std::shared_ptr<options const> opts)
    : shards_(std::move(all))
    , shard_(shards_->owner(index))
    , options_(std::move(opts))
    , bundle_(
          options_->serve_client ? options_->client_directory : std::filesystem::path(),
          options_->http_compression)
    , tasks_(std::make_shared<net::task_group>(shard_))
    , namespaces_(std::make_shared<detail::namespaces>(
          shards_,
          shard_,
          options_,
          make_recovery(index),
          watching(),
          tasks_))
    , root_(std::make_shared<namespace_ref const>(shards_, "/", options_->parser)) {
    namespaces_->of(root_);
    shards_->place(index, namespaces_);
    if (index == 0 && options_->adapter)
        shards_->set_cluster(
            net::make_on_shard<cluster_node>(shard_, options_->adapter, shards_, options_));
}

inline std::shared_ptr<namespace_ref const> server_core::of(std::string name) const {
    auto whole = std::make_shared<namespace_ref const>(
        shards_,
        namespaces::checked_name(std::move(name)),
        options_->parser);
    if (shards_->is_first(whole->name()))
        shards_->configure([whole](class namespaces& among, std::size_t) { among.of(whole); });
    shards_->announce(whole->name());
    return whole;
}

inline void server_core::start() {
    auto const accept =
        [weak = weak_from_this()](
            std::shared_ptr<engine::session_core> const& opened) -> std::shared_ptr<engine::sink> {
        auto const self = weak.lock();
        return std::make_shared<peer>(opened, self->options_, self->namespaces_, self->tasks_);
    };
    engine_ = std::make_shared<engine::server_core>(shard_, *options_, accept);
    if (is_first() && shards_->cluster()) {
        shards_->cluster()->start();
        shards_->announce(root_->name());
    }
}

inline void server_core::introduce(std::vector<std::shared_ptr<server_core>> const& parts) {
    std::vector<std::shared_ptr<engine::server_core>> engines;
    for (auto const& part : parts)
        engines.push_back(part->engine_);
    engine::server_core::introduce(engines);
}

inline void server_core::attach(net::http_server_core& http) {
    http.mount(net::mount_for(weak_from_this()));
}

inline asio::awaitable<void> server_core::serve(net::http_connection& connection) {
    auto const self = shared_from_this();
    auto const& request = connection.head();
    auto const rest = engine_->below_path(request);
    if (auto answer = bundle_.find(rest, request)) {
        auto fields = engine_->common_fields(request);
        for (auto const& field : answer->headers)
            fields.add(field.name, field.value);
        answer->headers = std::move(fields);
        co_await connection.respond(*answer);
    } else {
        co_await engine_->serve(connection);
    }
}

template <typename Predicate>
void server_core::close_sockets(Predicate spares) {
    auto const every = namespaces_->all();
    for (auto const& [name, nsp] : every) {
        auto const sockets = nsp->sockets();
        for (auto const& [id, socket] : sockets) {
            auto const owner = socket->owning_peer();
            if (owner && !spares(socket->session()))
                owner->close_sockets(errc::server_shutting_down);
        }
    }
}

inline void server_core::close() {
    // A handler that is told may destroy the server.
    auto const self = shared_from_this();
    close_sockets([](engine::session_core const&) { return false; });
    engine_->close();
    // Handlers that run have a share of their own.
    release();
}

inline void server_core::finish() {
    auto const self = shared_from_this();
    close_sockets(engine::live_sessions::is_posting);
    engine_->finish(errc::server_shutting_down);
}

inline asio::awaitable<void> server_core::close(
    std::shared_ptr<server_core> self,
    std::shared_ptr<net::http_server_core> http,
    net::duration within) {
    auto const deadline = self->shard_->now() + within;
    // The answers to the polls that wait are the last of their connections.
    http->finish();
    self->finish();
    co_await engine::await_end(self->engine_, http, self->tasks_, deadline);
    self->release();
}

}  // namespace socoro::detail
