// SPDX-License-Identifier: BSL-1.0
#include <socoro/ws/permessage_deflate.hpp>

#include "ws/transcript.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

using namespace ws_test;
using socoro::errc;
using ws::opcode;

namespace {

constexpr unsigned rsv1 = ws::compressed_bit;

/// The two ends of a connection that agreed on what the client wished for.
struct ends {
    explicit ends(ws::deflate_settings const& wished = {})
        : at_server(ws::deflate_settings{wished.threshold, wished.level, wished.mem_level, {}})
        , at_client(wished) {
        auto accepted = at_server.accept_offer(at_client.offer());
        REQUIRE(accepted.has_value());
        server = std::move(accepted->codecs);
        auto agreed = at_client.accept_answer(accepted->answer);
        REQUIRE(agreed.has_value());
        client = std::move(agreed->codecs);
    }

    ws::deflate_negotiator at_server, at_client;
    ws::codecs server, client;
};

ws::deflate_settings wishing(ws::deflate_parameters const& wished) {
    ws::deflate_settings settings;
    settings.wished = wished;
    return settings;
}

/// Makes decompressors of what the end gets that has this role.
decompressor_maker inflating(ws::deflate_parameters const& wished = {}) {
    return [wished] {
        auto const settings = wishing(wished);
        ws::deflate_negotiator negotiator(settings);
        return std::move(negotiator.accept_offer(negotiator.offer())->codecs.in);
    };
}

transcript read_compressed(
    ws::role self,
    std::vector<std::string> const& messages,
    socoro::limits const& bounds = {}) {
    peer from(self);
    for (auto const& payload : messages)
        from.frame(opcode::text, payload, true, rsv1);
    return from.read(bounds, inflating());
}

transcript texts(std::vector<std::string> const& expected) {
    transcript t;
    for (auto const& text : expected)
        t.events.push_back({kind::text, text});
    return t;
}

/// What one end makes of a message, without a source that others share.
std::string compressed(ws::codecs& by, std::string_view payload) {
    return std::string(by.out->compress({}, payload, nullptr));
}

std::string decompressed(ws::codecs& by, std::string_view wire) {
    std::string message;
    std::size_t const most = 10'000'000;
    CHECK(!by.in->feed(wire, most, message));
    CHECK(!by.in->finish(most, message));
    return message;
}

socoro::limits with_message_limit(std::size_t bytes) {
    socoro::limits bounds;
    bounds.max_http_buffer_size = bytes;
    return bounds;
}

std::string random_text(std::size_t size) {
    std::minstd_rand random(11);
    std::string text(size, '\0');
    for (char& c : text)
        c = static_cast<char>('!' + random() % 90);
    return text;
}

/// A message of so many bytes of one kind, deflated twice over the years: a bomb.
std::string bomb(std::size_t size) {
    socoro::deflater stream(socoro::deflate_format::raw, {9});
    std::string wire;
    std::string const piece(1'000'000, '0');
    for (std::size_t done = 0; done < size; done += piece.size())
        stream.feed(piece, wire);
    stream.flush({}, wire);
    wire.resize(wire.size() - 4);
    return wire;
}

auto const hello = "\xf2\x48\xcd\xc9\xc9\x07\x00"s;

}  // namespace

TEST_CASE("ws/permessage_deflate: reads the examples of RFC 7692 section 7.2.3") {
    for (auto self : both_roles) {
        // 7.2.3.1, whole and in two fragments.
        CHECK(read_compressed(self, {hello}) == texts({"Hello"}));
        CHECK(
            peer(self)
                .frame(opcode::text, hello.substr(0, 3), false, rsv1)
                .frame(opcode::continuation, hello.substr(3))
                .read({}, inflating()) == texts({"Hello"}));
        // 7.2.3.2: the window is shared.
        CHECK(read_compressed(self, {hello, "\xf2\x00\x11\x00\x00"s}) == texts({"Hello", "Hello"}));
        // 7.2.3.3: a block without compression.
        CHECK(read_compressed(self, {"\x00\x05\x00\xfa\xffHello\x00"s}) == texts({"Hello"}));
        // 7.2.3.4: a block that says it is the last.
        CHECK(read_compressed(self, {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s}) == texts({"Hello"}));
        // 7.2.3.5: two blocks.
        CHECK(
            read_compressed(self, {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s}) ==
            texts({"Hello"}));
        // 7.2.3.6: nothing.
        CHECK(read_compressed(self, {"\x00"s}) == texts({""}));
    }
}

