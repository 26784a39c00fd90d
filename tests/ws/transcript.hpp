// SPDX-License-Identifier: BSL-1.0
// What a reader makes of some bytes, however they are cut: the events and the error at the end.
#pragma once

#include <socoro/ws/reader.hpp>
#include <socoro/ws/writer.hpp>

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace socoro::ws {

inline std::ostream& operator<<(std::ostream& out, event const& e) {
    constexpr char const* names[] = {"text", "binary", "ping", "pong", "close"};
    out << names[static_cast<int>(e.type)] << '(' << e.data.size() << " bytes";
    if (e.data.size() <= 40)
        out << ": " << e.data;
    if (e.type == event::kind::close)
        out << ", code " << static_cast<int>(e.code);
    return out << ')';
}

}  // namespace socoro::ws

namespace ws_test {

namespace ws = socoro::ws;
using namespace std::string_literals;
using kind = ws::event::kind;

struct transcript {
    std::vector<ws::event> events;
    std::error_code error;

    friend bool operator==(transcript const&, transcript const&) = default;
    friend std::ostream& operator<<(std::ostream& out, transcript const& t) {
        for (auto const& e : t.events)
            out << e << ' ';
        return out << "then " << (t.error ? t.error.message() : "no error");
    }
};

/// Gives one piece to the reader; false once it has failed.
inline bool feed_all(ws::reader& reader, std::string_view piece, transcript& into) {
    while (!piece.empty()) {
        auto const taken = reader.feed(piece);
        if (!taken) {
            into.error = taken.error();
            return false;
        }
        piece.remove_prefix(*taken);
        while (auto e = reader.next())
            into.events.push_back(*std::move(e));
    }
    return true;
}

/// Makes what a reader decompresses with; nothing if it is empty.
using decompressor_maker = std::function<std::unique_ptr<ws::decompressor>()>;

/// Reads in pieces whose sizes `next_size` tells.
template <typename Sizes>
transcript read_in_pieces(
    ws::role self,
    std::string_view bytes,
    socoro::limits const& bounds,
    decompressor_maker const& make,
    Sizes next_size) {
    ws::reader reader(self, bounds, make ? make() : nullptr);
    transcript result;
    while (!bytes.empty()) {
        auto const piece = bytes.substr(0, next_size());
        if (!feed_all(reader, piece, result))
            break;
        bytes.remove_prefix(piece.size());
    }
    return result;
}

/// Reads in one piece, and checks that byte by byte and in random pieces it is the same.
inline transcript read(
    ws::role self,
    std::string_view bytes,
    socoro::limits const& bounds = {},
    decompressor_maker const& make = {}) {
    auto const whole = read_in_pieces(self, bytes, bounds, make, [&] { return bytes.size(); });
    CHECK(read_in_pieces(self, bytes, bounds, make, [] { return 1U; }) == whole);
    std::minstd_rand random(42);
    for (int round = 0; round < 5; ++round)
        CHECK(read_in_pieces(self, bytes, bounds, make, [&] { return 1 + random() % 9; }) == whole);
    CHECK(read_in_pieces(self, bytes, bounds, make, [&] { return 1 + random() % 5000; }) == whole);
    return whole;
}

inline constexpr ws::mask_key key{0x37, 0xfa, 0x21, 0x3d};

/// The key that `self`'s peer masks with.
inline std::optional<ws::mask_key> key_towards(ws::role self) {
    return self == ws::role::server ? std::optional(key) : std::nullopt;
}

/// Frames as the peer of `self` sends them, well-formed or not.
class peer {
public:
    explicit peer(ws::role self) : self_(self) {}

    peer& frame(ws::opcode op, std::string_view payload, bool fin = true, unsigned rsv = 0) {
        ws::frame_header header;
        header.fin = fin;
        header.rsv = static_cast<std::uint8_t>(rsv);
        header.op = op;
        header.masked = self_ == ws::role::server;
        header.key = key;
        header.length = payload.size();
        ws::append_header(bytes_, header);
        auto const start = bytes_.size();
        bytes_.append(payload);
        if (header.masked)
            ws::apply_mask(std::span(bytes_).subspan(start), key);
        return *this;
    }

    [[nodiscard]] std::string const& bytes() const { return bytes_; }
    [[nodiscard]] transcript read(
        socoro::limits const& bounds = {},
        decompressor_maker const& make = {}) const {
        return ws_test::read(self_, bytes_, bounds, make);
    }

private:
    ws::role self_;
    std::string bytes_;
};

inline constexpr ws::role both_roles[] = {ws::role::server, ws::role::client};

inline transcript failing(socoro::errc e, std::vector<ws::event> before = {}) {
    return {std::move(before), e};
}

}  // namespace ws_test
