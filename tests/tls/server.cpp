// SPDX-License-Identifier: BSL-1.0
#include <socoro/transport/websocket.hpp>

#include "tls/visitor.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using test::credentials;
using test::https_world;

namespace {

using texts = std::vector<std::string>;

/// The first bytes of a client, as it would send them.
std::string client_hello() {
    test::tls_world w;
    std::ignore = w.wrap(w.client_layer, w.pair.first, "localhost");
    return w.pair.forth->bytes;
}

/// Nothing is left that could ever run.
bool is_over(https_world& w) {
    w.run();
    return w.core->connections() == 0 && w.clock->armed() == 0 && w.context->stopped();
}

socoro::tls_server_options asking(bool required) {
    auto options = test::serving(credentials::get().server);
    options.client_ca = credentials::get().ca();
    options.client_certificate_required = required;
    return options;
}

}  // namespace

TEST_CASE("tls/server: requests of a connection are answered, one after the other") {
    https_world w;
    auto const ann = w.visit();
    CHECK(w.ask(*ann, "/one") == "/one");
    CHECK(w.ask(*ann, "/two") == "/two");
    CHECK(w.core->connections() == 1);
    ann->stream->shutdown_send();
    w.run();
    CHECK(ann->reading->done());
    CHECK(w.failures.empty());
    CHECK(is_over(w));
}

TEST_CASE("tls/server: without the option, what is accepted is plain") {
    https_world w;
    w.options.tls = nullptr;
    auto const plain = std::make_shared<test::net::http_server_core>(w.shard, nullptr, w.options);
    test::memory_connection wire(w.shard);
    plain->admit(wire.stream);
    wire.peer.send(test::get("/"));
    w.run();
    CHECK(test::statuses(wire.peer) == std::vector<int>{404});
}

TEST_CASE("tls/server: a stream that is handed over is taken as it is") {
    https_world w;
    test::memory_connection wire(w.shard);
    w.core->serve(wire.stream);
    wire.peer.send(test::get("/plain"));
    w.run();
    CHECK(test::statuses(wire.peer) == std::vector<int>{200});
}

TEST_CASE("tls/server: a handshake that takes too long ends, however busy its peer looks") {
    https_world w;
    auto const silent = w.connect();
    auto const slow = w.connect();
    CHECK(w.core->connections() == 2);
    auto const hello = client_hello();
    for (std::size_t i = 0; i < 9; ++i) {
        slow.send(hello.substr(i, 1));
        w.advance(1s);
    }
    CHECK_FALSE(silent.ended());
    CHECK_FALSE(slow.ended());
    w.advance(999ms);
    CHECK_FALSE(slow.ended());
    w.advance(1ms);
    CHECK(silent.closed());
    CHECK(slow.closed());
    CHECK(w.failures == texts{"operation has timed out", "operation has timed out"});
    CHECK(is_over(w));
}

TEST_CASE("tls/server: after the handshake its deadline is gone, and the others begin") {
    https_world w;
    auto const ann = w.visit();
    w.advance(9s);
    CHECK(w.ask(*ann, "/late") == "/late");
    w.advance(9s);
    CHECK(w.ask(*ann, "/later") == "/later");
    w.advance(10s);
    CHECK(ann->reading->done());
    CHECK(w.failures.empty());
}

TEST_CASE("tls/server: what is no handshake costs its sender, and is told") {
    https_world w;
    auto const ann = w.visit();
    auto const sends = [&](std::string const& bytes) {
        auto const peer = w.connect();
        peer.send(bytes);
        w.run();
        CHECK(peer.closed());
        return w.failures.empty() ? "nothing" : w.failures.back();
    };
    CHECK(sends(test::get("/")) == "TLS: http request");
    CHECK(sends("SSH-2.0-OpenSSH_9.2\r\n") == "TLS: wrong version number");
    CHECK(sends(std::string(500, '\0')) == "TLS: wrong version number");
    // Some clients wrap what they say in a record that has no place here.
    CHECK(sends(std::string("\x15\x03\x01\x00\x02\x02\x28", 7)) != "TLS: http request");
    CHECK(w.failures.size() == 4);
    CHECK(w.ask(*ann, "/still") == "/still");
    CHECK(w.core->connections() == 1);
}

TEST_CASE("tls/server: a client says in 16384 bytes who it is") {
    https_world w;
    auto const announces = [&](std::string const& length) {
        auto const peer = w.connect();
        for (auto const byte : std::string("\x16\x03\x01\x00\x04\x01", 6) + length) {
            CHECK_FALSE(peer.ended());
            peer.send(std::string(1, byte));
            w.run();
        }
        return peer.closed();
    };
    CHECK_FALSE(announces(std::string("\x00\x40\x00", 3)));
    CHECK(w.failures.empty());
    CHECK(announces(std::string("\x00\x40\x01", 3)));
    CHECK(announces(std::string("\x01\x00\x00", 3)));
    CHECK(announces(std::string("\xff\xff\xff", 3)));
    CHECK(w.failures == texts(3, "TLS: excessive message size"));
}

