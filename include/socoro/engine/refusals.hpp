// SPDX-License-Identifier: BSL-1.0
// What is said about refused requests: to the client as the reference says it, and to the hook.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/base/hooks.hpp>
#include <socoro/engine/pending_request.hpp>
#include <socoro/engine/router.hpp>
#include <socoro/http/message.hpp>

#include <boost/json.hpp>

#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::engine {

/// Tells the hook about a request.
inline void report(
    hooks const& to,
    pending_request const& refused,
    int code,
    std::string_view message,
    std::string_view context) {
    connection_error const told{refused.request, code, message, context, refused.address};
    notify(to.connection_error, told);
}

namespace detail {

/// The reference's answer to a WebSocket: always 400, and raw.
[[nodiscard]] inline http::response raw_refusal(std::string_view message) {
    http::response answer;
    answer.status = 400;
    answer.headers.add("Connection", "close");
    answer.headers.add("Content-type", "text/html");
    answer.body = message;
    return answer;
}

}  // namespace detail

/// Tells the hook about a request, and gives the answer to it, with a message of its own unless
/// that is empty.
[[nodiscard]] inline http::response refuse(
    hooks const& to,
    pending_request& refused,
    verdict const& why,
    std::string_view message = {}) {
    if (message.empty())
        message = message_of(why.code);
    report(to, refused, static_cast<int>(why.code), message, why.context);
    if (refused.request.wants_upgrade())
        return detail::raw_refusal(message);
    http::response answer;
    answer.status = why.code == refusal::forbidden ? 403 : 400;
    answer.headers = std::move(refused.headers);
    answer.headers.set("Content-Type", "application/json");
    answer.body = "{\"code\":" + std::to_string(static_cast<int>(why.code)) +
                  ",\"message\":" + boost::json::serialize(boost::json::string(message)) + "}";
    return answer;
}

/// The same for a server that can take no session: it was closed, or has too many.
[[nodiscard]] inline http::response
turn_away(hooks const& to, pending_request& refused, std::string_view context) {
    http::response answer;
    answer.status = 503;
    answer.body = "Service Unavailable";
    report(to, refused, 503, answer.body, context);
    answer.headers = std::move(refused.headers);
    answer.headers.set("Content-Type", "text/plain; charset=UTF-8");
    answer.headers.set("Connection", "close");
    return answer;
}

/// The same for a WebSocket handshake that breaks RFC 6455.
[[nodiscard]] inline http::response
refuse_handshake(hooks const& to, pending_request const& refused, std::error_code why) {
    auto answer = http::text(400, why.message(), "text/html");
    report(to, refused, 400, answer.body, "WebSocket handshake");
    answer.headers.add("Connection", "close");
    if (why == errc::ws_unsupported_version)
        answer.headers.add("Sec-WebSocket-Version", "13");
    return answer;
}

}  // namespace socoro::engine
