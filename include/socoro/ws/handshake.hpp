// SPDX-License-Identifier: BSL-1.0
// The opening handshake (RFC 6455 section 4) on plain header values: what makes a request or an
// answer acceptable. HTTP itself, the Origin policy and status codes are not its concern.
#pragma once

#include <socoro/base/base64.hpp>
#include <socoro/base/error.hpp>
#include <socoro/base/random.hpp>
#include <socoro/base/sha1.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>

namespace socoro::ws {

/// The version of the protocol, as `Sec-WebSocket-Version` spells it.
inline constexpr std::string_view protocol_version = "13";

/// What a server needs to know of an upgrade request; a header that is absent is empty.
struct upgrade_request {
    std::string_view method;
    unsigned http_version = 0;    ///< 11 stands for HTTP/1.1
    std::string_view upgrade;     ///< `Upgrade`
    std::string_view connection;  ///< `Connection`
    std::string_view key;         ///< `Sec-WebSocket-Key`
    std::string_view version;     ///< `Sec-WebSocket-Version`
};

/// What a client needs to know of the answer; a header that is absent is empty.
struct upgrade_response {
    unsigned status = 0;
    std::string_view upgrade;     ///< `Upgrade`
    std::string_view connection;  ///< `Connection`
    std::string_view accept;      ///< `Sec-WebSocket-Accept`
    std::string_view protocol;    ///< `Sec-WebSocket-Protocol`
    std::string_view extensions;  ///< `Sec-WebSocket-Extensions`, less what was negotiated
};

/// The value of `Sec-WebSocket-Accept` that answers `key` (section 4.2.2).
[[nodiscard]] std::string accept_key(std::string_view key);

/// A value for `Sec-WebSocket-Key`: 16 bytes of the operating system's generator in base64.
[[nodiscard]] std::string make_key();

/// Checks the request as a server (section 4.2.1): no error, `ws_unsupported_version` if only the
/// version is wrong (the answer names ours), or `ws_bad_handshake`.
[[nodiscard]] std::error_code check(upgrade_request const& request) noexcept;

/// Checks the answer to the request with `key` as a client (section 4.1): no error or
/// `ws_bad_handshake`. `offered` are the subprotocols the request named, as a comma list; an
/// answer that picks another, or brings any extension, is refused.
[[nodiscard]] std::error_code check_response(
    upgrade_response const& response,
    std::string_view key,
    std::string_view offered = {});

namespace detail {

/// Section 1.3: what turns a key into its accept value.
inline constexpr std::string_view accept_guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Characters of a key without its padding: 16 bytes in base64.
inline constexpr std::size_t key_digits = 22;

// Both for ASCII alone: the locale has no say in a protocol.
[[nodiscard]] constexpr char lower(char c) noexcept {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

[[nodiscard]] constexpr bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return lower(x) == lower(y);
    });
}

[[nodiscard]] constexpr std::string_view trim(std::string_view text) noexcept {
    constexpr std::string_view blank = " \t";
    auto const first = text.find_first_not_of(blank);
    if (first == std::string_view::npos)
        return {};
    return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

/// Whether an element of the comma list satisfies `matches`; each character is seen once.
template <typename Predicate>
[[nodiscard]] constexpr bool any_element(std::string_view list, Predicate matches) {
    for (;;) {
        auto const comma = list.find(',');
        if (matches(trim(list.substr(0, comma))))
            return true;
        if (comma == std::string_view::npos)
            return false;
        list.remove_prefix(comma + 1);
    }
}

[[nodiscard]] constexpr bool has_token(std::string_view list, std::string_view token) noexcept {
    return any_element(list, [&](std::string_view element) {
        return equal_ignoring_case(element, token);
    });
}

[[nodiscard]] constexpr bool is_base64_digit(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

[[nodiscard]] constexpr bool is_key(std::string_view key) noexcept {
    return key.size() == key_digits + 2 && key.ends_with("==") &&
           std::all_of(key.begin(), key.begin() + key_digits, is_base64_digit);
}

}  // namespace detail

inline std::string accept_key(std::string_view key) {
    return base64::encode(sha1(std::string(key).append(detail::accept_guid)));
}

inline std::string make_key() {
    return base64::encode(random_bytes(16));
}

inline std::error_code check(upgrade_request const& request) noexcept {
    if (request.method != "GET" || request.http_version < 11 ||
        !detail::has_token(request.upgrade, "websocket") ||
        !detail::has_token(request.connection, "upgrade"))
        return errc::ws_bad_handshake;
    // Before the key: another version may have another idea of it.
    if (request.version != protocol_version)
        return errc::ws_unsupported_version;
    if (!detail::is_key(request.key))
        return errc::ws_bad_handshake;
    return {};
}

inline std::error_code
check_response(upgrade_response const& response, std::string_view key, std::string_view offered) {
    bool const upgraded =
        response.status == 101 && detail::equal_ignoring_case(response.upgrade, "websocket") &&
        detail::has_token(response.connection, "upgrade") && response.accept == accept_key(key);
    // Subprotocols are compared with their case (section 4.1, rule 6).
    bool const asked =
        response.protocol.empty() || detail::any_element(offered, [&](std::string_view element) {
            return element == response.protocol;
        });
    if (!upgraded || !asked || !response.extensions.empty())
        return errc::ws_bad_handshake;
    return {};
}

}  // namespace socoro::ws
