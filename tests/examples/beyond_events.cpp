// SPDX-License-Identifier: BSL-1.0
// How the rest of a program is tested: who gets in, timers, threads, requests.
#include <socoro/test.hpp>

#include "auth/auth.hpp"
#include "select/select.hpp"
#include "ticker/ticker.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

using namespace std::chrono_literals;

// --------------------------------------------------------------------------------------- auth

namespace {

asio::awaitable<std::optional<auth::user>> only_ann(std::string token) {
    if (token != "ann's")
        co_return std::nullopt;
    co_return auth::user{"Ann"};
}

}  // namespace

TEST_CASE("examples/auth: who has a token gets in, and its socket knows whose it is") {
    socoro::test::server server;
    auth::open(server.io(), only_ann);
    auto const ann = server.connect("/", {{"token", "ann's"}});
    CHECK(ann.ask<auth::whoami>() == "Ann");
}

TEST_CASE("examples/auth: others are refused, with a message and data") {
    socoro::test::server server;
    auth::open(server.io(), only_ann);
    for (socoro::json::object const& credentials : {
             socoro::json::object{},
             socoro::json::object{{"token", "ben's"}},
             socoro::json::object{{"token", 7}},
         }) {
        auto const refusal = server.connect("/", credentials).refusal();
        REQUIRE(refusal);
        CHECK(refusal->what() == std::string("not authorized"));
        CHECK(refusal->data()->at("code") == "E_TOKEN");
    }
}

TEST_CASE("examples/auth: a cookie will do") {
    socoro::handshake brought;
    brought.cookies = socoro::http::cookies("theme=dark; token=ann's");
    CHECK(auth::token_of(brought) == "ann's");
    brought.auth = {{"token", "stronger"}};
    CHECK(auth::token_of(brought) == "stronger");
}

TEST_CASE("examples/auth: nobody is in before the directory has answered") {
    socoro::test::server server;
    auto const answered = std::make_shared<socoro::net::signal>(*server.shard());
    auth::open(
        server.io(),
        [answered](std::string token) -> asio::awaitable<std::optional<auth::user>> {
            std::ignore = co_await answered->wait();
            auto const found = co_await only_ann(token);
            co_return found;
        });
    auto const ann = server.connect("/", {{"token", "ann's"}});
    CHECK(!ann.connected());
    CHECK(server.io().of("/").size() == 0);

    asio::post(server.get_executor(), [answered] { answered->notify_all(); });
    CHECK(ann.connected());
    CHECK(ann.ask<auth::whoami>() == "Ann");
}

// ------------------------------------------------------------------------------------- select

TEST_CASE("examples/select: the first of two events decides what is asked") {
    socoro::test::server server;
    quiz::open(server.io(), {1h, 1h});
    auto const easy = server.connect(), hard = server.connect();

    easy.emit<quiz::easy>();
    hard.emit<quiz::hard>();
    CHECK(easy.take<quiz::question>() == quiz::question("2 + 2?"));
    CHECK(hard.take<quiz::question>() == quiz::question("17 * 23?"));

    easy.emit<quiz::answer>("4");
    hard.emit<quiz::answer>("400");
    CHECK(easy.take<quiz::verdict>() == quiz::verdict("right"));
    CHECK(hard.take<quiz::verdict>() == quiz::verdict("wrong"));
}

TEST_CASE("examples/select: the timer rings before there is an answer") {
    socoro::test::server server;
    quiz::open(server.io(), {0h, 1h});
    auto const slow = server.connect();
    slow.emit<quiz::easy>();
    CHECK(slow.take<quiz::verdict>() == quiz::verdict("too late"));
    CHECK(slow.connected());
}

TEST_CASE("examples/select: afterwards several events are served, until it has been too quiet") {
    for (bool const is_patient : {true, false}) {
        CAPTURE(is_patient);
        socoro::test::server server;
        quiz::open(server.io(), {0h, is_patient ? 1h : 0h});
        auto const ann = server.connect(), ben = server.connect();
        ann.emit<quiz::easy>();
        CHECK(ann.take<quiz::verdict>());
        CHECK(ann.connected() == is_patient);

        ann.emit<quiz::chat>("and now?");
        CHECK(ben.take<quiz::chat>().has_value() == is_patient);
        CHECK(ann.ask<quiz::players>().value_or(0) == (is_patient ? 2 : 0));
    }
}

// ------------------------------------------------------------------------------------- ticker

TEST_CASE("examples/ticker: a coroutine with a timer emits, until the timer is cancelled") {
    socoro::test::server server;
    auto const client = server.connect();
    asio::steady_timer timer(server.get_executor());
    bool ended = false;
    asio::co_spawn(
        server.get_executor(),
        ticker::count(server.io(), timer, 1h),
        [&](std::exception_ptr const& why) { ended = why != nullptr; });
    CHECK(client.take<ticker::tick>() == ticker::tick(1));
    CHECK(!client.take<ticker::tick>());
    CHECK(!ended);
    timer.cancel();
    server.run();
    CHECK(ended);
}

TEST_CASE("examples/ticker: another thread emits, and ends when it is asked to") {
    socoro::test::server server;
    auto const client = server.connect();
    { std::jthread const meter(ticker::measure, std::ref(server.io()), 1h); }
    CHECK(client.take<ticker::reading>() == ticker::reading(1));
}

TEST_CASE("examples/ticker: what is posted is told to everybody") {
    socoro::test::server server;
    auto const ann = server.connect(), ben = server.connect();
    auto const answer = [&](std::string method, std::string target, std::string body) {
        socoro::http::request request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.body = std::move(body);
        unsigned status = 0;
        asio::co_spawn(
            server.get_executor(),
            ticker::post(server.io(), std::move(request)),
            [&](std::exception_ptr const&, socoro::http::response const& got) {
                status = got.status;
            });
        server.run();
        return status;
    };
    CHECK(answer("POST", "/news", "rain") == 200);
    CHECK(ann.take<ticker::news>() == ticker::news("rain"));
    CHECK(ben.take<ticker::news>() == ticker::news("rain"));

    CHECK(answer("GET", "/news", "") == 404);
    CHECK(answer("POST", "/old", "rain") == 404);
    CHECK(answer("POST", "/news", "\xff") == 400);
    CHECK(!ann.take());
}
