// SPDX-License-Identifier: BSL-1.0
// Whatever a server sets, line by line, the request that brings it back is one request, and the jar
// stays within its limits.
#include <socoro/http/cookie.hpp>
#include <socoro/http/cookie_jar.hpp>
#include <socoro/http/serializer.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <tuple>

namespace {

auto const now = std::chrono::system_clock::from_time_t(784'111'777);

void require(bool holds) {
    if (!holds)
        __builtin_trap();
}

void check(std::string_view line) {
    auto const cookie = socoro::http::parse_set_cookie(line, now);
    if (!cookie)
        return;
    require(!cookie->name.empty() && cookie->name.find_first_of("=;") == std::string::npos);
    require(cookie->value.find(';') == std::string::npos);
    require(cookie->path.starts_with('/'));
    require(!cookie->expiry || *cookie->expiry <= now + socoro::http::set_cookie::max_age);
}

void check(socoro::http::cookie_jar const& jar, std::string_view path) {
    auto const value = jar.header(path, now);
    require(socoro::http::cookies(value).size() <= socoro::http::cookie_jar::max_cookies);
    socoro::http::request request{"GET", "/", 11, {{"Host", "a.b.c"}}, ""};
    if (!value.empty())
        request.headers.add("Cookie", value);
    std::ignore = socoro::http::serialize(request);
    require(jar.header(path, now + socoro::http::set_cookie::max_age).size() <= value.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view lines(reinterpret_cast<char const*>(data), size);
    socoro::http::cookie_jar jar("a.b.c", size % 2 == 0);
    while (!lines.empty()) {
        auto const line = socoro::http::detail::take_until(lines, '\n');
        check(line);
        jar.store(line, now);
        check(jar, "/x/y");
    }
    return 0;
}
