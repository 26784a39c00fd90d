// SPDX-License-Identifier: BSL-1.0
// The payload of a close frame (RFC 6455 sections 5.5.1 and 7.4): a status code and a reason.
// When to close, and how long to wait for the answer, is the transport's decision.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/base/utf8.hpp>
#include <socoro/ws/frame.hpp>

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>

namespace socoro::ws {

/// Why a connection is closed: the registered codes (section 7.4.1 and IANA's registry).
/// 3000 to 3999 are for libraries and 4000 to 4999 for applications; they have no names here.
enum class close_code : std::uint16_t {
    normal = 1000,
    going_away = 1001,
    protocol_error = 1002,
    unsupported_data = 1003,
    no_status = 1005,  ///< never sent: stands for a close frame without a code
    abnormal = 1006,   ///< never sent: stands for a connection that ended without a close frame
    invalid_payload = 1007,
    policy_violation = 1008,
    message_too_big = 1009,
    mandatory_extension = 1010,
    internal_error = 1011,
    service_restart = 1012,
    try_again_later = 1013,
    bad_gateway = 1014,
    tls_failure = 1015,  ///< never sent: stands for a failed TLS handshake
};

/// What a close frame says.
struct close_status {
    close_code code = close_code::no_status;
    std::string reason;

    [[nodiscard]] friend bool operator==(close_status const&, close_status const&) = default;
};

/// The longest reason beside a code, in bytes.
inline constexpr std::size_t max_reason_size = max_control_size - sizeof(std::uint16_t);

/// Whether a close frame may carry the code: not those that only stand for something, nor those
/// nobody has defined.
[[nodiscard]] constexpr bool is_valid_on_wire(close_code code) noexcept;

/// The payload of a close frame; that of `no_status` is empty. Throws `std::invalid_argument` for
/// a code that may not be sent, and for a reason over 123 bytes, not UTF-8, or without a code.
[[nodiscard]] std::string encode_close(close_code code, std::string_view reason = {});

/// Decodes the payload of a close frame; empty means `no_status`. Errors: `ws_bad_close_code` for
/// a single byte or a forbidden code, `ws_bad_utf8` for the reason.
[[nodiscard]] result<close_status> decode_close(std::string_view payload);

/// The code to close with after a reader's error; `internal_error` for errors of other origin.
[[nodiscard]] close_code close_code_for(std::error_code const& error) noexcept;

constexpr bool is_valid_on_wire(close_code code) noexcept {
    auto const number = static_cast<std::uint16_t>(code);
    return (number >= 1000 && number <= 1003) || (number >= 1007 && number <= 1014) ||
           (number >= 3000 && number <= 4999);
}

inline std::string encode_close(close_code code, std::string_view reason) {
    if (code == close_code::no_status && reason.empty())
        return {};
    if (!is_valid_on_wire(code))
        throw std::invalid_argument("this WebSocket close code cannot be sent");
    if (reason.size() > max_reason_size || (!reason.empty() && !is_utf8(reason)))
        throw std::invalid_argument("a WebSocket close reason is UTF-8 of 123 bytes at most");
    std::string payload;
    payload.reserve(sizeof(std::uint16_t) + reason.size());
    detail::append_big_endian(payload, static_cast<std::uint16_t>(code), sizeof(std::uint16_t));
    payload.append(reason);
    return payload;
}

inline result<close_status> decode_close(std::string_view payload) {
    if (payload.empty())
        return close_status{};
    if (payload.size() < sizeof(std::uint16_t))
        return errc::ws_bad_close_code;
    auto const high = static_cast<std::uint8_t>(payload[0]);
    auto const low = static_cast<std::uint8_t>(payload[1]);
    auto const code = static_cast<close_code>(high << 8U | low);
    if (!is_valid_on_wire(code))
        return errc::ws_bad_close_code;
    auto const reason = payload.substr(sizeof(std::uint16_t));
    if (!reason.empty() && !is_utf8(reason))
        return errc::ws_bad_utf8;
    return close_status{code, std::string(reason)};
}

inline close_code close_code_for(std::error_code const& error) noexcept {
    if (error.category() != errc_category())
        return close_code::internal_error;
    switch (static_cast<errc>(error.value())) {
    case errc::ws_bad_utf8:
    case errc::ws_bad_compression: return close_code::invalid_payload;
    case errc::ws_message_too_large: return close_code::message_too_big;
    case errc::ws_too_many_fragments: return close_code::policy_violation;
    case errc::ws_reserved_bits:
    case errc::ws_bad_opcode:
    case errc::ws_bad_mask:
    case errc::ws_bad_length:
    case errc::ws_bad_control_frame:
    case errc::ws_bad_continuation:
    case errc::ws_bad_close_code: return close_code::protocol_error;
    default: return close_code::internal_error;
    }
}

}  // namespace socoro::ws
