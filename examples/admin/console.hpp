// SPDX-License-Identifier: BSL-1.0
// The console of a server: carries out what is typed. It knows nothing of terminals: lines come from
// somewhere and go somewhere.
#pragma once

#include <socoro/client.hpp>

#include "events.hpp"

#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>
#include <tuple>
#include <utility>

namespace admin {

/// Waits for a line; there is none at the end.
using line_source = std::function<asio::awaitable<std::optional<std::string>>()>;
using line_sink = std::function<void(std::string const&)>;

class console {
public:
    /// The socket is in the namespace `/admin`.
    console(socoro::client_socket socket, line_sink print)
        : socket_(std::move(socket))
        , print_(std::move(print)) {}

    /// Tells how the connection is, until the socket has ended.
    [[nodiscard]] asio::awaitable<void> listen() {
        auto const handlers = socoro::overloaded{
            [&](socoro::on_connect const&) { print_("connected"); },
            [&](socoro::on_disconnect const& e) { print_("disconnected: " + e.reason.message()); }};
        std::ignore = co_await socket_.serve(handlers);
    }

    /// Carries out one line after the other, until `quit` or the end of the input. What the
    /// connection took along with it is told, and not said again.
    [[nodiscard]] asio::awaitable<void> work(line_source next) {
        for (;;) {
            auto const typed = co_await next();
            if (!typed || *typed == "quit")
                break;
            std::error_code lost;
            try {
                co_await carry_out(*typed);
            } catch (std::system_error const& e) {
                lost = e.code();
            }
            if (lost)
                print_("not done: " + lost.message());
        }
        socket_.disconnect();
    }

private:
    // [commands]
    [[nodiscard]] asio::awaitable<void> carry_out(std::string typed) {
        std::istringstream words(std::move(typed));
        std::string command, whom, from, to, text;
        words >> command >> whom;
        if (command == "list") {
            auto const found = co_await socket_.call<list>(whom);
            for (auto const& each : found)
                print_(line(each));
            print_(std::to_string(found.size()) + " sockets");
        } else if (command == "shares") {
            auto const counts = co_await socket_.call<shares>();
            for (auto const count : counts)
                print_("a shard with " + std::to_string(count));
        } else if (command == "move" && words >> from >> to) {
            auto const moved = co_await socket_.call<move>(whom, from, to);
            print_("moved " + std::to_string(moved));
        } else if (command == "kick" && !whom.empty()) {
            auto const kicked = co_await socket_.call<kick>(whom);
            print_("disconnected " + std::to_string(kicked));
        } else if (command == "say" && std::getline(words >> std::ws, text)) {
            socket_.emit<say>(whom, text);
        } else {
            print_("list [WHOM] | shares | move WHOM FROM TO | kick WHOM | say WHOM TEXT | quit");
        }
    }
    // [/commands]

    [[nodiscard]] static std::string line(seen const& socket) {
        auto text = socket.id + " from " + socket.address + " in";
        for (auto const& room : socket.rooms)
            if (room != socket.id)
                text += " " + room;
        return text;
    }

    socoro::client_socket socket_;
    line_sink print_;
};

}  // namespace admin
