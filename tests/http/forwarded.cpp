// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/forwarded.hpp>

#include <doctest/doctest.h>

#include <string>

namespace http = socoro::http;

namespace {

[[nodiscard]] std::string client(http::fields const& headers, std::size_t proxies) {
    return std::string(http::forwarded_for(headers, proxies).value_or("none"));
}

}  // namespace

TEST_CASE("http/forwarded: the proxies' own entries count, not what came with the request") {
    http::fields const headers{
        {"x-forwarded-for", "6.6.6.6, 1.1.1.1"},
        {"Host", "a"},
        {"X-Forwarded-For", "2.2.2.2 ,\t3.3.3.3"}};
    CHECK(client(headers, 1) == "3.3.3.3");
    CHECK(client(headers, 2) == "2.2.2.2");
    CHECK(client(headers, 3) == "1.1.1.1");
    CHECK(client(headers, 4) == "6.6.6.6");
    CHECK(client(headers, 5) == "none");
    CHECK(client(headers, 0) == "none");
    CHECK(client({}, 1) == "none");
    CHECK(client({{"X-Forwarded-For", ""}}, 1) == "none");
}

TEST_CASE("http/forwarded: an entry is an address, perhaps with a port that is left out") {
    for (auto const& [entry, address] :
         {std::pair{"192.0.2.7", "192.0.2.7"},
          {"192.0.2.7:4711", "192.0.2.7"},
          {"2001:db8::7", "2001:db8::7"},
          {"[2001:db8::7]", "2001:db8::7"},
          {"[2001:db8::7]:4711", "2001:db8::7"},
          {"unknown", "none"},
          {"localhost", "none"},
          {"<script>", "none"},
          {"1.2.3.4 5.6.7.8", "none"},
          {"[1.2.3", "none"},
          {":4711", "none"},
          {"", "none"}}) {
        CAPTURE(entry);
        CHECK(
            client({{"X-Forwarded-For", std::string("9.9.9.9, ") + entry + ", 8.8.8.8"}}, 2) ==
            address);
    }
}
