// SPDX-License-Identifier: BSL-1.0
#include "tls/visitor.hpp"

#include <doctest/doctest.h>

#include <filesystem>
#include <system_error>

using test::credentials;
using test::has_seen;
using test::https_world;

namespace {

/// A client that keeps the ticket it was given, and shows it the next time.
struct returning_client {
    explicit returning_client(int version)
        : context(socoro::net::make_tls_context(TLS_client_method())) {
        SSL_CTX_set_max_proto_version(context.get(), version);
    }
    ~returning_client() { SSL_SESSION_free(ticket); }
    returning_client(returning_client const&) = delete;
    returning_client& operator=(returning_client const&) = delete;

    /// Whether the server knows it again.
    bool comes(https_world& w) {
        test::memory_pair wire(w.shard);
        w.core->admit(wire.first);
        auto session = socoro::net::open_session(*context);
        SSL_set_connect_state(session->get());
        if (ticket)
            SSL_set_session(session->get(), ticket);
        auto const side =
            w.spawn(socoro::net::start_tls(w.shard, wire.second, std::move(session), w.stop));
        REQUIRE(side->value->has_value());
        test::visitor me{std::move(wire)};
        me.stream = **side->value;
        CHECK(w.ask(me, "/me") == "/me");
        auto* const spoken = dynamic_cast<test::net::tls_stream&>(*me.stream).native_handle();
        SSL_SESSION_free(std::exchange(ticket, SSL_get1_session(spoken)));
        return SSL_session_reused(spoken) == 1;
    }

    socoro::net::openssl_ptr<SSL_CTX> context;
    SSL_SESSION* ticket = nullptr;
};

}  // namespace

TEST_CASE("tls/reload: who comes next sees the new certificate, who is there stays") {
    auto const& all = credentials::get();
    test::folder const files;
    auto const write = [&](test::identity const& who) {
        return files.write("server.pem", who.certificate_text() + who.key_text());
    };
    socoro::tls_server_options options;
    options.certificate_file = write(all.server);
    https_world w(options);
    auto const ann = w.visit();
    CHECK(has_seen(*ann, all.server));

    std::ignore = write(all.behind);
    auto const before = w.visit();
    CHECK(has_seen(*before, all.server));
    std::ignore = write(all.alone);
    w.layer->reload();

    socoro::tls_options anybody;
    anybody.verify = false;
    CHECK(has_seen(*w.visit(anybody), all.alone));
    CHECK(w.ask(*ann, "/ann") == "/ann");
    CHECK(w.ask(*before, "/before") == "/before");
    CHECK(w.failures.empty());
}

TEST_CASE("tls/reload: a handshake under way ends with what it began with") {
    auto const& all = credentials::get();
    https_world w(test::serving(all.server));
    test::visitor late{test::memory_pair(w.shard)};
    w.core->admit(late.wire.first);
    w.run();
    auto const begin = [&] {
        auto const client = socoro::tls(test::trusting());
        late.side =
            w.spawn(client->wrap(w.shard, late.wire.second, {"localhost", 443, true}, w.stop));
    };
    SUBCASE("before anything was said") {
        w.layer->reload(test::serving(all.alone));
        begin();
    }
    SUBCASE("while the server's answer is on its way") {
        late.wire.forth->capacity = 0;
        begin();
        CHECK_FALSE(late.side->done());
        w.layer->reload(test::serving(all.alone));
        late.wire.forth->capacity = 100'000;
        late.wire.forth->touch();
        w.run();
    }
    REQUIRE(late.side->done());
    REQUIRE(late.side->value->has_value());
    late.stream = **late.side->value;
    CHECK(has_seen(late, all.server));
    CHECK(w.ask(late, "/late") == "/late");
}

TEST_CASE("tls/reload: hosts come, change and go, while those who use them go on") {
    auto const& all = credentials::get();
    auto options = test::serving(all.server);
    options.hosts.push_back(
        {.name = "example.org", .certificate_file = all.file_of(all.elsewhere)});
    https_world w(options);
    auto const ann = w.visit(test::trusting(), "example.org");
    REQUIRE(ann->stream);
    w.layer->reload(test::serving(all.server));
    CHECK(w.visit(test::trusting(), "example.org")->error() == socoro::tls_errc::wrong_host);
    CHECK(w.ask(*ann, "/ann") == "/ann");
    // Options that were given are those of the next time.
    w.layer->reload();
    CHECK(w.visit(test::trusting(), "example.org")->error() == socoro::tls_errc::wrong_host);
    CHECK(w.visit()->stream);
}

TEST_CASE("tls/reload: if anything is wrong it throws, and all stays as it was") {
    auto const& all = credentials::get();
    test::folder const files;
    socoro::tls_server_options options;
    options.certificate_file = files.write("server.pem", all.server.certificate_text());
    options.private_key_file = files.write("server.key", all.server.key_text());
    https_world w(options);
    auto const fails = [&](auto const& reload) {
        CHECK_THROWS_AS(reload(), std::system_error);
        auto const visitor = w.visit();
        CHECK(has_seen(*visitor, all.server));
        CHECK(w.ask(*visitor, "/as-before") == "/as-before");
    };
    auto const again = [&] { w.layer->reload(); };
    std::ignore = files.write("server.key", all.alone.key_text());
    fails(again);
    std::ignore = files.write("server.pem", "half a certifi");
    fails(again);
    std::filesystem::remove(files.path / "server.pem");
    fails(again);
    fails([&] {
        auto bad = test::serving(all.alone);
        bad.hosts.push_back({.name = "example.org", .certificate_file = "missing"});
        w.layer->reload(bad);
    });
    // Those that failed are forgotten.
    std::ignore = files.write("server.pem", all.server.certificate_text());
    std::ignore = files.write("server.key", all.server.key_text());
    w.layer->reload();
    CHECK(has_seen(*w.visit(), all.server));
}

TEST_CASE("tls/reload: whose certificates are trusted changes with it") {
    auto const& all = credentials::get();
    auto options = test::serving(all.server);
    options.client_ca = all.ca();
    auto showing = test::trusting();
    showing.certificate_file = all.file_of(all.client);
    https_world w(options);
    CHECK(w.visit(showing)->stream);
    CHECK(w.failures.empty());
    options.client_ca = all.stranger.certificate_text();
    w.layer->reload(options);
    std::ignore = w.visit(showing);
    CHECK(w.failures.size() == 1);
}

TEST_CASE("tls/reload: a client that comes back is known by its ticket, until then") {
    int version = TLS1_3_VERSION;
    SUBCASE("TLS 1.3") {}
    SUBCASE("TLS 1.2") {
        version = TLS1_2_VERSION;
    }
    https_world w;
    returning_client client(version);
    CHECK_FALSE(client.comes(w));
    CHECK(client.comes(w));
    CHECK(client.comes(w));
    w.layer->reload();
    CHECK_FALSE(client.comes(w));
    CHECK(client.comes(w));
}

TEST_CASE("tls/reload: one serves several servers, and outlives who reloads it") {
    https_world w;
    https_world other;
    other.options.tls = w.layer;
    test::net::http_server_core second(w.shard, nullptr, other.options);
    std::weak_ptr const layer = w.layer;
    w.options.tls.reset();
    w.layer.reset();
    auto const ann = w.visit();
    CHECK(w.ask(*ann, "/ann") == "/ann");
    CHECK_FALSE(layer.expired());
}
