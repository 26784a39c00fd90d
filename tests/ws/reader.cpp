// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/reader.hpp>

#include "ws/transcript.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

using namespace ws_test;
using socoro::errc;
using ws::opcode;

namespace {

socoro::limits with_message_limit(std::size_t bytes) {
    socoro::limits bounds;
    bounds.max_http_buffer_size = bytes;
    return bounds;
}

}  // namespace

TEST_CASE("ws/reader: reads the examples of RFC 6455 section 5.7") {
    transcript const hello{{{kind::text, "Hello"}}, {}};
    CHECK(read(ws::role::client, "\x81\x05Hello") == hello);
    CHECK(read(ws::role::server, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58") == hello);
    CHECK(read(ws::role::client, "\x01\x03Hel\x80\x02lo") == hello);
    CHECK(read(ws::role::client, "\x89\x05Hello") == transcript{{{kind::ping, "Hello"}}, {}});
    CHECK(
        read(ws::role::client, "\x82\x7e\x01\x00"s + std::string(256, 'b')) ==
        transcript{{{kind::binary, std::string(256, 'b')}}, {}});
}

TEST_CASE("ws/reader: messages of every form of length arrive whole") {
    for (auto self : both_roles)
        for (auto [op, type] :
             {std::pair(opcode::text, kind::text), {opcode::binary, kind::binary}})
            for (std::size_t size : {0U, 1U, 125U, 126U, 127U, 128U, 65535U, 65536U}) {
                std::string const payload(size, '*');
                CHECK(
                    peer(self).frame(op, payload).frame(op, payload).read() ==
                    transcript{{{type, payload}, {type, payload}}, {}});
            }
}

TEST_CASE("ws/reader: pings and pongs arrive with their data, solicited or not") {
    for (auto self : both_roles)
        for (std::string const& data : {""s, "hi"s, "\x00\xff\xfe"s, std::string(125, '\xfe')}) {
            CHECK(
                peer(self).frame(opcode::ping, data).frame(opcode::pong, data).read() ==
                transcript{{{kind::ping, data}, {kind::pong, data}}, {}});
            CHECK(
                peer(self).frame(opcode::pong, data).frame(opcode::text, "x").read() ==
                transcript{{{kind::pong, data}, {kind::text, "x"}}, {}});
        }
}

TEST_CASE("ws/reader: a reserved bit ends the connection after what came before it") {
    // CVE-2022-21676: the process died of it.
    for (auto self : both_roles)
        for (unsigned rsv = 1; rsv < 8; ++rsv)
            for (auto op : {opcode::text, opcode::binary, opcode::ping, opcode::close})
                CHECK(
                    peer(self)
                        .frame(opcode::text, "before")
                        .frame(op, "x", true, rsv)
                        .frame(opcode::ping, "")
                        .read() == failing(errc::ws_reserved_bits, {{kind::text, "before"}}));
}

TEST_CASE("ws/reader: a reserved opcode is refused") {
    for (auto self : both_roles)
        for (unsigned op : {3U, 4U, 5U, 6U, 7U, 11U, 12U, 13U, 14U, 15U})
            CHECK(
                peer(self)
                    .frame(opcode::text, "before")
                    .frame(opcode{std::uint8_t(op)}, "")
                    .read() == failing(errc::ws_bad_opcode, {{kind::text, "before"}}));
}

TEST_CASE("ws/reader: a control frame that is fragmented or over 125 bytes is refused") {
    for (auto self : both_roles)
        for (auto op : {opcode::ping, opcode::pong, opcode::close}) {
            CHECK(peer(self).frame(op, "x", false).read() == failing(errc::ws_bad_control_frame));
            CHECK(
                peer(self).frame(op, std::string(126, 'x')).read() ==
                failing(errc::ws_bad_control_frame));
        }
}

TEST_CASE("ws/reader: a server refuses frames without a mask, a client frames with one") {
    CHECK(
        read(ws::role::server, peer(ws::role::client).frame(opcode::text, "x").bytes()) ==
        failing(errc::ws_bad_mask));
    CHECK(
        read(ws::role::client, peer(ws::role::server).frame(opcode::text, "x").bytes()) ==
        failing(errc::ws_bad_mask));
}

TEST_CASE("ws/reader: fragments make one message, empty ones too") {
    for (auto self : both_roles) {
        CHECK(
            peer(self)
                .frame(opcode::text, "frag", false)
                .frame(opcode::continuation, "", false)
                .frame(opcode::continuation, "ment")
                .frame(opcode::binary, "next")
                .read() == transcript{{{kind::text, "fragment"}, {kind::binary, "next"}}, {}});
        CHECK(
            peer(self)
                .frame(opcode::binary, "", false)
                .frame(opcode::continuation, "", false)
                .frame(opcode::continuation, "")
                .read() == transcript{{{kind::binary, ""}}, {}});
    }
}

TEST_CASE("ws/reader: control frames between fragments are delivered in between") {
    for (auto self : both_roles)
        CHECK(
            peer(self)
                .frame(opcode::text, "\xce", false)
                .frame(opcode::ping, "\xff 1")
                .frame(opcode::continuation, "\xba", false)
                .frame(opcode::pong, "")
                .frame(opcode::ping, "2")
                .frame(opcode::continuation, "!")
                .read() == transcript{
                               {{kind::ping, "\xff 1"},
                                {kind::pong, ""},
                                {kind::ping, "2"},
                                {kind::text, "\xce\xba!"}},
                               {}});
}

TEST_CASE("ws/reader: a ping is delivered before the fragments after it arrive") {
    ws::reader reader(ws::role::client);
    transcript got;
    CHECK(feed_all(reader, peer(ws::role::client).frame(opcode::text, "a", false).bytes(), got));
    CHECK(feed_all(reader, peer(ws::role::client).frame(opcode::ping, "p").bytes(), got));
    CHECK(got == transcript{{{kind::ping, "p"}}, {}});
}

TEST_CASE("ws/reader: a continuation without a start is refused") {
    for (auto self : both_roles)
        for (bool fin : {true, false}) {
            CHECK(
                peer(self).frame(opcode::continuation, "x", fin).read() ==
                failing(errc::ws_bad_continuation));
            CHECK(
                peer(self).frame(opcode::text, "x").frame(opcode::continuation, "y", fin).read() ==
                failing(errc::ws_bad_continuation, {{kind::text, "x"}}));
        }
}

TEST_CASE("ws/reader: a new message inside an unfinished one is refused") {
    for (auto self : both_roles)
        for (auto op : {opcode::text, opcode::binary})
            CHECK(
                peer(self).frame(opcode::text, "x", false).frame(op, "y").read() ==
                failing(errc::ws_bad_continuation));
}

TEST_CASE("ws/reader: a close frame brings its code and reason") {
    using ws::close_code;
    for (auto self : both_roles) {
        CHECK(
            peer(self).frame(opcode::close, "").read() ==
            transcript{{{kind::close, "", close_code::no_status}}, {}});
        CHECK(
            peer(self).frame(opcode::close, "\x03\xe8").read() ==
            transcript{{{kind::close, "", close_code::normal}}, {}});
        CHECK(
            peer(self).frame(opcode::close, "\x0f\xa0" + std::string(123, 'r')).read() ==
            transcript{{{kind::close, std::string(123, 'r'), close_code{4000}}}, {}});
    }
}

TEST_CASE("ws/reader: a malformed close frame is refused") {
    for (auto self : both_roles) {
        for (std::string const& payload :
             {"\x03"s,
              "\x00\x00"s,
              "\x03\xe7"s,
              "\x03\xec"s,
              "\x03\xed"s,
              "\x03\xee"s,
              "\x03\xf7"s,
              "\x03\xf8"s,
              "\x04\x4c"s,
              "\x07\xd0"s,
              "\x0b\xb7"s,
              "\x13\x88"s,
              "\xff\xff"s})
            CHECK(
                peer(self).frame(opcode::close, payload).read() ==
                failing(errc::ws_bad_close_code));
        CHECK(
            peer(self)
                .frame(opcode::close, "\x03\xe8\xce\xba\xe1\xbd\xb9\xcf\x83\xed\xa0\x80")
                .read() == failing(errc::ws_bad_utf8));
    }
}

TEST_CASE("ws/reader: nothing is delivered after a close frame, not even an error") {
    for (auto self : both_roles)
        CHECK(
            peer(self)
                .frame(opcode::text, "a", false)
                .frame(opcode::close, "")
                .frame(opcode::ping, "late")
                .frame(opcode{3}, "nonsense", true, 7)
                .read() == transcript{{{kind::close, ""}}, {}});
}

TEST_CASE("ws/reader: takes no more than one event's bytes, and none while one waits") {
    auto const bytes =
        peer(ws::role::client).frame(opcode::text, "one").frame(opcode::text, "2").bytes();
    ws::reader reader(ws::role::client);
    CHECK_FALSE(reader.next());
    CHECK(reader.feed("").value() == 0);
    CHECK(reader.feed(bytes).value() == 5);
    CHECK(reader.feed(std::string_view(bytes).substr(5)).value() == 0);
    CHECK(reader.next() == ws::event{kind::text, "one"});
    CHECK_FALSE(reader.next());
    CHECK(reader.feed(std::string_view(bytes).substr(5)).value() == 3);
    CHECK(reader.next() == ws::event{kind::text, "2"});
}

TEST_CASE("ws/reader: errors are final") {
    ws::reader reader(ws::role::client);
    CHECK(reader.feed("\x83").error() == errc::ws_bad_opcode);
    CHECK(reader.feed("\x81\x01x").error() == errc::ws_bad_opcode);
    CHECK(reader.feed("").error() == errc::ws_bad_opcode);
    CHECK_FALSE(reader.next());
}

TEST_CASE("ws/reader: a message may have as many bytes as the limit, and is refused one above") {
    // CVE-2016-10542: checked before the payload is there.
    for (auto self : both_roles) {
        auto const bounds = with_message_limit(1000);
        std::string const most(1000, 'x');
        CHECK(
            peer(self).frame(opcode::text, most).frame(opcode::binary, most).read(bounds) ==
            transcript{{{kind::text, most}, {kind::binary, most}}, {}});
        auto const header_only = peer(self).frame(opcode::binary, most + "x").bytes().substr(0, 8);
        CHECK(read(self, header_only, bounds) == failing(errc::ws_message_too_large));
    }
}

TEST_CASE("ws/reader: the limit counts all fragments, and no control frame") {
    for (auto self : both_roles) {
        auto const bounds = with_message_limit(10);
        CHECK(
            peer(self)
                .frame(opcode::text, "12345", false)
                .frame(opcode::ping, std::string(125, 'p'))
                .frame(opcode::continuation, "67890", false)
                .frame(opcode::continuation, "")
                .read(bounds) ==
            transcript{{{kind::ping, std::string(125, 'p')}, {kind::text, "1234567890"}}, {}});
        CHECK(
            peer(self)
                .frame(opcode::text, "12345", false)
                .frame(opcode::continuation, "67890", false)
                .frame(opcode::continuation, "x")
                .read(bounds) == failing(errc::ws_message_too_large));
    }
}

TEST_CASE("ws/reader: huge lengths neither overflow the count nor reserve memory") {
    // CVE-2026-1528, CVE-2020-27813, CVE-2020-13935.
    std::string const huge = "\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"s;
    CHECK(read(ws::role::client, huge) == failing(errc::ws_message_too_large));
    std::string const huge_rest = "\x02\x02xx\x80\x7f\x7f\xff\xff\xff\xff\xff\xff\xff"s;
    CHECK(read(ws::role::client, huge_rest) == failing(errc::ws_message_too_large));
    CHECK(
        read(ws::role::client, huge_rest.substr(0, 6) + std::string(8, '\xff')) ==
        failing(errc::ws_bad_length));

    // With no limit to save it, a reader that trusted the header would ask for 2^63 bytes here.
    auto const unlimited = with_message_limit(~std::size_t{0});
    CHECK(read(ws::role::client, huge + "arrived", unlimited) == transcript{});
    CHECK(read(ws::role::client, huge_rest + "arrived", unlimited) == transcript{});
}

TEST_CASE("ws/reader: a message may have as many fragments as the limit, and no more") {
    // CVE-2026-48779.
    socoro::limits bounds;
    bounds.ws_fragments = 3;
    for (auto self : both_roles)
        for (std::size_t count : {1U, 3U, 4U}) {
            peer sender(self);
            sender.frame(opcode::text, "x", count == 1);
            for (std::size_t i = 1; i < count; ++i)
                sender.frame(opcode::ping, "").frame(opcode::continuation, "x", i + 1 == count);
            sender.frame(opcode::text, "next");
            auto const got = sender.read(bounds);
            CHECK(got.error == (count > 3 ? errc::ws_too_many_fragments : std::error_code{}));
            CHECK(got.events.size() == (count > 3 ? count - 1 : count + 1));
        }
}

TEST_CASE("ws/reader: 65536 fragments of one byte are one message, by default the most") {
    // Autobahn 9.3.1 and 9.4.1 send this many.
    peer sender(ws::role::server);
    sender.frame(opcode::text, "x", false);
    for (int i = 2; i < 65'536; ++i)
        sender.frame(opcode::continuation, "x", false);
    auto const last = peer(ws::role::server).frame(opcode::continuation, "x").bytes();
    auto const more = peer(ws::role::server).frame(opcode::continuation, "x", false).bytes();
    CHECK(
        read(ws::role::server, sender.bytes() + last) ==
        transcript{{{kind::text, std::string(65'536, 'x')}}, {}});
    CHECK(
        read(ws::role::server, sender.bytes() + more + last) ==
        failing(errc::ws_too_many_fragments));
}

TEST_CASE("ws/reader: a message of the default limit arrives in pieces of a read buffer") {
    std::string const payload(1'000'000, 'm');
    auto const bytes = peer(ws::role::server).frame(opcode::text, payload).bytes();
    auto const got = read_in_pieces(ws::role::server, bytes, {}, {}, [] { return 16'384U; });
    CHECK(got == transcript{{{kind::text, payload}}, {}});
}

TEST_CASE("ws/reader: a length above the limit is refused before the masking key has come") {
    auto const bytes = std::string("\x81\xff\x00\x00\x00\x00\x40\x00\x00\x00", 10);
    CHECK(read(ws::role::server, bytes) == failing(errc::ws_message_too_large));
}
