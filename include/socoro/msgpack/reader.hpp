// SPDX-License-Identifier: BSL-1.0
// From messages of MessagePack to packets. Each packet is one message: a map of its type, namespace,
// data and id; what else is in it, such as the options of the sender, is passed over.
#pragma once

#include <socoro/base/message.hpp>
#include <socoro/base/result.hpp>
#include <socoro/msgpack/visitor.hpp>
#include <socoro/sio/attachments.hpp>
#include <socoro/sio/parser.hpp>

#include <boost/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <system_error>
#include <utility>

namespace socoro::detail {

/// Reads packets, each a message of its own.
class msgpack_decoder final : public sio::packet_decoder {
public:
    using packet_decoder::packet_decoder;

private:
    [[nodiscard]] result<std::optional<sio::packet>> read(message&& m) override;
};

/// A whole number, in whatever form; nothing if there is none.
[[nodiscard]] inline std::optional<std::uint64_t> whole_number(json::value const* value) {
    if (!value || !value->is_number())
        return std::nullopt;
    boost::system::error_code error;
    auto const number = value->to_number<std::uint64_t>(error);
    return error ? std::nullopt : std::optional(number);
}

/// Moves the data into a packet whose type is known. Only events and acknowledgements have binary
/// data, as in JSON's packets; elsewhere, as in credentials, they are null.
[[nodiscard]] inline std::error_code
take_data(json::object& said, attachments&& binary, sio::packet& into) {
    using enum sio::packet_type;
    if (auto* const data = said.if_contains("data"))
        into.data = std::move(*data);
    if (!into.data)
        return into.type == connect || into.type == disconnect
                   ? std::error_code()
                   : make_error_code(errc::sio_invalid_payload);
    if (into.type == event || into.type == ack)
        into.attachments = std::move(binary);
    else
        into.data = sio::without_placeholders(std::move(*into.data));
    return {};
}

/// The packet in what its message says.
[[nodiscard]] inline result<std::optional<sio::packet>> to_packet(
    json::object&& said,
    attachments&& binary) {
    sio::packet packet;
    auto const type = whole_number(said.if_contains("type"));
    if (!type || *type > static_cast<std::uint64_t>(sio::packet_type::connect_error))
        return errc::sio_unknown_type;
    packet.type = static_cast<sio::packet_type>(*type);
    auto const* const nsp = said.if_contains("nsp");
    packet.id = whole_number(said.if_contains("id"));
    if (!nsp || !nsp->is_string() || (said.contains("id") && !packet.id))
        return errc::sio_illegal_header;
    packet.nsp = nsp->get_string();
    if (auto const wrong = take_data(said, std::move(binary), packet))
        return wrong;
    return std::optional(std::move(packet));
}

inline result<std::optional<sio::packet>> msgpack_decoder::read(message&& m) {
    if (!m.binary)
        return errc::sio_malformed;
    msgpack_visitor visitor(bounds());
    std::size_t end = 0;
    if (!::msgpack::parse(m.data.data(), m.data.size(), end, visitor) || end != m.data.size())
        return visitor.why();
    auto said = visitor.take();
    return to_packet(std::move(said.as_object()), visitor.take_attachments());
}

}  // namespace socoro::detail
