// SPDX-License-Identifier: BSL-1.0
// What programs are shown of a certificate; whoever needs more of it has its bytes.
#pragma once

#include <string>

namespace socoro::net {

/// A certificate (X.509) that was verified.
struct certificate {
    /// Its distinguished name, as RFC 2253 writes it: `CN=Ann,O=Example`. Nothing in it breaks a line.
    std::string subject;
    /// The SHA-256 of all of it, as `openssl x509 -fingerprint -sha256` prints it: `0A:1B:...`
    std::string fingerprint;
    /// All of it, in DER.
    std::string der;
};

}  // namespace socoro::net
