// SPDX-License-Identifier: BSL-1.0
// An HTTP server that speaks TLS, and those who visit it over memory.
#pragma once

#include <socoro/net/http_server_core.hpp>

#include "support/http_script.hpp"
#include "tls/scene.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace test {

/// One client of the server, and what it has read.
struct visitor {
    memory_pair wire;
    wrapped side = nullptr;
    stream_ptr stream = nullptr;
    std::string got = {};
    std::shared_ptr<outcome<std::error_code>> reading = nullptr;

    [[nodiscard]] std::error_code error() const {
        return side->done() && side->value->has_error() ? side->value->error() : std::error_code();
    }
};

struct https_world : world {
    explicit https_world(
        socoro::tls_server_options const& server_options = serving(credentials::get().server))
        : layer(socoro::tls_server(server_options)) {
        options.tls = layer;
        options.hooks.tls_failed = [this](socoro::failed_handshake const& e) {
            CHECK(e.address == "192.0.2.1");
            CHECK(e.count == failures.size() + 1);
            failures.push_back(e.why.message());
        };
        core = std::make_shared<net::http_server_core>(shard, answer, options);
    }

    /// A connection that the server accepted, and on which nobody has said anything.
    memory_peer connect(std::shared_ptr<faults> const& plan = std::make_shared<faults>()) {
        memory_connection wire(shard, plan);
        core->admit(wire.stream);
        run();
        return wire.peer;
    }

    std::unique_ptr<visitor> visit(
        socoro::tls_options const& client_options = trusting(),
        std::string const& host = "localhost",
        std::shared_ptr<faults> const& plan = std::make_shared<faults>()) {
        auto const client = socoro::tls(client_options);
        auto made = std::make_unique<visitor>(visitor{memory_pair(shard, plan)});
        // The one that fails as planned is the server's.
        core->admit(made->wire.first);
        made->wire.first.reset();
        made->side = spawn(client->wrap(shard, made->wire.second, {host, 443, true}, stop));
        if (made->side->done() && made->side->value->has_value())
            made->stream = **made->side->value;
        return made;
    }

    /// What the server answers, and of everything it sends the newest.
    std::string ask(visitor& who, std::string const& target) {
        if (!who.stream)
            return "no stream";
        std::ignore = spawn(write_text(who.stream, get(target)));
        if (!who.reading)
            who.reading = spawn(read_text(who.stream, who.got));
        run();
        return take_answer(who.got).body;
    }

    std::shared_ptr<socoro::tls_server_layer> layer;
    net::http_server_options options;
    std::vector<std::string> failures;
    std::shared_ptr<net::http_server_core> core;
    std::shared_ptr<net::stop_source> stop = std::make_shared<net::stop_source>();

private:
    static asio::awaitable<socoro::http::response> answer(socoro::http::request request) {
        co_return socoro::http::text(200, request.target);
    }
    static asio::awaitable<std::error_code> write_text(stream_ptr to, std::string text) {
        co_return co_await net::write(*to, text);
    }
    static asio::awaitable<std::error_code> read_text(stream_ptr from, std::string& into) {
        std::string bytes(4096, '\0');
        for (;;) {
            auto const read = co_await from->read_some(asio::buffer(bytes));
            into.append(bytes, 0, read.bytes);
            if (read.error)
                co_return read.error;
        }
    }
};

/// The certificate that the server has shown.
[[nodiscard]] inline bool has_seen(visitor const& who, identity const& expected) {
    if (!who.stream)
        return false;
    auto* const session = dynamic_cast<net::tls_stream const&>(*who.stream).native_handle();
    socoro::net::openssl_ptr<X509> const seen(SSL_get_peer_certificate(session));
    return seen && X509_cmp(seen.get(), expected.certificate.get()) == 0;
}

}  // namespace test
