// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/mask.hpp>

#include <doctest/doctest.h>

#include <span>
#include <string>

namespace ws = socoro::ws;

namespace {

constexpr ws::mask_key key{0x37, 0xfa, 0x21, 0x3d};

/// The definition of section 5.3, a byte at a time.
std::string masked_by_definition(std::string text) {
    for (std::size_t i = 0; i < text.size(); ++i)
        text[i] = static_cast<char>(text[i] ^ key[i % 4]);
    return text;
}

std::string sample(std::size_t size) {
    std::string text;
    for (std::size_t i = 0; i < size; ++i)
        text.push_back(static_cast<char>(i * 7));
    return text;
}

}  // namespace

TEST_CASE("ws/mask: masks the example of RFC 6455 section 5.7") {
    std::string text = "Hello";
    ws::apply_mask(text, key);
    CHECK(text == "\x7f\x9f\x4d\x51\x58");
}

TEST_CASE("ws/mask: every length is masked as the definition says, and masking twice undoes it") {
    for (std::size_t size = 0; size < 70; ++size) {
        auto text = sample(size);
        ws::apply_mask(text, key);
        CHECK(text == masked_by_definition(sample(size)));
        ws::apply_mask(text, key);
        CHECK(text == sample(size));
    }
}

TEST_CASE("ws/mask: a payload masked in two pieces is masked as in one, wherever it is cut") {
    auto const expected = masked_by_definition(sample(41));
    for (std::size_t cut = 0; cut <= expected.size(); ++cut) {
        auto text = sample(41);
        ws::apply_mask(std::span(text).first(cut), key);
        ws::apply_mask(std::span(text).subspan(cut), key, cut);
        CHECK(text == expected);
    }
}

TEST_CASE("ws/mask: an offset beyond 32 bits keeps its phase") {
    std::string text = "abc";
    ws::apply_mask(text, key, (std::uint64_t{1} << 40U) + 2);
    CHECK(text == std::string{char('a' ^ 0x21), char('b' ^ 0x3d), char('c' ^ 0x37)});
}

TEST_CASE("ws/mask: keys are not repeated") {
    auto const first = ws::make_mask_key();
    bool differs = false;
    for (int i = 0; i < 4; ++i)
        differs = differs || ws::make_mask_key() != first;
    CHECK(differs);
}
