// SPDX-License-Identifier: BSL-1.0
#include "tls.hpp"

#include <stdexcept>

std::shared_ptr<socoro::net::server_layer> example::tls(
    std::string const& certificate_file,
    std::string const& /*private_key_file*/) {
    if (!certificate_file.empty())
        throw std::runtime_error("this program was built without OpenSSL, and speaks no TLS");
    return nullptr;
}
