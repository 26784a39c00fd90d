// SPDX-License-Identifier: BSL-1.0
// What is said about refused requests: to the client as the reference says it, and to the hook.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/base/hooks.hpp>
#include <socoro/engine/router.hpp>
#include <socoro/http/message.hpp>
#include <socoro/net/http_connection.hpp>

#include <boost/json.hpp>

#include <string>
#include <system_error>

namespace socoro::engine {

/// Tells the hook about a request; `error` says all but who sent what.
inline void
report(hooks const& to, net::http_connection const& connection, connection_error error) {
    error.address = connection.remote_address();
    error.target = connection.head().target;
    notify(to.refused, error);
}

/// The answer to a request that is refused with `code`; `common` are the fields that every answer
/// to it carries.
[[nodiscard]] inline http::response
refusal_answer(refusal code, http::request const& request, http::fields const& common) {
    http::response answer;
    auto const message = message_of(code);
    if (request.wants_upgrade()) {
        answer.status = 400;
        answer.headers.add("Connection", "close");
        answer.headers.add("Content-type", "text/html");
        answer.body = message;
        return answer;
    }
    answer = http::text(
        code == refusal::forbidden ? 403 : 400,
        "{\"code\":" + std::to_string(static_cast<int>(code)) +
            ",\"message\":" + boost::json::serialize(boost::json::string(message)) + "}",
        "application/json");
    for (auto const& field : common)
        answer.headers.add(field.name, field.value);
    return answer;
}

/// The answer to a WebSocket handshake that breaks RFC 6455.
[[nodiscard]] inline http::response handshake_refusal(std::error_code why) {
    auto answer = http::text(400, why.message(), "text/html");
    answer.headers.add("Connection", "close");
    if (why == errc::ws_unsupported_version)
        answer.headers.add("Sec-WebSocket-Version", "13");
    return answer;
}

/// The answer to a request that came when the server was closed.
[[nodiscard]] inline http::response closed_answer() {
    auto answer = http::text(503, "Service Unavailable");
    answer.headers.add("Connection", "close");
    return answer;
}

}  // namespace socoro::engine
