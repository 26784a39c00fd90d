// SPDX-License-Identifier: BSL-1.0
// Whatever comes first: one of several events, an event or a timer, events or too long a silence.
#pragma once

#include <socoro.hpp>

#include <asio/redirect_error.hpp>

#include <chrono>
#include <string>
#include <tuple>
#include <variant>

namespace quiz {

using namespace std::chrono_literals;

using easy = socoro::event<"easy">;
using hard = socoro::event<"hard">;
using question = socoro::event<"question", std::string>;
using answer = socoro::event<"answer", std::string>;
using verdict = socoro::event<"verdict", std::string>;
using chat = socoro::event<"chat", std::string>;
using players = socoro::event<"players", std::size_t()>;

struct pace {
    std::chrono::milliseconds answer = 20s, silence = 60s;
};

/// Waits until the time of the alarm has come, also if it is put off meanwhile.
inline asio::awaitable<void> ring(asio::steady_timer& alarm) {
    while (alarm.expiry() > std::chrono::steady_clock::now()) {
        std::error_code put_off;
        co_await alarm.async_wait(asio::redirect_error(asio::use_awaitable, put_off));
    }
}

inline asio::awaitable<void> play(socoro::server& io, pace times, socoro::socket socket) {
    auto const ex = co_await asio::this_coro::executor;
    asio::steady_timer alarm(ex);
    auto const level = co_await socket.recv<easy, hard>();
    bool const is_easy = std::holds_alternative<easy>(level);
    socket.emit<question>(is_easy ? "2 + 2?" : "17 * 23?");

    alarm.expires_after(times.answer);
    auto const end = co_await socoro::first_of(socket.recv<answer>(), ring(alarm));
    auto const* const given = std::get_if<answer>(&end);
    bool const is_right = given && *given == answer(is_easy ? "4" : "391");
    socket.emit<verdict>(is_right ? "right" : given ? "wrong" : "too late");

    alarm.expires_after(times.silence);
    auto const handlers = socoro::overloaded{
        [&](chat const& said) {
            alarm.expires_after(times.silence);
            socket.broadcast().emit(said);
        },
        [&](socoro::request<players> const& asked) { asked.reply(io.clients_count()); }};
    co_await socoro::first_of(socket.serve(handlers), ring(alarm));
}  // the client is disconnected, unless it has left

inline void open(socoro::server& io, pace times = {}) {
    io.on_connection([&io, times](socoro::socket socket) { return play(io, times, socket); });
}

}  // namespace quiz
