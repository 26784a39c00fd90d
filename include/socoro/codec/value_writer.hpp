// SPDX-License-Identifier: BSL-1.0
// From C++ values to JSON text with binary attachments, as JSON.stringify would write it. No
// json::value is built on the way: for a small event that would cost more than the text.
#pragma once

#include <socoro/codec/time.hpp>
#include <socoro/codec/types.hpp>
#include <socoro/sio/attachments.hpp>
#include <socoro/sio/json_writer.hpp>

#include <boost/describe.hpp>
#include <boost/json.hpp>
#include <boost/mp11.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <variant>

namespace socoro::detail {

/// Appends `value` as JSON text. Its binary data are appended to `binary`, and stand in the text
/// as placeholders with their places there.
template <typename T>
void write_value(std::string& out, T const& value, attachments& binary);

/// Appends each of `values` with a comma in front but for the first.
template <typename... Ts>
void write_values(std::string& out, attachments& binary, Ts const&... values) {
    std::string_view comma;
    ((out += comma, comma = ",", write_value(out, values, binary)), ...);
}

/// Placeholders in it are somebody else's: here they would stand for data of ours.
template <typename T>
void write_json(std::string& out, T const& value) {
    if constexpr (std::is_same_v<T, json::string>)
        sio::append_json_string(out, value);
    else if constexpr (!std::is_same_v<T, json::value>)
        write_json(out, json::value(value));
    else if (!value.is_structured() || sio::placeholders_fit(value, 0))
        sio::append_json(out, value);
    else
        sio::append_json(out, sio::without_placeholders(value));
}

/// What a Date cannot hold is null, as an invalid Date is in JSON.
template <typename D>
void write_time(std::string& out, std::chrono::sys_time<D> time) {
    auto const date = to_date(time);
    if (!date) {
        out += "null";
        return;
    }
    out += '"';
    append_date(out, *date);
    out += '"';
}

template <typename Map>
void write_map(std::string& out, Map const& map, attachments& binary) {
    out += '{';
    std::string_view comma;
    for (auto const& [key, item] : map) {
        sio::append_json_string(out += comma, key);
        write_value(out += ':', item, binary);
        comma = ",";
    }
    out += '}';
}

template <typename List>
void write_list(std::string& out, List const& list, attachments& binary) {
    out += '[';
    std::string_view comma;
    for (auto const& item : list) {
        // The elements of std::vector<bool> are no bool.
        write_value<typename List::value_type>(out += comma, item, binary);
        comma = ",";
    }
    out += ']';
}

template <typename T>
void write_described(std::string& out, T const& value, attachments& binary) {
    out += '{';
    auto const begin = out.size();
    boost::mp11::mp_for_each<members_of<T>>([&](auto member) {
        auto const& field = value.*member.pointer;
        // A member that is absent is left out, as JSON.stringify leaves out undefined.
        if constexpr (is_instance<std::remove_cvref_t<decltype(field)>, std::optional>) {
            if (!field)
                return;
        }
        out += out.size() == begin ? "\"" : ",\"";
        (out += member.name) += "\":";
        write_value(out, field, binary);
    });
    out += '}';
}

template <typename T>
void write_tuple(std::string& out, T const& value, attachments& binary) {
    out += '[';
    std::apply([&](auto const&... items) { write_values(out, binary, items...); }, value);
    out += ']';
}

template <typename T>
void write_value(std::string& out, T const& value, attachments& binary) {
    if constexpr (json_type<T>) {
        write_json(out, value);
    } else if constexpr (std::is_floating_point_v<T>) {
        sio::append_json(out, static_cast<double>(value));
    } else if constexpr (std::is_integral_v<T>) {
        sio::append_json(out, json::value(value));
    } else if constexpr (std::is_same_v<T, std::nullptr_t> || std::is_same_v<T, std::monostate>) {
        out += "null";
    } else if constexpr (std::is_convertible_v<T const&, std::string_view>) {
        sio::append_json_string(out, value);
    } else if constexpr (is_time<T>) {
        write_time(out, value);
    } else if constexpr (std::is_same_v<T, bytes>) {
        sio::append_json(out, sio::placeholder(binary.size()));
        binary.push_back(value.data);
    } else if constexpr (is_instance<T, std::optional>) {
        if (value)
            write_value(out, *value, binary);
        else
            out += "null";
    } else if constexpr (is_instance<T, std::variant>) {
        std::visit([&](auto const& item) { write_value(out, item, binary); }, value);
    } else if constexpr (is_tuple<T>) {
        write_tuple(out, value, binary);
    } else if constexpr (map_type<T>) {
        write_map(out, value, binary);
    } else if constexpr (list_type<T>) {
        write_list(out, value, binary);
    } else if constexpr (described_enum<T>) {
        sio::append_json_string(out, boost::describe::enum_to_string(value, ""));
    } else if constexpr (described_struct<T>) {
        write_described(out, value, binary);
    } else {
        refuse_type<T>();
    }
}

}  // namespace socoro::detail
