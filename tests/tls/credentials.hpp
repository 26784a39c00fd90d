// SPDX-License-Identifier: BSL-1.0
// Certificates that live as long as a test: an authority, and whom it vouches for.
#pragma once

#include <socoro/net/openssl.hpp>

#include <doctest/doctest.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <utility>

namespace test {

using key_ptr = std::shared_ptr<EVP_PKEY>;
using certificate_ptr = std::shared_ptr<X509>;

/// What a certificate says.
struct claims {
    std::string name = "localhost";
    /// In OpenSSL's words; none if empty.
    std::string hosts = "DNS:localhost, IP:127.0.0.1, IP:::1";
    bool authority = false;
    bool expired = false;
};

[[nodiscard]] inline key_ptr make_key() {
    std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> const maker(
        EVP_PKEY_CTX_new_id(EVP_PKEY_ED25519, nullptr),
        EVP_PKEY_CTX_free);
    EVP_PKEY* made = nullptr;
    REQUIRE(EVP_PKEY_keygen_init(maker.get()) == 1);
    REQUIRE(EVP_PKEY_keygen(maker.get(), &made) == 1);
    return {made, EVP_PKEY_free};
}

/// A certificate and its private key.
struct identity {
    key_ptr key = make_key();
    certificate_ptr certificate{X509_new(), X509_free};

    /// Signed by `issuer`, or by itself.
    explicit identity(claims const& what, identity const* issuer = nullptr) {
        constexpr long day = 24 * 60 * 60;
        auto* const made = certificate.get();
        X509_set_version(made, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(made), ++serial());
        X509_gmtime_adj(X509_getm_notBefore(made), -2 * day);
        X509_gmtime_adj(X509_getm_notAfter(made), what.expired ? -day : day);
        X509_set_pubkey(made, key.get());
        auto* const subject = X509_get_subject_name(made);
        auto const* const text = reinterpret_cast<unsigned char const*>(what.name.c_str());
        X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, text, -1, -1, 0);
        auto const& signer = issuer ? *issuer : *this;
        X509_set_issuer_name(made, X509_get_subject_name(signer.certificate.get()));
        add(NID_basic_constraints, what.authority ? "critical, CA:TRUE" : "CA:FALSE");
        if (!what.hosts.empty())
            add(NID_subject_alt_name, what.hosts);
        REQUIRE(X509_sign(made, signer.key.get(), nullptr) > 0);
    }

    [[nodiscard]] std::string certificate_text() const {
        return text_of([&](BIO* to) { return PEM_write_bio_X509(to, certificate.get()); });
    }
    [[nodiscard]] std::string key_text(std::string password = {}) const {
        auto const* const cipher = password.empty() ? nullptr : EVP_aes_256_cbc();
        auto const size = static_cast<int>(password.size());
        return text_of([&](BIO* to) {
            return PEM_write_bio_PKCS8PrivateKey(
                to,
                key.get(),
                cipher,
                cipher ? password.data() : nullptr,
                size,
                nullptr,
                nullptr);
        });
    }

private:
    static long& serial() {
        static long last = 0;
        return last;
    }

    void add(int kind, std::string const& value) const {
        X509V3_CTX context{};
        X509V3_set_ctx(&context, certificate.get(), certificate.get(), nullptr, nullptr, 0);
        auto* const made = X509V3_EXT_conf_nid(nullptr, &context, kind, value.c_str());
        REQUIRE(made != nullptr);
        X509_add_ext(certificate.get(), made, -1);
        X509_EXTENSION_free(made);
    }

    template <typename Write>
    static std::string text_of(Write write) {
        socoro::net::openssl_ptr<BIO> const text(BIO_new(BIO_s_mem()));
        REQUIRE(write(text.get()) == 1);
        char* bytes = nullptr;
        auto const size = BIO_get_mem_data(text.get(), &bytes);
        return {bytes, static_cast<std::size_t>(size)};
    }
};

/// A folder of its own that is gone at the end.
struct folder {
    std::filesystem::path path;

    folder() {
        std::string name = std::filesystem::temp_directory_path() / "socoro-tls-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path = name;
    }
    folder(folder const&) = delete;
    folder& operator=(folder const&) = delete;
    ~folder() { std::filesystem::remove_all(path); }

    /// Where the text is then.
    [[nodiscard]] std::string write(std::string const& file, std::string const& text) const {
        std::ofstream(path / file, std::ios::binary) << text;
        return path / file;
    }
};

/// An authority, and everybody of whom these tests speak. Made once: it is not changed.
struct credentials {
    identity authority{claims{"Test Authority", "", true}};
    identity stranger{claims{"Another Authority", "", true}};
    identity server{claims{}, &authority};
    identity expired{claims{.expired = true}, &authority};
    identity elsewhere{claims{"example.org", "DNS:example.org, DNS:*.example.net"}, &authority};
    identity alone{claims{}};
    /// Vouched for by somebody whom the authority vouches for.
    identity between{claims{"Authority between", "", true}, &authority};
    identity behind{claims{}, &between};
    identity client{claims{"somebody", ""}, &authority};
    identity strange_client{claims{"nobody", ""}, &stranger};
    folder files;

    [[nodiscard]] std::string ca() const { return authority.certificate_text(); }

    /// A file with certificate and key, and with who vouches for it, if that is no authority. It is
    /// written once, so that threads may share it.
    [[nodiscard]] std::string file_of(identity const& who, identity const* issuer = nullptr) const {
        auto const serial = ASN1_INTEGER_get(X509_get_serialNumber(who.certificate.get()));
        auto const name = std::to_string(serial) + (issuer ? "-chain.pem" : ".pem");
        auto const text = who.certificate_text() + who.key_text();
        return std::filesystem::exists(files.path / name)
                   ? std::string(files.path / name)
                   : files.write(name, text + (issuer ? issuer->certificate_text() : ""));
    }

    static credentials const& get() {
        static credentials const made;
        return made;
    }
};

}  // namespace test
