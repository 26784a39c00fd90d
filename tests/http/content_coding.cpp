// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/content_coding.hpp>

#include <doctest/doctest.h>

#include <string>
#include <string_view>
#include <utility>

using socoro::http::preferred_coding;

namespace {

std::string chosen(std::string_view accepted) {
    return std::string(name_of(preferred_coding(accepted)));
}

}  // namespace

TEST_CASE("http/content_coding: chooses as the reference does") {
    // Observed, with `negotiator` 0.6.
    for (auto [accepted, coding] :
         {std::pair("", "identity"),
          {"gzip", "gzip"},
          {"deflate", "deflate"},
          {"gzip, deflate", "gzip"},
          {"deflate, gzip", "deflate"},
          {"gzip;q=0", "identity"},
          {"*", "gzip"},
          {"identity;q=1, gzip;q=0.1", "gzip"},
          {"*;q=0", "identity"},
          {"gzip;q=0, *", "deflate"},
          {"br", "identity"},
          {"GZIP", "gzip"},
          {"x-gzip", "identity"},
          {"gzip;q=0.2, deflate;q=0.9", "deflate"},
          {"gzip;q=abc", "identity"},
          {"gzip;x=1", "gzip"},
          {" , gzip", "gzip"},
          {"gzip ;q=0.5", "gzip"},
          {"deflate;q=0.5, *;q=0.8", "gzip"},
          {"*;q=0.5, deflate;q=0.5", "deflate"},
          {"gzip;q=-1", "identity"},
          {"gzip;q=", "identity"},
          {"gzip, deflate, br, zstd", "gzip"}})
        CHECK_MESSAGE(chosen(accepted) == coding, std::string(accepted));
}

TEST_CASE("http/content_coding: weights have three digits, and their name no case") {
    CHECK(chosen("gzip;q=0.001") == "gzip");
    CHECK(chosen("gzip;q=0.000") == "identity");
    CHECK(chosen("gzip;q=1.000") == "gzip");
    CHECK(chosen("gzip;q=0.5, deflate;q=0.501") == "deflate");
    CHECK(chosen("gzip;Q=0.4, deflate;q=0.5") == "deflate");
    CHECK(chosen("gzip;x=1;q=0.4, deflate;q=0.5") == "deflate");
    CHECK(chosen("gzip;q=0., deflate;q=0") == "identity");
    CHECK(chosen("gzip;q=1.") == "gzip");
}

TEST_CASE("http/content_coding: a weight that breaks the grammar is none") {
    for (std::string_view bad :
         {"gzip;q=1.5",
          "gzip;q=0.0001",
          "gzip;q=2",
          "gzip;q=.5",
          "gzip;q=0,5x",
          "gzip;q=01",
          "gzip;q=1.001"})
        CHECK_MESSAGE(chosen(bad) == "identity", std::string(bad));
}

TEST_CASE("http/content_coding: of one coding that comes twice the heavier counts") {
    CHECK(chosen("gzip;q=0, gzip") == "gzip");
    CHECK(chosen("gzip;q=0.1, deflate;q=0.5, gzip;q=0.9") == "gzip");
    CHECK(chosen("*;q=0, gzip;q=0.1") == "gzip");
}
