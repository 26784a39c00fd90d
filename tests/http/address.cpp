// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/address.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::http::detail::is_ipv4;
using socoro::http::detail::is_ipv6;

TEST_CASE("http/address: an address of IPv4 is four numbers up to 255, without padding") {
    for (std::string const good : {"0.0.0.0", "255.255.255.255", "1.20.199.249"})
        CHECK(is_ipv4(good));
    for (std::string const bad :
         {"",
          "1",
          "1.2.3",
          "1.2.3.4.5",
          "1.2.3.",
          ".1.2.3",
          "1..2.3",
          "1.2.3.4.",
          "1.2.3.256",
          "1.2.3.1000",
          "1.2.3.04",
          "1.2.3.00",
          "1.2.3.a",
          "1.2.3.+4",
          "1.2.3.4 "})
        CHECK_FALSE(is_ipv4(bad));
}

TEST_CASE("http/address: an address of IPv6 is eight groups, of which :: stands for some") {
    for (std::string const good :
         {"::",
          "::1",
          "1::",
          "1:2:3:4:5:6:7:8",
          "1:2:3:4:5:6:7::",
          "::2:3:4:5:6:7:8",
          "1::8",
          "FFFF::abcd",
          "::ffff:1.2.3.4",
          "1:2:3:4:5:6:255.249.100.0"})
        CHECK(is_ipv6(good));
    for (std::string const bad :
         {"",
          "1",
          ":",
          ":::",
          "1:2:3:4:5:6:7",
          "1:2:3:4:5:6:7:8:9",
          "1:2:3:4::5:6:7:8",
          "1:2:3:4:5:6:7:8:",
          ":1:2:3:4:5:6:7:8",
          "1::2::3",
          "1::2:",
          "12345::",
          "g::",
          "1.2.3.4",
          "1.2.3.4::",
          "1.2.3.4::1",
          "::1.2.3",
          "::1.2.3.4.5",
          "::1.2.3.256",
          "::1.2.3.4:1",
          "1:2:3:4:5:6:7:1.2.3.4",
          "fe80::1%eth0"})
        CHECK_FALSE(is_ipv6(bad));
}
