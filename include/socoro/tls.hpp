// SPDX-License-Identifier: BSL-1.0
// TLS for clients and servers, on OpenSSL 1.1.1 or newer. `socoro.hpp` does not bring this header;
// programs that include it link libssl and libcrypto.
#pragma once

#include <socoro/net/connector.hpp>
#include <socoro/net/tls_context.hpp>
#include <socoro/net/tls_stream.hpp>

#include <functional>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

namespace socoro {

using net::tls_category;
using net::tls_errc;

/// How a client speaks TLS. Without a change it does what is safe: the server's certificate must
/// be signed by somebody the system trusts, and be for the host of the URL.
struct tls_options {
    /// Whether the server's certificate and its name are checked. Without that anybody on the way
    /// can be the server.
    bool verify = true;
    /// A file (PEM) with the certificates to trust; with one of the three, those of the system are
    /// not trusted.
    std::string ca_file = {};
    /// A directory with certificates to trust, as `openssl rehash` makes it.
    std::string ca_path = {};
    /// Certificates to trust, as a text (PEM).
    std::string ca = {};
    /// A file (PEM) with the certificate to present to servers that ask for one, followed by those
    /// between it and the root.
    std::string certificate_file = {};
    /// The file (PEM) with its private key; if empty, that is in `certificate_file`.
    std::string private_key_file = {};
    /// What the private key is encrypted with.
    std::string private_key_password = {};
    /// The name to ask for and to expect, in place of the host of the URL.
    std::string server_name = {};
    /// Has the last word on OpenSSL's `SSL_CTX`, about ciphers for example. Called once.
    std::function<void(ssl_ctx_st*)> configure = {};
};

/// How a server speaks TLS.
struct tls_server_options {
    /// The file (PEM) with the certificate of the server, followed by those between it and the root.
    std::string certificate_file = {};
    /// The file (PEM) with its private key; if empty, that is in `certificate_file`.
    std::string private_key_file = {};
    /// What the private key is encrypted with.
    std::string private_key_password = {};
    /// A file (PEM) with certificates; if given here or below, clients are asked for a certificate
    /// that is signed by one of them.
    std::string client_ca_file = {};
    /// The same as a text (PEM).
    std::string client_ca = {};
    /// Whether clients without a certificate are refused, if they are asked for one.
    bool client_certificate_required = true;
    /// Has the last word on OpenSSL's `SSL_CTX`. Called once.
    std::function<void(ssl_ctx_st*)> configure = {};
};

/// TLS for the option `tls` of clients; one serves any number of them, in any threads. Reads all
/// files now, and throws `std::system_error` for those that it cannot read or use.
///
/// A connection fails with an error of `tls_category()`: `tls_errc::wrong_host`, for example.
[[nodiscard]] std::shared_ptr<net::stream_layer> tls(tls_options const& options = {});

/// TLS in the role of the server, otherwise as `tls`.
[[nodiscard]] std::shared_ptr<net::stream_layer> tls_server(tls_server_options const& options);

namespace detail {

class tls_client_layer final : public net::stream_layer {
public:
    explicit tls_client_layer(tls_options const& options);

    [[nodiscard]] asio::awaitable<result<std::shared_ptr<net::stream>>> wrap(
        std::shared_ptr<net::shard> on,
        std::shared_ptr<net::stream> plain,
        net::remote to,
        std::shared_ptr<net::stop_source> stop) override;

private:
    [[nodiscard]] result<net::openssl_ptr<SSL>> open(std::string const& host) const;

    net::openssl_ptr<SSL_CTX> context_;
    std::string server_name_;
};

class tls_server_layer final : public net::stream_layer {
public:
    explicit tls_server_layer(tls_server_options const& options);

    [[nodiscard]] asio::awaitable<result<std::shared_ptr<net::stream>>> wrap(
        std::shared_ptr<net::shard> on,
        std::shared_ptr<net::stream> plain,
        net::remote to,
        std::shared_ptr<net::stop_source> stop) override;

private:
    net::openssl_ptr<SSL_CTX> context_;
};

inline tls_client_layer::tls_client_layer(tls_options const& options)
    : context_(net::make_tls_context(TLS_client_method()))
    , server_name_(options.server_name) {
    SSL_CTX_set_verify(context_.get(), options.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
    if (options.ca_file.empty() && options.ca_path.empty() && options.ca.empty())
        net::trust_system(*context_);
    if (!options.ca_file.empty())
        net::trust_file(*context_, options.ca_file);
    if (!options.ca_path.empty())
        net::trust_directory(*context_, options.ca_path);
    if (!options.ca.empty())
        net::trust_text(*context_, options.ca, "the option ca");
    if (!options.certificate_file.empty())
        net::present(
            *context_,
            options.certificate_file,
            options.private_key_file,
            options.private_key_password);
    if (options.configure)
        options.configure(context_.get());
}

inline result<net::openssl_ptr<SSL>> tls_client_layer::open(std::string const& host) const {
    auto made = net::open_session(*context_);
    if (!made)
        return made;
    auto& session = **made;
    SSL_set_connect_state(&session);
    auto ec = net::announce_host(session, host);
    if (!ec && SSL_get_verify_mode(&session) != SSL_VERIFY_NONE)
        ec = net::expect_host(session, host);
    if (ec)
        return ec;
    return made;
}

inline asio::awaitable<result<std::shared_ptr<net::stream>>> tls_client_layer::wrap(
    std::shared_ptr<net::shard> on,
    std::shared_ptr<net::stream> plain,
    net::remote to,
    std::shared_ptr<net::stop_source> stop) {
    // Now, for this may be gone when the coroutine starts.
    auto session = open(server_name_.empty() ? to.host : server_name_);
    return net::start_tls(std::move(on), std::move(plain), std::move(session), std::move(stop));
}

inline tls_server_layer::tls_server_layer(tls_server_options const& options)
    : context_(net::make_tls_context(TLS_server_method())) {
    static constexpr std::string_view sessions = "socoro";
    SSL_CTX_set_session_id_context(
        context_.get(),
        reinterpret_cast<unsigned char const*>(sessions.data()),
        static_cast<unsigned>(sessions.size()));
    net::present(
        *context_,
        options.certificate_file,
        options.private_key_file,
        options.private_key_password);
    if (!options.client_ca_file.empty())
        net::trust_file(*context_, options.client_ca_file);
    if (!options.client_ca.empty())
        net::trust_text(*context_, options.client_ca, "the option client_ca");
    if (!options.client_ca_file.empty() || !options.client_ca.empty())
        SSL_CTX_set_verify(
            context_.get(),
            options.client_certificate_required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                                : SSL_VERIFY_PEER,
            nullptr);
    if (options.configure)
        options.configure(context_.get());
}

inline asio::awaitable<result<std::shared_ptr<net::stream>>> tls_server_layer::wrap(
    std::shared_ptr<net::shard> on,
    std::shared_ptr<net::stream> plain,
    net::remote /*to*/,
    std::shared_ptr<net::stop_source> stop) {
    auto session = net::open_session(*context_);
    if (session)
        SSL_set_accept_state(session->get());
    return net::start_tls(std::move(on), std::move(plain), std::move(session), std::move(stop));
}

}  // namespace detail

inline std::shared_ptr<net::stream_layer> tls(tls_options const& options) {
    return std::make_shared<detail::tls_client_layer>(options);
}

inline std::shared_ptr<net::stream_layer> tls_server(tls_server_options const& options) {
    return std::make_shared<detail::tls_server_layer>(options);
}

}  // namespace socoro
