// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/base64.hpp>
#include <socoro/base/sha1.hpp>

#include <doctest/doctest.h>

TEST_CASE("base/sha1: computes the accept key of RFC 6455 section 1.3") {
    CHECK(
        socoro::base64::encode(
            socoro::sha1("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) ==
        "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}
