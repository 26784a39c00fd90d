// SPDX-License-Identifier: BSL-1.0
// A guest of the chat: tells what happens there, says what is typed, and comes back by itself. It
// knows nothing of terminals: lines come from somewhere and go somewhere.
#pragma once

#include <socoro/client.hpp>

#include "../chat/events.hpp"

#include <asio/redirect_error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace chat {

/// Waits for a line; there is none at the end.
using line_source = std::function<asio::awaitable<std::optional<std::string>>()>;
using line_sink = std::function<void(std::string const&)>;

class guest {
public:
    /// The executor is that of the client, which outlives the guest.
    guest(
        asio::any_io_executor ex,
        socoro::client_socket socket,
        std::string name,
        std::string room,
        line_sink show)
        : socket_(std::move(socket))
        , name_(std::move(name))
        , room_(std::move(room))
        , show_(std::move(show))
        , entered_(std::move(ex), asio::steady_timer::time_point::max()) {}

    // [listen]
    /// Tells what happens until the socket has ended. To lose the connection is not the end.
    [[nodiscard]] asio::awaitable<void> listen() {
        auto const handlers = socoro::overloaded{
            [&](socoro::on_connect const&) { return enter(); },
            [&](socoro::on_disconnect const& e) {
                inside_ = false;
                show_("* disconnected: " + e.reason.message());
            },
            [&](socoro::connect_error const& e) { show_("* not connected: " + e.message); },
            [&](socoro::reconnect_attempt const& e) {
                show_("* attempt " + std::to_string(e.attempt));
            },
            [&](said const& e) {
                show({e.author, e.text, e.time});
            },
            [&](is_typing const& e) {
                if (e.active)
                    show_("* " + e.author + " is typing");
            },
            [&](user_joined const& e) { show_("* " + e.name + " joined " + e.room); },
            [&](user_left const& e) { show_("* " + e.name + " left " + e.room); }};
        auto const why = co_await socket_.serve(handlers);
        show_("* the end: " + why.message());
    }
    // [/listen]

    // [talk]
    /// Says what is typed; leaves at `/quit` and at the end of the input. A line is acknowledged
    /// before the next is read; one that the connection took along with it is said again.
    [[nodiscard]] asio::awaitable<void> talk(line_source next) {
        for (;;) {
            auto const typed = co_await next();
            if (!typed || *typed == "/quit")
                break;
            bool done = typed->empty();
            while (!done) {
                co_await wait_until_inside();
                done = co_await carry_out(*typed);
            }
        }
        socket_.disconnect();
    }
    // [/talk]

private:
    static constexpr std::size_t long_name = 24;

    // [enter]
    /// Signs in, at each connection anew: with the connection the server has forgotten us. If it is
    /// lost once more, `call` throws, and that is all: `on_connect` comes again.
    [[nodiscard]] asio::awaitable<void> enter() {
        show_("* connected");
        auto const answer = co_await socket_.call<sign_in>(name_);
        if (answer.ok)
            co_return co_await join_room(room_);
        if (!was_inside_ || name_.size() >= long_name)
            throw std::runtime_error(answer.error);
        name_ += '_';  // the server may take some time to notice that the other one was we
        co_await enter();
    }
    // [/enter]

    [[nodiscard]] asio::awaitable<void> join_room(std::string room) {
        auto const [lost, place] = co_await socket_.call<join>(room, socoro::as_tuple);
        inside_ = !lost && (inside_ || !place.room.empty());
        if (lost)
            co_return;
        if (!inside_)
            throw std::runtime_error("there is no way into " + room);
        if (place.room.empty())
            co_return show_("* there is no way into " + room);
        arrive(place);
    }

    void arrive(entered const& place) {
        if (std::exchange(room_, place.room) != place.room)
            seen_ = 0;
        std::string members;
        for (auto const& name : place.members)
            members += (members.empty() ? "" : ", ") + name;
        show_("* in " + place.room + ": " + members);
        for (auto const known = seen_; auto const& spoken : place.history)
            if (spoken.time > known)  // who comes back has heard most of it
                show(spoken);
        was_inside_ = true;
        entered_.cancel();
    }

    void show(line const& spoken) {
        seen_ = std::max(seen_, spoken.time);
        show_(spoken.author + ": " + spoken.text);
    }

    /// False if that has to be done again.
    [[nodiscard]] asio::awaitable<bool> carry_out(std::string typed) {
        static constexpr std::string_view to_join = "/join ";
        if (typed.starts_with(to_join)) {
            co_await join_room(typed.substr(to_join.size()));
            co_return inside_;
        }
        auto const [lost, taken] = co_await socket_.call<say>(typed, socoro::as_tuple);
        if (lost)
            co_return inside_ = false;
        if (taken.time == 0)
            show_("* this was too long");
        seen_ = std::max(seen_, taken.time);
        co_return true;
    }

    [[nodiscard]] asio::awaitable<void> wait_until_inside() {
        std::error_code ignored;
        while (!inside_)
            co_await entered_.async_wait(asio::redirect_error(asio::use_awaitable, ignored));
    }

    socoro::client_socket socket_;
    std::string name_;
    std::string room_;
    line_sink show_;
    /// Cancelled when we have entered a room.
    asio::steady_timer entered_;
    bool inside_ = false;
    bool was_inside_ = false;
    /// When the newest line was said that has been shown.
    std::int64_t seen_ = 0;
};

}  // namespace chat
