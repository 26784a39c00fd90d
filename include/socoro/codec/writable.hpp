// SPDX-License-Identifier: BSL-1.0
// Whether a type can travel, asked without the error that writing it would be: for what a program
// keeps for itself, and others may want to see.
#pragma once

#include <socoro/codec/time.hpp>
#include <socoro/codec/types.hpp>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <optional>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace socoro::detail {

template <typename T>
[[nodiscard]] constexpr bool can_write();

template <typename T>
struct writes_each : std::false_type {};
template <template <typename...> class Template, typename... Ts>
struct writes_each<Template<Ts...>> : std::bool_constant<(can_write<Ts>() && ...)> {};
template <typename T, std::size_t N>
struct writes_each<std::array<T, N>> : std::bool_constant<can_write<T>()> {};

template <typename T, typename Members>
struct writes_members;
template <typename T, template <typename...> class List, typename... Members>
struct writes_members<T, List<Members...>>
    : std::bool_constant<(
          can_write<std::remove_cvref_t<decltype(std::declval<T&>().*Members::pointer)>>() &&
          ...)> {};

/// Whether `write_value` compiles for a `T`. A structure that contains its own type by way of a
/// container cannot be told, and is none.
template <typename T>
constexpr bool can_write() {
    if constexpr (
        json_type<T> || std::is_arithmetic_v<T> || std::is_same_v<T, std::nullptr_t> ||
        std::is_same_v<T, std::monostate> || std::is_convertible_v<T const&, std::string_view> ||
        is_time<T> || std::is_same_v<T, bytes>)
        return true;
    else if constexpr (is_instance<T, std::optional> || is_instance<T, std::variant> || is_tuple<T>)
        return writes_each<T>::value;
    else if constexpr (map_type<T>)
        return can_write<typename T::mapped_type>();
    else if constexpr (list_type<T>)
        return can_write<typename T::value_type>();
    else if constexpr (described_enum<T>)
        return true;
    else if constexpr (described_struct<T>)
        return writes_members<T, members_of<T>>::value;
    else
        return false;
}

}  // namespace socoro::detail
