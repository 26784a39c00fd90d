// SPDX-License-Identifier: BSL-1.0
// What the TLS connections of one client or server have in common: which certificates they trust,
// which one they present, and the rules that are not for programs to choose.
#pragma once

#include <socoro/base/file.hpp>
#include <socoro/base/result.hpp>
#include <socoro/net/asio.hpp>
#include <socoro/net/openssl.hpp>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <string>
#include <string_view>
#include <system_error>

namespace socoro::net {

/// A context without certificates: TLS 1.2 at least, nothing compressed or negotiated twice, and
/// idle connections hold no buffers. `method` says which role.
[[nodiscard]] openssl_ptr<SSL_CTX> make_tls_context(SSL_METHOD const* method);

/// Trusts the certificates of the system, or those that OpenSSL's variables of the environment name.
void trust_system(SSL_CTX& context);

/// Trusts the certificates in a text (PEM); a server tells its clients that it does. `source` names
/// the text for an exception. Throws `std::system_error`, as do the others here.
void trust_text(SSL_CTX& context, std::string_view pem, std::string const& source);

/// Trusts the certificates in a file (PEM).
void trust_file(SSL_CTX& context, std::string const& file);

/// Trusts the certificates in a directory, where `openssl rehash` has been.
void trust_directory(SSL_CTX& context, std::string const& directory);

/// Presents the certificate in a file (PEM, with those between it and the root), whose private key
/// is in another file, or in the same if that is empty.
void present(
    SSL_CTX& context,
    std::string const& certificate_file,
    std::string const& private_key_file,
    std::string const& password);

/// Leaves a server those ciphers of TLS 1.2 that say nothing of the past to who has its key, and
/// that have never been broken. All of TLS 1.3 are so.
void prefer_forward_secrecy(SSL_CTX& context);

/// A server that remembers no client: those who come back bring all there is to know, encrypted.
/// `purpose` tells its tickets from those of others who have the same keys.
void use_tickets_only(SSL_CTX& context, std::string_view purpose);

/// The beginning of one connection; it has no role yet.
[[nodiscard]] result<openssl_ptr<SSL>> open_session(SSL_CTX& context);

/// Demands that the peer's certificate be for this host: a name or an IP address.
[[nodiscard]] std::error_code expect_host(SSL& session, std::string const& host);

/// Tells the peer which of its names it was reached by; says nothing for an IP address.
[[nodiscard]] std::error_code announce_host(SSL& session, std::string const& host);

namespace detail {

[[noreturn]] inline void throw_openssl_error(std::string const& what) {
    throw std::system_error(take_openssl_error(), what);
}

/// The bytes of an IP address, of which there are none if the host is a name.
[[nodiscard]] inline std::string address_of(std::string const& host) {
    auto const text_of = [](auto const& bytes) { return std::string(bytes.begin(), bytes.end()); };
    std::error_code no_address;
    auto const address = asio::ip::make_address(host, no_address);
    if (no_address)
        return {};
    return address.is_v4() ? text_of(address.to_v4().to_bytes())
                           : text_of(address.to_v6().to_bytes());
}

/// In certificates and in TLS, names have no dot at their end.
[[nodiscard]] inline std::string without_last_dot(std::string host) {
    if (host.ends_with('.'))
        host.pop_back();
    return host;
}

/// OpenSSL asks for the password of a private key; without this it would ask the terminal.
inline int give_password(char* into, int size, int /*writing*/, void* password) noexcept {
    auto const* const text = static_cast<std::string const*>(password);
    if (!text || text->size() > static_cast<std::size_t>(size))
        return -1;
    std::copy(text->begin(), text->end(), into);
    return static_cast<int>(text->size());
}

}  // namespace detail

inline openssl_ptr<SSL_CTX> make_tls_context(SSL_METHOD const* method) {
    ERR_clear_error();
    openssl_ptr<SSL_CTX> made(SSL_CTX_new(method));
    if (!made || SSL_CTX_set_min_proto_version(made.get(), TLS1_2_VERSION) != 1)
        detail::throw_openssl_error("no TLS");
    SSL_CTX_set_options(made.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(made.get(), SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_default_passwd_cb(made.get(), detail::give_password);
    return made;
}

inline void trust_system(SSL_CTX& context) {
    ERR_clear_error();
    if (SSL_CTX_set_default_verify_paths(&context) != 1)
        detail::throw_openssl_error("cannot read the certificates of the system");
}

inline void trust_text(SSL_CTX& context, std::string_view pem, std::string const& source) {
    ERR_clear_error();
    openssl_ptr<BIO> const text(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    auto* const store = SSL_CTX_get_cert_store(&context);
    auto const next = [&] {
        return openssl_ptr<X509>(
            PEM_read_bio_X509_AUX(text.get(), nullptr, detail::give_password, nullptr));
    };
    bool any = false;
    for (auto certificate = next(); certificate; certificate = next(), any = true)
        if (X509_STORE_add_cert(store, certificate.get()) != 1 ||
            SSL_CTX_add_client_CA(&context, certificate.get()) != 1)
            detail::throw_openssl_error("cannot use a certificate of " + source);
    // The end of the text is an error, too.
    auto const at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    if (!any || !at_end)
        detail::throw_openssl_error("cannot read the certificates of " + source);
    ERR_clear_error();
}

inline void trust_file(SSL_CTX& context, std::string const& file) {
    errno = 0;
    auto const text = read_file(file);
    if (!text)
        throw std::system_error(
            errno ? errno : EIO,
            std::generic_category(),
            "cannot read " + file);
    trust_text(context, *text, file);
}

inline void trust_directory(SSL_CTX& context, std::string const& directory) {
    ERR_clear_error();
    std::error_code ec;
    if (!std::filesystem::is_directory(directory, ec))
        throw std::system_error(
            ec ? ec : std::make_error_code(std::errc::not_a_directory),
            "cannot read " + directory);
    if (SSL_CTX_load_verify_locations(&context, nullptr, directory.c_str()) != 1)
        detail::throw_openssl_error("cannot read " + directory);
}

inline void present(
    SSL_CTX& context,
    std::string const& certificate_file,
    std::string const& private_key_file,
    std::string const& password) {
    auto const& key_file = private_key_file.empty() ? certificate_file : private_key_file;
    ERR_clear_error();
    if (SSL_CTX_use_certificate_chain_file(&context, certificate_file.c_str()) != 1)
        detail::throw_openssl_error("cannot read the certificate " + certificate_file);
    auto given = password;
    SSL_CTX_set_default_passwd_cb_userdata(&context, &given);
    auto const read = SSL_CTX_use_PrivateKey_file(&context, key_file.c_str(), SSL_FILETYPE_PEM);
    SSL_CTX_set_default_passwd_cb_userdata(&context, nullptr);
    if (read != 1)
        detail::throw_openssl_error("cannot read the private key " + key_file);
    if (SSL_CTX_check_private_key(&context) != 1)
        detail::throw_openssl_error("the private key is not of " + certificate_file);
}

inline void prefer_forward_secrecy(SSL_CTX& context) {
    ERR_clear_error();
    if (SSL_CTX_set_cipher_list(&context, "ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        detail::throw_openssl_error("no ciphers");
}

inline void use_tickets_only(SSL_CTX& context, std::string_view purpose) {
    SSL_CTX_set_session_cache_mode(&context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_session_id_context(
        &context,
        reinterpret_cast<unsigned char const*>(purpose.data()),
        static_cast<unsigned>(purpose.size()));
}

inline result<openssl_ptr<SSL>> open_session(SSL_CTX& context) {
    ERR_clear_error();
    openssl_ptr<SSL> made(SSL_new(&context));
    if (!made)
        return take_openssl_error();
    return made;
}

inline std::error_code expect_host(SSL& session, std::string const& host) {
    auto const name = detail::without_last_dot(host);
    // OpenSSL takes no name as any name, and one with a dot in front as all names below it.
    if (name.empty() || name.starts_with('.'))
        return std::make_error_code(std::errc::invalid_argument);
    ERR_clear_error();
    auto* const rules = SSL_get0_param(&session);
    X509_VERIFY_PARAM_set_hostflags(rules, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    auto const address = detail::address_of(name);
    auto const* const bytes = reinterpret_cast<unsigned char const*>(address.data());
    auto const set = address.empty() ? X509_VERIFY_PARAM_set1_host(rules, name.data(), name.size())
                                     : X509_VERIFY_PARAM_set1_ip(rules, bytes, address.size());
    return set == 1 ? std::error_code() : take_openssl_error();
}

inline std::error_code announce_host(SSL& session, std::string const& host) {
    auto const name = detail::without_last_dot(host);
    if (name.empty() || !detail::address_of(name).empty())
        return {};
    ERR_clear_error();
    auto const set = SSL_set_tlsext_host_name(&session, name.c_str());
    return set == 1 ? std::error_code() : take_openssl_error();
}

}  // namespace socoro::net
