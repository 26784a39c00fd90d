// SPDX-License-Identifier: BSL-1.0
#include <socoro/base/zlib.hpp>

#include <doctest/doctest.h>

#include <array>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

using socoro::deflate_format;
using socoro::deflater;
using socoro::inflater;

namespace {

std::string random_text(std::size_t size) {
    std::minstd_rand random(7);
    std::string text(size, '\0');
    for (char& c : text)
        c = static_cast<char>(random());
    return text;
}

std::string inflate_all(inflater& by, std::string_view in) {
    std::string text;
    auto state = inflater::state::good;
    std::array<char, 100> piece;
    std::span<char> room;
    do {
        room = piece;
        state = by.run(in, room);
        text.append(piece.data(), piece.size() - room.size());
    } while (state == inflater::state::good && (!in.empty() || room.empty()));
    CHECK(state != inflater::state::bad);
    return text;
}

}  // namespace

TEST_CASE("base/zlib: what was deflated in pieces inflates to the same, whatever the size") {
    for (std::size_t size : {0U, 1U, 255U, 256U, 257U, 1000U, 100'000U}) {
        auto const text = random_text(size) + std::string(size, 'x');
        deflater out(deflate_format::raw, {});
        std::string deflated;
        out.feed(std::string_view(text).substr(0, size / 2), deflated);
        out.finish(std::string_view(text).substr(size / 2), deflated);
        inflater in(15);
        CHECK(inflate_all(in, deflated) == text);
    }
}

TEST_CASE("base/zlib: a flush gives all there is, and ends with an empty block") {
    deflater out(deflate_format::raw, {});
    std::string deflated;
    out.flush("Hello", deflated);
    CHECK(deflated == std::string("\xf2\x48\xcd\xc9\xc9\x07\x00\x00\x00\xff\xff", 11));
    out.flush("Hello", deflated);
    inflater in(15);
    CHECK(inflate_all(in, deflated) == "HelloHello");
}

TEST_CASE("base/zlib: every room that a flush may need is enough for it") {
    for (std::size_t size = 200; size < 700; ++size) {
        auto const text = random_text(size);
        deflater out(deflate_format::raw, {});
        std::string deflated;
        out.flush(text, deflated);
        CHECK(deflated.ends_with(std::string_view("\0\0\xff\xff", 4)));
        inflater in(15);
        CHECK(inflate_all(in, deflated) == text);
    }
}

TEST_CASE("base/zlib: the three formats are told apart by how they begin") {
    for (auto [format, beginning] :
         {std::pair(deflate_format::gzip, std::string_view("\x1f\x8b")),
          {deflate_format::zlib, "\x78\x9c"},
          {deflate_format::raw, "\xf3\x48"}}) {
        std::string deflated;
        deflater(format, {}).finish("Hello", deflated);
        CHECK(deflated.starts_with(beginning));
    }
}

TEST_CASE("base/zlib: a window of 9 bits refers back no further than one of 8 holds") {
    auto const once = random_text(200);
    std::string deflated;
    deflater out(deflate_format::raw, {6, 8, 9});
    for (std::size_t gap = 0; gap < 120; ++gap) {
        std::string const text = once + std::string(gap, ' ') + once;
        out.flush(text, deflated);
    }
    inflater in(8);
    CHECK(inflate_all(in, deflated).size() == 120 * 400 + 119 * 120 / 2);
}

TEST_CASE("base/zlib: an effort out of bounds is refused") {
    CHECK_THROWS_AS(socoro::check({10, 8}), std::invalid_argument);
    CHECK_THROWS_AS(socoro::check({-2, 8}), std::invalid_argument);
    CHECK_THROWS_AS(socoro::check({6, 0}), std::invalid_argument);
    CHECK_THROWS_AS(socoro::check({6, 10}), std::invalid_argument);
    CHECK_NOTHROW(socoro::check({-1, 1}));
    CHECK_THROWS_AS(deflater(deflate_format::raw, {6, 8, 16}), std::invalid_argument);
}
