// SPDX-License-Identifier: BSL-1.0
// From JSON with binary attachments to C++ values. What arrives is not trusted: a value that does
// not fit its type is a misfit, which says where it is and what was expected there.
#pragma once

#include <socoro/codec/time.hpp>
#include <socoro/codec/types.hpp>
#include <socoro/sio/attachments.hpp>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <chrono>
#include <cmath>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace socoro::detail {

/// Reads values out of one event, and keeps why the last one that failed did.
class value_reader {
public:
    explicit value_reader(attachments const& binary) : binary_(binary) {}

    template <typename T>
    [[nodiscard]] bool read(json::value const& from, T& into);

    /// Puts a step in front of the misfit's place.
    bool within(std::string_view step) {
        misfit_.where.insert(0, step);
        return false;
    }

    bool expected(std::string_view what) {
        misfit_.where.clear();
        misfit_.expected = what;
        return false;
    }

    [[nodiscard]] misfit const& why() const noexcept { return misfit_; }

private:
    template <typename T>
    [[nodiscard]] bool read_number(json::value const& from, T& into);
    template <typename D>
    [[nodiscard]] bool read_time(json::value const& from, std::chrono::sys_time<D>& into);
    template <typename T>
    [[nodiscard]] bool read_described(json::value const& from, T& into);
    template <typename T>
    [[nodiscard]] bool read_tuple(json::value const& from, T& into);
    template <typename T>
    [[nodiscard]] bool read_list(json::value const& from, T& into);
    template <typename T>
    [[nodiscard]] bool read_map(json::value const& from, T& into);
    template <typename T>
    [[nodiscard]] bool read_enum(json::value const& from, T& into);
    template <typename... Ts>
    [[nodiscard]] bool read_variant(json::value const& from, std::variant<Ts...>& into);
    template <typename T>
    [[nodiscard]] bool read_json(json::value const& from, T& into);
    [[nodiscard]] bool read_bytes(json::value const& from, bytes& into);

    attachments const& binary_;
    misfit misfit_;
};

template <typename T>
bool value_reader::read(json::value const& from, T& into) {
    if constexpr (json_type<T>) {
        return read_json(from, into);
    } else if constexpr (std::is_same_v<T, bool>) {
        return from.is_bool() ? (into = from.get_bool(), true) : expected("a boolean");
    } else if constexpr (std::is_arithmetic_v<T>) {
        return read_number(from, into);
    } else if constexpr (std::is_same_v<T, std::string>) {
        return from.is_string() ? (into = from.get_string(), true) : expected("a string");
    } else if constexpr (is_time<T>) {
        return read_time(from, into);
    } else if constexpr (std::is_same_v<T, bytes>) {
        return read_bytes(from, into);
    } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::monostate>) {
        return from.is_null() || expected("null");
    } else if constexpr (is_instance<T, std::optional>) {
        return from.is_null() ? (into.reset(), true) : read(from, into.emplace());
    } else if constexpr (is_instance<T, std::variant>) {
        return read_variant(from, into);
    } else if constexpr (is_tuple<T>) {
        return read_tuple(from, into);
    } else if constexpr (map_type<T>) {
        return read_map(from, into);
    } else if constexpr (list_type<T>) {
        return read_list(from, into);
    } else if constexpr (described_enum<T>) {
        return read_enum(from, into);
    } else if constexpr (described_struct<T>) {
        return read_described(from, into);
    } else {
        refuse_type<T>();
    }
}

template <typename T>
bool value_reader::read_json(json::value const& from, T& into) {
    if constexpr (std::is_same_v<T, json::value>) {
        into = from;
        return true;
    } else if constexpr (std::is_same_v<T, json::object>) {
        return from.is_object() ? (into = from.get_object(), true) : expected("an object");
    } else if constexpr (std::is_same_v<T, json::array>) {
        return from.is_array() ? (into = from.get_array(), true) : expected("an array");
    } else {
        return from.is_string() ? (into = from.get_string(), true) : expected("a string");
    }
}

