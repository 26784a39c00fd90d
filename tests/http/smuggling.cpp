// SPDX-License-Identifier: BSL-1.0
// Request smuggling (RFC 9112 section 11.2): every message that two readers on the way have been
// known to end at different bytes is refused, whatever the pieces it comes in.
#include <socoro/http/parser.hpp>

#include "reading.hpp"

#include <doctest/doctest.h>

#include <string>

using socoro::errc;

namespace {

/// What becomes of a POST with these header lines and this body, a request to smuggle behind it.
std::error_code error_of(std::string const& lines, std::string const& body = "0\r\n\r\n") {
    return reading::any_way(
               "POST / HTTP/1.1\r\nHost: x\r\n" + lines + "\r\n" + body +
               "GET /evil HTTP/1.1\r\nHost: x\r\n\r\n")
        .error;
}

std::error_code chunked(std::string const& body) {
    return error_of("Transfer-Encoding: chunked\r\n", body);
}

void refuses(std::initializer_list<std::string> lines) {
    for (auto const& line : lines) {
        CAPTURE(line);
        CHECK(error_of(line) == errc::http_malformed);
    }
}

}  // namespace

TEST_CASE("http/smuggling: the same request without a trick is accepted") {
    CHECK_FALSE(error_of("Transfer-Encoding: chunked\r\n"));
    CHECK_FALSE(error_of("Content-Length: 5\r\n"));
    CHECK_FALSE(error_of("transfer-ENCODING:\tCHUNKED \r\n"));
}

TEST_CASE("http/smuggling: CL.TE and TE.CL: both framings at once") {
    refuses({
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: identity\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nTransfer-Encoding:\r\n",
    });
}

TEST_CASE("http/smuggling: CL.CL: several lengths, even when they agree") {
    refuses({
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5, 6\r\n",
        "Content-Length: 5,\r\n",
        "Content-Length: ,5\r\n",
    });
}

TEST_CASE("http/smuggling: a length that is not digits alone, or does not fit (CVE-2021-32714)") {
    refuses({
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length: 5.0\r\n",
        "Content-Length: 5_0\r\n",
        "Content-Length: \"5\"\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551616\r\n",
        "Content-Length: 18446744073709551621\r\n",
        "Content-Length: 99999999999999999999999\r\n",
    });
    CHECK(error_of("Content-Length: 18446744073709551615\r\n") == errc::http_body_too_large);
}

TEST_CASE("http/smuggling: TE.TE: a coding that only some take for chunked (CVE-2022-32213)") {
    refuses({
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunkedx\r\n",
        "Transfer-Encoding: chunked-false\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: 'chunked'\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: chunked foo\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: gzip\r\n",
        "Transfer-Encoding: \r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
        "Transfer-Encoding: x\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: \vchunked\r\n",
        "Transfer-Encoding: \fchunked\r\n",
        "Transfer-Encoding: chunked\x7f\r\n",
    });
    CHECK(error_of("Transfer-Encoding: gzip, chunked\r\n") == errc::http_unsupported_coding);
    CHECK(error_of("Transfer-Encoding: identity, chunked\r\n") == errc::http_unsupported_coding);
    CHECK(error_of("Transfer-Encoding: , chunked\r\n") == errc::http_unsupported_coding);
}

TEST_CASE("http/smuggling: chunked on HTTP/1.0") {
    auto const seen = reading::any_way(
        "POST / HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n");
    CHECK(seen.messages.empty());
    CHECK(seen.error == errc::http_malformed);
}

TEST_CASE("http/smuggling: space before a colon, or in a name, or before it") {
    refuses({
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Content-Length : 5\r\n",
        "Transfer Encoding: chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "\tTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding\r\n",
        "Transfer-Encoding chunked\r\n",
        ": chunked\r\n",
        "Transfer-Encod\xc3\xa9: chunked\r\n",
        "(Transfer-Encoding): chunked\r\n",
    });
}

TEST_CASE("http/smuggling: folded lines (CVE-2022-32215)") {
    refuses({
        "Transfer-Encoding:\r\n chunked\r\n",
        "Transfer-Encoding: chunked\r\n , identity\r\n",
        "A: b\r\n\tTransfer-Encoding: chunked\r\n",
        "A: b\r\n \r\n",
        "Content-Length: 1\r\n 0\r\n",
    });
}

