// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/base64.hpp>

#include <doctest/doctest.h>

#include <string>

namespace base64 = socoro::base64;

TEST_CASE("base/base64: encodes the vectors of RFC 4648") {
    CHECK(base64::encode("") == "");
    CHECK(base64::encode("f") == "Zg==");
    CHECK(base64::encode("fo") == "Zm8=");
    CHECK(base64::encode("foobar") == "Zm9vYmFy");
}

TEST_CASE("base/base64: the URL-safe form has no padding and no reserved character") {
    CHECK(base64::encode_url("\xfb\xff\xfe") == "-__-");
    CHECK(base64::encode_url("f") == "Zg");
}

TEST_CASE("base/base64: every byte string comes back") {
    std::string bytes;
    for (int i = 0; i < 300; ++i) {
        CHECK(base64::decode(base64::encode(bytes)) == bytes);
        CHECK(base64::decode(base64::encode_url(bytes)) == bytes);
        bytes.push_back(static_cast<char>(i * 7));
    }
}

TEST_CASE("base/base64: decoding passes over what is no base64, as Node does") {
    CHECK(base64::decode("Zm 9v\nYmFy") == "foobar");
    CHECK(base64::decode("Zm9v=YmFy") == "foo");
    CHECK(base64::decode("Zg") == "f");
    CHECK(base64::decode("\xff\x80!") == "");
}
