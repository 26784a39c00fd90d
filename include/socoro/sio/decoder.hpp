// SPDX-License-Identifier: BSL-1.0
// Reads packets (Socket.IO protocol v5, "Packet encoding") from Engine.IO messages and collects the
// attachments of each. It accepts what the reference's parser accepts, but for what that one reads
// by accident of JavaScript: white space and other notations as numbers.
// Not the rules of who may send which packet when: the namespaces know those.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/message.hpp>
#include <socoro/base/result.hpp>
#include <socoro/base/utf8.hpp>
#include <socoro/sio/attachments.hpp>
#include <socoro/sio/json_reader.hpp>
#include <socoro/sio/packet.hpp>
#include <socoro/sio/packet_rules.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::sio {

/// One peer's incoming packets. An error is final: the connection is to be closed, and the
/// decoder not to be fed again.
class decoder {
public:
    explicit decoder(limits const& bounds) : bounds_(bounds) {}

    /// Takes one message; gives a packet when it is complete, its type never binary_event or
    /// binary_ack. An event without any data is let through, as in the reference.
    /// Errors: every sio_ code of errc.
    [[nodiscard]] result<std::optional<packet>> feed(message&& m);

    /// Whether attachments are awaited: until then nothing but them may come.
    [[nodiscard]] bool incomplete() const noexcept { return partial_.has_value(); }

private:
    [[nodiscard]] result<std::optional<packet>> on_text(std::string_view text);
    [[nodiscard]] result<std::optional<packet>> on_attachment(std::string&& bytes);

    limits bounds_;
    /// The packet whose attachments are awaited.
    std::optional<packet> partial_;
    std::size_t announced_ = 0;
    std::size_t collected_bytes_ = 0;
};

namespace detail {

/// Takes the parts of a packet's text one after the other, from the front.
class header_reader {
public:
    header_reader(std::string_view text, limits const& bounds) noexcept
        : rest_(text)
        , bounds_(bounds) {}

    [[nodiscard]] result<packet_type> take_type() noexcept;
    [[nodiscard]] result<std::size_t> take_attachment_count() noexcept;
    [[nodiscard]] result<std::string_view> take_namespace();
    [[nodiscard]] result<std::optional<std::uint64_t>> take_id() noexcept;
    [[nodiscard]] std::string_view rest() const noexcept { return rest_; }

private:
    [[nodiscard]] std::string_view take_digits() noexcept;

    std::string_view rest_;
    limits const& bounds_;
};

inline result<packet_type> header_reader::take_type() noexcept {
    if (rest_.empty() || rest_.front() < '0' || rest_.front() > '6')
        return errc::sio_unknown_type;
    auto const type = static_cast<packet_type>(rest_.front() - '0');
    rest_.remove_prefix(1);
    return type;
}

inline result<std::size_t> header_reader::take_attachment_count() noexcept {
    auto const digits = take_digits();
    if (digits.empty() || rest_.empty() || rest_.front() != '-')
        return errc::sio_illegal_header;
    rest_.remove_prefix(1);
    std::uint64_t count = 0;
    auto const parsed = std::from_chars(digits.data(), digits.data() + digits.size(), count);
    if (parsed.ec != std::errc() || count > bounds_.sio_attachments)
        return errc::sio_too_many_attachments;
    if (count == 0)
        return errc::sio_illegal_header;
    return static_cast<std::size_t>(count);
}

inline result<std::string_view> header_reader::take_namespace() {
    if (rest_.empty() || rest_.front() != '/')
        return std::string_view("/");
    auto const nsp = rest_.substr(0, rest_.find(','));
    rest_.remove_prefix(std::min(nsp.size() + 1, rest_.size()));
    if (!is_utf8(nsp))
        return errc::sio_illegal_header;
    return nsp;
}

inline result<std::optional<std::uint64_t>> header_reader::take_id() noexcept {
    // 19 digits always fit; a peer that needs more is counting on our losing them.
    constexpr std::size_t most_digits = 19;
    auto const digits = take_digits();
    if (digits.empty())
        return std::optional<std::uint64_t>();
    if (digits.size() > most_digits)
        return errc::sio_illegal_header;
    std::uint64_t id = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), id);
    return std::optional(id);
}

inline std::string_view header_reader::take_digits() noexcept {
    auto const size = std::min(rest_.find_first_not_of("0123456789"), rest_.size());
    auto const digits = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return digits;
}

/// What a packet's text says: the packet without attachments, and how many of them follow.
struct announcement {
    packet content;
    std::size_t attachments = 0;
};

/// Reads type, attachment count, namespace and id; leaves the JSON in `reader`.
[[nodiscard]] inline std::error_code read_header(header_reader& reader, announcement& a) {
    auto const type = reader.take_type();
    if (!type)
        return type.error();
    a.content.type = *type;
    if (*type == packet_type::binary_event || *type == packet_type::binary_ack) {
        auto const count = reader.take_attachment_count();
        if (!count)
            return count.error();
        a.attachments = *count;
        a.content.type = *type == packet_type::binary_event ? packet_type::event : packet_type::ack;
    }
    auto const nsp = reader.take_namespace();
    if (!nsp)
        return nsp.error();
    a.content.nsp = *nsp;
    auto const id = reader.take_id();
    if (!id)
        return id.error();
    a.content.id = *id;
    return {};
}

/// Reads the JSON, which may be missing.
[[nodiscard]] inline std::error_code
read_data(std::string_view json, limits const& bounds, announcement& a) {
    if (json.empty())
        return {};
    auto data = parse_json(json, bounds);
    if (!data)
        return data.error();
    if (!fits(a.content.type, *data))
        return errc::sio_invalid_payload;
    if (a.attachments > 0 && !placeholders_fit(*data, a.attachments))
        return errc::sio_illegal_attachments;
    a.content.data = std::move(*data);
    return {};
}

}  // namespace detail

inline result<std::optional<packet>> decoder::feed(message&& m) {
    return m.binary ? on_attachment(std::move(m.data)) : on_text(m.data);
}

inline result<std::optional<packet>> decoder::on_text(std::string_view text) {
    if (partial_)
        return errc::sio_unexpected_text;
    detail::announcement a;
    detail::header_reader reader(text, bounds_);
    if (auto const error = detail::read_header(reader, a))
        return error;
    if (auto const error = detail::read_data(reader.rest(), bounds_, a))
        return error;
    if (a.attachments == 0)
        return std::optional(std::move(a.content));
    partial_ = std::move(a.content);
    announced_ = a.attachments;
    collected_bytes_ = 0;
    return std::optional<packet>();
}

inline result<std::optional<packet>> decoder::on_attachment(std::string&& bytes) {
    if (!partial_)
        return errc::sio_unexpected_binary;
    if (bytes.size() > bounds_.sio_attachment_bytes - collected_bytes_)
        return errc::sio_attachments_too_large;
    collected_bytes_ += bytes.size();
    partial_->attachments.push_back(std::move(bytes));
    if (partial_->attachments.size() < announced_)
        return std::optional<packet>();
    return std::exchange(partial_, std::nullopt);
}

}  // namespace socoro::sio
