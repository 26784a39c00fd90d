// SPDX-License-Identifier: BSL-1.0
// A client and a server that speak TLS over memory.
#pragma once

#include <socoro/tls.hpp>

#include "support/memory_stream.hpp"
#include "support/world.hpp"
#include "tls/credentials.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace test {

using layer_ptr = std::shared_ptr<net::stream_layer>;
using server_layer_ptr = std::shared_ptr<socoro::tls_server_layer>;
using stream_ptr = std::shared_ptr<net::stream>;
using wrapped = std::shared_ptr<outcome<socoro::result<stream_ptr>>>;

/// The newest TLS that either side speaks.
[[nodiscard]] inline std::function<void(ssl_ctx_st*)> at_most(int version) {
    return [version](ssl_ctx_st* context) {
        REQUIRE(SSL_CTX_set_max_proto_version(context, version) == 1);
    };
}

/// A client that trusts the authority of the tests.
[[nodiscard]] inline socoro::tls_options trusting() {
    socoro::tls_options options;
    options.ca = credentials::get().ca();
    return options;
}
[[nodiscard]] inline socoro::tls_server_options serving(identity const& who) {
    socoro::tls_server_options options;
    options.certificate_file = credentials::get().file_of(who);
    return options;
}

struct tls_world : world {
    explicit tls_world(
        socoro::tls_options const& client_options = trusting(),
        socoro::tls_server_options const& server_options = serving(credentials::get().server))
        : client_layer(socoro::tls(client_options))
        , server_layer(socoro::tls_server(server_options)) {}

    /// Both sides do the handshake, as far as they come.
    void meet(std::string const& host = "localhost") {
        serving_side = accept(pair.second);
        client_side = wrap(client_layer, pair.first, host);
        if (client_side->done() && client_side->value->has_value())
            client = **client_side->value;
        if (serving_side->done() && serving_side->value->has_value())
            server = **serving_side->value;
    }
    wrapped wrap(layer_ptr const& layer, stream_ptr const& plain, std::string const& host) {
        return spawn(layer->wrap(shard, plain, net::remote{host, 443, true}, stop));
    }

    wrapped accept(stream_ptr const& plain) {
        return spawn(server_layer->accept(shard, plain, stop));
    }

    /// Why the client has no stream; no error if it has one, or does not know yet.
    [[nodiscard]] std::error_code client_error() const { return error_of(client_side); }
    [[nodiscard]] std::error_code server_error() const { return error_of(serving_side); }

    std::shared_ptr<outcome<std::error_code>> write(stream_ptr const& to, std::string text) {
        return spawn(write_text(to, std::move(text)));
    }
    /// Reads until there are so many bytes, or an error.
    std::shared_ptr<outcome<std::error_code>>
    read(stream_ptr const& from, std::string& into, std::size_t count, std::size_t piece = 4096) {
        return spawn(read_text(from, into, count, piece));
    }
    /// What one side reads of what the other wrote.
    std::string pass(stream_ptr const& from, stream_ptr const& to, std::string const& text) {
        std::string got;
        std::ignore = write(from, text);
        std::ignore = read(to, got, text.size());
        run();
        return got;
    }

    std::shared_ptr<faults> plan = std::make_shared<faults>();
    memory_pair pair{shard, plan};
    std::shared_ptr<net::stop_source> stop = std::make_shared<net::stop_source>();
    layer_ptr client_layer;
    server_layer_ptr server_layer;
    wrapped client_side;
    wrapped serving_side;
    stream_ptr client;
    stream_ptr server;

private:
    [[nodiscard]] static std::error_code error_of(wrapped const& side) {
        return side->done() && side->value->has_error() ? side->value->error() : std::error_code();
    }
    static asio::awaitable<std::error_code> write_text(stream_ptr to, std::string text) {
        co_return co_await net::write(*to, text);
    }
    static asio::awaitable<std::error_code>
    read_text(stream_ptr from, std::string& into, std::size_t count, std::size_t piece) {
        std::string bytes(piece, '\0');
        while (into.size() < count) {
            auto const read = co_await from->read_some(asio::buffer(bytes));
            into.append(bytes, 0, read.bytes);
            if (read.error)
                co_return read.error;
        }
        co_return std::error_code();
    }
};

}  // namespace test
