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
#include <cstdlib>
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

/// What a client's socket itself tells, such as `on_connect`: received like an event, never sent.
template <typename T>
concept lifecycle_event = event_type<T> && requires {
    requires T::is_lifecycle;
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
/// Asked for in a `static_assert`, so that it comes before what else is wrong then.
template <typename E>
[[nodiscard]] constexpr bool check_event() {
    static_assert(
        event_type<E>,
        "socoro: an event needs a name: static constexpr auto event_name = \"...\";");
    if constexpr (event_type<E>) {
        static_assert(
            !sio::is_reserved_event(E::event_name),
            "socoro: this event name is reserved");
        static_assert(
            positional_event<E> || described_struct<E> || lifecycle_event<E>,
            "socoro: this event is not described: "
            "add BOOST_DESCRIBE_STRUCT(event, (), (members...))");
    }
    return true;
}

/// As `check_event`, for an event that is to be called.
template <typename E>
[[nodiscard]] constexpr bool check_call() {
    static_assert(check_event<E>());
    static_assert(
        acknowledged_event<E>,
        "socoro: this event has no reply: declare event<\"name\", Reply(Args...)>, "
        "or using reply = Reply; in the structure");
    return true;
}

/// What may be an event, and is checked to be one; not a name that is known at run time only.
template <typename T>
concept maybe_event = !std::is_convertible_v<T const&, std::string_view>;

/// An event ready to be put into packets: the JSON text of its name and arguments.
struct encoded_event {
    std::string json;
    attachments binary;
    /// The text belongs to whoever encoded the event.
    std::string_view name;
    /// Whether transports may compress it.
    bool compress = true;
};

/// Most events take no more, so that their text is allocated once.
inline constexpr std::size_t usual_size = 120;

template <typename... Args>
[[nodiscard]] encoded_event encode_named(std::string_view name, Args const&... args) {
    encoded_event out;
    out.name = name;
    out.json.reserve(usual_size);
    out.json = "[";
    write_values(out.json, out.binary, name, args...);
    out.json += ']';
    return out;
}

/// Throws for a name that only the protocol itself may send.
inline void refuse_reserved(std::string_view name) {
    if (sio::is_reserved_event(name))
        throw std::system_error(
            errc::reserved_event,
            "\"" + std::string(name) + "\" is a reserved event name");
}

/// As `encode_named`, for a name that was not checked by the compiler.
template <typename... Args>
[[nodiscard]] encoded_event encode_untyped(std::string_view name, Args const&... args) {
    refuse_reserved(name);
    return encode_named(name, args...);
}

template <typename E>
[[nodiscard]] encoded_event encode_event(E const& event) {
    static_assert(check_event<E>());
    if constexpr (positional_event<E>)
        return std::apply(
            [](auto const&... args) { return encode_named(E::event_name, args...); },
            static_cast<typename E::arguments const&>(event));
    else
        return encode_named(E::event_name, event);
}

/// Whether an event can be made of arguments of these types.
template <typename E, typename... Args>
[[nodiscard]] constexpr bool fits_event() {
    if constexpr (positional_event<E>)
        return std::is_constructible_v<typename E::arguments, Args...> ||
               (sizeof...(Args) == 0 && std::tuple_size_v<typename E::arguments> == 0);
    else
        return requires {
            E{std::declval<Args>()...};
        };
}

/// Makes an event of the arguments that a caller passed.
template <typename E, typename... Args>
[[nodiscard]] E make_event(Args&&... args) {
    static_assert(check_event<E>());
    static_assert(fits_event<E, Args&&...>(), "socoro: these arguments do not fit the event");
    // Only the message above shall be read, not what follows from it.
    if constexpr (!fits_event<E, Args&&...>())
        std::abort();
    else if constexpr (positional_event<E>)
        return E(std::forward<Args>(args)...);
    else
        return E{std::forward<Args>(args)...};
}

/// Reads the argument at `index`, `first` being the place of the first one in `list`. An optional
/// argument may be missing.
template <typename T>
[[nodiscard]] bool read_argument(
    json::array const& list,
    std::size_t first,
    std::size_t index,
    value_reader& reader,
    T& into) {
    bool const present = index < list.size() - first;
    if (present ? reader.read(list[first + index], into) : is_instance<T, std::optional>)
        return true;
    if (!present)
        reader.expected("present");
    return reader.within("argument " + std::to_string(index + 1));
}

/// Reads the arguments behind the first `first` items of `list` into a tuple. More arguments than
/// the tuple has are passed over, as a JavaScript listener would.
template <typename Tuple>
[[nodiscard]] bool
read_arguments(json::array const& list, std::size_t first, value_reader& reader, Tuple& into) {
    std::size_t index = 0;
    auto const item = [&](auto& element) {
        return read_argument(list, first, index++, reader, element);
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
