// SPDX-License-Identifier: BSL-1.0
#include "tls/scene.hpp"

#include <doctest/doctest.h>

using socoro::tls_errc;
using test::credentials;
using test::tls_world;

namespace {

/// The name that the client asked for, as the server sees it.
std::string asked_for(test::stream_ptr const& server) {
    auto const& stream = dynamic_cast<socoro::net::tls_stream const&>(*server);
    auto const* const name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
    return name ? name : "";
}

/// Both sides have a stream.
bool has_met(tls_world const& w) {
    return w.client && w.server;
}

/// What the client gets to hear instead of bytes.
std::string first_error(tls_world& w) {
    std::string got;
    auto const read = w.read(w.client, got, 1);
    REQUIRE(read->done());
    return read->value->message();
}

}  // namespace

TEST_CASE("tls/handshake: both sides agree when the certificate is signed by somebody trusted") {
    tls_world w;
    w.meet();
    REQUIRE(has_met(w));
    CHECK(asked_for(w.server) == "localhost");
    CHECK(w.pass(w.client, w.server, "hello") == "hello");
    CHECK(w.pass(w.server, w.client, "world") == "world");
    CHECK(w.client->remote_address() == "192.0.2.1");
}

TEST_CASE("tls/handshake: a certificate that nobody trusted signed is refused, by both sides") {
    tls_world w{socoro::tls_options{}, test::serving(credentials::get().server)};
    w.meet();
    CHECK(w.client_error() == tls_errc::unknown_issuer);
    CHECK(w.server_error().message() == "TLS: tlsv1 alert unknown ca");
}

TEST_CASE("tls/handshake: a self-signed certificate is refused unless it is itself trusted") {
    auto const& alone = credentials::get().alone;
    tls_world refused{socoro::tls_options{}, test::serving(alone)};
    refused.meet();
    CHECK(refused.client_error() == tls_errc::self_signed);
    CHECK(
        refused.client_error().message() == "certificate verify failed (self-signed certificate)");

    socoro::tls_options options;
    options.ca_file = credentials::get().files.write("alone.pem", alone.certificate_text());
    tls_world accepted{options, test::serving(alone)};
    accepted.meet();
    CHECK(has_met(accepted));
}

TEST_CASE("tls/handshake: certificates to trust are read from a directory, too") {
    test::folder directory;
    auto const& authority = credentials::get().authority;
    auto const hash = X509_subject_name_hash(authority.certificate.get());
    std::array<char, 16> name{};
    std::snprintf(name.data(), name.size(), "%08lx.0", hash);
    std::ignore = directory.write(name.data(), credentials::get().ca());
    socoro::tls_options options;
    options.ca_path = directory.path;
    tls_world w{options};
    w.meet();
    CHECK(has_met(w));
}

TEST_CASE("tls/handshake: a certificate of another host is refused") {
    tls_world w{test::trusting(), test::serving(credentials::get().elsewhere)};
    w.meet();
    CHECK(w.client_error() == tls_errc::wrong_host);
    CHECK(w.client_error().message() == "certificate verify failed (hostname mismatch)");
    CHECK(w.server_error());
}

TEST_CASE("tls/handshake: a wildcard stands for one label, and a dot at the end for nothing") {
    auto const met_as = [](std::string const& host) {
        tls_world w{test::trusting(), test::serving(credentials::get().elsewhere)};
        w.meet(host);
        return has_met(w);
    };
    CHECK(met_as("one.example.net"));
    CHECK(met_as("example.org."));
    CHECK_FALSE(met_as("one.two.example.net"));
    CHECK_FALSE(met_as("example.net"));
}

TEST_CASE("tls/handshake: no name, or the names below one, is no host to expect") {
    for (std::string const host : {"", ".", ".example.net"}) {
        tls_world w{test::trusting(), test::serving(credentials::get().elsewhere)};
        w.meet(host);
        CHECK(w.client_error() == std::errc::invalid_argument);
        CHECK(w.server_error());
    }
}

TEST_CASE("tls/handshake: an IP address is verified as such, and not announced") {
    for (std::string const host : {"127.0.0.1", "::1"}) {
        tls_world w;
        w.meet(host);
        REQUIRE(has_met(w));
        CHECK(asked_for(w.server).empty());
    }
    tls_world other;
    other.meet("127.0.0.2");
    CHECK(other.client_error() == tls_errc::wrong_address);
}

TEST_CASE("tls/handshake: a certificate out of date is refused") {
    tls_world w{test::trusting(), test::serving(credentials::get().expired)};
    w.meet();
    CHECK(w.client_error() == tls_errc::certificate_expired);
    CHECK(w.server_error().message() == "TLS: sslv3 alert certificate expired");
}

TEST_CASE("tls/handshake: server_name is asked for and expected in place of the host") {
    auto options = test::trusting();
    options.server_name = "example.org";
    tls_world w{options, test::serving(credentials::get().elsewhere)};
    w.meet("127.0.0.1");
    REQUIRE(has_met(w));
    CHECK(asked_for(w.server) == "example.org");

    tls_world other{options};
    other.meet("localhost");
    CHECK(other.client_error() == tls_errc::wrong_host);
}

