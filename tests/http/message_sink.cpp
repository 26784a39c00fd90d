// SPDX-License-Identifier: BSL-1.0
#include <socoro/http/message_sink.hpp>

#include <doctest/doctest.h>

using socoro::errc;
using socoro::http::detail::translated;
using request_sink = socoro::http::detail::message_sink<socoro::http::request>;
using response_sink = socoro::http::detail::message_sink<socoro::http::response>;

TEST_CASE("http/message_sink: fills a request from what Beast reads") {
    request_sink sink(10);
    std::error_code error;
    CHECK(sink.put_whole("PUT /a HTTP/1.0\r\nA: b \r\nContent-Length: 2\r\n\r\n", error) == 45);
    CHECK_FALSE(error);
    CHECK(sink.message().method == "PUT");
    CHECK(sink.message().target == "/a");
    CHECK(sink.message().version == 10);
    CHECK(sink.message().headers.get("a") == "b");
    CHECK_FALSE(sink.awaits_framing());
    CHECK(sink.put_whole("xyz", error) == 2);
    CHECK(sink.message().body == "xy");
    CHECK(sink.is_done());
}

TEST_CASE("http/message_sink: fills a response from what Beast reads") {
    response_sink sink(10);
    std::error_code error;
    CHECK(sink.put_whole("HTTP/1.0 404 No\r\nA: b \r\nContent-Length: 2\r\n\r\n", error) == 45);
    CHECK_FALSE(error);
    CHECK(sink.message().status == 404);
    CHECK(sink.version() == 10);
    CHECK(sink.message().headers.get("a") == "b");
    CHECK(sink.put_whole("xyz", error) == 2);
    CHECK(sink.message().body == "xy");
    CHECK(sink.is_done());
}

TEST_CASE("http/message_sink: knows framing from data, and drops trailer fields") {
    request_sink sink(1);
    std::error_code error;
    CHECK(sink.put_whole("PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", error) == 47);
    CHECK(sink.awaits_framing());
    CHECK(sink.put_whole("1\r\n", error) == 3);
    CHECK_FALSE(sink.awaits_framing());
    CHECK(sink.put_whole("x", error) == 1);
    CHECK(sink.awaits_framing());
    CHECK(sink.put_whole("\r\n0\r\nHost: evil\r\n\r\n", error) == 19);
    CHECK_FALSE(error);
    CHECK(sink.is_done());
    CHECK(sink.message().headers.size() == 1);
    CHECK(sink.message().body == "x");
}

TEST_CASE("http/message_sink: Beast's errors become ours") {
    namespace beast = boost::beast::http;
    auto const of = [](beast::error e) { return translated(beast::make_error_code(e)); };
    CHECK(of(beast::error::body_limit) == errc::http_body_too_large);
    CHECK(of(beast::error::header_limit) == errc::http_head_too_large);
    CHECK(of(beast::error::bad_method) == errc::http_malformed);
    CHECK(of(beast::error::need_more) == errc::http_malformed);
    CHECK(translated(errc::http_too_many_fields) == errc::http_too_many_fields);
    CHECK_FALSE(translated({}));
}
