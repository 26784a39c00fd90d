// SPDX-License-Identifier: BSL-1.0
// What a server decides in the middle of a TLS handshake: which of its certificates it presents (by
// the name that the client asks for, RFC 6066 section 3), and which protocol follows (RFC 7301).
#pragma once

#include <socoro/net/openssl.hpp>

#include <functional>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace socoro::net {

/// Contexts by the names of the hosts they are for, each as `host_pattern` gives it.
using tls_hosts = std::map<std::string, openssl_ptr<SSL_CTX>, std::less<>>;

/// The name of a host, or of all hosts one label below another (`*.example.com`), in small letters
/// and without a dot at its end. Throws `std::invalid_argument` for what no client can ask for: an
/// IP address, letters outside ASCII, or a star elsewhere.
[[nodiscard]] std::string host_pattern(std::string_view name);

/// The context for the host that a client asks for; null if there is none.
[[nodiscard]] SSL_CTX* find_host(tls_hosts const& hosts, std::string_view asked);

/// Presents the certificate of the host that a client asks for; that of `context` to the others.
/// The hosts live as long as `context`, which they must not hold.
void choose_host(SSL_CTX& context, tls_hosts hosts);

/// Agrees on HTTP/1.1 with clients that offer it, refuses those that offer only others, and leaves
/// it at that for those who offer nothing.
void choose_http(SSL_CTX& context);

namespace detail {

[[nodiscard]] inline std::string lower(std::string_view name) {
    std::string made(name);
    for (auto& c : made)
        if (c >= 'A' && c <= 'Z')
            c = static_cast<char>(c - 'A' + 'a');
    return made;
}

/// Where a context keeps its hosts, so that they go with it.
[[nodiscard]] inline int hosts_index() {
    static int const index = SSL_CTX_get_ex_new_index(
        0,
        nullptr,
        nullptr,
        nullptr,
        [](void*, void* hosts, CRYPTO_EX_DATA*, int, long, void*) {
            delete static_cast<tls_hosts*>(hosts);
        });
    return index;
}

/// A client that asks for another name gets the certificate that there is, and decides itself whether
/// that will do.
inline int on_server_name(SSL* session, int* /*alert*/, void* hosts) noexcept {
    auto const* const asked = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
    auto* const found = asked ? find_host(*static_cast<tls_hosts const*>(hosts), asked) : nullptr;
    if (!found)
        return SSL_TLSEXT_ERR_NOACK;
    return SSL_set_SSL_CTX(session, found) ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

inline int on_protocols(
    SSL* /*session*/,
    unsigned char const** chosen,
    unsigned char* chosen_size,
    unsigned char const* offered,
    unsigned int offered_size,
    void* /*nothing*/) noexcept {
    static constexpr std::string_view http = "http/1.1";
    // Names, each behind its length, that OpenSSL has checked.
    for (unsigned int at = 0; at < offered_size; at += 1U + offered[at]) {
        std::string_view const name(reinterpret_cast<char const*>(offered + at + 1), offered[at]);
        if (name != http)
            continue;
        *chosen = offered + at + 1;
        *chosen_size = offered[at];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

}  // namespace detail

inline std::string host_pattern(std::string_view name) {
    auto made = detail::lower(name);
    if (made.ends_with('.'))
        made.pop_back();
    std::string_view rest = made;
    if (rest.starts_with("*."))
        rest.remove_prefix(2);
    auto const last = rest.substr(rest.rfind('.') + 1);
    bool const is_number = last.find_first_not_of("0123456789") == std::string_view::npos;
    bool const is_name = rest.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-_.") ==
                             std::string_view::npos &&
                         !rest.starts_with('.') && rest.find("..") == std::string_view::npos;
    if (is_number || !is_name)
        throw std::invalid_argument(
            "socoro: no name of a host for TLS: \"" + std::string(name) + '"');
    return made;
}

inline SSL_CTX* find_host(tls_hosts const& hosts, std::string_view asked) {
    auto name = detail::lower(asked);
    if (name.ends_with('.'))
        name.pop_back();
    // A star is no name that anybody can ask for.
    if (name.find('*') != std::string::npos)
        return nullptr;
    if (auto const exact = hosts.find(name); exact != hosts.end())
        return exact->second.get();
    auto const dot = name.find('.');
    if (dot == std::string::npos || dot == 0)
        return nullptr;
    auto const wildcard = hosts.find(name.replace(0, dot, "*"));
    return wildcard == hosts.end() ? nullptr : wildcard->second.get();
}

inline void choose_host(SSL_CTX& context, tls_hosts hosts) {
    if (hosts.empty())
        return;
    auto kept = std::make_unique<tls_hosts>(std::move(hosts));
    SSL_CTX_set_tlsext_servername_callback(&context, detail::on_server_name);
    SSL_CTX_set_tlsext_servername_arg(&context, kept.get());
    if (SSL_CTX_set_ex_data(&context, detail::hosts_index(), kept.get()) != 1)
        throw std::bad_alloc();
    std::ignore = kept.release();
}

inline void choose_http(SSL_CTX& context) {
    SSL_CTX_set_alpn_select_cb(&context, detail::on_protocols, nullptr);
}

}  // namespace socoro::net
