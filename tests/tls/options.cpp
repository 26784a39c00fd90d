// SPDX-License-Identifier: BSL-1.0
#include "tls/scene.hpp"

#include <doctest/doctest.h>

using test::credentials;

namespace {

/// What is thrown for such options.
std::string complaint(socoro::tls_options const& options) {
    try {
        std::ignore = socoro::tls(options);
    } catch (std::system_error const& e) {
        return e.what();
    }
    return "none";
}
std::string complaint(socoro::tls_server_options const& options) {
    try {
        std::ignore = socoro::tls_server(options);
    } catch (std::system_error const& e) {
        return e.what();
    }
    return "none";
}

}  // namespace

TEST_CASE("tls/options: a file that is not there is named") {
    test::folder const nothing;
    std::string const missing = nothing.path / "missing";
    auto const suffix = missing + ": No such file or directory";
    CHECK(complaint(socoro::tls_options{.ca_file = missing}) == "cannot read " + suffix);
    CHECK(complaint(socoro::tls_options{.ca_path = missing}) == "cannot read " + suffix);
    CHECK(
        complaint(socoro::tls_options{.certificate_file = missing}) ==
        "cannot read the certificate " + suffix);
    CHECK(
        complaint(socoro::tls_server_options{.certificate_file = missing}) ==
        "cannot read the certificate " + suffix);
    auto options = test::serving(credentials::get().server);
    options.private_key_file = missing;
    CHECK(complaint(options) == "cannot read the private key " + suffix);
    options = test::serving(credentials::get().server);
    options.client_ca_file = missing;
    CHECK(complaint(options) == "cannot read " + suffix);
}

TEST_CASE("tls/options: a server needs a certificate") {
    CHECK(complaint(socoro::tls_server_options{}).starts_with("cannot read the certificate : "));
}

TEST_CASE("tls/options: a text without certificates is refused, and so is a broken one") {
    auto const broken = "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n";
    auto const prefix = "cannot read the certificates of the option ca: TLS: ";
    CHECK(complaint(socoro::tls_options{.ca = "none"}) == prefix + std::string("no start line"));
    CHECK(complaint(socoro::tls_options{.ca = broken}).starts_with(prefix));
    CHECK(
        complaint(socoro::tls_options{.ca = credentials::get().ca() + broken}).starts_with(prefix));
    CHECK(complaint(socoro::tls_options{.ca = credentials::get().ca() + "\n# end\n"}) == "none");
}

TEST_CASE("tls/options: an encrypted key needs its password, and nobody is asked for it") {
    auto const& all = credentials::get();
    socoro::tls_options options;
    options.certificate_file = all.file_of(all.client);
    options.private_key_file = all.files.write("locked.key", all.client.key_text("secret"));
    auto const prefix = "cannot read the private key " + options.private_key_file + ": ";
    CHECK(complaint(options).starts_with(prefix));
    options.private_key_password = "guess";
    CHECK(complaint(options).starts_with(prefix));
    options.private_key_password = std::string(5000, 'x');
    CHECK(complaint(options).starts_with(prefix));
    options.private_key_password = "secret";
    CHECK(complaint(options) == "none");
}

TEST_CASE("tls/options: the key of another certificate is refused") {
    auto const& all = credentials::get();
    socoro::tls_options options;
    options.certificate_file = all.file_of(all.client);
    options.private_key_file = all.file_of(all.server);
    CHECK(complaint(options).find("key values mismatch") != std::string::npos);
}

TEST_CASE("tls/options: configure has the last word") {
    socoro::tls_options options;
    int calls = 0;
    ssl_ctx_st* seen = nullptr;
    options.configure = [&](ssl_ctx_st* context) {
        ++calls;
        seen = context;
        CHECK(SSL_CTX_get_min_proto_version(context) == TLS1_2_VERSION);
        CHECK(SSL_CTX_get_verify_mode(context) == SSL_VERIFY_PEER);
    };
    std::ignore = socoro::tls(options);
    CHECK(calls == 1);
    CHECK(seen != nullptr);
}

TEST_CASE("tls/options: the system's certificates are those that the environment names") {
    auto const file = credentials::get().files.write("system.pem", credentials::get().ca());
    REQUIRE(setenv("SSL_CERT_FILE", file.c_str(), 1) == 0);
    test::tls_world w{socoro::tls_options{}};
    unsetenv("SSL_CERT_FILE");
    w.meet();
    CHECK(w.client);
}