TEST_CASE("tls/server: what the client refuses is told") {
    https_world w;
    auto const refusing = w.visit(socoro::tls_options{});
    CHECK(refusing->error() == socoro::tls_errc::unknown_issuer);
    CHECK(w.failures == texts{"TLS: tlsv1 alert unknown ca"});
    socoro::tls_options old = test::trusting();
    old.configure = [](ssl_ctx_st* context) {
        SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION);
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
        SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    };
    CHECK(w.visit(old)->error().message() == "TLS: tlsv1 alert protocol version");
    CHECK(w.failures.back() == "TLS: unsupported protocol");
    // A cipher of TLS 1.2 that lets who has the key read what was recorded.
    socoro::tls_options weak = test::trusting();
    weak.configure = [](ssl_ctx_st* context) {
        SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION);
        SSL_CTX_set_cipher_list(context, "ECDHE-ECDSA-AES256-SHA384:AES256-GCM-SHA384");
    };
    CHECK(w.visit(weak)->error().message() == "TLS: sslv3 alert handshake failure");
    CHECK(w.failures.back() == "TLS: no shared cipher");
    CHECK(is_over(w));
}

TEST_CASE("tls/server: who leaves without a word is not told, who leaves in the middle is") {
    https_world w;
    w.connect().end();
    w.connect().vanish(asio::error::connection_reset);
    w.run();
    CHECK(w.failures.empty());
    auto const middle = w.connect();
    middle.send(client_hello());
    w.run();
    CHECK(!middle.arrived().empty());
    middle.end();
    w.run();
    CHECK(w.failures.size() == 1);
    auto const reset = w.connect();
    reset.send(client_hello().substr(0, 3));
    reset.vanish(asio::error::connection_reset);
    w.run();
    CHECK(w.failures.size() == 2);
    CHECK(is_over(w));
}

TEST_CASE("tls/server: a thousand handshakes that stand still keep nobody from being served") {
    https_world w;
    std::vector<test::memory_peer> waiting;
    auto const hello = client_hello();
    for (int i = 0; i < 1000; ++i) {
        waiting.push_back(w.connect());
        waiting.back().send(hello.substr(0, static_cast<std::size_t>(i) % hello.size()));
    }
    CHECK(w.core->connections() == 1000);
    auto const ann = w.visit();
    CHECK(w.ask(*ann, "/hello") == "/hello");
    w.advance(9s);
    CHECK(w.ask(*ann, "/hello") == "/hello");
    w.advance(1s);
    CHECK(w.failures.size() == 1000);
    CHECK(w.core->connections() == 1);
    CHECK(w.ask(*ann, "/hello") == "/hello");
    ann->stream->close();
    CHECK(is_over(w));
}

TEST_CASE("tls/server: closing ends handshakes that are under way, and waits for them") {
    https_world w;
    auto const silent = w.connect();
    auto const middle = w.connect();
    middle.send(client_hello());
    w.run();
    SUBCASE("close") {
        w.core->close();
        w.run();
    }
    SUBCASE("abandon") {
        w.core->abandon();
        w.run();
    }
    auto const closed = w.spawn(w.core->wait_closed());
    CHECK(closed->done());
    CHECK(silent.closed());
    CHECK(middle.closed());
    CHECK(w.failures.empty());
    CHECK(is_over(w));
    CHECK(w.connect().closed());
}

TEST_CASE("tls/server: with grace, who is in a handshake has a second to end it, and to ask") {
    https_world w;
    auto const silent = w.connect();
    test::visitor late{test::memory_pair(w.shard)};
    w.core->admit(late.wire.first);
    w.core->finish();
    auto const client = socoro::tls(test::trusting());
    w.advance(900ms);
    late.side = w.spawn(client->wrap(w.shard, late.wire.second, {"localhost", 443, true}, w.stop));
    REQUIRE(late.side->value->has_value());
    late.stream = **late.side->value;
    CHECK_FALSE(silent.ended());
    w.advance(100ms);
    CHECK(silent.closed());
    CHECK(w.ask(late, "/at-last") == "/at-last");
    auto const closed = w.spawn(w.core->wait_closed());
    SUBCASE("and ends") {
        late.stream->close();
    }
    SUBCASE("and stays") {
        w.advance(2s);
    }
    w.run();
    CHECK(closed->done());
    CHECK(w.failures.empty());
}

TEST_CASE("tls/server: with grace, who asks nothing after a handshake has a second as well") {
    https_world w;
    test::visitor late{test::memory_pair(w.shard)};
    w.core->admit(late.wire.first);
    w.core->finish();
    auto const client = socoro::tls(test::trusting());
    late.side = w.spawn(client->wrap(w.shard, late.wire.second, {"localhost", 443, true}, w.stop));
    REQUIRE(late.side->value->has_value());
    auto const closed = w.spawn(w.core->wait_closed());
    w.advance(999ms);
    CHECK_FALSE(closed->done());
    w.advance(1ms);
    CHECK(closed->done());
}

