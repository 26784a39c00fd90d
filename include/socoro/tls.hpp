// SPDX-License-Identifier: BSL-1.0
// TLS for clients and servers, on OpenSSL 1.1.1 or newer. `socoro.hpp` does not bring this header;
// programs that include it link libssl and libcrypto.
#pragma once

#include <socoro/net/connector.hpp>
#include <socoro/net/server_layer.hpp>
#include <socoro/net/tls_context.hpp>
#include <socoro/net/tls_hosts.hpp>
#include <socoro/net/tls_stream.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

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

/// The certificate of one more host, or of all hosts of a wildcard.
struct tls_host {
    /// The name that clients ask for, `chat.example.com`, or all names one label longer than
    /// another, `*.example.com`. A name has its way over a wildcard.
    std::string name = {};
    /// The file (PEM) with the certificate, followed by those between it and the root.
    std::string certificate_file = {};
    /// The file (PEM) with its private key; if empty, that is in `certificate_file`.
    std::string private_key_file = {};
    /// What the private key is encrypted with.
    std::string private_key_password = {};
};

/// How a server speaks TLS. What is not here is for `configure`.
struct tls_server_options {
    /// The file (PEM) with the certificate of the server, followed by those between it and the root.
    std::string certificate_file = {};
    /// The file (PEM) with its private key; if empty, that is in `certificate_file`.
    std::string private_key_file = {};
    /// What the private key is encrypted with.
    std::string private_key_password = {};
    /// Certificates for clients that ask for these hosts; all others get the one above.
    std::vector<tls_host> hosts = {};
    /// A file (PEM) with certificates; if given here or below, clients are asked for a certificate
    /// that is signed by one of them. Middleware finds it in the handshake.
    std::string client_ca_file = {};
    /// The same as a text (PEM).
    std::string client_ca = {};
    /// Whether clients without a certificate are refused, if they are asked for one.
    bool client_certificate_required = true;
    /// Has the last word on OpenSSL's `SSL_CTX`, of which there is one for each certificate. Called
    /// for each, whenever the files are read; not to reload from.
    std::function<void(ssl_ctx_st*)> configure = {};
};

/// TLS in the role of the server: TLS 1.2 with ciphers that keep secret what was recorded when a
/// key becomes known later, or 1.3. Of those that both sides know, all of them good, the client has
/// the choice: it knows which is quick on its machine. HTTP/1.1 is agreed on with clients that ask
/// for it (ALPN), and those that know only others are refused.
///
/// Clients come back without a second full handshake by means of tickets, which cost the server no
/// memory. The keys to those are made anew when the certificates are read.
///
/// One serves any number of servers, in any threads. Made by `tls_server`.
class tls_server_layer final : public net::server_layer {
public:
    explicit tls_server_layer(tls_server_options options);

    /// Reads all files again. Connections that are open go on, and handshakes under way end as they
    /// began; those that begin from now on see what is new, and tickets from before are of no use.
    /// Throws as `tls_server` if something is wrong, and then nothing has changed. Safe from any
    /// thread; it blocks as long as files are read.
    void reload();

    /// The same with other options, which are those of the next `reload()`.
    void reload(tls_server_options options);

    [[nodiscard]] asio::awaitable<result<std::shared_ptr<net::stream>>> accept(
        std::shared_ptr<net::shard> on,
        std::shared_ptr<net::stream> plain,
        std::shared_ptr<net::stop_source> stop) override;

private:
    [[nodiscard]] std::shared_ptr<SSL_CTX> context() const;
    void replace(tls_server_options options);

    std::mutex reloading_;  ///< held while files are read
    tls_server_options options_;
    mutable std::mutex mutex_;  ///< held for the time of a copy
    std::shared_ptr<SSL_CTX> context_;
};

