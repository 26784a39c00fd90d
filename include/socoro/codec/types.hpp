// SPDX-License-Identifier: BSL-1.0
// The kinds of C++ types that can be arguments of events, told apart at compile time, and what is
// said about types and values that cannot. How each of them travels: codec.hpp.
#pragma once

#include <socoro/sio/json_writer.hpp>

#include <boost/describe.hpp>
#include <boost/json.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro {

namespace json = boost::json;

/// Binary data. It travels as an attachment and arrives as a Buffer, ArrayBuffer or Blob.
struct bytes {
    std::string data;

    bytes() = default;
    /// A constructor, so that it is no aggregate: g++ 12 destroys those twice that are made in an
    /// expression with `co_await`.
    bytes(std::string content) : data(std::move(content)) {}

    [[nodiscard]] friend bool operator==(bytes const&, bytes const&) = default;
};

/// Why a value does not fit a type.
struct misfit {
    /// Where, such as `argument 1.author`, `argument 2[3]` or `argument 3["no word"]`.
    std::string where;
    /// What was expected, such as `a string`.
    std::string expected;
};

namespace detail {

using attachments = std::vector<std::string>;

/// The step of a misfit's place to a key that the peer chose, so that it can be told from others.
[[nodiscard]] inline std::string step_to(std::string_view key) {
    std::string_view const word = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    if (!key.empty() && key.find_first_not_of(word) == std::string_view::npos)
        return "." + std::string(key);
    std::string step = "[";
    sio::append_json_string(step, key);
    return step + "]";
}

template <typename T>
inline constexpr bool always_false = false;

template <typename T, template <typename...> class Template>
inline constexpr bool is_instance = false;
template <template <typename...> class Template, typename... Args>
inline constexpr bool is_instance<Template<Args...>, Template> = true;

template <typename T>
inline constexpr bool is_std_array = false;
template <typename T, std::size_t N>
inline constexpr bool is_std_array<std::array<T, N>> = true;

template <typename T>
inline constexpr bool is_tuple =
    is_instance<T, std::tuple> || is_instance<T, std::pair> || is_std_array<T>;

template <typename T>
concept list_type = requires(T t, typename T::value_type v) {
    t.begin();
    t.end();
    t.insert(t.end(), std::move(v));
}
&&!requires {
    typename T::mapped_type;
}
&&!std::is_convertible_v<T, std::string_view>;

/// With `operator[]`, which maps with several values for a key have not.
template <typename T>
concept map_type = requires(T map, std::string const& key) {
    requires std::is_same_v<typename T::key_type, std::string>;
    { map[key] } -> std::same_as<typename T::mapped_type&>;
};

template <typename T>
concept described_struct = boost::describe::has_describe_members<T>::value && !std::is_union_v<T>;

template <typename T>
concept described_enum = boost::describe::has_describe_enumerators<T>::value;

template <typename T>
using members_of = boost::describe::
    describe_members<T, boost::describe::mod_public | boost::describe::mod_inherited>;

template <typename T>
concept json_type = std::is_same_v<T, json::value> || std::is_same_v<T, json::object> ||
    std::is_same_v<T, json::array> || std::is_same_v<T, json::string>;

/// Fails to compile for a type that cannot travel, with the remedy in the message.
template <typename T>
constexpr void refuse_type() {
    if constexpr (std::is_convertible_v<T const&, std::string_view>)
        static_assert(
            always_false<T>,
            "socoro: text is received as std::string, since somebody has to own it");
    else if constexpr (requires { typename T::mapped_type; })
        static_assert(
            always_false<T>,
            "socoro: a map travels as an object, so its keys must be std::string, each once");
    else if constexpr (std::is_enum_v<T>)
        static_assert(
            always_false<T>,
            "socoro: this enumeration is not described: add BOOST_DESCRIBE_ENUM(type, values...)");
    else if constexpr (std::is_pointer_v<T>)
        static_assert(always_false<T>, "socoro: a pointer cannot be sent; send what it points to");
    else
        static_assert(
            always_false<T>,
            "socoro: this type is not described: "
            "add BOOST_DESCRIBE_STRUCT(type, (), (members...))");
}

}  // namespace detail

}  // namespace socoro
