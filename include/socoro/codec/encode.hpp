// SPDX-License-Identifier: BSL-1.0
// From C++ values to JSON with binary attachments.
#pragma once

#include <socoro/codec/time.hpp>
#include <socoro/codec/types.hpp>
#include <socoro/sio/attachments.hpp>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

namespace socoro::detail {

template <typename T>
[[nodiscard]] json::value encode_value(T const& value, attachments& binary);

/// What a Date cannot hold is null, as an invalid Date is in JSON.
template <typename D>
[[nodiscard]] json::value encode_time(std::chrono::sys_time<D> time) {
    auto const date = to_date(time);
    if (!date)
        return nullptr;
    std::string text;
    append_date(text, *date);
    return json::value(text);
}

template <typename T>
[[nodiscard]] json::value encode_described(T const& value, attachments& binary) {
    json::object object;
    boost::mp11::mp_for_each<members_of<T>>([&](auto member) {
        auto const& field = value.*member.pointer;
        // A member that is absent is left out, as JSON.stringify leaves out undefined.
        if constexpr (is_instance<std::remove_cvref_t<decltype(field)>, std::optional>) {
            if (!field)
                return;
        }
        object.emplace(member.name, encode_value(field, binary));
    });
    return object;
}

template <typename T>
[[nodiscard]] json::value encode_tuple(T const& value, attachments& binary) {
    json::array array;
    std::apply(
        [&](auto const&... items) { (array.push_back(encode_value(items, binary)), ...); },
        value);
    return array;
}

template <typename T>
json::value encode_value(T const& value, attachments& binary) {
    if constexpr (json_type<T>) {
        return sio::without_placeholders(json::value(value));
    } else if constexpr (std::is_arithmetic_v<T>) {
        return json::value(value);
    } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::monostate>) {
        return nullptr;
    } else if constexpr (std::is_convertible_v<T const&, std::string_view>) {
        return json::value(std::string_view(value));
    } else if constexpr (is_time<T>) {
        return encode_time(value);
    } else if constexpr (std::is_same_v<T, bytes>) {
        binary.push_back(value.data);
        return sio::placeholder(binary.size() - 1);
    } else if constexpr (is_instance<T, std::optional>) {
        return value ? encode_value(*value, binary) : json::value(nullptr);
    } else if constexpr (is_instance<T, std::variant>) {
        return std::visit([&](auto const& item) { return encode_value(item, binary); }, value);
    } else if constexpr (is_tuple<T>) {
        return encode_tuple(value, binary);
    } else if constexpr (map_type<T>) {
        json::object object;
        for (auto const& [key, item] : value)
            object.emplace(key, encode_value(item, binary));
        return object;
    } else if constexpr (list_type<T>) {
        json::array array;
        for (auto const& item : value)
            array.push_back(encode_value<typename T::value_type>(item, binary));
        return array;
    } else if constexpr (described_enum<T>) {
        return json::value(boost::describe::enum_to_string(value, ""));
    } else if constexpr (described_struct<T>) {
        return encode_described(value, binary);
    } else {
        refuse_type<T>();
    }
}

}  // namespace socoro::detail
