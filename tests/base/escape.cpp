// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/escape.hpp>

#include <doctest/doctest.h>

#include <string>

using socoro::escaped;

TEST_CASE("base/escape: printable ASCII stays as it is") {
    CHECK(escaped("GET /socket.io/?EIO=4 ~") == "GET /socket.io/?EIO=4 ~");
    CHECK(escaped("") == "");
}

TEST_CASE("base/escape: nothing that could move a cursor, end a line or end a quote is left") {
    CHECK(escaped("a\r\nb") == "a\\x0d\\x0ab");
    CHECK(escaped("\x1b[2J") == "\\x1b[2J");
    CHECK(escaped("\"\\") == "\\x22\\x5c");
    CHECK(escaped("\x7f\xc3\xa9") == "\\x7f\\xc3\\xa9");
    CHECK(escaped(std::string(1, '\0')) == "\\x00");
}

TEST_CASE("base/escape: a long text is cut, and says so") {
    CHECK(escaped("abcdef", 3) == "abc...");
    CHECK(escaped(std::string(200, 'x')) == std::string(200, 'x'));
    CHECK(escaped(std::string(201, 'x')) == std::string(200, 'x') + "...");
}