TEST_CASE("ws/permessage_deflate: writes the examples, too") {
    ends with;
    CHECK(compressed(with.server, "Hello") == hello);
    CHECK(compressed(with.server, "Hello") == "\xf2\x00\x11\x00\x00"s);
    CHECK(compressed(with.server, "") == "\x00"s);
    CHECK(compressed(with.server, "") == "\x00"s);
    CHECK(decompressed(with.client, hello) == "Hello");
}

TEST_CASE("ws/permessage_deflate: a prefix is as if it were part of the message") {
    ends with;
    CHECK(std::string(with.server.out->compress("He", "llo", nullptr)) == hello);
    CHECK(decompressed(with.client, compressed(with.client, "x")) == "x");
}

TEST_CASE("ws/permessage_deflate: messages come out as they went in, whatever was agreed on") {
    std::vector<std::string> const messages{
        "Hello",
        "",
        "Hello",
        random_text(5000),
        std::string(70'000, 'x'),
        random_text(300'000),
        "",
        std::string(16 * 1024, 'y'),
        "Hello"};
    for (bool const server_forgets : {false, true})
        for (bool const client_forgets : {false, true})
            for (std::optional<int> const bits : {std::optional<int>(), {8}, {9}, {12}, {15}}) {
                ends with(wishing({server_forgets, client_forgets, bits, bits}));
                for (auto const& message : messages) {
                    CHECK(decompressed(with.client, compressed(with.server, message)) == message);
                    CHECK(decompressed(with.server, compressed(with.client, message)) == message);
                }
            }
}

TEST_CASE("ws/permessage_deflate: context makes the second of two messages small, each way") {
    auto const text = random_text(5000);
    ends keeping;
    auto const first = compressed(keeping.server, text).size();
    CHECK(compressed(keeping.server, text).size() < 100);
    CHECK(compressed(keeping.client, text).size() == first);
    CHECK(compressed(keeping.client, text).size() < 100);
    ends forgetting(wishing({true, true, std::nullopt, std::nullopt}));
    for (int i = 0; i < 2; ++i) {
        CHECK(compressed(forgetting.server, text).size() == first);
        CHECK(compressed(forgetting.client, text).size() == first);
    }
}

TEST_CASE("ws/permessage_deflate: uncompressed messages and control frames may come in between") {
    for (auto self : both_roles)
        CHECK(
            peer(self)
                .frame(opcode::text, "plain")
                .frame(opcode::text, hello.substr(0, 2), false, rsv1)
                .frame(opcode::ping, "now")
                .frame(opcode::continuation, "", false)
                .frame(opcode::continuation, hello.substr(2))
                .frame(opcode::binary, "\xff")
                .frame(opcode::binary, "\xf2\x00\x11\x00\x00"s, true, rsv1)
                .read({}, inflating()) == transcript{
                                              {{kind::text, "plain"},
                                               {kind::ping, "now"},
                                               {kind::text, "Hello"},
                                               {kind::binary, "\xff"},
                                               {kind::binary, "Hello"}},
                                              {}});
}

TEST_CASE("ws/permessage_deflate: RSV1 is only for the first frame of a message, if agreed on") {
    for (auto self : both_roles) {
        auto const refused = failing(errc::ws_reserved_bits);
        CHECK(peer(self).frame(opcode::text, hello, true, rsv1).read() == refused);
        for (auto op : {opcode::ping, opcode::pong, opcode::close})
            CHECK(peer(self).frame(op, "", true, rsv1).read({}, inflating()) == refused);
        CHECK(
            peer(self)
                .frame(opcode::text, hello.substr(0, 3), false, rsv1)
                .frame(opcode::continuation, hello.substr(3), true, rsv1)
                .read({}, inflating()) == refused);
        for (unsigned rsv : {1U, 2U, 3U, 5U, 6U, 7U})
            CHECK(
                peer(self).frame(opcode::text, hello, true, rsv).read({}, inflating()) == refused);
    }
}

TEST_CASE("ws/permessage_deflate: what follows a last block is read on, with the same window") {
    // "Hello" in a last block, then a reference to it in another block of the same message.
    auto const last = "\xf3\x48\xcd\xc9\xc9\x07\x00"s;
    auto const again = "\xf2\x00\x11\x00\x00"s;
    for (auto self : both_roles) {
        CHECK(read_compressed(self, {last + again}) == texts({"HelloHello"}));
        CHECK(read_compressed(self, {last + "\x00"s, again}) == texts({"Hello", "Hello"}));
        // The empty block at the end says that it is the last.
        CHECK(read_compressed(self, {"\x01"s, hello}) == texts({"", "Hello"}));
    }
}

TEST_CASE("ws/permessage_deflate: a message that only ends with a last block is whole") {
    // Peers that finish each message instead of flushing it send no empty block.
    auto const last = "\xf3\x48\xcd\xc9\xc9\x07\x00"s;
    for (auto self : both_roles)
        CHECK(read_compressed(self, {last, last, hello}) == texts({"Hello", "Hello", "Hello"}));
}

TEST_CASE("ws/permessage_deflate: a message that stops within a block is refused") {
    for (auto self : both_roles) {
        for (std::size_t size = 0; size < hello.size(); ++size)
            CHECK(
                read_compressed(self, {hello.substr(0, size)}) ==
                failing(errc::ws_bad_compression));
        // The same once there is a stream.
        CHECK(
            read_compressed(self, {hello, hello.substr(0, 4), hello}) ==
            failing(errc::ws_bad_compression, {{kind::text, "Hello"}}));
        CHECK(
            read_compressed(self, {hello, ""}) ==
            failing(errc::ws_bad_compression, {{kind::text, "Hello"}}));
        // With the four bytes that nobody sends.
        CHECK(
            read_compressed(self, {hello + "\0\0\xff\xff"s}) == failing(errc::ws_bad_compression));
    }
}

TEST_CASE("ws/permessage_deflate: garbage is refused, with the code for bad payloads") {
    for (auto self : both_roles)
        for (auto const& garbage :
             {"\xff\xff\xff\xff"s,
              "\x07"s,
              "plain text, by mistake"s,
              // A reference to before the beginning.
              "\xf2\x00\x11\x00\x00"s,
              // A block without compression whose length is wrong.
              "\x00\x05\x00\xfb\xffHello\x00"s})
            CHECK(read_compressed(self, {garbage}) == failing(errc::ws_bad_compression));
    CHECK(ws::close_code_for(errc::ws_bad_compression) == ws::close_code::invalid_payload);
}

TEST_CASE("ws/permessage_deflate: text has to be UTF-8 once it is inflated, bytes need not") {
    ends with(wishing({true, true, std::nullopt, std::nullopt}));
    auto const bad = compressed(with.server, "ab\xff");
    auto const split = compressed(with.server, "\xe2\x82\xac");
    for (auto self : both_roles) {
        CHECK(read_compressed(self, {bad}) == failing(errc::ws_bad_utf8));
        CHECK(read_compressed(self, {split}) == texts({"\xe2\x82\xac"}));
        CHECK(
            read_compressed(self, {compressed(with.server, "\xe2\x82")}) ==
            failing(errc::ws_bad_utf8));
        CHECK(
            peer(self).frame(opcode::binary, bad, true, rsv1).read({}, inflating()) ==
            transcript{{{kind::binary, "ab\xff"}}, {}});
    }
}

TEST_CASE("ws/permessage_deflate: the limit is one for what is inflated") {
    ends with(wishing({true, true, std::nullopt, std::nullopt}));
    auto const wire = compressed(with.server, std::string(20'000, 'x'));
    for (auto self : both_roles) {
        CHECK(read_compressed(self, {wire, wire}, with_message_limit(20'000)).events.size() == 2);
        CHECK(
            read_compressed(self, {wire}, with_message_limit(19'999)) ==
            failing(errc::ws_message_too_large));
    }
    CHECK(ws::close_code_for(errc::ws_message_too_large) == ws::close_code::message_too_big);
}

TEST_CASE("ws/permessage_deflate: the limit is one for what is on the wire as well") {
    // Empty blocks stand for nothing, and cost time.
    std::string empty_blocks;
    for (int i = 0; i < 30; ++i)
        empty_blocks += "\x00\x00\x00\xff\xff"s;
    empty_blocks += "\x00"s;
    for (auto self : both_roles) {
        auto const size = empty_blocks.size();
        CHECK(read_compressed(self, {empty_blocks}, with_message_limit(size)) == texts({""}));
        CHECK(
            read_compressed(self, {empty_blocks}, with_message_limit(size - 1)) ==
            failing(errc::ws_message_too_large));
        CHECK(
            peer(self)
                .frame(opcode::text, empty_blocks.substr(0, 100), false, rsv1)
                .frame(opcode::continuation, empty_blocks.substr(100))
                .read(with_message_limit(size - 1), inflating()) ==
            failing(errc::ws_message_too_large));
    }
}

TEST_CASE("ws/permessage_deflate: a bomb is stopped at the limit, with what was inflated so far") {
    auto const wire = bomb(1'000'000'000);
    CHECK(wire.size() < 1'000'000);
    std::size_t const most = 1'000'000;
    ends with;
    std::string message;
    std::size_t taken = 0;
    std::error_code error;
    while (!error && taken < wire.size()) {
        error = with.client.in->feed(std::string_view(wire).substr(taken, 100), most, message);
        taken += 100;
    }
    CHECK(error == errc::ws_message_too_large);
    CHECK(taken < 2000);
    CHECK(message.size() <= most);
    CHECK(message.capacity() <= 2 * most);
    // In one piece no more is inflated.
    ends again;
    std::string whole;
    CHECK(again.client.in->feed(wire, most, whole) == errc::ws_message_too_large);
    CHECK(whole.capacity() <= 2 * most);
}

TEST_CASE("ws/permessage_deflate: what refers further back than was agreed on is refused") {
    auto const text = random_text(600);
    ends wide;
    auto const first = compressed(wide.server, text);
    auto const second = compressed(wide.server, text);
    ends narrow(wishing({false, false, 8, std::nullopt}));
    CHECK(decompressed(narrow.client, first) == text);
    std::string message;
    CHECK(narrow.client.in->feed(second, 10'000, message) == errc::ws_bad_compression);
    CHECK(decompressed(wide.client, first) == text);
    CHECK(decompressed(wide.client, second) == text);
}

TEST_CASE("ws/permessage_deflate: what goes to many is deflated once if no context is kept") {
    auto const settings = wishing({true, false, std::nullopt, std::nullopt});
    ws::deflate_negotiator server(settings);
    std::vector<ws::codecs> clients;
    for (int i = 0; i < 10; ++i)
        clients.push_back(std::move(server.accept_offer("permessage-deflate")->codecs));
    auto const text = std::make_shared<std::string const>(random_text(3000));
    auto held = std::vector(clients.size(), text);
    std::vector<std::string> sent;
    for (auto& client : clients) {
        auto const mine = std::exchange(held.back(), nullptr);
        held.pop_back();
        sent.emplace_back(client.out->compress("4", *mine, mine));
    }
    CHECK(server.pool().deflated == 1);
    CHECK(std::count(sent.begin(), sent.end(), sent.front()) == 10);
    ws::deflate_negotiator peer(settings);
    auto receiver =
        std::move(peer.accept_answer(server.accept_offer(peer.offer())->answer)->codecs);
    CHECK(decompressed(receiver, sent.back()) == "4" + *text);
}

TEST_CASE(
    "ws/permessage_deflate: it is deflated once for each window, and for each that keeps context") {
    ws::deflate_negotiator server({});
    auto const text = std::make_shared<std::string const>(random_text(3000));
    auto const others = std::vector(8, text);
    for (std::string_view offer :
         {"permessage-deflate; server_no_context_takeover",
          "permessage-deflate; server_no_context_takeover; server_max_window_bits=10",
          "permessage-deflate; server_no_context_takeover",
          "permessage-deflate; server_no_context_takeover; server_max_window_bits=10"})
        CHECK(!server.accept_offer(offer)->codecs.out->compress({}, *text, text).empty());
    CHECK(server.pool().deflated == 2);
    for (int i = 0; i < 2; ++i)
        CHECK(!server.accept_offer("permessage-deflate")
                   ->codecs.out->compress({}, *text, text)
                   .empty());
    CHECK(server.pool().deflated == 4);
}

TEST_CASE("ws/permessage_deflate: a header that breaks the grammar is refused by both ends") {
    ws::deflate_negotiator negotiator({});
    CHECK(negotiator.accept_offer("permessage-deflate;").error() == errc::ws_bad_extensions);
    CHECK(negotiator.accept_answer("permessage-deflate;").error() == errc::ws_bad_extensions);
    auto const none = negotiator.accept_offer("foo");
    REQUIRE(none.has_value());
    CHECK(none->answer.empty());
    CHECK(!none->codecs.out);
    CHECK(!none->codecs.in);
}
