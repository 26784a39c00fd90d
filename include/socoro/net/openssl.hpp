// SPDX-License-Identifier: BSL-1.0
// The one header that includes OpenSSL, 1.1.1 or newer: what owns its objects, and its errors as
// `std::error_code`. `socoro.hpp` does not bring it; programs that include it link libssl and
// libcrypto.
#pragma once

#include <socoro/base/config.hpp>
#include <socoro/net/certificate.hpp>
#include <socoro/net/stream.hpp>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace socoro::net {

/// Frees what OpenSSL made.
struct openssl_deleter {
    void operator()(BIO* owned) const noexcept { BIO_free_all(owned); }
    void operator()(SSL* owned) const noexcept { SSL_free(owned); }
    void operator()(SSL_CTX* owned) const noexcept { SSL_CTX_free(owned); }
    void operator()(X509* owned) const noexcept { X509_free(owned); }
};

/// An object of OpenSSL with one owner.
template <typename T>
using openssl_ptr = std::unique_ptr<T, openssl_deleter>;

/// What can be wrong with TLS, where it is worth a name; the numbers of certificates are OpenSSL's.
enum class tls_errc {
    certificate_expired = X509_V_ERR_CERT_HAS_EXPIRED,
    self_signed = X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT,  ///< and not among those we trust
    unknown_issuer = X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY,  ///< signed by nobody we trust
    wrong_host = X509_V_ERR_HOSTNAME_MISMATCH,       ///< a certificate of another host
    wrong_address = X509_V_ERR_IP_ADDRESS_MISMATCH,  ///< a certificate of another IP address
    truncated = 1000,  ///< the connection ended without the peer's word that nothing follows
};

/// The category of all errors of TLS: of `tls_errc`, of certificates (below 1000, OpenSSL's
/// `X509_V_ERR_*`), and the packed errors of OpenSSL. Messages may be asked for by any thread.
[[nodiscard]] std::error_category const& tls_category() noexcept;

[[nodiscard]] inline std::error_code make_error_code(tls_errc e) noexcept {
    return {static_cast<int>(e), tls_category()};
}

/// What there is to say about a certificate.
[[nodiscard]] std::shared_ptr<certificate const> certificate_of(X509& what);

/// The first thing that OpenSSL noted in this thread since its last success; all is forgotten.
[[nodiscard]] std::error_code take_openssl_error() noexcept;

}  // namespace socoro::net

template <>
struct std::is_error_code_enum<socoro::net::tls_errc> : std::true_type {};

namespace socoro::net {
namespace detail {

class tls_category_impl final : public std::error_category {
public:
    [[nodiscard]] char const* name() const noexcept override { return "tls"; }
    [[nodiscard]] std::string message(int code) const override {
        if (code == static_cast<int>(tls_errc::truncated))
            return "TLS: the connection ended without the end of what was sent";
        if (code > 0 && code < static_cast<int>(tls_errc::truncated))
            return std::string("certificate verify failed (") +
                   X509_verify_cert_error_string(code) + ")";
        auto const* const reason = ERR_reason_error_string(static_cast<unsigned int>(code));
        return std::string("TLS: ") + (reason ? reason : "unknown error");
    }
    [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override {
        return code == static_cast<int>(tls_errc::truncated) ? end_of_stream()
                                                             : std::error_condition(code, *this);
    }
};

/// What a function of OpenSSL writes.
template <typename Write>
[[nodiscard]] std::string written_by(Write write) {
    openssl_ptr<BIO> const text(BIO_new(BIO_s_mem()));
    write(text.get());
    char* bytes = nullptr;
    auto const size = BIO_get_mem_data(text.get(), &bytes);
    return {bytes, static_cast<std::size_t>(std::max(size, 0L))};
}

}  // namespace detail

inline std::shared_ptr<certificate const> certificate_of(X509& what) {
    auto made = std::make_shared<certificate>();
    made->subject = detail::written_by([&](BIO* to) {
        auto const readable = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
        X509_NAME_print_ex(to, X509_get_subject_name(&what), 0, readable);
    });
    made->der = detail::written_by([&](BIO* to) { i2d_X509_bio(to, &what); });
    std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
    unsigned int size = 0;
    X509_digest(&what, EVP_sha256(), hash.data(), &size);
    static constexpr std::string_view digits = "0123456789ABCDEF";
    for (unsigned int i = 0; i < size; ++i) {
        made->fingerprint += i > 0 ? ":" : "";
        made->fingerprint += digits[hash[i] >> 4U];
        made->fingerprint += digits[hash[i] & 15U];
    }
    return made;
}

inline std::error_category const& tls_category() noexcept {
    static detail::tls_category_impl const category;
    return category;
}

inline std::error_code take_openssl_error() noexcept {
    auto const first = ERR_get_error();
    ERR_clear_error();
    if (first == 0)
        return std::make_error_code(std::errc::protocol_error);
    if (ERR_GET_LIB(first) == ERR_LIB_SYS)
        return {ERR_GET_REASON(first), std::generic_category()};
    return {static_cast<int>(first), tls_category()};
}

}  // namespace socoro::net
