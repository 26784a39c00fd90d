// SPDX-License-Identifier: BSL-1.0
// The WebSocket reader: the first byte picks the role, the second the size of the pieces and how
// tight the limits are, the rest are frames. In one piece, in pieces and byte by byte the reader
// must say the same; what it delivers must be well-formed, and survive writing and reading.
#include <socoro/ws/reader.hpp>
#include <socoro/ws/writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace ws = socoro::ws;

struct transcript {
    std::vector<ws::event> events;
    std::error_code error;

    friend bool operator==(transcript const&, transcript const&) = default;
};

void require(bool condition) {
    if (!condition)
        __builtin_trap();
}

transcript
read(ws::role self, socoro::limits const& bounds, std::string_view bytes, std::size_t piece_size) {
    ws::reader reader(self, bounds);
    transcript result;
    while (!bytes.empty()) {
        auto const piece = bytes.substr(0, piece_size);
        auto const taken = reader.feed(piece);
        if (!taken) {
            result.error = taken.error();
            require(reader.feed(piece).error() == result.error);
            return result;
        }
        require(*taken > 0 && *taken <= piece.size());
        bytes.remove_prefix(*taken);
        while (auto e = reader.next())
            result.events.push_back(*std::move(e));
    }
    return result;
}

void check(ws::event const& e, socoro::limits const& bounds) {
    using kind = ws::event::kind;
    bool const message = e.type == kind::text || e.type == kind::binary;
    require(e.data.size() <= (message ? bounds.max_http_buffer_size : ws::max_control_size));
    require(
        e.data.empty() || e.type == kind::binary || e.type == kind::ping || e.type == kind::pong ||
        socoro::is_utf8(e.data));
    require(e.type == kind::close || e.code == ws::close_code::no_status);
    require(e.code == ws::close_code::no_status || ws::is_valid_on_wire(e.code));
}

void append(std::string& out, ws::event const& e, std::optional<ws::mask_key> key) {
    using kind = ws::event::kind;
    switch (e.type) {
    case kind::text: return ws::append_frame(out, ws::opcode::text, e.data, key);
    case kind::binary: return ws::append_frame(out, ws::opcode::binary, e.data, key);
    case kind::ping: return ws::append_frame(out, ws::opcode::ping, e.data, key);
    case kind::pong: return ws::append_frame(out, ws::opcode::pong, e.data, key);
    case kind::close:
        return ws::append_frame(out, ws::opcode::close, ws::encode_close(e.code, e.data), key);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 2)
        return 0;
    auto const self = (data[0] & 1U) != 0 ? ws::role::client : ws::role::server;
    socoro::limits bounds;
    if ((data[1] & 0x80U) != 0) {
        bounds.max_http_buffer_size = 64;
        bounds.ws_fragments = 4;
    }
    std::string_view const bytes(reinterpret_cast<char const*>(data) + 2, size - 2);

    auto const whole = read(self, bounds, bytes, bytes.size());
    require(read(self, bounds, bytes, 1) == whole);
    require(read(self, bounds, bytes, 1U + (data[1] & 0x7fU)) == whole);

    std::string again;
    auto const key = self == ws::role::server ? std::optional(ws::mask_key{data[0], 2, 3, data[1]})
                                              : std::nullopt;
    for (auto const& e : whole.events) {
        check(e, bounds);
        append(again, e, key);
    }
    auto const second = read(self, bounds, again, std::max<std::size_t>(again.size(), 1));
    require(!second.error && second.events == whole.events);
    return 0;
}
