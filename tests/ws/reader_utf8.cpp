// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/reader.hpp>

#include "ws/transcript.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <string>
#include <vector>

using namespace ws_test;
using socoro::errc;
using ws::opcode;

namespace {

struct bad_text {
    std::string bytes;
    std::size_t valid;  // bytes after which the text could still become valid
};

/// Texts that are broken at a known byte, as Autobahn's section 6 has them.
std::vector<bad_text> const bad_texts = {
    {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80\x65\x64", 12},     // 6.3: surrogate
    {"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80 edited", 12},  // 6.4: > U+10FFFF
    {"\xf8\x88\x80\x80\x80", 0},                                                  // 6.6: five bytes
    {"\xfc\x84\x80\x80\x80\x80", 0},
    {"\xc0\xaf", 0},  // 6.18: overlong
    {"\xe0\x80\xaf", 1},
    {"\xf0\x80\x80\xaf", 1},
    {"\xe0\x9f\xbf", 1},
    {"\xf0\x8f\xbf\xbf", 1},
    {"\x80", 0},  // 6.12: continuation bytes alone
    {"long enough for a word or two\xbf", 29},
    {"\xe2\x82\x20", 2},  // 6.14: lonely starts
    {"\xf0\x9f\x98 ", 3},
    {"\xfe", 0},  // 6.16: impossible bytes
    {"\xff", 0},
};

std::vector<std::string> const good_texts = {
    "",
    "Hello-\xc2\xb5@\xc3\x9f\xc3\xb6\xc3\xa4\xc3\xbc\xc3\xa0\xc3\xa1-UTF-8!!",
    "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5",
    "\x00\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"s,
    "\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbd\xef\xbf\xbe",  // around the surrogates; a noncharacter
    "\xf0\x9f\x98\x80\xf0\x9f\x98\x80\xf0\x9f\x98\x80",
};

/// The message in two fragments, with a ping between them.
peer split(ws::role self, std::string const& text, std::size_t at) {
    peer sender(self);
    sender.frame(opcode::text, text.substr(0, at), false).frame(opcode::ping, "\xff");
    return sender.frame(opcode::continuation, text.substr(at));
}

}  // namespace

TEST_CASE("ws/reader: valid text is accepted, however it is fragmented") {
    for (auto self : both_roles)
        for (auto const& text : good_texts) {
            CHECK(
                peer(self).frame(opcode::text, text).read() ==
                transcript{{{kind::text, text}}, {}});
            for (std::size_t at = 0; at <= text.size(); ++at)
                CHECK(
                    split(self, text, at).read() ==
                    transcript{{{kind::ping, "\xff"}, {kind::text, text}}, {}});
        }
}

TEST_CASE("ws/reader: invalid text is refused, however it is fragmented") {
    for (auto self : both_roles)
        for (auto const& bad : bad_texts) {
            CHECK(peer(self).frame(opcode::text, bad.bytes).read() == failing(errc::ws_bad_utf8));
            for (std::size_t at = 0; at <= bad.bytes.size(); ++at) {
                auto const got = split(self, bad.bytes, at).read();
                CHECK(got.error == errc::ws_bad_utf8);
                // The ping is there unless the first fragment was already hopeless.
                CHECK(got.events.size() == (at <= bad.valid ? 1 : 0));
            }
        }
}

TEST_CASE("ws/reader: text fails at its first impossible byte, in the middle of a frame") {
    for (auto self : both_roles)
        for (auto const& bad : bad_texts) {
            // More is announced than arrives: waiting for the end of the frame would be too late.
            auto const bytes = peer(self).frame(opcode::text, bad.bytes + "and more").bytes();
            auto const header = bytes.size() - bad.bytes.size() - 8;
            auto const good = std::string_view(bytes).substr(0, header + bad.valid);
            auto const broken = std::string_view(bytes).substr(0, header + bad.valid + 1);
            CHECK(read(self, good) == transcript{});
            CHECK(read(self, broken) == failing(errc::ws_bad_utf8));
        }
}

TEST_CASE("ws/reader: text may not end inside a character") {
    for (auto self : both_roles)
        for (std::string const& cut : {"\xc2"s, "\xe2\x82"s, "\xf0\x9f\x98"s, "ok \xf0"s}) {
            CHECK(peer(self).frame(opcode::text, cut).read() == failing(errc::ws_bad_utf8));
            CHECK(
                peer(self).frame(opcode::text, cut, false).frame(opcode::continuation, "").read() ==
                failing(errc::ws_bad_utf8));
        }
}

TEST_CASE("ws/reader: binary messages, pings and pongs are not text") {
    for (auto self : both_roles)
        for (auto const& bad : bad_texts)
            CHECK(
                peer(self)
                    .frame(opcode::text, "first")
                    .frame(opcode::binary, bad.bytes)
                    .frame(opcode::ping, bad.bytes)
                    .frame(opcode::pong, bad.bytes)
                    .frame(opcode::text, "last")
                    .read() == transcript{
                                   {{kind::text, "first"},
                                    {kind::binary, bad.bytes},
                                    {kind::ping, bad.bytes},
                                    {kind::pong, bad.bytes},
                                    {kind::text, "last"}},
                                   {}});
}
