// SPDX-License-Identifier: BSL-1.0
// What a request under the engine's path asks for, or why it is refused: pure decisions, in the
// order of the reference, so that every refusal has the reference's code.
#pragma once

#include <socoro/engine/options.hpp>
#include <socoro/http/grammar.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/query.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

namespace socoro::engine {

/// The reference's codes for refused requests; the values are on the wire.
enum class refusal {
    unknown_transport = 0,
    unknown_sid = 1,
    bad_handshake_method = 2,
    bad_request = 3,
    forbidden = 4,
    unsupported_protocol_version = 5,
};

/// The message that goes with a code, as the reference spells it.
[[nodiscard]] constexpr std::string_view message_of(refusal code) noexcept {
    switch (code) {
    case refusal::unknown_transport: return "Transport unknown";
    case refusal::unknown_sid: return "Session ID unknown";
    case refusal::bad_handshake_method: return "Bad handshake method";
    case refusal::bad_request: return "Bad request";
    case refusal::forbidden: return "Forbidden";
    case refusal::unsupported_protocol_version: return "Unsupported protocol version";
    }
    return "Bad request";
}

/// What is to be done with a request.
struct verdict {
    enum class kind {
        refuse,          ///< answer with `code`
        open_polling,    ///< a new session, on polling
        open_websocket,  ///< a new session, on WebSocket
        poll,            ///< a poll of the session `sid`
        post,            ///< packets for the session `sid`
        upgrade,         ///< a WebSocket for the session `sid`
        bad_method,      ///< neither GET nor POST for a session: status 500
    };
    kind what = kind::refuse;
    refusal code = refusal::bad_request;
    /// Why it is refused, in the reference's words; for the hook.
    std::string_view context;
    std::string sid;

    /// Whether it opens a session.
    [[nodiscard]] bool opens() const noexcept {
        return what == kind::open_polling || what == kind::open_websocket;
    }
};

/// Decides about a request as far as `allow_request`, which comes before the version of a new
/// session. `transport_of(sid)` gives the name of the transport of a session, or nothing if there
/// is no such session.
template <typename TransportOf>
[[nodiscard]] verdict
route(http::request const& request, options const& options, TransportOf transport_of);

/// Whether a new session speaks our version of the protocol.
[[nodiscard]] inline bool speaks_our_version(http::request const& request) {
    return http::query(request.query()).get("EIO") == "4";
}

namespace detail {

[[nodiscard]] inline verdict refuse(refusal code, std::string_view context) {
    return {verdict::kind::refuse, code, context, {}};
}

/// What Node refuses in a header it would write.
[[nodiscard]] inline bool has_control_characters(std::string_view value) {
    return std::any_of(value.begin(), value.end(), http::is_control);
}

[[nodiscard]] inline bool refuses_origin(http::request const& request, options const& options) {
    bool const cookies_matter = options.cors.credentials || options.cookie.enabled;
    bool const asks = options.check_origin == origin_check::always ||
                      (options.check_origin == origin_check::with_credentials && cookies_matter);
    return asks && is_foreign(options.cors, request);
}

[[nodiscard]] inline verdict route_new(
    http::request const& request,
    http::query const& query,
    options const& options,
    bool upgrade) {
    if (request.method != "GET")
        return refuse(refusal::bad_handshake_method, request.method);
    bool const websocket = query.get("transport") == "websocket";
    if (websocket && !upgrade)
        return refuse(refusal::bad_request, "TRANSPORT_HANDSHAKE_ERROR");
    // Over a request that asks for another protocol nothing can be polled.
    if (!websocket && upgrade)
        return refuse(refusal::bad_request, "TRANSPORT_HANDSHAKE_ERROR");
    if (refuses_origin(request, options))
        return refuse(refusal::forbidden, "FOREIGN_ORIGIN");
    return {websocket ? verdict::kind::open_websocket : verdict::kind::open_polling, {}, {}, {}};
}

[[nodiscard]] inline verdict::kind request_kind(std::string_view method) {
    return method == "GET"    ? verdict::kind::poll
           : method == "POST" ? verdict::kind::post
                              : verdict::kind::bad_method;
}

}  // namespace detail

template <typename TransportOf>
verdict route(http::request const& request, options const& options, TransportOf transport_of) {
    http::query const query(request.query());
    auto const transport = query.get("transport");
    // The set is closed, whatever the options name.
    if ((transport != "polling" && transport != "websocket") || !options.allows(transport))
        return detail::refuse(refusal::unknown_transport, "transport");
    if (detail::has_control_characters(request.headers.get("origin")))
        return detail::refuse(refusal::bad_request, "INVALID_ORIGIN");
    bool const upgrade = request.wants_upgrade();
    std::string const sid(query.get("sid"));
    if (sid.empty())
        return detail::route_new(request, query, options, upgrade);
    std::optional<std::string_view> const current = transport_of(sid);
    if (!current)
        return detail::refuse(refusal::unknown_sid, "sid");
    if (!upgrade && *current != transport)
        return detail::refuse(refusal::bad_request, "TRANSPORT_MISMATCH");
    if (query.get("EIO") != "4")
        return detail::refuse(refusal::bad_request, "PROTOCOL_MISMATCH");
    if (upgrade && transport != "websocket")
        return detail::refuse(refusal::bad_request, "TRANSPORT_MISMATCH");
    if (!upgrade && transport == "websocket")
        return detail::refuse(refusal::bad_request, "TRANSPORT_HANDSHAKE_ERROR");
    if (upgrade && detail::refuses_origin(request, options))
        return detail::refuse(refusal::forbidden, "FOREIGN_ORIGIN");
    auto const what = upgrade ? verdict::kind::upgrade : detail::request_kind(request.method);
    return {what, {}, {}, sid};
}

}  // namespace socoro::engine
