// SPDX-License-Identifier: BSL-1.0
// From a message of MessagePack to JSON with attachments: everything that notepack.io writes, and
// what other libraries write in its place. The message is not trusted: what it announces costs
// nothing until it is there, and nothing recurses.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/base/limits.hpp>
#include <socoro/base/utf8.hpp>
#include <socoro/codec/time.hpp>
#include <socoro/codec/types.hpp>
#include <socoro/msgpack/library.hpp>

#include <boost/json.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::detail {

/// Builds JSON of what msgpack-cxx's parser sees in one message, which stays until then. Binary data
/// become attachments with placeholders; a Date the text that JSON has for it; what JSON has not,
/// undefined, NaN and infinity, null, but that a member which is undefined is left out.
class msgpack_visitor : public ::msgpack::null_visitor {
public:
    explicit msgpack_visitor(limits const& bounds)
        : bounds_(bounds)
        , values_({}, memory_.data(), memory_.size()) {
        values_.reset();
    }
    msgpack_visitor(msgpack_visitor const&) = delete;
    msgpack_visitor& operator=(msgpack_visitor const&) = delete;

    /// Why the message was refused.
    [[nodiscard]] errc why() const noexcept { return why_; }
    /// What the whole message says.
    [[nodiscard]] json::value take() { return values_.release(); }
    [[nodiscard]] attachments take_attachments() { return std::move(attachments_); }

    bool visit_nil() { return begin_value() && (values_.push_null(), true); }
    bool visit_boolean(bool value) { return begin_value() && (values_.push_bool(value), true); }
    bool visit_positive_integer(std::uint64_t number);
    bool visit_negative_integer(std::int64_t number);
    bool visit_float32(float number) { return visit_float64(static_cast<double>(number)); }
    bool visit_float64(double number);
    bool visit_str(char const* data, std::uint32_t size);
    bool visit_bin(char const* data, std::uint32_t size) {
        return begin_value() && push_bytes({data, size});
    }
    /// `data` is the type, and then the content.
    bool visit_ext(char const* data, std::uint32_t size);
    bool start_array(std::uint32_t) { return begin_container(false); }
    bool end_array() { return end_container(); }
    bool start_map(std::uint32_t) { return begin_container(true); }
    bool start_map_key() {
        is_key_ = true;
        return true;
    }
    bool end_map_key() {
        is_key_ = false;
        return true;
    }
    bool end_map() { return end_container(); }

private:
    /// A container that is open.
    struct level {
        bool is_map;
        std::size_t items = 0;
        /// Of the member whose value comes next.
        std::string key = {};
    };

    bool refuse(errc why) noexcept {
        why_ = why;
        return false;
    }
    /// Where a value is about to be pushed: neither as a key, nor outside of everything.
    [[nodiscard]] bool begin_value();
    [[nodiscard]] bool begin_container(bool is_map);
    [[nodiscard]] bool end_container();
    [[nodiscard]] bool set_key(std::string_view key) {
        open_.back().key = key;
        return true;
    }
    [[nodiscard]] bool push_bytes(std::string_view data);
    [[nodiscard]] bool push_undefined();
    [[nodiscard]] bool push_date(std::string_view content);

    limits const& bounds_;
    std::array<unsigned char, 2048> memory_;
    json::value_stack values_;
    attachments attachments_;
    std::size_t attachment_bytes_ = 0;
    std::vector<level> open_;
    bool is_key_ = false;
    errc why_ = errc::sio_malformed;
};

inline bool msgpack_visitor::begin_value() {
    if (is_key_ || open_.empty())
        return refuse(errc::sio_malformed);
    auto& around = open_.back();
    ++around.items;
    if (around.is_map)
        values_.push_key(around.key);
    return true;
}

inline bool msgpack_visitor::begin_container(bool is_map) {
    // The outermost is the packet itself.
    bool const is_packet = open_.empty() && is_map;
    if (!is_packet && !begin_value())
        return false;
    if (open_.size() > std::min(bounds_.json_depth, deepest_msgpack))
        return refuse(errc::sio_too_deep);
    open_.push_back({is_map});
    return true;
}

