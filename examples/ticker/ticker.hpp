// SPDX-License-Identifier: BSL-1.0
// Events that no client asked for: from a timer, from another thread, from an HTTP request.
#pragma once

#include <socoro.hpp>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <stop_token>
#include <string>

namespace ticker {

using tick = socoro::event<"tick", int>;
using reading = socoro::event<"reading", int>;
using news = socoro::event<"news", std::string>;

/// Counts, until the timer is cancelled.
inline asio::awaitable<void>
count(socoro::server& io, asio::steady_timer& timer, std::chrono::milliseconds every) {
    for (int i = 1;; ++i) {
        io.emit<tick>(i);
        timer.expires_after(every);
        co_await timer.async_wait(asio::use_awaitable);
    }
}

// [measure]
/// For a thread of its own, in which it may block: emitting is allowed anywhere.
inline void measure(std::stop_token stop, socoro::server& io, std::chrono::milliseconds every) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any stopped;
    int value = 0;
    do {
        io.emit<reading>(++value);
        stopped.wait_for(lock, stop, every, [] { return false; });
    } while (!stop.stop_requested());
}
// [/measure]

/// Answers requests: what is posted to /news is told to everybody.
inline asio::awaitable<socoro::http::response> post(
    socoro::server& io,
    socoro::http::request request) {
    if (request.method != "POST" || request.path() != "/news")
        co_return socoro::http::text(404, "POST something to /news");
    if (!socoro::is_utf8(request.body))
        co_return socoro::http::text(400, "news are text");
    io.emit<news>(request.body);
    co_return socoro::http::text(200, "told " + std::to_string(io.clients_count()));
}

}  // namespace ticker
