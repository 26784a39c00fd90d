// SPDX-License-Identifier: BSL-1.0
// What a packet may be, in whatever way it came: the data that fits its type, and names of events
// and namespaces. Not who may send which packet when: the namespaces know that.
#pragma once

#include <socoro/base/error.hpp>
#include <socoro/base/limits.hpp>
#include <socoro/base/utf8.hpp>
#include <socoro/sio/attachments.hpp>
#include <socoro/sio/packet.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <string_view>
#include <system_error>

namespace socoro::sio {

/// Whether the first item can name an event: a number, or a string that is not reserved.
[[nodiscard]] inline bool is_event(boost::json::value const& data) noexcept {
    auto const* items = data.if_array();
    if (!items || items->empty())
        return false;
    auto const* name = items->front().if_string();
    return name ? !is_reserved_event({name->data(), name->size()}) : items->front().is_number();
}

/// Whether data that is present fits the type.
[[nodiscard]] inline bool fits(packet_type type, boost::json::value const& data) noexcept {
    switch (type) {
    case packet_type::connect: return data.is_object();
    case packet_type::disconnect: return false;
    case packet_type::event:
    case packet_type::binary_event: return is_event(data);
    case packet_type::ack:
    case packet_type::binary_ack: return data.is_array();
    case packet_type::connect_error: return data.is_string() || data.is_object();
    }
    return false;
}

/// Whether a namespace can have this name in JSON's packets, and so in any.
[[nodiscard]] inline bool is_namespace(std::string_view name) {
    return name.starts_with('/') && name.find(',') == std::string_view::npos && is_utf8(name);
}

/// What is wrong with a packet whose type is one of the program's, never binary_*; nothing if it
/// may be used. Attachments are within the limits, each stands in the data at most once, and only
/// events and acknowledgements have any.
[[nodiscard]] inline std::error_code check(packet const& p, limits const& bounds) {
    if (p.type > packet_type::connect_error)
        return errc::sio_unknown_type;
    if (!is_namespace(p.nsp))
        return errc::sio_illegal_header;
    if (p.data && !fits(p.type, *p.data))
        return errc::sio_invalid_payload;
    if (p.attachments.empty())
        return {};
    if (p.attachments.size() > bounds.sio_attachments)
        return errc::sio_too_many_attachments;
    std::size_t bytes = 0;
    for (auto const& attachment : p.attachments)
        bytes += attachment.size();
    if (bytes > bounds.sio_attachment_bytes)
        return errc::sio_attachments_too_large;
    bool const may = p.type == packet_type::event || p.type == packet_type::ack;
    if (!may || !p.data || !placeholders_fit(*p.data, p.attachments.size()))
        return errc::sio_illegal_attachments;
    return {};
}

}  // namespace socoro::sio
