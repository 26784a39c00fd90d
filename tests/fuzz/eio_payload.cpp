// SPDX-License-Identifier: BSL-1.0
// Engine.IO payloads and packets: what is decoded is the same on every way into the room, and
// encodes to something that decodes to it again.
#include <socoro/eio/handshake.hpp>
#include <socoro/eio/payload.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace eio = socoro::eio;

namespace {

void require(bool held) {
    if (!held)
        __builtin_trap();
}

void check_payload(std::string_view text, socoro::limits const& bounds) {
    auto const packets = eio::decode(text, bounds);
    if (!packets)
        return;
    require(packets->size() <= bounds.eio_packets);
    std::string const encoded = eio::encode(*packets);
    require(eio::decode(encoded, bounds).value() == *packets);
}

void check_packet(std::string_view text) {
    auto const from_polling = eio::decode(text);
    auto const from_websocket = eio::decode(socoro::message{false, std::string(text)});
    require(from_polling.has_value() == from_websocket.has_value());
    if (from_polling)
        require(*from_polling == *from_websocket);
    else
        require(from_polling.error() == from_websocket.error());
}

void check_handshake(std::string_view text) {
    auto const handshake = eio::decode_open(text);
    if (handshake)
        require(eio::decode_open(eio::encode(*handshake)).value() == *handshake);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    socoro::limits bounds;
    check_payload(text, bounds);
    bounds.eio_packets = 3;
    check_payload(text, bounds);
    check_packet(text);
    check_handshake(text);
    return 0;
}
