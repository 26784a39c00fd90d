// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/status.hpp>

#include <doctest/doctest.h>

using socoro::errc;
using socoro::http::is_bodiless;
using socoro::http::reason_phrase;
using socoro::http::status_category;
using socoro::http::status_error;
using socoro::http::status_of;

TEST_CASE("http/status: phrases are the registered ones") {
    CHECK(reason_phrase(101) == "Switching Protocols");
    CHECK(reason_phrase(200) == "OK");
    CHECK(reason_phrase(431) == "Request Header Fields Too Large");
    CHECK(reason_phrase(599) == "Unknown");
}

TEST_CASE("http/status: each error of a request has the status that tells the client why") {
    CHECK(status_of(errc::http_malformed) == 400);
    CHECK(status_of(errc::http_truncated) == 400);
    CHECK(status_of(errc::http_body_too_large) == 413);
    CHECK(status_of(errc::http_head_too_large) == 431);
    CHECK(status_of(errc::http_too_many_fields) == 431);
    CHECK(status_of(errc::http_unsupported_coding) == 501);
    CHECK(status_of(errc::http_unsupported_version) == 505);
    CHECK(status_of(errc::eio_unknown_type) == 400);
    CHECK(status_of(std::make_error_code(std::errc::not_enough_memory)) == 500);
}

TEST_CASE("http/status: 1xx, 204 and 304 have no body") {
    CHECK(is_bodiless(101));
    CHECK(is_bodiless(204));
    CHECK(is_bodiless(304));
    CHECK_FALSE(is_bodiless(200));
    CHECK_FALSE(is_bodiless(400));
}

TEST_CASE("http/status: a status is an error that says which") {
    auto const error = status_error(403);
    CHECK(error.message() == "HTTP status 403 Forbidden");
    CHECK(error.value() == 403);
    CHECK(error.category() == status_category());
    CHECK(error == status_error(403));
    CHECK(error != status_error(404));
    CHECK_FALSE(error == socoro::closed);
    CHECK(status_error(599).message() == "HTTP status 599 Unknown");
}
