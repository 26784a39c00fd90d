// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/line_scanner.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::errc;
using socoro::http::line_scanner;

namespace {

/// The error that a line of at most `limit` bytes ends with, the same whole and byte by byte.
std::error_code error_of(std::string const& bytes, std::size_t limit = 100) {
    line_scanner whole(limit, errc::http_head_too_large), slow(limit, errc::http_head_too_large);
    auto const once = whole.feed(bytes);
    std::error_code error;
    for (std::size_t i = 0; i < bytes.size() && !error; ++i) {
        auto const taken = slow.feed({&bytes[i], 1});
        error = taken ? std::error_code() : taken.error();
    }
    CHECK(error == (once ? std::error_code() : once.error()));
    return error;
}

}  // namespace

TEST_CASE("http/line_scanner: takes bytes up to the end of the line and no further") {
    line_scanner line(100, errc::http_head_too_large);
    CHECK(*line.feed("ab") == 2);
    CHECK_FALSE(line.done());
    CHECK(*line.feed("c\r\nd") == 3);
    CHECK(line.done());
    CHECK_FALSE(line.empty());
    CHECK(line.size() == 5);
    CHECK(*line.feed("d") == 0);
}

TEST_CASE("http/line_scanner: a line of nothing but CRLF is empty") {
    line_scanner line(2, errc::http_head_too_large);
    CHECK_FALSE(line.empty());
    CHECK(*line.feed("\r") == 1);
    CHECK_FALSE(line.empty());
    CHECK(*line.feed("\n") == 1);
    CHECK(line.empty());
}

TEST_CASE("http/line_scanner: a bare CR or LF is refused") {
    CHECK(error_of("a\rb") == errc::http_malformed);
    CHECK(error_of("a\nb") == errc::http_malformed);
    CHECK(error_of("\n") == errc::http_malformed);
    CHECK(error_of("a\r\r\n") == errc::http_malformed);
}

TEST_CASE("http/line_scanner: control characters are refused, but for the tab") {
    for (int c = 0; c < 256; ++c) {
        if (c == '\r')
            continue;
        bool const control = (c < 0x20 && c != '\t') || c == 0x7f;
        std::string const line = {'a', static_cast<char>(c), '\r', '\n'};
        CHECK(error_of(line) == (control ? errc::http_malformed : std::error_code()));
    }
}

TEST_CASE("http/line_scanner: a line that begins with space would continue the one before") {
    CHECK(error_of(" a\r\n") == errc::http_malformed);
    CHECK(error_of("\ta\r\n") == errc::http_malformed);
    CHECK_FALSE(error_of("a \t\r\n"));
}

TEST_CASE("http/line_scanner: the limit is exact and counts the CRLF") {
    CHECK_FALSE(error_of("abc\r\n", 5));
    CHECK(error_of("abcd\r\n", 5) == errc::http_head_too_large);
    CHECK(error_of("abcde\n", 5) == errc::http_head_too_large);
}