template <typename T>
bool value_reader::read_number(json::value const& from, T& into) {
    boost::system::error_code error;
    bool fits = from.is_number();
    if constexpr (std::is_same_v<T, float>)
        fits = fits && std::abs(from.to_number<double>(error)) <= std::numeric_limits<T>::max();
    if (fits)
        into = from.to_number<T>(error);
    if (fits && !error)
        return true;
    std::string const kind = std::is_integral_v<T> ? "a whole number" : "a number";
    return expected(from.is_number() ? kind + " in range" : kind);
}

inline bool value_reader::read_bytes(json::value const& from, bytes& into) {
    auto const* const data = sio::find_attachment(from, binary_);
    if (!data)
        return expected("binary data");
    into.data = *data;
    return true;
}

template <typename D>
bool value_reader::read_time(json::value const& from, std::chrono::sys_time<D>& into) {
    auto const time =
        from.is_string() ? parse_time<D>(std::string_view(from.get_string())) : std::nullopt;
    return time ? (into = *time, true) : expected("a time such as 2024-01-31T12:00:00.000Z");
}

template <typename T>
bool value_reader::read_described(json::value const& from, T& into) {
    if (!from.is_object())
        return expected("an object");
    auto const& object = from.get_object();
    bool fits = true;
    boost::mp11::mp_for_each<members_of<T>>([&](auto member) {
        if (!fits)
            return;
        auto& field = into.*member.pointer;
        auto const* const value = object.if_contains(member.name);
        constexpr bool optional = is_instance<std::remove_cvref_t<decltype(field)>, std::optional>;
        if (value)
            fits = read(*value, field);
        else if (!optional)
            fits = expected("a member of that name");
        if (!fits)
            within(std::string(".") + member.name);
    });
    return fits;
}

template <typename T>
bool value_reader::read_tuple(json::value const& from, T& into) {
    constexpr auto size = std::tuple_size_v<T>;
    if (!from.is_array() || from.get_array().size() != size)
        return expected("an array of " + std::to_string(size));
    std::size_t index = 0;
    auto const item = [&](auto& element) {
        auto const at = index++;
        return read(from.get_array()[at], element) || within("[" + std::to_string(at) + "]");
    };
    return std::apply([&](auto&... elements) { return (item(elements) && ...); }, into);
}

template <typename T>
bool value_reader::read_list(json::value const& from, T& into) {
    if (!from.is_array())
        return expected("an array");
    into.clear();
    std::size_t index = 0;
    for (auto const& item : from.get_array()) {
        typename T::value_type element{};
        if (!read(item, element))
            return within("[" + std::to_string(index) + "]");
        into.insert(into.end(), std::move(element));
        ++index;
    }
    return true;
}

template <typename T>
bool value_reader::read_map(json::value const& from, T& into) {
    if (!from.is_object())
        return expected("an object");
    into.clear();
    for (auto const& member : from.get_object()) {
        typename T::mapped_type element{};
        if (!read(member.value(), element))
            return within(step_to(member.key()));
        into.emplace(std::string(member.key()), std::move(element));
    }
    return true;
}

template <typename T>
bool value_reader::read_enum(json::value const& from, T& into) {
    using enumerators = boost::describe::describe_enumerators<T>;
    bool found = false;
    boost::mp11::mp_for_each<enumerators>([&](auto entry) {
        // Not with enum_from_string: that reads to the first NUL only.
        if (from.is_string() && from.get_string() == entry.name) {
            into = entry.value;
            found = true;
        }
    });
    if (found)
        return true;
    std::string names;
    boost::mp11::mp_for_each<enumerators>(
        [&](auto entry) { names += (names.empty() ? "" : ", ") + std::string(entry.name); });
    return expected("one of " + names);
}

template <typename... Ts>
bool value_reader::read_variant(json::value const& from, std::variant<Ts...>& into) {
    auto const fits = [&]<typename T>(std::type_identity<T>) {
        T element{};
        if (!read(from, element))
            return false;
        into.template emplace<T>(std::move(element));
        return true;
    };
    return (fits(std::type_identity<Ts>()) || ...) || expected("one of several types");
}

}  // namespace socoro::detail
