// SPDX-License-Identifier: BSL-1.0
// Packets in a form that the program chooses: everything above works unchanged.
#include <socoro/test.hpp>

#include "api/parser_suite.hpp"
#include "support/marked_parser.hpp"

#include <doctest/doctest.h>

namespace {

/// Counts what is encoded.
class counting_parser final : public socoro::sio::parser {
public:
    [[nodiscard]] std::vector<socoro::message> encode(
        socoro::sio::header const& h,
        std::string_view json,
        std::vector<std::string>&& attachments) const override {
        ++*encoded;
        return marked_.encode(h, json, std::move(attachments));
    }
    [[nodiscard]] std::unique_ptr<socoro::sio::packet_decoder> make_decoder(
        socoro::limits const& bounds) const override {
        return marked_.make_decoder(bounds);
    }

    std::shared_ptr<std::size_t> encoded = std::make_shared<std::size_t>(0);

private:
    test::marked_parser marked_;
};

test::parser_ptr marked() {
    return std::make_shared<test::marked_parser const>();
}

}  // namespace

TEST_CASE(
    "api/parsers: events, binary data and requests go either way through a program's parser") {
    test::check_events_and_requests(marked());
}

TEST_CASE("api/parsers: namespaces, refusals and rooms work with a program's parser") {
    test::check_namespaces_and_rooms(marked());
}

TEST_CASE("api/parsers: sessions recover with a program's parser") {
    test::check_recovery(marked());
}

TEST_CASE("api/parsers: a broadcast is encoded once, whatever the parser") {
    auto const parser = std::make_shared<counting_parser const>();
    test::parsed p(parser);
    std::ignore = p.join();
    std::ignore = p.join();
    REQUIRE(p.take() == "connected | connected");
    auto const before = *parser->encoded;
    p.io().emit(test::said("once"));
    CHECK(p.take() == "once | once");
    CHECK(*parser->encoded == before + 1);
}

TEST_CASE("api/parsers: an end without the parser, or with another one, is disconnected at once") {
    test::check_mismatch(marked());
}

TEST_CASE("api/parsers: what makes no sense to the parser is told to the hook") {
    auto const heard = std::make_shared<std::string>();
    socoro::options opts;
    opts.parser = marked();
    test::client_scene scene;
    opts.hooks.violated = [heard](socoro::violation const& v) {
        *heard = std::string(v.protocol) + ": " + v.why.message();
    };
    socoro::server io(scene.world.shard, opts);
    scene.between->accept = [&](std::shared_ptr<socoro::net::stream> stream) {
        io.serve(std::move(stream), std::string());
    };
    socoro::client client(scene.world.shard, "http://server.test", scene.options());
    auto const socket = client.socket();
    scene.world.run();
    CHECK(*heard == "Socket.IO: malformed packet");
    CHECK_FALSE(socket.connected());
}

TEST_CASE("api/parsers: a test of handlers goes through the parser, too") {
    socoro::options opts;
    opts.parser = marked();
    auto [client, server] = socoro::test::pair(test::answer_everything, opts);
    client.emit(test::some_photo());
    CHECK(client.take<test::photo>() == test::some_photo());
    CHECK(client.ask<test::added>(2, 0.5) == 2.5);
}
