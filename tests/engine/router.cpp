// SPDX-License-Identifier: BSL-1.0
#include <socoro/engine/router.hpp>

#include <doctest/doctest.h>

#include <string>
#include <tuple>
#include <vector>

namespace engine = socoro::engine;
namespace http = socoro::http;
using kind = engine::verdict::kind;

namespace {

http::request request(std::string method, std::string query, bool upgrade = false) {
    http::request made;
    made.method = std::move(method);
    made.target = "/engine.io/?" + query;
    if (upgrade) {
        made.headers.add("Upgrade", "websocket");
        made.headers.add("Connection", "Upgrade");
    }
    return made;
}

/// There is one session on each transport.
std::optional<std::string_view> transport_of(std::string const& sid) {
    if (sid == "polls")
        return "polling";
    if (sid == "ws")
        return "websocket";
    return std::nullopt;
}

engine::verdict route(http::request const& r, engine::options const& options = {}) {
    return engine::route(r, options, transport_of);
}

}  // namespace

TEST_CASE("engine/router: what a good request asks for") {
    std::vector<std::tuple<http::request, kind, std::string>> const cases{
        {request("GET", "EIO=4&transport=polling"), kind::open_polling, ""},
        {request("GET", "EIO=4&transport=polling&sid="), kind::open_polling, ""},
        {request("GET", "EIO=4&transport=websocket", true), kind::open_websocket, ""},
        {request("GET", "EIO=4&transport=polling&sid=polls"), kind::poll, "polls"},
        {request("POST", "EIO=4&transport=polling&sid=polls"), kind::post, "polls"},
        {request("GET", "EIO=4&transport=websocket&sid=polls", true), kind::upgrade, "polls"},
        {request("GET", "EIO=4&transport=websocket&sid=ws", true), kind::upgrade, "ws"},
        {request("PUT", "EIO=4&transport=polling&sid=polls"), kind::bad_method, "polls"},
    };
    for (auto const& [asked, what, sid] : cases) {
        CAPTURE(asked.target);
        auto const verdict = route(asked);
        CHECK(verdict.what == what);
        CHECK(verdict.sid == sid);
    }
}

TEST_CASE("engine/router: refusals have the reference's codes, the first reason counts") {
    std::vector<std::tuple<http::request, int, std::string>> const cases{
        {request("GET", ""), 0, "transport"},
        {request("POST", "EIO=9&transport=tcp&sid=nobody"), 0, "transport"},
        {request("POST", "EIO=9&transport=polling&sid=nobody"), 1, "sid"},
        {request("GET", "EIO=9&transport=polling&sid=ws"), 3, "TRANSPORT_MISMATCH"},
        {request("GET", "EIO=4&transport=websocket&sid=polls"), 3, "TRANSPORT_MISMATCH"},
        {request("GET", "EIO=9&transport=polling&sid=polls"), 3, "PROTOCOL_MISMATCH"},
        {request("GET", "EIO=4&transport=polling&sid=polls", true), 3, "TRANSPORT_MISMATCH"},
        {request("GET", "EIO=4&transport=websocket&sid=ws"), 3, "TRANSPORT_HANDSHAKE_ERROR"},
        {request("POST", "EIO=9&transport=websocket"), 2, "POST"},
        {request("OPTIONS", "EIO=4&transport=polling"), 2, "OPTIONS"},
        {request("HEAD", "EIO=4&transport=polling"), 2, "HEAD"},
        {request("GET", "EIO=9&transport=websocket"), 3, "TRANSPORT_HANDSHAKE_ERROR"},
        {request("GET", "EIO=4&transport=polling", true), 3, "TRANSPORT_HANDSHAKE_ERROR"},
    };
    for (auto const& [asked, code, context] : cases) {
        CAPTURE(asked.target);
        auto const verdict = route(asked);
        CHECK(verdict.what == kind::refuse);
        CHECK(static_cast<int>(verdict.code) == code);
        CHECK(verdict.context == context);
    }
}

TEST_CASE("engine/router: the version of a new session is looked at by itself") {
    for (std::string const other : {"", "EIO=3&", "EIO=5&", "EIO=&", "EIO=04&", "EIO=4.0&"}) {
        auto const asked = request("GET", other + "transport=polling");
        CHECK(route(asked).what == kind::open_polling);
        CHECK_FALSE(engine::speaks_our_version(asked));
    }
    CHECK(engine::speaks_our_version(request("GET", "transport=polling&EIO=4")));
}

