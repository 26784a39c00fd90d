// SPDX-License-Identifier: BSL-1.0
// TLS for examples that are built with or without OpenSSL.
#pragma once

#include <socoro/net/server_layer.hpp>

#include <memory>
#include <string>

namespace example {

/// TLS with the certificate of a file and the key of another; null, which is plain HTTP, if there is
/// no certificate. Throws for files that are of no use, and for all of them without OpenSSL.
[[nodiscard]] std::shared_ptr<socoro::net::server_layer> tls(
    std::string const& certificate_file,
    std::string const& private_key_file);

}  // namespace example