TEST_CASE("tls/handshake: without verification any certificate will do") {
    socoro::tls_options options;
    options.verify = false;
    for (auto const* const who : {&credentials::get().alone, &credentials::get().expired}) {
        tls_world w{options, test::serving(*who)};
        w.meet("elsewhere.example");
        REQUIRE(has_met(w));
        CHECK(asked_for(w.server) == "elsewhere.example");
    }
}

TEST_CASE("tls/handshake: a client presents its certificate to a server that asks for one") {
    auto const& all = credentials::get();
    auto asking = test::serving(all.server);
    asking.client_ca = all.ca();
    auto options = test::trusting();
    SUBCASE("from one file") {
        options.certificate_file = all.file_of(all.client);
    }
    SUBCASE("from two files, one of them encrypted") {
        options.certificate_file = all.files.write("client", all.client.certificate_text());
        options.private_key_file = all.files.write("client.key", all.client.key_text("secret"));
        options.private_key_password = "secret";
    }
    tls_world w{options, asking};
    w.meet();
    REQUIRE(has_met(w));
    auto const& stream = dynamic_cast<test::net::tls_stream const&>(*w.server);
    socoro::net::openssl_ptr<X509> const seen(SSL_get_peer_certificate(stream.native_handle()));
    REQUIRE(seen);
    CHECK(X509_cmp(seen.get(), all.client.certificate.get()) == 0);
    CHECK(w.pass(w.client, w.server, "hello") == "hello");
}

TEST_CASE("tls/handshake: a client without certificate is refused where one is required") {
    auto const& all = credentials::get();
    auto asking = test::serving(all.server);
    asking.client_ca_file = all.files.write("ca.pem", all.ca());
    tls_world w{test::trusting(), asking};
    w.meet();
    CHECK(w.server_error().message() == "TLS: peer did not return a certificate");
    // With TLS 1.3 the client hears of it behind the handshake.
    REQUIRE(w.client);
    CHECK(first_error(w) == "TLS: tlsv13 alert certificate required");

    asking.client_certificate_required = false;
    tls_world lenient{test::trusting(), asking};
    lenient.meet();
    CHECK(has_met(lenient));
}

TEST_CASE("tls/handshake: a client whose certificate a stranger signed is refused") {
    auto const& all = credentials::get();
    auto asking = test::serving(all.server);
    asking.client_ca = all.ca();
    asking.client_certificate_required = false;
    auto options = test::trusting();
    options.certificate_file = all.file_of(all.strange_client);
    tls_world w{options, asking};
    w.meet();
    CHECK(w.server_error() == tls_errc::unknown_issuer);
    REQUIRE(w.client);
    CHECK(first_error(w) == "TLS: tlsv1 alert unknown ca");
}

TEST_CASE("tls/handshake: TLS 1.2 is spoken, and nothing older") {
    auto options = test::trusting();
    options.configure = test::at_most(TLS1_2_VERSION);
    tls_world w{options};
    w.meet();
    REQUIRE(has_met(w));
    CHECK(w.pass(w.client, w.server, "hello") == "hello");
    auto old = test::serving(credentials::get().server);
    old.configure = [](ssl_ctx_st* context) {
        SSL_CTX_set_min_proto_version(context, TLS1_1_VERSION);
        SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION);
        SSL_CTX_set_cipher_list(context, "ALL:@SECLEVEL=0");
    };
    tls_world older{test::trusting(), old};
    older.meet();
    CHECK(older.client_error().category() == socoro::tls_category());
    CHECK(older.server_error().message() == "TLS: unsupported protocol");
}

TEST_CASE("tls/handshake: a request to stop ends it at once, on both sides of it") {
    tls_world w;
    auto const waiting = w.wrap(w.client_layer, w.pair.first, "localhost");
    CHECK_FALSE(waiting->done());
    SUBCASE("while it waits") {
        w.stop->request_stop();
        w.run();
        REQUIRE(waiting->done());
        CHECK(waiting->value->error() == asio::error::operation_aborted);
        CHECK(w.pair.forth->ended);
    }
    SUBCASE("before it began") {
        w.stop->request_stop();
        auto const late = w.accept(w.pair.second);
        REQUIRE(late->done());
        CHECK(late->value->error() == asio::error::operation_aborted);
        CHECK(w.pair.back->ended);
    }
}

TEST_CASE("tls/handshake: what is not TLS is an error, and so is an end") {
    tls_world w;
    test::memory_connection raw(w.shard);
    auto const trying = w.wrap(w.client_layer, raw.stream, "localhost");
    SUBCASE("an answer in HTTP") {
        raw.peer.send("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
        w.run();
        REQUIRE(trying->done());
        CHECK(trying->value->error().message() == "TLS: wrong version number");
    }
    SUBCASE("an end") {
        raw.peer.end();
        w.run();
        REQUIRE(trying->done());
        CHECK(trying->value->error() == tls_errc::truncated);
    }
    SUBCASE("a reset") {
        raw.peer.vanish(asio::error::connection_reset);
        w.run();
        REQUIRE(trying->done());
        CHECK(trying->value->error() == asio::error::connection_reset);
    }
    CHECK(raw.peer.closed());
}

TEST_CASE("tls/handshake: a client that speaks HTTP to a server of TLS is told apart") {
    tls_world w;
    test::memory_connection raw(w.shard);
    auto const trying = w.accept(raw.stream);
    raw.peer.send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    w.run();
    REQUIRE(trying->done());
    CHECK(trying->value->error().message() == "TLS: http request");
    CHECK(raw.peer.closed());
}
