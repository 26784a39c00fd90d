// SPDX-License-Identifier: BSL-1.0
// permessage-deflate: the first byte says what is looked at, the second the size of the pieces and
// how tight the limits are. Either the rest is a value of `Sec-WebSocket-Extensions`, which both
// ends look at, or frames of a connection that has agreed on compression: in one piece, in pieces
// and byte by byte the reader must say the same, within the limits.
#include <socoro/ws/permessage_deflate.hpp>
#include <socoro/ws/reader.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
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
read(bool takeover, socoro::limits const& bounds, std::string_view bytes, std::size_t piece_size) {
    // With the largest window, which does not depend on how much is inflated at once.
    ws::deflate_settings settings;
    settings.wished.client_no_context_takeover = !takeover;
    ws::deflate_negotiator negotiator(settings);
    auto agreed = negotiator.accept_offer("permessage-deflate");
    ws::reader reader(ws::role::client, bounds, std::move(agreed->codecs.in));
    transcript result;
    while (!bytes.empty()) {
        auto const piece = bytes.substr(0, piece_size);
        auto const taken = reader.feed(piece);
        if (!taken) {
            result.error = taken.error();
            return result;
        }
        bytes.remove_prefix(*taken);
        while (auto e = reader.next()) {
            require(e->data.size() <= bounds.max_http_buffer_size || e->data.size() <= 125);
            require(e->type != ws::event::kind::text || socoro::is_utf8(e->data));
            result.events.push_back(*std::move(e));
        }
    }
    return result;
}

void read_frames(std::uint8_t how, std::uint8_t sizes, std::string_view bytes) {
    socoro::limits bounds;
    bounds.max_http_buffer_size = (sizes & 0x80U) != 0 ? 64 : 100'000;
    bool const takeover = (how & 2U) != 0;
    auto const whole = read(takeover, bounds, bytes, bytes.size());
    require(read(takeover, bounds, bytes, 1) == whole);
    require(read(takeover, bounds, bytes, 1U + (sizes & 0x7fU)) == whole);
}

/// What is sent by one end is understood by the other.
void exchange(ws::codecs& from, ws::codecs& to, std::string_view text) {
    auto const wire = from.out->compress({}, text, nullptr);
    std::string got;
    require(!to.in->feed(wire, text.size(), got));
    require(!to.in->finish(text.size(), got));
    require(got == text);
}

void negotiate(std::uint8_t how, std::string_view header) {
    ws::deflate_settings settings;
    settings.mem_level = 1;
    settings.wished.server_no_context_takeover = (how & 2U) != 0;
    if ((how & 4U) != 0)
        settings.wished.server_max_window_bits = 10;
    if ((how & 8U) != 0)
        settings.wished.client_max_window_bits = 9;
    ws::deflate_negotiator negotiator(settings);
    // An answer that is none for what was offered is only refused.
    std::ignore = negotiator.accept_answer(header);
    auto server = negotiator.accept_offer(header);
    if (!server || server->answer.empty())
        return;
    // A client that asked for nothing in particular understands every answer.
    ws::deflate_negotiator other({});
    auto client = other.accept_answer(server->answer);
    require(client.has_value());
    for (int i = 0; i < 2; ++i) {
        exchange(server->codecs, client->codecs, header);
        exchange(client->codecs, server->codecs, header);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    if (size < 2)
        return 0;
    std::string_view const rest(reinterpret_cast<char const*>(data) + 2, size - 2);
    if ((data[0] & 1U) != 0)
        negotiate(data[0], rest);
    else
        read_frames(data[0], data[1], rest);
    return 0;
}
