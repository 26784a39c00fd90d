// SPDX-License-Identifier: BSL-1.0
// Acknowledgements, both ways: the client asks, one client is asked, and all the others are.
#pragma once

#include <socoro.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <tuple>

namespace ack {

using namespace std::chrono_literals;

struct outcome {
    std::size_t yes = 0, no = 0, silent = 0;
};
BOOST_DESCRIBE_STRUCT(outcome, (), (yes, no, silent))

using add = socoro::event<"add", double(double, double)>;              // asked by the client
using survey = socoro::event<"survey", outcome(std::string)>;          // so is this
using introduce = socoro::event<"introduce yourself", std::string()>;  // asked by the server
using vote = socoro::event<"vote", bool(std::string)>;                 // of everybody else
using welcome = socoro::event<"welcome", std::string>;

/// Asks the others, and counts those who answer within two seconds.
inline asio::awaitable<void> hold(socoro::socket socket, socoro::request<survey> asked) {
    auto const votes = co_await socket.broadcast().timeout(2s).call<vote>(asked.args);
    outcome counted;
    for (bool const yes : votes.values)
        ++(yes ? counted.yes : counted.no);
    counted.silent = votes.expected - votes.values.size();  // none if `votes.complete`
    asked.reply(counted);
}

inline asio::awaitable<void> talk(socoro::socket socket) {
    auto const [failed, name] = co_await socket.timeout(2s).call<introduce>(socoro::as_tuple);
    socket.emit<welcome>(failed ? "stranger" : name);
    auto const handlers = socoro::overloaded{
        [](socoro::request<add> const& asked) {
            auto const& [a, b] = asked.args;
            asked.reply(a + b);
        },
        [&](socoro::request<survey> asked) { return hold(socket, asked); }};
    // Side by side: who waits for votes can still add.
    std::ignore = co_await socket.serve(handlers).concurrently();
}

inline void open(socoro::server& io) {
    io.on_connection(talk);
}

}  // namespace ack
