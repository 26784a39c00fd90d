// SPDX-License-Identifier: BSL-1.0
// Base64 (RFC 4648) as Engine.IO's polling transport and the WebSocket handshake use it.
// The codec is Boost.Beast's; this adds strings and the leniency of the reference's decoder.
#pragma once

#include <socoro/base/config.hpp>

#include <boost/beast/core/detail/base64.hpp>

#include <string>
#include <string_view>

namespace socoro::base64 {

/// Encodes with the standard alphabet and padding.
[[nodiscard]] inline std::string encode(std::string_view bytes) {
    namespace codec = boost::beast::detail::base64;
    std::string text(codec::encoded_size(bytes.size()), '\0');
    text.resize(codec::encode(text.data(), bytes.data(), bytes.size()));
    return text;
}

/// Encodes with the URL-safe alphabet (RFC 4648 section 5) and no padding: identifiers.
[[nodiscard]] inline std::string encode_url(std::string_view bytes) {
    std::string text = encode(bytes);
    while (!text.empty() && text.back() == '=')
        text.pop_back();
    for (char& c : text)
        c = c == '+' ? '-' : c == '/' ? '_' : c;
    return text;
}

/// Decodes leniently, as Node's `Buffer.from(text, 'base64')`: both alphabets are read, other
/// characters are passed over, the first `=` ends the text. Never fails.
[[nodiscard]] inline std::string decode(std::string_view text) {
    namespace codec = boost::beast::detail::base64;
    std::string clean;
    clean.reserve(text.size());
    for (char c : text) {
        if (c == '=')
            break;
        c = c == '-' ? '+' : c == '_' ? '/' : c;
        if (codec::get_inverse()[static_cast<unsigned char>(c)] >= 0)
            clean.push_back(c);
    }
    std::string bytes(codec::decoded_size(clean.size() + 3), '\0');
    bytes.resize(codec::decode(bytes.data(), clean.data(), clean.size()).first);
    return bytes;
}

}  // namespace socoro::base64
