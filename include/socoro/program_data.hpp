// SPDX-License-Identifier: BSL-1.0
// The program's own data of a socket, of whatever type, and how others see it.
#pragma once

#include <socoro/codec.hpp>
#include <socoro/codec/writable.hpp>
#include <socoro/sio/json_reader.hpp>

#include <boost/json.hpp>

#include <any>
#include <string>

namespace socoro::detail {

/// A value whose type the first who asks decides.
class program_data {
public:
    /// The value, default-constructed if there is none. Throws `std::bad_any_cast` if it is of
    /// another type.
    template <typename T>
    [[nodiscard]] T& get() {
        if (!value_.has_value()) {
            value_.emplace<T>();
            to_json_ = writer_of<T>();
        }
        return std::any_cast<T&>(value_);
    }

    /// As others see it: an empty object if there is none, as in the reference; null if it is of a
    /// type that is no JSON. Binary data in it is null as well.
    [[nodiscard]] json::value to_json() const {
        if (!value_.has_value())
            return json::object();
        return to_json_ ? to_json_(value_) : nullptr;
    }

private:
    using writer = json::value (*)(std::any const&);

    template <typename T>
    [[nodiscard]] static writer writer_of() noexcept {
        if constexpr (can_write<T>())
            return [](std::any const& value) {
                std::string text;
                attachments binary;
                write_value(text, std::any_cast<T const&>(value), binary);
                return sio::without_placeholders(sio::parse_own_json(text));
            };
        else
            return nullptr;
    }

    std::any value_;
    writer to_json_ = nullptr;
};

}  // namespace socoro::detail
