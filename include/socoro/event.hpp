// SPDX-License-Identifier: BSL-1.0
// Events are types: a name, the types of the arguments, and the type of the reply if there is one.
// A described structure with a name is an event with one object argument; `event<...>` is one with
// positional arguments.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/codec.hpp>
#include <socoro/sio/json_writer.hpp>
#include <socoro/sio/packet.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <system_error>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro {

/// Text as a template argument.
template <std::size_t N>
struct fixed_string {
    char text[N]{};

    constexpr fixed_string(char const (&literal)[N]) { std::copy_n(literal, N, text); }
    [[nodiscard]] constexpr operator std::string_view() const { return {text, N - 1}; }
};

/// An event with positional arguments; it is a tuple of them:
/// `using joined = socoro::event<"user joined", std::string, int>;`
template <fixed_string Name, typename... Args>
struct event : std::tuple<Args...> {
    static constexpr std::string_view event_name = Name;
    using arguments = std::tuple<Args...>;
    using arguments::arguments;
};

/// An event that is acknowledged with a reply; its arguments are those of the function type:
/// `using history = socoro::event<"history", std::vector<message>(int)>;`
template <fixed_string Name, typename Reply, typename... Args>
struct event<Name, Reply(Args...)> : std::tuple<Args...> {
    static constexpr std::string_view event_name = Name;
    using arguments = std::tuple<Args...>;
    using reply = Reply;
    using arguments::arguments;
};

/// A type with a name that events go by.
template <typename T>
concept event_type = requires {
    { T::event_name } -> std::convertible_to<std::string_view>;
};

/// An event whose sender may wait for a reply.
template <typename T>
concept acknowledged_event = event_type<T> && requires {
    typename T::reply;
};

namespace detail {

template <typename E>
concept positional_event = event_type<E> && requires {
    typename E::arguments;
};

/// The arguments as a tuple: those of a positional event, or the structure itself.
template <typename E>
struct arguments_of {
    using type = std::tuple<E>;
};
template <positional_event E>
struct arguments_of<E> {
    using type = typename E::arguments;
};
template <typename E>
using arguments_of_t = typename arguments_of<E>::type;

template <typename E>
struct reply_of {
    using type = void;
};
template <acknowledged_event E>
struct reply_of<E> {
    using type = typename E::reply;
};
template <typename E>
using reply_of_t = typename reply_of<E>::type;

/// Fails to compile, naming the mistake, for what is no usable event.
template <typename E>
constexpr void check_event() {
    static_assert(
        event_type<E>,
        "socoro: an event needs a name: static constexpr auto event_name = \"...\";");
    static_assert(!sio::is_reserved_event(E::event_name), "socoro: this event name is reserved");
    static_assert(
        positional_event<E> || described_struct<E>,
        "socoro: this event is not described: add BOOST_DESCRIBE_STRUCT(event, (), (members...))");
}

/// An event ready to be put into packets: the JSON text of its name and arguments.
struct encoded_event {
    std::string json;
    attachments binary;
};

template <typename... Args>
[[nodiscard]] json::array encode_arguments(attachments& binary, Args const&... args) {
    json::array list;
    (list.push_back(encode_value(args, binary)), ...);
    return list;
}

template <typename... Args>
[[nodiscard]] encoded_event encode_named(std::string_view name, Args const&... args) {
    encoded_event out;
    auto list = encode_arguments(out.binary, args...);
    list.emplace(list.begin(), name);
    sio::append_json(out.json, list);
    return out;
}

/// As `encode_named`, for a name that was not checked by the compiler.
template <typename... Args>
[[nodiscard]] encoded_event encode_untyped(std::string_view name, Args const&... args) {
    if (sio::is_reserved_event(name))
        throw std::system_error(
            errc::reserved_event,
            "\"" + std::string(name) + "\" is a reserved event name");
    return encode_named(name, args...);
}

template <event_type E>
[[nodiscard]] encoded_event encode_event(E const& event) {
    check_event<E>();
    if constexpr (positional_event<E>)
        return std::apply(
            [](auto const&... args) { return encode_named(E::event_name, args...); },
            static_cast<typename E::arguments const&>(event));
    else
        return encode_named(E::event_name, event);
}

/// Makes an event of the arguments that a caller passed.
template <event_type E, typename... Args>
[[nodiscard]] E make_event(Args&&... args) {
    check_event<E>();
    if constexpr (positional_event<E>) {
        static_assert(
            std::is_constructible_v<typename E::arguments, Args&&...> ||
                (sizeof...(Args) == 0 && std::tuple_size_v<typename E::arguments> == 0),
            "socoro: these arguments do not fit the event");
        return E(std::forward<Args>(args)...);
    } else {
        static_assert(
            requires { E{std::forward<Args>(args)...}; },
            "socoro: these arguments do not fit the event");
        return E{std::forward<Args>(args)...};
    }
}

/// Reads arguments, `first` being the index of the first one in `list`, into a tuple. Optional
/// arguments at the end may be missing; more arguments than the tuple has are passed over, as a
/// JavaScript listener would.
template <typename Tuple>
[[nodiscard]] bool
read_arguments(json::array const& list, std::size_t first, value_reader& reader, Tuple& into) {
    std::size_t index = 0;
    auto const item = [&]<typename T>(T& element) {
        auto const at = index++;
        auto const step = "argument " + std::to_string(at + 1);
        if (first + at < list.size())
            return reader.read(list[first + at], element) || reader.within(step);
        return is_instance<T, std::optional> || (reader.expected("present"), reader.within(step));
    };
    return std::apply([&](auto&... elements) { return (item(elements) && ...); }, into);
}

}  // namespace detail

}  // namespace socoro

template <socoro::fixed_string Name, typename... Args>
requires(!std::is_function_v<Args> && ...) struct std::tuple_size<socoro::event<Name, Args...>>
    : std::tuple_size<std::tuple<Args...>> {
};

template <std::size_t I, socoro::fixed_string Name, typename... Args>
requires(
    !std::is_function_v<Args> && ...) struct std::tuple_element<I, socoro::event<Name, Args...>>
    : std::tuple_element<I, std::tuple<Args...>> {
};
