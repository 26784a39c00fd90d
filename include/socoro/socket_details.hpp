// SPDX-License-Identifier: BSL-1.0
// A socket as others see it who asked for it: its handshake in the shape of the reference
// (`Socket.handshake`), its rooms, and its data as JSON.
#pragma once

#include <socoro/adapter/message.hpp>
#include <socoro/base/utf8.hpp>
#include <socoro/http/date.hpp>
#include <socoro/socket_core.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::detail {

/// Text of a peer, which may be any bytes: what is no UTF-8 is taken for Latin-1.
[[nodiscard]] inline std::string to_utf8(std::string_view text) {
    if (is_utf8(text))
        return std::string(text);
    std::string out;
    for (unsigned char const c : text) {
        if (c < 0x80) {
            out += static_cast<char>(c);
            continue;
        }
        out += static_cast<char>(0xC0 | (c >> 6));
        out += static_cast<char>(0x80 | (c & 0x3F));
    }
    return out;
}

/// Whether of several fields of this name the first counts, as in Node.
[[nodiscard]] inline bool is_single_field(std::string_view name) noexcept {
    constexpr std::array<std::string_view, 18> single{
        "age",
        "authorization",
        "content-length",
        "content-type",
        "etag",
        "expires",
        "from",
        "host",
        "if-modified-since",
        "if-unmodified-since",
        "last-modified",
        "location",
        "max-forwards",
        "proxy-authorization",
        "referer",
        "retry-after",
        "server",
        "user-agent"};
    return std::find(single.begin(), single.end(), name) != single.end();
}

/// Header fields as Node has them: names in lower case, those that come several times as one.
[[nodiscard]] inline json::object to_json(http::fields const& fields) {
    json::object out;
    for (auto const& [name, value] : fields) {
        auto key = to_utf8(name);
        std::transform(key.begin(), key.end(), key.begin(), [](unsigned char c) {
            return static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
        });
        auto const text = to_utf8(value);
        auto const [place, is_new] = out.emplace(key, text);
        if (!is_new && !is_single_field(key))
            place->value().get_string().append(key == "cookie" ? "; " : ", ").append(text);
    }
    return out;
}

/// Parameters as Node has them: one that comes several times is an array.
[[nodiscard]] inline json::object to_json(http::query const& query) {
    json::object out;
    for (auto const& [name, value] : query) {
        json::value text(to_utf8(value));
        auto const [place, is_new] = out.emplace(to_utf8(name), text);
        if (is_new)
            continue;
        auto& so_far = place->value();
        if (!so_far.is_array())
            so_far = json::array{std::move(so_far)};
        so_far.get_array().push_back(std::move(text));
    }
    return out;
}

/// A time as text in JavaScript, in UTC: `Sun Nov 06 1994 08:49:37 GMT+0000 (...)`.
[[nodiscard]] inline std::string to_js_text(std::chrono::system_clock::time_point time) {
    // Sun, 06 Nov 1994 08:49:37 GMT
    auto const date = http::format_date(time);
    return date.substr(0, 3) + date.substr(7, 4) + date.substr(4, 3) + date.substr(11) +
           "+0000 (Coordinated Universal Time)";
}

[[nodiscard]] inline json::object to_json(handshake const& brought) {
    json::object out;
    out.emplace("headers", to_json(brought.headers));
    out.emplace("time", to_js_text(brought.time));
    out.emplace("address", to_utf8(brought.address));
    out.emplace("xdomain", brought.xdomain());
    out.emplace("secure", brought.secure);
    out.emplace("issued", brought.issued());
    out.emplace("url", to_utf8(brought.url));
    out.emplace("query", to_json(brought.query));
    out.emplace("auth", brought.auth);
    return out;
}

/// What others see of a socket, now.
[[nodiscard]] inline socket_details details_of(socket_core& of) {
    return {of.id(), to_json(of.brought()), of.nsp()->adapter().rooms_of(of), of.data().to_json()};
}

}  // namespace socoro::detail
