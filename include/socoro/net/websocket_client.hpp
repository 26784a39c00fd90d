// SPDX-License-Identifier: BSL-1.0
// Opens a WebSocket as a client (RFC 6455 section 4.1): the opening handshake over HTTP.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/status.hpp>
#include <socoro/net/http_client.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/websocket.hpp>
#include <socoro/ws/compression.hpp>
#include <socoro/ws/frame.hpp>
#include <socoro/ws/handshake.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::net {

/// Makes a request one for a WebSocket, with a key of its own; what else it says remains, a list
/// of subprotocols for example. Of extensions it offers those of the negotiator, if there is one.
void ask_for_websocket(http::request& r, ws::negotiator const* offering = nullptr);

/// Whether the answer opens what `asked` has asked for: `http::status_error` for any status but
/// 101, `errc::ws_bad_handshake` for an answer that is to another request, or brings an extension
/// or a subprotocol that was not offered. What is agreed on about extensions is another question.
[[nodiscard]] std::error_code check_upgraded(
    http::request const& asked,
    http::response const& answer);

/// What a server has agreed on that gave this answer; nothing if it brings no extension. Error:
/// `errc::ws_bad_extensions`.
[[nodiscard]] result<ws::agreement> agreed_with(http::response const& answer, ws::negotiator* by);

/// Sends the request, made one for a WebSocket, by means of `over`, and waits for the answer.
/// Errors: those of `check_upgraded`, `agreed_with` and `http_client::upgrade`. The WebSocket is independent of
/// the client then, which may be closed. Of `bounds` it keeps those of the room `ws`.
///
/// `http::request` is an aggregate: for g++ 12, name it before the expression with `co_await`.
[[nodiscard]] asio::awaitable<result<std::shared_ptr<websocket>>> open_websocket(
    std::shared_ptr<http_client> over,
    http::request r,
    limits bounds,
    std::shared_ptr<shard> owner,
    std::shared_ptr<ws::negotiator> offering = nullptr);

inline void ask_for_websocket(http::request& r, ws::negotiator const* offering) {
    r.headers.set("Upgrade", "websocket");
    r.headers.set("Connection", "Upgrade");
    r.headers.set("Sec-WebSocket-Key", ws::make_key());
    r.headers.set("Sec-WebSocket-Version", std::string(ws::protocol_version));
    r.headers.erase("Sec-WebSocket-Extensions");
    if (offering)
        r.headers.add("Sec-WebSocket-Extensions", offering->offer());
}

inline std::error_code check_upgraded(http::request const& asked, http::response const& answer) {
    if (answer.status != 101)
        return http::status_error(answer.status);
    auto const& fields = answer.headers;
    for (auto const* const once :
         {"Upgrade", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions"})
        if (fields.count(once) > 1)
            return errc::ws_bad_handshake;
    ws::upgrade_response facts;
    facts.status = answer.status;
    facts.upgrade = fields.get("Upgrade");
    facts.connection = fields.has_token("Connection", "upgrade") ? "upgrade" : "";
    facts.accept = fields.get("Sec-WebSocket-Accept");
    facts.protocol = fields.get("Sec-WebSocket-Protocol");
    if (!asked.headers.contains("Sec-WebSocket-Extensions"))
        facts.extensions = fields.get("Sec-WebSocket-Extensions");
    auto const offered = asked.headers.get("Sec-WebSocket-Protocol");
    return ws::check_response(facts, asked.headers.get("Sec-WebSocket-Key"), offered);
}

inline result<ws::agreement> agreed_with(http::response const& answer, ws::negotiator* by) {
    static constexpr std::string_view field = "Sec-WebSocket-Extensions";
    if (!by || !answer.headers.contains(field))
        return ws::agreement();
    return by->accept_answer(answer.headers.get(field));
}

inline asio::awaitable<result<std::shared_ptr<websocket>>> open_websocket(
    std::shared_ptr<http_client> over,
    http::request r,
    limits bounds,
    std::shared_ptr<shard> owner,
    std::shared_ptr<ws::negotiator> offering) {
    ask_for_websocket(r, offering.get());
    auto const asked = r;
    auto got = co_await over->upgrade(std::move(r));
    if (!got)
        co_return got.error();
    auto refused = check_upgraded(asked, got->answer);
    auto agreed = agreed_with(got->answer, refused ? nullptr : offering.get());
    if (!agreed)
        refused = agreed.error();
    if (refused) {
        if (got->over)
            got->over->close();
        co_return refused;
    }
    co_return std::make_shared<websocket>(
        std::move(owner),
        std::move(got->over),
        ws::role::client,
        bounds,
        std::move(got->rest),
        std::move(agreed->codecs));
}

}  // namespace socoro::net
