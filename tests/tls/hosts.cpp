// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/tls_hosts.hpp>

#include "tls/scene.hpp"

#include <doctest/doctest.h>

#include <stdexcept>

using test::credentials;
using test::tls_world;

namespace {

/// A server with a certificate of its own for each of two hosts.
socoro::tls_server_options hosting() {
    auto const& all = credentials::get();
    auto options = test::serving(all.server);
    options.hosts.push_back(
        {.name = "example.org", .certificate_file = all.file_of(all.elsewhere)});
    options.hosts.push_back({.name = "*.Example.NET.", .certificate_file = all.file_of(all.alone)});
    options.hosts.push_back(
        {.name = "one.example.net", .certificate_file = all.file_of(all.elsewhere)});
    return options;
}

/// Whose certificate a client gets that asks for a host.
test::identity const* shown_to(std::string const& host, socoro::tls_server_options const& server) {
    socoro::tls_options anybody;
    anybody.verify = false;
    tls_world w(anybody, server);
    w.meet(host);
    REQUIRE(w.client);
    auto const& stream = dynamic_cast<test::net::tls_stream const&>(*w.client);
    socoro::net::openssl_ptr<X509> const seen(SSL_get_peer_certificate(stream.native_handle()));
    auto const& all = credentials::get();
    for (auto const* const each : {&all.server, &all.elsewhere, &all.alone})
        if (X509_cmp(seen.get(), each->certificate.get()) == 0)
            return each;
    return nullptr;
}

/// A client that offers protocols, each behind its length.
socoro::tls_options offering(std::string const& protocols) {
    auto options = test::trusting();
    options.configure = [protocols](ssl_ctx_st* context) {
        auto const* const bytes = reinterpret_cast<unsigned char const*>(protocols.data());
        auto const size = static_cast<unsigned int>(protocols.size());
        REQUIRE(SSL_CTX_set_alpn_protos(context, bytes, size) == 0);
    };
    return options;
}

std::string agreed_on(test::stream_ptr const& stream) {
    unsigned char const* name = nullptr;
    unsigned int size = 0;
    auto const& secured = dynamic_cast<test::net::tls_stream const&>(*stream);
    SSL_get0_alpn_selected(secured.native_handle(), &name, &size);
    return {reinterpret_cast<char const*>(name), size};
}

}  // namespace

TEST_CASE("tls/hosts: a client gets the certificate of the host that it asks for") {
    auto const& all = credentials::get();
    auto const server = hosting();
    CHECK(shown_to("example.org", server) == &all.elsewhere);
    CHECK(shown_to("EXAMPLE.org", server) == &all.elsewhere);
    CHECK(shown_to("two.example.net", server) == &all.alone);
    CHECK(shown_to("one.example.net", server) == &all.elsewhere);
}

TEST_CASE("tls/hosts: all others get that of the server, also those that ask for nobody") {
    auto const& all = credentials::get();
    auto const server = hosting();
    for (std::string const host :
         {"localhost", "example.net", "a.b.example.net", "www.example.org", "127.0.0.1", "net"})
        CHECK(shown_to(host, server) == &all.server);
}

TEST_CASE("tls/hosts: a client that verifies is content with its host") {
    auto const server = hosting();
    for (std::string const host : {"localhost", "example.org", "one.example.net"}) {
        tls_world w(test::trusting(), server);
        w.meet(host);
        CHECK(w.client);
    }
}

TEST_CASE("tls/hosts: the clients of every host are asked for a certificate") {
    auto const& all = credentials::get();
    auto server = hosting();
    server.client_ca = all.ca();
    auto showing = test::trusting();
    showing.certificate_file = all.file_of(all.client);
    tls_world w(showing, server);
    w.meet("example.org");
    REQUIRE(w.server);
    CHECK(w.server->peer_certificate()->subject == "CN=somebody");
    tls_world none(test::trusting(), server);
    none.meet("example.org");
    CHECK(none.server_error().message() == "TLS: peer did not return a certificate");
}

