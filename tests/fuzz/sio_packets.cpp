// SPDX-License-Identifier: BSL-1.0
// Socket.IO packets: the input is messages joined by 0x1e, a binary one starts with `b`. What is
// decoded encodes to text that decodes to the same packet.
#include <socoro/sio/decoder.hpp>
#include <socoro/sio/encoder.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sio = socoro::sio;

namespace {

void require(bool held) {
    if (!held)
        __builtin_trap();
}

std::vector<socoro::message> messages(std::string_view input) {
    std::vector<socoro::message> all;
    for (bool more = true; more;) {
        auto const end = input.find('\x1e');
        auto const part = input.substr(0, end);
        bool const binary = part.starts_with('b');
        all.push_back({binary, std::string(part.substr(binary ? 1 : 0))});
        more = end != std::string_view::npos;
        input.remove_prefix(more ? end + 1 : input.size());
    }
    return all;
}

/// Whether there is a number in the text that may change: what is infinite for JavaScript is
/// written as null, and Boost.JSON reads others with an error in the last place.
bool has_double(sio::packet const& p) {
    bool found = false;
    std::vector<boost::json::value const*> pending;
    if (p.data)
        pending.push_back(&*p.data);
    while (!pending.empty()) {
        auto const& value = *pending.back();
        pending.pop_back();
        found = found || value.is_double();
        if (auto const* array = value.if_array())
            for (auto const& item : *array)
                pending.push_back(&item);
        if (auto const* object = value.if_object())
            for (auto const& member : *object)
                pending.push_back(&member.value());
    }
    return found;
}

void check_packet(sio::packet const& p, socoro::limits const& bounds) {
    require(p.type <= sio::packet_type::connect_error);
    require(p.attachments.size() <= bounds.sio_attachments);
    require(p.nsp.starts_with('/') && p.nsp.find(',') == std::string::npos);
    if (has_double(p))
        return;
    std::string const text = sio::encode(p);
    sio::decoder decoder(bounds);
    auto again = decoder.feed({false, text}).value();
    for (auto const& attachment : p.attachments) {
        require(!again && decoder.incomplete());
        again = decoder.feed({true, attachment}).value();
    }
    require(again && !decoder.incomplete());
    require(*again == p);
    require(sio::encode(*again) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    socoro::limits bounds;
    bounds.json_depth = 16;
    bounds.sio_attachment_bytes = 64;
    sio::decoder decoder(bounds);
    for (auto& m : messages({reinterpret_cast<char const*>(data), size})) {
        auto const fed = decoder.feed(std::move(m));
        if (!fed)
            return 0;
        require(fed->has_value() != decoder.incomplete());
        if (*fed)
            check_packet(**fed, bounds);
    }
    return 0;
}
