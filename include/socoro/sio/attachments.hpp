// SPDX-License-Identifier: BSL-1.0
// The placeholders that stand for binary data in a packet's JSON (Socket.IO protocol v5, "Binary
// event"): `{"_placeholder":true,"num":0}`. Not the collecting of the attachments: decoder.hpp.
#pragma once

#include <socoro/sio/packet.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace socoro::sio {

/// The value that stands for the attachment at `index`.
[[nodiscard]] boost::json::value placeholder(std::size_t index);

/// Whether `value` claims to stand for an attachment, with whatever number.
[[nodiscard]] bool is_placeholder(boost::json::value const& value) noexcept;

/// The attachment `value` stands for, or null if it is no placeholder or names none of them. Any
/// peer can write a placeholder into an event without attachments, so always look here.
[[nodiscard]] std::string const* find_attachment(
    boost::json::value const& value,
    std::vector<std::string> const& attachments) noexcept;

/// The value with null for each placeholder, at any depth: what a peer sent as plain JSON must not
/// name attachments when it is sent on beside binary data.
[[nodiscard]] boost::json::value without_placeholders(boost::json::value value);

/// Whether every placeholder in `data`, at any depth, has a whole number below `count`, each at
/// most once: no sender repeats one, and a repeated one would be copied once for each mention.
[[nodiscard]] bool placeholders_fit(boost::json::value const& data, std::size_t count);

namespace detail {

/// The number of a placeholder; nothing if it is not a whole number from 0.
[[nodiscard]] inline std::optional<std::uint64_t> number_of(
    boost::json::object const& object) noexcept {
    auto const* number = object.if_contains("num");
    if (!number || !number->is_number())
        return std::nullopt;
    boost::system::error_code error;
    auto const index = number->to_number<std::uint64_t>(error);
    if (error)
        return std::nullopt;
    return index;
}

/// Calls `visit` with every object in `root`, without recursion, until one call returns false.
template <typename Visit>
[[nodiscard]] bool all_objects(boost::json::value const& root, Visit visit) {
    std::vector<boost::json::value const*> pending{&root};
    while (!pending.empty()) {
        auto const& value = *pending.back();
        pending.pop_back();
        if (auto const* array = value.if_array()) {
            for (auto const& item : *array)
                if (item.is_structured())
                    pending.push_back(&item);
        } else if (auto const* object = value.if_object()) {
            if (!visit(value))
                return false;
            for (auto const& member : *object)
                if (member.value().is_structured())
                    pending.push_back(&member.value());
        }
    }
    return true;
}

}  // namespace detail

inline boost::json::value placeholder(std::size_t index) {
    boost::json::object object;
    object.emplace("_placeholder", true);
    object.emplace("num", index);
    return object;
}

inline bool is_placeholder(boost::json::value const& value) noexcept {
    auto const* object = value.if_object();
    auto const* mark = object ? object->if_contains("_placeholder") : nullptr;
    return mark && mark->is_bool() && mark->get_bool();
}

inline std::string const* find_attachment(
    boost::json::value const& value,
    std::vector<std::string> const& attachments) noexcept {
    if (!is_placeholder(value))
        return nullptr;
    auto const index = detail::number_of(value.get_object());
    return index && *index < attachments.size() ? &attachments[*index] : nullptr;
}

inline boost::json::value without_placeholders(boost::json::value value) {
    std::vector<boost::json::value*> pending{&value};
    while (!pending.empty()) {
        auto& next = *pending.back();
        pending.pop_back();
        if (is_placeholder(next))
            next = nullptr;
        else if (auto* const array = next.if_array())
            for (auto& item : *array)
                pending.push_back(&item);
        else if (auto* const object = next.if_object())
            for (auto& member : *object)
                pending.push_back(&member.value());
    }
    return value;
}

inline bool placeholders_fit(boost::json::value const& data, std::size_t count) {
    std::vector<std::uint64_t> numbers;
    bool const valid = detail::all_objects(data, [&](boost::json::value const& value) {
        if (!is_placeholder(value))
            return true;
        auto const number = detail::number_of(value.get_object());
        if (!number || *number >= count)
            return false;
        numbers.push_back(*number);
        return numbers.size() <= count;
    });
    std::sort(numbers.begin(), numbers.end());
    return valid && std::adjacent_find(numbers.begin(), numbers.end()) == numbers.end();
}

}  // namespace socoro::sio