TEST_CASE("http/smuggling: bare CR, bare LF and NUL (CVE-2019-15605, CVE-2023-30589)") {
    refuses({
        "A: b\nTransfer-Encoding: chunked\r\n",
        "A: b\rTransfer-Encoding: chunked\r\n",
        "A: b\r\r\nTransfer-Encoding: chunked\r\n",
        "A: b\n\nGET /evil HTTP/1.1\r\nHost: x\r\n",
        "\n",
        "A: b\r\n\n",
        std::string("A: b\0c\r\n", 8),
        std::string("A\0: b\r\n", 7),
        std::string("Transfer-Encoding: chunked\0\r\n", 29),
    });
    CHECK(reading::any_way("GET / HTTP/1.1\nHost: x\n\n").error == errc::http_malformed);
    CHECK(reading::any_way("GET / HTTP/1.1\rHost: x\r\r").error == errc::http_malformed);
    CHECK(reading::any_way("\nGET / HTTP/1.1\r\nHost: x\r\n\r\n").error == errc::http_malformed);
}

TEST_CASE("http/smuggling: a head ends with CRLF CRLF and nothing like it (CVE-2025-23167)") {
    CHECK(error_of("A: b\r\n\rX") == errc::http_malformed);
    CHECK(error_of("A: b\r\n\rX\r\n") == errc::http_malformed);
}

TEST_CASE("http/smuggling: no Host, two of them, or one with two readings") {
    auto const hosts = [](std::string const& lines) {
        return reading::any_way("GET / HTTP/1.1\r\n" + lines + "\r\n").error;
    };
    CHECK_FALSE(hosts("Host: a:80\r\n"));
    for (std::string const lines :
         {"",
          "Host:\r\n",
          "Host: a\r\nHost: b\r\n",
          "Host: a\r\nhost: a\r\n",
          "Host: a, b\r\n",
          "Host: a b\r\n",
          "Host: a@b\r\n",
          "Host: a/b\r\n",
          "Host: a:b\r\n"})
        CHECK(hosts(lines) == errc::http_malformed);
}

TEST_CASE("http/smuggling: a chunk size is hexadecimal digits that fit (CVE-2021-32715)") {
    for (std::string const size :
         {"", "x", "+5", "-5", "0x5", "5 ", " 5", "5\t", "5,5", "5.", "10000000000000005"})
        CHECK(chunked(size + "\r\nhello\r\n0\r\n\r\n") == errc::http_malformed);
    CHECK(chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n") == errc::http_body_too_large);
    CHECK_FALSE(chunked("005\r\nhello\r\n0\r\n\r\n"));
}

TEST_CASE("http/smuggling: chunks end with CRLF exactly (CVE-2025-43859, CVE-2022-32214)") {
    for (std::string const body :
         {"5\r\nhelloXX0\r\n\r\n",
          "5\r\nhello0\r\n\r\n",
          "5\r\nhello\n0\r\n\r\n",
          "5\r\nhello\r0\r\n\r\n",
          "5\nhello\r\n0\r\n\r\n",
          "5\rhello\r\n0\r\n\r\n",
          "5\r\nhello!\r\n0\r\n\r\n",
          "5\r\nhello\r\n0\n\n",
          "5\r\nhello\r\n0\r\n\n",
          "5\r\nhello\r\n0\r\n\rX",
          "5\r\nhello\r\n\r\n0\r\n\r\n"})
        CHECK(chunked(body) == errc::http_malformed);
}

TEST_CASE("http/smuggling: a chunk extension ends with its line") {
    CHECK_FALSE(chunked("5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n"));
    for (std::string const line :
         {"5;\n", "5;a\nb", "5;a=\"", "5;a=\"\n\"", "5;a=\"b\" c", "5 a", "5;;", "5;a=", "5;a\rb"})
        CHECK(chunked(line + "\r\nhello\r\n0\r\n\r\n") == errc::http_malformed);
    CHECK(chunked("5;a=\"\r\nhello\"\r\n0\r\n\r\n") == errc::http_malformed);
    CHECK(chunked("0;a=\"\r\nA: \"\r\n\r\n") == errc::http_malformed);
}

TEST_CASE("http/smuggling: trailers are lines like any other, and cannot frame anything") {
    CHECK_FALSE(chunked("0\r\nA: b\r\nHost: evil\r\n\r\n"));
    for (std::string const trailer :
         {"A: b\n",
          " A: b\r\n",
          "A : b\r\n",
          "A\r\n",
          "A: b\r\n c\r\n",
          "Content-Length: 5\r\n",
          "Transfer-Encoding: chunked\r\n"})
        CHECK(chunked("0\r\n" + trailer + "\r\n") == errc::http_malformed);
}
