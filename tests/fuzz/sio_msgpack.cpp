// SPDX-License-Identifier: BSL-1.0
// Packets as MessagePack: the input is one message. What is read keeps the rules of packets, and is
// written to a message that is read and written again as it is.
#include <socoro/msgpack.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace sio = socoro::sio;

namespace {

void require(bool held) {
    if (!held)
        __builtin_trap();
}

std::optional<sio::packet> read(std::string message, socoro::limits const& bounds) {
    auto fed = socoro::detail::msgpack_decoder(bounds).feed({true, std::move(message)});
    return fed ? std::move(*fed) : std::nullopt;
}

std::string written(sio::packet const& p) {
    std::string text;
    if (p.data)
        sio::append_json(text, *p.data);
    return socoro::detail::encode_msgpack({p.type, p.nsp, p.id, 0}, text, p.attachments);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    socoro::limits bounds;
    bounds.json_depth = 16;
    bounds.sio_attachment_bytes = 64;
    auto const packet = read({reinterpret_cast<char const*>(data), size}, bounds);
    if (!packet)
        return 0;
    require(!sio::check(*packet, bounds));
    auto const message = written(*packet);
    auto const again = read(message, bounds);
    require(again.has_value());
    require(again->type == packet->type && again->nsp == packet->nsp && again->id == packet->id);
    require(written(*again) == message);
    return 0;
}
