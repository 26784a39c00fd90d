// SPDX-License-Identifier: BSL-1.0
// Only who has a valid token gets in; from then on the socket knows whose it is.
#pragma once

#include <socoro.hpp>

#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace auth {

struct user {
    std::string name;
};

/// Finds the owner of a token; it may wait, for a database for example.
using directory = std::function<asio::awaitable<std::optional<user>>(std::string token)>;

using whoami = socoro::event<"whoami", std::string()>;

/// The token in `auth: {token}` of the client, or else in its cookie `token`.
inline std::string token_of(socoro::handshake const& brought) {
    auto const* const credentials = brought.auth.if_object();
    auto const* const token = credentials ? credentials->if_contains("token") : nullptr;
    if (token && token->is_string())
        return std::string(token->get_string());
    return std::string(brought.cookies.find("token").value_or(""));
}

/// The middleware: nothing of the socket is there for others until this has ended.
inline asio::awaitable<void> admit(directory users, socoro::socket& socket) {
    auto const owner = co_await users(token_of(socket.handshake()));
    if (!owner) {
        socoro::json::value const data = socoro::json::object{{"code", "E_TOKEN"}};
        throw socoro::refused("not authorized", data);  // the client's "connect_error"
    }
    socket.data<user>() = *owner;
}

inline asio::awaitable<void> serve(socoro::socket socket) {
    for (;;) {
        auto const asked = co_await socket.recv<whoami>();
        asked.reply(socket.data<user>().name);
    }
}

inline void open(socoro::server& io, directory users) {
    io.use([users = std::move(users)](socoro::socket& s) { return admit(users, s); });
    io.on_connection(serve);
}

}  // namespace auth
