// SPDX-License-Identifier: BSL-1.0
// The body of a polling request or answer (Engine.IO protocol v4, "HTTP long-polling"): packets in
// their text form, joined by the record separator 0x1e.
// Not the HTTP around it, and not the rule which packets go into one body.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/eio/packet.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::eio {

/// Stands between two packets of a payload. A text message must not contain it; JSON cannot.
inline constexpr char separator = '\x1e';

/// Takes the packets out of a payload one after the other, so that those before a broken one can
/// still be delivered, as the reference does. The text must outlive the reader.
class payload_reader {
public:
    /// Reads `text`, with at most `limits::eio_packets` packets in it.
    payload_reader(std::string_view text, limits const& bounds) noexcept;

    /// The next packet, or nothing after the last one. Text that is empty, or has an empty
    /// member, is an error: eio_empty_packet. Others: eio_unknown_type, eio_too_many_packets.
    /// After an error, not to be called again.
    [[nodiscard]] result<std::optional<packet>> next();

private:
    [[nodiscard]] std::string_view take_member() noexcept;

    std::optional<std::string_view> rest_;
    std::size_t room_;
};

/// All packets of a payload, or the first error of `payload_reader::next`.
[[nodiscard]] result<std::vector<packet>> decode(std::string_view payload, limits const& bounds);

/// Joins a range of packets, or of pointers to packets, into one payload.
template <typename Packets>
[[nodiscard]] std::string encode(Packets const& packets);

inline payload_reader::payload_reader(std::string_view text, limits const& bounds) noexcept
    : rest_(text)
    , room_(bounds.eio_packets) {}

inline result<std::optional<packet>> payload_reader::next() {
    if (!rest_)
        return std::optional<packet>();
    if (room_ == 0)
        return errc::eio_too_many_packets;
    --room_;
    auto decoded = decode(take_member());
    if (!decoded)
        return decoded.error();
    return std::optional<packet>(std::move(*decoded));
}

inline std::string_view payload_reader::take_member() noexcept {
    auto const end = rest_->find(separator);
    std::string_view const member = rest_->substr(0, end);
    if (end == std::string_view::npos)
        rest_.reset();
    else
        rest_->remove_prefix(end + 1);
    return member;
}

inline result<std::vector<packet>> decode(std::string_view payload, limits const& bounds) {
    payload_reader reader(payload, bounds);
    std::vector<packet> packets;
    for (;;) {
        auto next = reader.next();
        if (!next)
            return next.error();
        if (!*next)
            return packets;
        packets.push_back(std::move(**next));
    }
}

namespace detail {

[[nodiscard]] inline packet const& packet_of(packet const& p) noexcept {
    return p;
}

template <typename Pointer>
[[nodiscard]] packet const& packet_of(Pointer const& p) noexcept {
    return *p;
}

}  // namespace detail

template <typename Packets>
std::string encode(Packets const& packets) {
    std::size_t size = 0;
    for (auto const& p : packets)
        size += text_size(detail::packet_of(p)) + 1;
    std::string payload;
    payload.reserve(size);
    for (auto const& p : packets) {
        if (!payload.empty())
            payload += separator;
        append_text(payload, detail::packet_of(p));
    }
    return payload;
}

}  // namespace socoro::eio