TEST_CASE("tls/server: a world that ends takes along its handshakes") {
    https_world w;
    std::weak_ptr<test::net::http_server_core> const core = w.core;
    auto const middle = w.connect();
    middle.send(client_hello());
    w.run();
    w.core.reset();
    CHECK_FALSE(core.expired());
    w.context.reset();
    CHECK(core.expired());
}

TEST_CASE("tls/server: byte by byte, all is as it was") {
    https_world w;
    auto const plan = std::make_shared<test::faults>();
    plan->bytewise = true;
    auto const ann = w.visit(test::trusting(), "localhost", plan);
    CHECK(w.ask(*ann, "/slowly") == "/slowly");
    CHECK(w.failures.empty());
}

TEST_CASE("tls/server: whichever operation below fails, it costs that peer alone") {
    auto const visits = [](https_world& w, std::size_t nth) {
        auto const plan = std::make_shared<test::faults>();
        plan->nth = nth;
        auto const ben = w.visit(test::trusting(), "localhost", plan);
        if (ben->stream)
            std::ignore = w.ask(*ben, "/ben");
        return plan->operations > nth;
    };
    https_world w;
    auto const ann = w.visit();
    std::size_t nth = 0;
    while (visits(w, nth)) {
        CAPTURE(nth);
        CHECK(w.ask(*ann, "/ann") == "/ann");
        CHECK(w.core->connections() == 1);
        REQUIRE(++nth < 100);
    }
    CHECK(nth > 3);
    CHECK(!w.failures.empty());
}

TEST_CASE("tls/server: the certificate of a client is there once it was verified") {
    auto const& all = credentials::get();
    test::tls_world w(
        [&] {
            auto options = test::trusting();
            options.certificate_file = all.file_of(all.client);
            return options;
        }(),
        asking(true));
    w.meet();
    REQUIRE(w.server);
    CHECK(w.server->is_encrypted());
    CHECK_FALSE(w.pair.second->is_encrypted());
    auto const shown = w.server->peer_certificate();
    REQUIRE(shown);
    CHECK(shown->subject == "CN=somebody");
    // As the program `openssl` prints it.
    CHECK(shown->fingerprint.size() == 32 * 3 - 1);
    CHECK(shown->fingerprint.find_first_not_of("0123456789ABCDEF:") == std::string::npos);
    auto const* bytes = reinterpret_cast<unsigned char const*>(shown->der.data());
    socoro::net::openssl_ptr<X509> const again(
        d2i_X509(nullptr, &bytes, static_cast<long>(shown->der.size())));
    REQUIRE(again);
    CHECK(X509_cmp(again.get(), all.client.certificate.get()) == 0);
    CHECK(w.pair.second->peer_certificate() == nullptr);
    CHECK(w.client->peer_certificate()->subject == "CN=localhost");
}

TEST_CASE("tls/server: there is no certificate where none was asked for, shown or verified") {
    auto const& all = credentials::get();
    auto showing = test::trusting();
    showing.certificate_file = all.file_of(all.client);
    test::tls_world unasked(showing);
    unasked.meet();
    CHECK(unasked.server->peer_certificate() == nullptr);
    test::tls_world none(test::trusting(), asking(false));
    none.meet();
    CHECK(none.server->peer_certificate() == nullptr);
    // A program may let in whoever it likes; that does not make the certificate a verified one.
    auto lenient = asking(true);
    lenient.configure = [](ssl_ctx_st* context) {
        auto const anybody = [](int, X509_STORE_CTX*) { return 1; };
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, anybody);
    };
    showing.certificate_file = all.file_of(all.strange_client);
    test::tls_world strange(showing, lenient);
    strange.meet();
    REQUIRE(strange.server);
    CHECK(strange.server->peer_certificate() == nullptr);
}

TEST_CASE(
    "tls/server: what a certificate says of its owner breaks no line, and keeps its letters") {
    auto const& all = credentials::get();
    test::identity const odd(test::claims{"J\xc3\xbcrgen\nadmin, O=x", ""}, &all.authority);
    auto showing = test::trusting();
    showing.certificate_file = all.file_of(odd);
    test::tls_world w(showing, asking(true));
    w.meet();
    REQUIRE(w.server);
    CHECK(w.server->peer_certificate()->subject == "CN=J\xc3\xbcrgen\\0Aadmin\\, O=x");
}

TEST_CASE(
    "tls/server: a WebSocket whose peer is gone without a word is closed, and one cut is not") {
    test::tls_world w;
    w.meet();
    REQUIRE(w.server);
    auto const over = std::make_shared<socoro::transport::websocket>(
        std::make_shared<test::net::websocket>(w.shard, w.server, socoro::ws::role::server));
    auto const received = w.spawn(over->recv());
    CHECK_FALSE(received->done());
    auto expected = socoro::errc::transport_close;
    SUBCASE("it ends") {
        w.client->close();
    }
    SUBCASE("it is reset") {
        w.pair.forth->end(asio::error::connection_reset);
        expected = socoro::errc::transport_error;
    }
    w.run();
    REQUIRE(received->done());
    CHECK(received->value->error() == expected);
}
