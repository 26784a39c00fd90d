// SPDX-License-Identifier: BSL-1.0
#include <socoro/tls.hpp>

#include "tls.hpp"

std::shared_ptr<socoro::net::server_layer> example::tls(
    std::string const& certificate_file,
    std::string const& private_key_file) {
    if (certificate_file.empty())
        return nullptr;
    socoro::tls_server_options options;
    options.certificate_file = certificate_file;
    options.private_key_file = private_key_file;
    return socoro::tls_server(options);
}