TEST_CASE("engine/router: foreign origins are refused when the options say so, where it matters") {
    using engine::origin_check;
    auto const asked = [](std::string query, bool upgrade, std::string origin) {
        auto made = request("GET", "EIO=4&transport=" + query, upgrade);
        made.headers.add("Host", "own.example");
        if (!origin.empty())
            made.headers.add("Origin", std::move(origin));
        return made;
    };
    struct {
        std::string query;
        bool upgrade;
        kind what;
    } const opening[] = {
        {"polling", false, kind::open_polling},
        {"websocket", true, kind::open_websocket},
        {"websocket&sid=polls", true, kind::upgrade},
    };
    for (auto const& [query, upgrade, what] : opening)
        for (auto const when :
             {origin_check::never, origin_check::with_credentials, origin_check::always})
            for (int cookies = 0; cookies < 3; ++cookies) {
                CAPTURE(query);
                CAPTURE(cookies);
                engine::options options;
                options.cors.origins = {"http://friend.example"};
                options.cors.credentials = cookies == 1;
                options.cookie.enabled = cookies == 2;
                options.check_origin = when;
                for (auto const* const good : {"", "http://own.example", "http://friend.example"})
                    CHECK(route(asked(query, upgrade, good), options).what == what);
                bool const refuses = when == origin_check::always ||
                                     (when == origin_check::with_credentials && cookies > 0);
                auto const foreign = route(asked(query, upgrade, "http://evil"), options);
                CHECK(foreign.what == (refuses ? kind::refuse : what));
                if (refuses) {
                    CHECK(foreign.code == engine::refusal::forbidden);
                    CHECK(foreign.context == "FOREIGN_ORIGIN");
                }
                // Who knows the sid has been let in.
                CHECK(
                    route(asked("polling&sid=polls", false, "http://evil"), options).what ==
                    kind::poll);
                // Other mistakes come first.
                CHECK(
                    route(asked("tcp", upgrade, "http://evil"), options).code ==
                    engine::refusal::unknown_transport);
                CHECK(
                    route(asked("websocket&sid=x", upgrade, "http://evil"), options).code ==
                    engine::refusal::unknown_sid);
            }
}

TEST_CASE("engine/router: an origin with control characters is refused after the transport") {
    auto asked = request("GET", "EIO=4&transport=polling&sid=nobody");
    asked.headers.add("Origin", "http://a\x01");
    CHECK(route(asked).code == engine::refusal::bad_request);
    CHECK(route(asked).context == "INVALID_ORIGIN");
    asked.target = "/engine.io/?EIO=4&transport=tcp";
    CHECK(route(asked).code == engine::refusal::unknown_transport);
}

TEST_CASE("engine/router: odd transports are unknown, whatever they are the name of") {
    // CVE-2023-31125: the process died of the first two.
    for (std::string const odd :
         {"__proto__", "constructor", "Polling", "polling%00", "websocket,polling", "webtransport"})
        for (bool const upgrade : {false, true}) {
            CAPTURE(odd);
            engine::options options;
            options.transports.push_back("webtransport");
            auto const verdict =
                route(request("GET", "EIO=4&transport=" + odd + "&sid=polls", upgrade), options);
            CHECK(verdict.what == kind::refuse);
            CHECK(verdict.code == engine::refusal::unknown_transport);
        }
}

TEST_CASE("engine/router: a transport that is not enabled is unknown") {
    engine::options options;
    options.transports = {"websocket"};
    CHECK(
        route(request("GET", "EIO=4&transport=polling"), options).code ==
        engine::refusal::unknown_transport);
    CHECK(
        route(request("GET", "EIO=4&transport=websocket", true), options).what ==
        kind::open_websocket);
}

TEST_CASE("engine/router: messages are the reference's") {
    using engine::refusal;
    CHECK(engine::message_of(refusal::unknown_transport) == "Transport unknown");
    CHECK(engine::message_of(refusal::unknown_sid) == "Session ID unknown");
    CHECK(engine::message_of(refusal::bad_handshake_method) == "Bad handshake method");
    CHECK(engine::message_of(refusal::bad_request) == "Bad request");
    CHECK(engine::message_of(refusal::forbidden) == "Forbidden");
    CHECK(
        engine::message_of(refusal::unsupported_protocol_version) ==
        "Unsupported protocol version");
}