/// TLS for the option `tls` of clients; one serves any number of them, in any threads. Reads all
/// files now, and throws `std::system_error` for those that it cannot read or use.
///
/// A connection fails with an error of `tls_category()`: `tls_errc::wrong_host`, for example.
[[nodiscard]] std::shared_ptr<net::stream_layer> tls(tls_options const& options = {});

/// TLS for the option `tls` of servers. Reads all files now, and throws `std::system_error` for those
/// that it cannot read or use, and `std::invalid_argument` for what is no name of a host.
[[nodiscard]] std::shared_ptr<tls_server_layer> tls_server(tls_server_options options);

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

/// All that the server's contexts have in common.
[[nodiscard]] inline net::openssl_ptr<SSL_CTX> make_server_context(
    tls_server_options const& options) {
    auto made = net::make_tls_context(TLS_server_method());
    net::prefer_forward_secrecy(*made);
    net::use_tickets_only(*made, "socoro");
    net::choose_http(*made);
    // Whom the clients' certificates are checked with has nothing to do with our own chain.
    SSL_CTX_set_mode(made.get(), SSL_MODE_NO_AUTO_CHAIN);
    if (!options.client_ca_file.empty())
        net::trust_file(*made, options.client_ca_file);
    if (!options.client_ca.empty())
        net::trust_text(*made, options.client_ca, "the option client_ca");
    if (!options.client_ca_file.empty() || !options.client_ca.empty())
        SSL_CTX_set_verify(
            made.get(),
            options.client_certificate_required ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                                                : SSL_VERIFY_PEER,
            nullptr);
    return made;
}

/// A context of these options that presents the certificate of `who`, the server or a host.
template <typename Who>
[[nodiscard]] net::openssl_ptr<SSL_CTX> make_server_context(
    tls_server_options const& options,
    Who const& who) {
    auto made = make_server_context(options);
    net::present(*made, who.certificate_file, who.private_key_file, who.private_key_password);
    if (options.configure)
        options.configure(made.get());
    return made;
}

/// The context for clients of which no host is known yet.
[[nodiscard]] inline std::shared_ptr<SSL_CTX> make_server_contexts(
    tls_server_options const& options) {
    auto made = make_server_context(options, options);
    net::tls_hosts hosts;
    for (auto const& host : options.hosts)
        hosts.insert_or_assign(net::host_pattern(host.name), make_server_context(options, host));
    net::choose_host(*made, std::move(hosts));
    return made;
}

}  // namespace detail

inline tls_server_layer::tls_server_layer(tls_server_options options)
    : options_(std::move(options))
    , context_(detail::make_server_contexts(options_)) {}

inline void tls_server_layer::reload() {
    std::lock_guard const lock(reloading_);
    replace(options_);
}

inline void tls_server_layer::reload(tls_server_options options) {
    std::lock_guard const lock(reloading_);
    replace(std::move(options));
}

inline void tls_server_layer::replace(tls_server_options options) {
    auto made = detail::make_server_contexts(options);
    options_ = std::move(options);
    // What it was is destroyed when nobody waits for the lock any more.
    std::lock_guard const lock(mutex_);
    context_.swap(made);
}

inline std::shared_ptr<SSL_CTX> tls_server_layer::context() const {
    std::lock_guard const lock(mutex_);
    return context_;
}

inline asio::awaitable<result<std::shared_ptr<net::stream>>> tls_server_layer::accept(
    std::shared_ptr<net::shard> on,
    std::shared_ptr<net::stream> plain,
    std::shared_ptr<net::stop_source> stop) {
    auto session = net::open_session(*context());
    if (session)
        SSL_set_accept_state(session->get());
    return net::start_tls(std::move(on), std::move(plain), std::move(session), std::move(stop));
}

inline std::shared_ptr<net::stream_layer> tls(tls_options const& options) {
    return std::make_shared<detail::tls_client_layer>(options);
}

inline std::shared_ptr<tls_server_layer> tls_server(tls_server_options options) {
    return std::make_shared<tls_server_layer>(std::move(options));
}

}  // namespace socoro
