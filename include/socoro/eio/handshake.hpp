// SPDX-License-Identifier: BSL-1.0
// The data of the open packet, with which the server answers a new session (Engine.IO protocol
// v4, "Handshake"). Not the HTTP request before it: its verdict belongs to the engine.
#pragma once

#include <socoro/base/result.hpp>

#include <boost/json.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace socoro::eio {

/// What the server tells a client about its session.
struct open {
    std::string sid;
    /// Transports the client may upgrade to from the one it came with.
    std::vector<std::string> upgrades;
    std::chrono::milliseconds ping_interval{25'000};
    std::chrono::milliseconds ping_timeout{20'000};
    /// The largest body or WebSocket message the server takes, in bytes. Zero when a server does
    /// not say, as those before Engine.IO 6: then the client need not mind.
    std::size_t max_payload = 1'000'000;

    [[nodiscard]] friend bool operator==(open const&, open const&) = default;
};

/// The data of an open packet, member by member as the reference writes it.
[[nodiscard]] std::string encode(open const& handshake);

/// Reads the data of an open packet; members it does not know are passed over. Refused with
/// eio_bad_open: what is no object, a sid that is not 1 to 256 visible ASCII characters (it goes
/// into request lines), times that are not whole milliseconds from 1 to 2^31 - 1.
[[nodiscard]] result<open> decode_open(std::string_view json);

namespace detail {

[[nodiscard]] inline boost::json::array to_array(std::vector<std::string> const& names) {
    boost::json::array list;
    for (auto const& name : names)
        list.emplace_back(name);
    return list;
}

[[nodiscard]] inline bool is_sid(std::string_view sid) noexcept {
    for (char c : sid)
        if (c < 0x21 || c > 0x7e)
            return false;
    return !sid.empty() && sid.size() <= 256;
}

/// The member `key` as a string; empty if it is missing or something else.
[[nodiscard]] inline std::string string_member(
    boost::json::object const& object,
    std::string_view key) {
    auto const* value = object.if_contains(key);
    auto const* text = value ? value->if_string() : nullptr;
    return text ? std::string(text->data(), text->size()) : std::string();
}

/// The member `key` as a whole number from `least` to `most`.
[[nodiscard]] inline std::optional<std::int64_t> number_member(
    boost::json::object const& object,
    std::string_view key,
    std::int64_t least,
    std::int64_t most) {
    auto const* value = object.if_contains(key);
    if (!value || !value->is_number())
        return std::nullopt;
    boost::system::error_code error;
    auto const number = value->to_number<std::int64_t>(error);
    if (error || number < least || number > most)
        return std::nullopt;
    return number;
}

/// Reads the list of upgrades; false unless it is a list of strings.
[[nodiscard]] inline bool read_upgrades(
    boost::json::object const& object,
    std::vector<std::string>& upgrades) {
    auto const* value = object.if_contains("upgrades");
    auto const* list = value ? value->if_array() : nullptr;
    if (!list)
        return false;
    for (auto const& item : *list) {
        auto const* name = item.if_string();
        if (!name)
            return false;
        upgrades.emplace_back(name->data(), name->size());
    }
    return true;
}

}  // namespace detail

inline std::string encode(open const& handshake) {
    return "{\"sid\":" + boost::json::serialize(boost::json::string(handshake.sid)) +
           ",\"upgrades\":" + boost::json::serialize(detail::to_array(handshake.upgrades)) +
           ",\"pingInterval\":" + std::to_string(handshake.ping_interval.count()) +
           ",\"pingTimeout\":" + std::to_string(handshake.ping_timeout.count()) +
           ",\"maxPayload\":" + std::to_string(handshake.max_payload) + "}";
}

inline result<open> decode_open(std::string_view json) {
    constexpr std::int64_t longest_timer = std::numeric_limits<std::int32_t>::max();
    constexpr std::int64_t largest_payload = std::int64_t{1} << 53;
    boost::system::error_code error;
    auto const parsed = boost::json::parse(json, error);
    auto const* object = error ? nullptr : parsed.if_object();
    if (!object)
        return errc::eio_bad_open;
    open handshake;
    handshake.sid = detail::string_member(*object, "sid");
    auto const interval = detail::number_member(*object, "pingInterval", 1, longest_timer);
    auto const timeout = detail::number_member(*object, "pingTimeout", 1, longest_timer);
    auto const payload = object->contains("maxPayload")
                             ? detail::number_member(*object, "maxPayload", 0, largest_payload)
                             : 0;
    if (!detail::is_sid(handshake.sid) || !interval || !timeout || !payload ||
        !detail::read_upgrades(*object, handshake.upgrades))
        return errc::eio_bad_open;
    handshake.ping_interval = std::chrono::milliseconds(*interval);
    handshake.ping_timeout = std::chrono::milliseconds(*timeout);
    handshake.max_payload = static_cast<std::size_t>(*payload);
    return handshake;
}

}  // namespace socoro::eio
