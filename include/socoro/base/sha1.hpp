// SPDX-License-Identifier: BSL-1.0
// SHA-1, for the WebSocket handshake alone (RFC 6455 section 4.2.2); it protects nothing.
#pragma once

#include <socoro/base/config.hpp>

#include <boost/beast/core/detail/sha1.hpp>

#include <string>
#include <string_view>

namespace socoro {

/// The 20 bytes of the digest.
[[nodiscard]] inline std::string sha1(std::string_view bytes) {
    boost::beast::detail::sha1_context context;
    boost::beast::detail::init(context);
    boost::beast::detail::update(context, bytes.data(), bytes.size());
    std::string digest(boost::beast::detail::sha1_context::digest_size, '\0');
    boost::beast::detail::finish(context, digest.data());
    return digest;
}

}  // namespace socoro
