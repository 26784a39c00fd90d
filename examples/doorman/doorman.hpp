// SPDX-License-Identifier: BSL-1.0
// Who may come in, before there is a session: pages of one other origin, with a ticket that is good
// once, and not too many of them. What goes on is counted, and told to whoever looks after the server.
#pragma once

#include <socoro.hpp>

#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <utility>

namespace doorman {

/// What a server knows of its clients.
struct book {
    std::set<std::string, std::less<>> tickets;  ///< that are good
    std::size_t refused = 0;                     ///< requests
    std::size_t received = 0, sent = 0;          ///< bytes of packets
};

using book_ptr = std::shared_ptr<book>;

// [allow]
/// As in `io(url, { query: { ticket } })`: whoever comes without is told so, and is no client.
inline socoro::request_step take_ticket(book_ptr known) {
    return [known = std::move(known)](socoro::pending_request& asked) -> asio::awaitable<void> {
        socoro::http::query const query(asked.request.query());
        if (known->tickets.erase(std::string(query.get("ticket"))) == 0)
            throw socoro::refused("no ticket");
        co_return;  // a database could be asked here, with co_await
    };
}
// [/allow]

inline socoro::options options(book_ptr const& known, std::string const& page) {
    // [options]
    socoro::options options;
    options.cors.origins = {page};  // "https://example.com"
    options.cors.credentials = true;
    options.cookie.enabled = true;  // for a load balancer
    options.cookie.name = "door";
    options.max_clients = 100;
    options.allow_request = take_ticket(known);
    // [/options]
    // [hooks]
    options.hooks.connection_error = [known](socoro::connection_error const&) { ++known->refused; };
    options.hooks.packet = [known](socoro::wire_packet const& packet) {
        bool const came = packet.direction == socoro::direction::received;
        (came ? known->received : known->sent) += packet.bytes;
    };
    options.hooks.initial_headers = [](socoro::http::fields& fields, socoro::http::request const&) {
        fields.set("X-Door", "main");
    };
    // [/hooks]
    return options;
}

// [requests]
/// Answers /socket.io/health, and leaves every other request alone.
inline socoro::request_step tell_health(socoro::server const& io, book_ptr known) {
    return
        [&io, known = std::move(known)](socoro::pending_request& asked) -> asio::awaitable<void> {
            if (!asked.request.path().ends_with("/health"))
                co_return;
            socoro::json::object const health{
                {"clients", io.clients_count()},
                {"refused", known->refused},
                {"received", known->received},
                {"sent", known->sent}};
            auto const text = socoro::json::serialize(health);
            asked.answer = socoro::http::text(200, text, "application/json");
        };
}
// [/requests]

/// Gives one more ticket to whoever is inside.
using invite = socoro::event<"invite", bool(std::string)>;

inline asio::awaitable<void> welcome(book_ptr known, socoro::socket socket) {
    for (;;) {
        auto const asked = co_await socket.recv<invite>();
        asked.reply(known->tickets.size() < 100 && known->tickets.insert(asked.args).second);
    }
}

}  // namespace doorman
