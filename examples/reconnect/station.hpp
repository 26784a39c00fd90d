// SPDX-License-Identifier: BSL-1.0
// A weather station whose server comes and goes, and the server: what is kept meanwhile, what is
// not, and what is sent until it has arrived.
#pragma once

#include <socoro.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>

namespace station {

using namespace std::chrono_literals;

using number = std::uint32_t;
using note = socoro::event<"note", number>;                // kept while there is no connection
using gust = socoro::event<"gust", number>;                // of interest now or never
using measured = socoro::event<"measured", bool(number)>;  // must arrive
using tide = socoro::event<"tide", number>;  // from the server; what was missed comes later
using forecast = socoro::event<"forecast", std::string()>;

using show = std::function<void(std::string const&)>;

// [options]
inline socoro::client_options patient() {
    socoro::client_options options;
    options.timeout = 5s;            // for one attempt to connect
    options.backoff.delay = 200ms;   // before the first attempt, then 400 ms, 800 ms ...
    options.backoff.delay_max = 2s;  // ... and no longer
    options.backoff.randomization_factor = 0.5;  // so that a thousand stations do not come at once
    options.offline_bytes = 100'000;             // what waits for the next connection
    return options;
}

/// Every event is sent until it is acknowledged, and the next one only then.
inline socoro::client_options persistent() {
    auto options = patient();
    options.retries = 1'000;
    options.ack_timeout = 2s;
    return options;
}
// [/options]

// [life]
/// Tells about the connection. `serve` goes on through its loss; so do `recv` and what was emitted.
inline asio::awaitable<void> tell(socoro::client_socket socket, show out) {
    auto const handlers = socoro::overloaded{
        [&](socoro::on_connect const& e) {
            out(e.recovered ? "back, and nothing was missed" : "connected anew");
        },
        [&](socoro::on_disconnect const& e) { out("disconnected: " + e.reason.message()); },
        [&](socoro::connect_error const& e) { out(e.message + ": " + e.why.message()); },
        [&](socoro::reconnect_attempt const& e) { out("attempt " + std::to_string(e.attempt)); },
        [&](tide const& e) { out("tide " + std::to_string(std::get<0>(e))); }};
    auto const why = co_await socket.serve(handlers);
    out("the end: " + why.message());
}
// [/life]

// [ask]
/// Asks again and again. Only who waits for a reply is told of a loss: whether the question has
/// arrived, nobody knows.
inline asio::awaitable<void> ask(socoro::client_socket socket, show out) {
    while (socket.active()) {
        auto const [lost, weather] = co_await socket.call<forecast>(socoro::as_tuple);
        out(lost ? "no forecast: " + lost.message() : "forecast: " + weather);
    }
}
// [/ask]

// [report]
/// Emits each number in three ways.
inline asio::awaitable<void> report(
    socoro::client_socket socket,
    socoro::client_socket reliable,
    std::chrono::milliseconds every,
    show out) {
    asio::steady_timer timer(co_await asio::this_coro::executor);
    for (number n = 1;; ++n) {
        out("number " + std::to_string(n));
        socket.volatile_().emit<gust>(n);  // dropped unless it can leave at once
        socket.emit<note>(n);              // kept until there is a connection, then sent once
        reliable.emit<measured>(n);        // sent until it is acknowledged
        timer.expires_after(every);
        co_await timer.async_wait(asio::use_awaitable);
    }
}
// [/report]

// ------------------------------------------------------------------------------------ the server

// [server]
inline socoro::options forgiving() {
    socoro::options options;
    options.connection_state_recovery.enabled = true;
    options.connection_state_recovery.max_disconnection_duration = 30s;
    return options;
}
// [/server]

/// What a measurement needs that may come twice: to know the newest.
using newest = std::shared_ptr<number>;

inline asio::awaitable<void> collect(socoro::socket socket, newest known, show out) {
    auto const handlers = socoro::overloaded{
        [&](note const& e) { out("note " + std::to_string(std::get<0>(e))); },
        [&](gust const& e) { out("gust " + std::to_string(std::get<0>(e))); },
        [&](socoro::request<measured> const& asked) {
            bool const is_new = asked.args > *known;
            if (is_new)
                out("measured " + std::to_string(*known = asked.args));
            asked.reply(is_new);
        },
        [](socoro::request<forecast> asked) -> asio::awaitable<void> {
            asio::steady_timer thinking(co_await asio::this_coro::executor, 300ms);
            co_await thinking.async_wait(asio::use_awaitable);
            asked.reply("rain");
        }};
    std::ignore = co_await socket.serve(handlers).concurrently();
}

/// Tells all stations, until the timer is cancelled.
inline asio::awaitable<void>
swell(socoro::server& io, asio::steady_timer& timer, std::chrono::milliseconds every) {
    for (number n = 1;; ++n) {
        io.emit<tide>(n);
        timer.expires_after(every);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

inline void open(socoro::server& io, show out) {
    auto const known = std::make_shared<number>(0);
    io.on_connection([known, out](socoro::socket s) { return collect(s, known, out); });
}

}  // namespace station
