// SPDX-License-Identifier: BSL-1.0
// Who may enter a namespace: what a client brings is put together, and middleware looks at it.
#pragma once

#include <socoro/base/describe.hpp>
#include <socoro/base/refused.hpp>
#include <socoro/socket.hpp>

#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace socoro::detail {

/// What the client of a session brings to a namespace, with these credentials.
[[nodiscard]] inline std::shared_ptr<handshake const> make_handshake(
    engine::session_core const& session,
    json::value auth) {
    auto const& request = session.request();
    auto brought = std::make_shared<handshake>();
    brought->headers = request.headers;
    brought->cookies = http::cookies(request.headers.get("cookie"));
    brought->query = http::query(request.query());
    brought->auth = std::move(auth);
    brought->address = session.address();
    brought->secure = session.from().secure;
    brought->certificate = session.from().certificate;
    brought->url = request.target;
    brought->time = session.owner().clock()->date();
    return brought;
}

/// Runs the middleware, one after the other. Gives what the first that refused had to say.
[[nodiscard]] inline asio::awaitable<std::optional<refused>> run_middleware(
    std::shared_ptr<socket_core> core,
    std::vector<std::shared_ptr<middleware const>> steps) {
    std::optional<refused> refusal;
    try {
        socket handle(std::move(core));
        for (auto const& step : steps)
            co_await (*step)(handle);
    } catch (refused const& why) {
        refusal = why;
    } catch (...) {
        refusal.emplace(describe(std::current_exception()));
    }
    co_return refusal;
}

}  // namespace socoro::detail