TEST_CASE("tls/hosts: a wildcard stands for one label, and a star cannot be asked for") {
    socoro::net::tls_hosts hosts;
    auto const add = [&](char const* name) {
        auto made = socoro::net::make_tls_context(TLS_server_method());
        auto* const context = made.get();
        hosts.emplace(socoro::net::host_pattern(name), std::move(made));
        return context;
    };
    auto* const wildcard = add("*.example.com");
    auto* const exact = add("a.example.com");
    CHECK(socoro::net::find_host(hosts, "b.example.com") == wildcard);
    CHECK(socoro::net::find_host(hosts, "B.Example.Com.") == wildcard);
    CHECK(socoro::net::find_host(hosts, "a.example.com") == exact);
    for (auto const* const other :
         {"*.example.com", ".example.com", "example.com", "a.b.example.com", "", ".", "com", "*"})
        CHECK(socoro::net::find_host(hosts, other) == nullptr);
}

TEST_CASE("tls/hosts: what no client can ask for is refused") {
    CHECK(socoro::net::host_pattern("Chat.Example.com.") == "chat.example.com");
    CHECK(socoro::net::host_pattern("*.Example.com") == "*.example.com");
    CHECK(socoro::net::host_pattern("localhost") == "localhost");
    CHECK(socoro::net::host_pattern("xn--bcher-kva.example") == "xn--bcher-kva.example");
    for (auto const* const name :
         {"",
          ".",
          "*",
          "*.",
          "a.*.com",
          "*a.com",
          "a..com",
          ".com",
          "127.0.0.1",
          "*.0.0.1",
          "::1",
          "b\xc3\xbc"
          "cher.example",
          "a b",
          "https://a",
          "a:443"}) {
        CAPTURE(name);
        CHECK_THROWS_AS(std::ignore = socoro::net::host_pattern(name), std::invalid_argument);
        auto options = test::serving(credentials::get().server);
        options.hosts.push_back({.name = name, .certificate_file = options.certificate_file});
        CHECK_THROWS_AS(std::ignore = socoro::tls_server(options), std::invalid_argument);
    }
}

TEST_CASE("tls/hosts: HTTP/1.1 is agreed on with those that offer it, whatever else they offer") {
    for (std::string const protocols :
         {"\x08http/1.1", "\x02h2\x08http/1.1", "\x08http/1.1\x02h2"}) {
        tls_world w(offering(protocols));
        w.meet();
        REQUIRE(w.client);
        CHECK(agreed_on(w.client) == "http/1.1");
        CHECK(agreed_on(w.server) == "http/1.1");
    }
    tls_world nothing;
    nothing.meet();
    REQUIRE(nothing.client);
    CHECK(agreed_on(nothing.client).empty());
}

TEST_CASE("tls/hosts: those that offer only others are refused, as Node does") {
    for (std::string const protocols : {"\x02h2", "\x08http/1.0", "\x08http/1.2\x03xhr"}) {
        tls_world w(offering(protocols));
        w.meet();
        CHECK(w.client_error().message() == "TLS: tlsv1 alert no application protocol");
        CHECK(w.server_error().message() == "TLS: no application protocol");
    }
}

TEST_CASE("tls/hosts: hosts agree on HTTP/1.1, too") {
    auto client = offering("\x02h2\x08http/1.1");
    tls_world w(client, hosting());
    w.meet("example.org");
    REQUIRE(w.client);
    CHECK(agreed_on(w.client) == "http/1.1");
}

TEST_CASE("tls/hosts: certificates between the server's and the root are presented with it") {
    auto const& all = credentials::get();
    auto options = test::serving(all.behind);
    tls_world broken(test::trusting(), options);
    broken.meet();
    CHECK(broken.client_error() == socoro::tls_errc::unknown_issuer);
    SUBCASE("by the server") {
        options.certificate_file = all.file_of(all.behind, &all.between);
    }
    SUBCASE("by a host") {
        auto const chain = all.file_of(all.behind, &all.between);
        options = test::serving(all.alone);
        options.hosts.push_back({.name = "localhost", .certificate_file = chain});
    }
    tls_world w(test::trusting(), options);
    w.meet();
    CHECK(w.client);
}

TEST_CASE("tls/hosts: nothing is presented but what the file holds") {
    auto const& all = credentials::get();
    auto options = test::serving(all.server);
    options.client_ca = all.ca();
    options.client_certificate_required = false;
    tls_world w(test::trusting(), options);
    w.meet();
    REQUIRE(w.client);
    auto const& stream = dynamic_cast<test::net::tls_stream const&>(*w.client);
    CHECK(sk_X509_num(SSL_get_peer_cert_chain(stream.native_handle())) == 1);
}