inline bool msgpack_visitor::end_container() {
    auto const done = std::move(open_.back());
    open_.pop_back();
    if (done.is_map)
        values_.push_object(done.items);
    else
        values_.push_array(done.items);
    return true;
}

/// A whole number as a key is its text, as in JavaScript.
inline bool msgpack_visitor::visit_positive_integer(std::uint64_t number) {
    if (is_key_)
        return set_key(std::to_string(number));
    if (!begin_value())
        return false;
    if (std::in_range<std::int64_t>(number))
        values_.push_int64(static_cast<std::int64_t>(number));
    else
        values_.push_uint64(number);
    return true;
}

inline bool msgpack_visitor::visit_negative_integer(std::int64_t number) {
    if (is_key_)
        return set_key(std::to_string(number));
    return begin_value() && (values_.push_int64(number), true);
}

inline bool msgpack_visitor::visit_float64(double number) {
    if (!begin_value())
        return false;
    std::isfinite(number) ? values_.push_double(number) : values_.push_null();
    return true;
}

inline bool msgpack_visitor::visit_str(char const* data, std::uint32_t size) {
    // Of an empty text there may be no place.
    auto const text = size > 0 ? std::string_view(data, size) : std::string_view("");
    if (!is_utf8(text))
        return refuse(errc::sio_invalid_payload);
    if (is_key_)
        return set_key(text);
    return begin_value() && (values_.push_string(text), true);
}

inline bool msgpack_visitor::push_bytes(std::string_view data) {
    if (attachments_.size() == bounds_.sio_attachments)
        return refuse(errc::sio_too_many_attachments);
    if (data.size() > bounds_.sio_attachment_bytes - attachment_bytes_)
        return refuse(errc::sio_attachments_too_large);
    attachment_bytes_ += data.size();
    values_.push_key("_placeholder");
    values_.push_bool(true);
    values_.push_key("num");
    values_.push_int64(static_cast<std::int64_t>(attachments_.size()));
    values_.push_object(2);
    attachments_.emplace_back(data);
    return true;
}

inline bool msgpack_visitor::push_undefined() {
    if (!is_key_ && !open_.empty() && open_.back().is_map)
        return true;
    return visit_nil();
}

/// Eight bytes: the milliseconds since 1970, of which a Date can hold not all.
inline bool msgpack_visitor::push_date(std::string_view content) {
    if (!begin_value())
        return false;
    std::uint64_t number = 0;
    for (char const c : content)
        number = number << 8 | static_cast<unsigned char>(c);
    std::chrono::milliseconds const since(static_cast<std::int64_t>(number));
    auto const date = to_date(date_time(since));
    if (!date) {
        values_.push_null();
        return true;
    }
    std::string text;
    append_date(text, *date);
    values_.push_string(text);
    return true;
}

inline bool msgpack_visitor::visit_ext(char const* data, std::uint32_t size) {
    auto const type = static_cast<signed char>(*data);
    std::string_view const content(data + 1, size - 1);
    // The byte before the type is what this began with, or the last one of its length.
    auto const before = static_cast<unsigned char>(data[-1]);
    auto const is_fixed = [&](std::size_t length, unsigned char first) {
        return content.size() == length && before == first;
    };
    if (type == 0 && is_fixed(1, 0xd4))
        return push_undefined();
    if (type == 0 && is_fixed(8, 0xd7))
        return push_date(content);
    bool const other = is_fixed(2, 0xd5) || is_fixed(4, 0xd6) || is_fixed(16, 0xd8);
    if (type == 0 && !other)
        return visit_bin(content.data(), size - 1);
    // As the reference gives what it does not know.
    if (!begin_value())
        return false;
    values_.push_int64(type);
    if (!push_bytes(content))
        return false;
    values_.push_array(2);
    return true;
}

}  // namespace socoro::detail
