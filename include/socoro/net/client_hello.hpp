// SPDX-License-Identifier: BSL-1.0
// How long the first message of a TLS client is (RFC 8446 sections 4 and 5.1), which is all that we
// read of it ourselves: OpenSSL makes room for it as soon as it knows, of up to 131 kB.
#pragma once

#include <socoro/net/openssl.hpp>

#include <cstddef>
#include <string_view>
#include <system_error>

namespace socoro::net {

/// The longest that is let through, in bytes. With a ticket, a certificate in that and keys of any
/// kind, clients need a few thousand.
inline constexpr std::size_t longest_hello = 16'384;

namespace detail {

/// A record of this type, its version and length, and in it the type of a message and its length in
/// three bytes.
inline constexpr char handshake_record = 22;
inline constexpr std::size_t handshake_head = 9;

}  // namespace detail

/// Whether the first bytes of a client tell the length of its first message, or are no handshake.
[[nodiscard]] inline bool says_how_long(std::string_view first) noexcept {
    return first.size() >= detail::handshake_head ||
           (!first.empty() && first[0] != detail::handshake_record);
}

/// That length; 0 for what is no handshake. One that is cut within its head, as no client does it,
/// seems to be long.
[[nodiscard]] inline std::size_t announced(std::string_view first) noexcept {
    if (first[0] != detail::handshake_record)
        return 0;
    std::size_t length = 0;
    for (auto const byte : first.substr(detail::handshake_head - 3, 3))
        length = length << 8U | static_cast<unsigned char>(byte);
    return length;
}

/// What OpenSSL calls it.
[[nodiscard]] inline std::error_code excessive_message() {
    auto const code = ERR_PACK(ERR_LIB_SSL, 0, SSL_R_EXCESSIVE_MESSAGE_SIZE);
    return {static_cast<int>(code), tls_category()};
}

}  // namespace socoro::net
