// SPDX-License-Identifier: BSL-1.0
// A namespace for those who look after the server: they see its sockets, move and disconnect them,
// whichever shard these live on.
#pragma once

#include <socoro.hpp>

#include "events.hpp"

#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace admin {

/// The address of a socket that was fetched, or nothing.
inline std::string address_of(socoro::remote_socket const& socket) {
    auto const* const brought = socket.handshake.if_object();
    auto const* const address = brought ? brought->if_contains("address") : nullptr;
    return address && address->is_string() ? std::string(address->get_string()) : std::string();
}

// [password]
/// Takes as long wherever the first difference is.
inline bool is_same(std::string_view shown, std::string_view password) {
    unsigned difference = shown.size() != password.size();
    for (std::size_t i = 0; i < shown.size() && i < password.size(); ++i)
        difference |= static_cast<unsigned char>(shown[i] ^ password[i]);
    return difference == 0;
}

/// The middleware: who does not know the password stays outside.
inline asio::awaitable<void> admit(std::string const& password, socoro::socket& socket) {
    auto const* const credentials = socket.handshake().auth.if_object();
    auto const* const shown = credentials ? credentials->if_contains("password") : nullptr;
    if (!shown || !shown->is_string() || !is_same(shown->get_string(), password))
        throw socoro::refused("wrong password");
    co_return;
}
// [/password]

/// What one shard asks the others.
using share = socoro::event<"share", std::size_t()>;

// [fetch]
/// Sockets of all shards, as they are now.
inline asio::awaitable<void> show(socoro::server const& io, socoro::request<list> asked) {
    auto const& room = asked.args;
    auto finding = room.empty() ? io.fetch_sockets() : io.in(room).fetch_sockets();
    auto const found = co_await std::move(finding);
    std::vector<seen> sockets;
    for (auto const& socket : found)
        sockets.push_back({socket.id, address_of(socket), socket.rooms});
    asked.reply(sockets);
}

inline asio::awaitable<void> move_to(socoro::server const& io, socoro::request<move> asked) {
    auto const& [whom, from, to] = asked.args;
    auto const found = co_await io.in(whom).fetch_sockets();
    for (auto const& socket : found) {
        socket.leave(from);  // wherever it lives
        socket.join(to);
    }
    asked.reply(found.size());
}

inline asio::awaitable<void> disconnect(socoro::server const& io, socoro::request<kick> asked) {
    auto const whom = io.in(asked.args);
    auto const found = co_await whom.fetch_sockets();
    whom.disconnect_sockets(true);
    asked.reply(found.size());
}
// [/fetch]

// [ask]
/// Every shard knows its own sockets, and asks the others about theirs.
inline asio::awaitable<void> count(socoro::server const& io, socoro::request<shares> asked) {
    auto const others = co_await io.of("/admin").server_side_call<share>();
    auto counts = others.values;
    counts.insert(counts.begin(), io.of("/").size());
    asked.reply(counts);
}
// [/ask]

inline asio::awaitable<void> work(socoro::server const& io, socoro::socket socket) {
    auto const handlers = socoro::overloaded{
        [&](socoro::request<list> asked) { return show(io, std::move(asked)); },
        [&](socoro::request<move> asked) { return move_to(io, std::move(asked)); },
        [&](socoro::request<kick> asked) { return disconnect(io, std::move(asked)); },
        [&](socoro::request<shares> asked) { return count(io, std::move(asked)); },
        [&](say const& event) {
            auto const& [whom, text] = event;
            io.to(whom).emit<notice>(text);
        }};
    std::ignore = co_await socket.serve(handlers);
}

// [open]
/// Opens the namespace for those who know the password.
inline void open(socoro::server& io, std::string const& password) {
    auto const office = io.of("/admin");
    office.use([password](socoro::socket& socket) { return admit(password, socket); });
    office.on_connection([&io](socoro::socket socket) { return work(io, socket); });
    office.on_server_side<share>([&io](share const&) { return io.of("/").size(); });
}
// [/open]

}  // namespace admin
