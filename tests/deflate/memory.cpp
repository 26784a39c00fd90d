// SPDX-License-Identifier: BSL-1.0
// Compression as programs use it, over connections in memory.
#include <socoro/deflate.hpp>
#include <socoro/namespace.hpp>
#include <socoro/net/websocket_client.hpp>
#include <socoro/peer.hpp>
#include <socoro/server_core.hpp>
#include <socoro/socket.hpp>

#include "support/http_script.hpp"
#include "support/world.hpp"

#include <doctest/doctest.h>

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace std::string_literals;
namespace http = socoro::http;
namespace json = socoro::json;
namespace net = socoro::net;
namespace ws = socoro::ws;

namespace {

using test::get;
using test::http_answer;
using test::post;

/// The extension, and what it has made.
struct watched final : ws::extension {
    explicit watched(ws::deflate_settings with = {}) : settings(std::move(with)) {}
    [[nodiscard]] std::shared_ptr<ws::negotiator> make_negotiator() const override {
        return made = std::make_shared<ws::deflate_negotiator>(settings);
    }
    [[nodiscard]] std::size_t deflated() const { return made->pool().deflated; }

    ws::deflate_settings settings;
    mutable std::shared_ptr<ws::deflate_negotiator> made;
};

ws::deflate_settings forgetting() {
    ws::deflate_settings settings;
    settings.wished.server_no_context_takeover = true;
    return settings;
}

/// A frame as it was on the wire.
struct frame {
    bool compressed = false;
    std::string payload;
};

/// A client over WebSocket that looks at each frame.
class client {
public:
    client(test::world& in, test::memory_peer over, std::string_view answer)
        : raw(std::move(over))
        , world_(&in) {
        if (answer.empty())
            return;
        ws::deflate_negotiator negotiator({});
        auto agreed = negotiator.accept_answer(answer);
        REQUIRE(agreed.has_value());
        codecs_ = std::move(agreed->codecs);
    }

    /// The messages that have arrived, decompressed; compressed ones begin with `*`. Long ones are
    /// shown as their beginning and their size.
    std::vector<std::string> take() {
        std::vector<std::string> shown;
        for (auto const& each : take_frames()) {
            auto text = each.compressed ? "*" + inflated(each.payload) : each.payload;
            if (text.size() > 100)
                text = text.substr(0, 10) + ".." + std::to_string(text.size());
            shown.push_back(std::move(text));
        }
        return shown;
    }

    std::vector<frame> take_frames() {
        world_->run();
        std::vector<frame> frames;
        auto const bytes = raw.take();
        for (std::string_view rest = bytes; !rest.empty();) {
            ws::frame_header header;
            auto const size = ws::decode_header(rest, ws::role::client, header, ws::compressed_bit);
            REQUIRE(size.has_value());
            REQUIRE(*size > 0);
            auto const length = static_cast<std::size_t>(header.length);
            frames.push_back({header.rsv != 0, std::string(rest.substr(*size, length))});
            rest.remove_prefix(*size + length);
        }
        return frames;
    }

    void send(std::string_view payload, bool compressed) {
        std::string const wire(compressed ? codecs_.out->compress({}, payload, nullptr) : payload);
        send_wire(wire, compressed);
    }
    void send_wire(std::string_view wire, bool compressed) {
        std::string bytes;
        ws::append_message_header(
            bytes,
            ws::opcode::text,
            wire.size(),
            ws::mask_key{},
            compressed ? ws::compressed_bit : std::uint8_t{0});
        raw.send(bytes.append(wire));
        world_->run();
    }

    test::memory_peer raw;

private:
    std::string inflated(std::string_view wire) {
        std::string text;
        std::size_t const most = 10'000'000;
        CHECK(!codecs_.in->feed(wire, most, text));
        CHECK(!codecs_.in->finish(most, text));
        return text;
    }

    test::world* world_;
    ws::codecs codecs_;
};

struct scene : test::world {
    explicit scene(socoro::options opts = {})
        : core(std::make_shared<socoro::detail::server_core>(shard, quiet(std::move(opts))))
        , server(
              std::make_shared<net::http_server_core>(shard, nullptr, net::http_server_options())) {
        core->start();
        core->attach(*server);
        everyone().on_connection([this](socoro::socket socket) -> asio::awaitable<void> {
            sockets.push_back(socket);
            for (;;) {
                auto const event = co_await socket.recv();
                got.push_back(event.args.empty() ? "" : std::string(event.args.at(0).as_string()));
            }
        });
    }
    scene(scene const&) = delete;
    ~scene() {
        core->close();
        server->close();
        run();
    }

    static socoro::options quiet(socoro::options opts) {
        opts.hooks.violated = nullptr;
        opts.hooks.connection_error = nullptr;
        return opts;
    }

    [[nodiscard]] socoro::nsp everyone() const { return socoro::nsp(core->root()); }

    [[nodiscard]] test::memory_peer connection() {
        test::memory_connection const wire(shard);
        server->serve(wire.stream);
        return wire.peer;
    }
    [[nodiscard]] http_answer ask(test::memory_peer const& over, std::string const& request) {
        over.send(request);
        run();
        auto bytes = over.take();
        auto answer = test::take_answer(bytes);
        over.put_back(bytes);
        return answer;
    }
    static std::string upgrade(std::string_view offer) {
        std::string fields(test::upgrade_fields);
        if (!offer.empty())
            fields.append("Sec-WebSocket-Extensions: ").append(offer).append("\r\n");
        return get("/socket.io/?EIO=4&transport=websocket", fields);
    }

    /// A client that is in the namespace `/`; `offer` is its header field.
    client connect(std::string_view offer) {
        auto const over = connection();
        auto const answer = ask(over, upgrade(offer));
        REQUIRE(answer.status == 101);
        constexpr std::string_view name = "\r\nSec-WebSocket-Extensions: ";
        auto const at = answer.head.find(name);
        agreed = at == std::string::npos ? ""
                                         : answer.head.substr(
                                               at + name.size(),
                                               answer.head.find('\r', at + 2) - at - name.size());
        client made(*this, over, agreed);
        made.send("40", false);
        auto const first = made.take();
        REQUIRE(first.size() == 2);
        CHECK(first[0].starts_with("0{"));
        CHECK(first[1].starts_with("40{"));
        return made;
    }

    std::shared_ptr<socoro::detail::server_core> core;
    std::shared_ptr<net::http_server_core> server;
    std::vector<socoro::socket> sockets;
    std::vector<std::string> got;
    std::string agreed;
};

socoro::options with(std::shared_ptr<ws::extension const> extension) {
    socoro::options opts;
    opts.per_message_deflate = std::move(extension);
    return opts;
}

constexpr std::string_view of_browsers = "permessage-deflate; client_max_window_bits";
std::string const large(2000, 'x');
using strings = std::vector<std::string>;

/// What a body was before it was compressed.
std::string inflated(std::string_view body, std::size_t beginning) {
    socoro::inflater stream(15);
    body.remove_prefix(beginning);
    std::array<char, 100'000> text;
    std::span<char> room(text);
    CHECK(stream.run(body, room) == socoro::inflater::state::ended);
    return {text.data(), text.size() - room.size()};
}

}  // namespace

TEST_CASE("deflate: large messages are compressed for clients that offer it, small ones are not") {
    scene s(with(socoro::per_message_deflate()));
    auto peer = s.connect(of_browsers);
    CHECK(s.agreed == "permessage-deflate");
    s.sockets[0].emit("small", "x");
    s.sockets[0].emit("large", large);
    s.sockets[0].emit("large", large);
    CHECK(peer.take() == strings{"42[\"small\",\"x\"]", "*42[\"large..2015", "*42[\"large..2015"});
}

TEST_CASE("deflate: messages of the threshold are compressed, of one byte less are not") {
    ws::deflate_settings settings;
    settings.threshold = 200;
    scene s(with(std::make_shared<watched>(settings)));
    auto peer = s.connect(of_browsers);
    s.sockets[0].emit("e", std::string(189, 'x'));
    s.sockets[0].emit("e", std::string(190, 'x'));
    CHECK(peer.take() == strings{"42[\"e\",\"xx..199", "*42[\"e\",\"x..201"});
}

TEST_CASE("deflate: without an offer, or without the option, nothing is compressed") {
    strings const plain{"42[\"large\"..2014"};
    {
        scene s(with(socoro::per_message_deflate()));
        for (std::string_view offer : {"", "foo", "permessage-deflate; foo"}) {
            auto peer = s.connect(offer);
            CHECK(s.agreed.empty());
            s.sockets.back().emit("large", large);
            CHECK(peer.take() == plain);
        }
    }
    scene s;
    auto peer = s.connect(of_browsers);
    CHECK(s.agreed.empty());
    s.sockets[0].emit("large", large);
    CHECK(peer.take() == plain);
    CHECK(s.connect("nonsense;").take().empty());
}

TEST_CASE("deflate: a header that breaks the grammar is refused as the reference refuses it") {
    scene s(with(socoro::per_message_deflate()));
    for (std::string_view bad : {"permessage-deflate;", ",", "permessage-deflate; a=\"b c\""}) {
        auto const answer = s.ask(s.connection(), scene::upgrade(bad));
        CHECK(answer.status == 400);
        CHECK(answer.has("Content-Type: text/html"));
        CHECK(answer.has("Connection: close"));
        CHECK(answer.body == "Invalid or unacceptable Sec-WebSocket-Extensions header");
    }
    CHECK(s.core->engine().sessions() == 0);
    CHECK(s.ask(s.connection(), scene::upgrade("permessage-deflate")).status == 101);
}

TEST_CASE("deflate: offers in several fields are one list") {
    scene s(with(socoro::per_message_deflate()));
    auto const fields = std::string(test::upgrade_fields) +
                        "Sec-WebSocket-Extensions: foo\r\nSec-WebSocket-Extensions: "
                        "permessage-deflate\r\n";
    auto const answer = s.ask(s.connection(), get("/socket.io/?EIO=4&transport=websocket", fields));
    CHECK(answer.has("Sec-WebSocket-Extensions: permessage-deflate"));
}

TEST_CASE("deflate: compress(false) leaves an event as it is, from whatever handle") {
    scene s(with(socoro::per_message_deflate()));
    auto peer = s.connect(of_browsers);
    auto const& socket = s.sockets[0];
    socket.join("room");
    auto const all = s.everyone();
    socket.compress(false).emit("e", large);
    socket.compress(false).volatile_().emit("e", large);
    all.compress(false).emit("e", large);
    all.to("room").compress(false).emit("e", large);
    all.compress(false).to("room").emit("e", large);
    std::ignore = socket.compress(false).call<socoro::event<"e", void(std::string)>>(large);
    auto const plain = peer.take();
    CHECK(plain.size() == 5);
    for (auto const& text : plain)
        CHECK(text.starts_with("42"));

    socket.compress(true).emit("e", large);
    socket.compress(false).compress(true).emit("e", large);
    all.compress(true).emit("e", large);
    auto const compressed = peer.take();
    CHECK(compressed.size() == 3);
    for (auto const& text : compressed)
        CHECK(text.starts_with("*42"));
}

TEST_CASE("deflate: compress(false) holds for events that are kept for those who come back") {
    auto opts = with(socoro::per_message_deflate());
    opts.connection_state_recovery.enabled = true;
    scene s(opts);
    auto peer = s.connect(of_browsers);
    s.sockets[0].compress(false).emit("e", large);
    s.everyone().compress(false).emit("e", large);
    s.sockets[0].emit("e", large);
    auto const seen = peer.take();
    REQUIRE(seen.size() == 3);
    CHECK(seen[0].starts_with("42"));
    CHECK(seen[1].starts_with("42"));
    CHECK(seen[2].starts_with("*42"));
}

TEST_CASE("deflate: a handle that does not compress broadcasts what is not compressed") {
    scene s(with(socoro::per_message_deflate()));
    auto const sender = s.connect(of_browsers);
    auto other = s.connect(of_browsers);
    s.sockets[0].compress(false).broadcast().emit("e", large);
    s.sockets[0].broadcast().emit("e", large);
    CHECK(other.take() == strings{"42[\"e\",\"xx..2010", "*42[\"e\",\"x..2011"});
}

TEST_CASE("deflate: attachments are compressed like the text before them, or not") {
    scene s(with(socoro::per_message_deflate()));
    auto peer = s.connect(of_browsers);
    socoro::bytes const bytes(std::string(3000, 'b'));
    s.sockets[0].emit("e", bytes);
    s.sockets[0].compress(false).emit("e", bytes);
    auto const seen = peer.take();
    REQUIRE(seen.size() == 4);
    CHECK(seen[0].starts_with("451-"));
    CHECK(seen[1] == "*bbbbbbbbb..3001");
    CHECK(seen[3] == "bbbbbbbbbb..3000");
}

TEST_CASE("deflate: a broadcast is deflated once where no context is kept, else for each client") {
    for (bool const asked_by_client : {false, true}) {
        auto const extension =
            std::make_shared<watched>(asked_by_client ? ws::deflate_settings() : forgetting());
        scene s(with(extension));
        std::vector<client> peers;
        for (int i = 0; i < 10; ++i)
            peers.push_back(s.connect(
                asked_by_client ? "permessage-deflate; server_no_context_takeover" : of_browsers));
        s.everyone().emit("e", large);
        s.everyone().emit("f", large);
        for (auto& peer : peers)
            CHECK(peer.take() == strings{"*42[\"e\",\"x..2011", "*42[\"f\",\"x..2011"});
        CHECK(extension->deflated() == 2);
        // Nobody needs them any more.
        CHECK(extension->made->pool().messages().size() == 0);
    }
    auto const keeping = std::make_shared<watched>();
    scene s(with(keeping));
    std::vector<client> peers;
    for (int i = 0; i < 10; ++i)
        peers.push_back(s.connect(of_browsers));
    s.everyone().emit("e", large);
    for (auto& peer : peers)
        CHECK(peer.take().size() == 1);
    CHECK(keeping->deflated() == 10);
}

TEST_CASE(
    "deflate: what clients send compressed is received, with context and between plain ones") {
    scene s(with(socoro::per_message_deflate()));
    auto peer = s.connect(of_browsers);
    auto const event = "42[\"e\",\"" + large + "\"]";
    peer.send(event, true);
    peer.send("42[\"e\",\"plain\"]", false);
    peer.send(event, true);
    peer.send("42[\"e\",\"small\"]", true);
    CHECK(s.got == strings{large, "plain", large, "small"});
}

TEST_CASE("deflate: a message that inflates beyond the limit closes with 1009, garbage with 1007") {
    socoro::options opts = with(socoro::per_message_deflate());
    opts.limits.max_http_buffer_size = 5000;
    scene s(opts);
    auto first = s.connect(of_browsers);
    first.send("42[\"e\",\"" + std::string(4900, 'x') + "\"]", true);
    CHECK(s.got.size() == 1);
    first.send("42[\"e\",\"" + std::string(5000, 'x') + "\"]", true);
    auto frames = first.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload == "\x03\xf1");

    auto second = s.connect(of_browsers);
    second.send_wire("\xff\xff\xff\xff", true);
    frames = second.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload == "\x03\xef");

    auto third = s.connect({});
    third.send_wire("\x00"s, true);
    frames = third.take_frames();
    REQUIRE(frames.size() == 1);
    CHECK(frames[0].payload == "\x03\xea");
    CHECK(s.got.size() == 1);
}

TEST_CASE("deflate: two WebSockets of ours agree, and compress both ways") {
    test::world world;
    ws::deflate_negotiator negotiator({});
    http::request asked;
    net::ask_for_websocket(asked, &negotiator);
    CHECK(asked.headers.get("Sec-WebSocket-Extensions") == of_browsers);
    auto of_server = net::negotiate(asked, &negotiator);
    auto const answer = net::accept_upgrade(asked, of_server->answer);
    CHECK(!net::check_upgraded(asked, answer));
    auto of_client = net::agreed_with(answer, &negotiator);
    test::memory_pair const pair(world.shard);
    auto const server = std::make_shared<net::websocket>(
        world.shard,
        pair.first,
        ws::role::server,
        socoro::limits(),
        "",
        std::move(of_server->codecs));
    auto const client = std::make_shared<net::websocket>(
        world.shard,
        pair.second,
        ws::role::client,
        socoro::limits(),
        "",
        std::move(of_client->codecs));
    for (auto const& [from, to] : {std::pair(server, client), {client, server}})
        for (bool const binary : {false, true})
            for (std::size_t const size : {0U, 1U, 1023U, 1024U, 500'000U}) {
                socoro::message const m{binary, std::string(size, 'x')};
                CHECK(from->compresses(size) == (size >= 1024));
                CHECK(!*world.spawn(from->send(m))->value);
                auto const received = world.spawn(to->recv());
                REQUIRE(received->done());
                CHECK(received->value->value() == m);
            }
}

TEST_CASE("deflate: a client refuses an answer to what it did not offer, or twice") {
    ws::deflate_negotiator negotiator({});
    http::request asked;
    net::ask_for_websocket(asked, &negotiator);
    auto answer = net::accept_upgrade(asked, "permessage-deflate; server_max_window_bits=7");
    CHECK(!net::check_upgraded(asked, answer));
    CHECK(net::agreed_with(answer, &negotiator).error() == socoro::errc::ws_bad_extensions);
    answer.headers.add("Sec-WebSocket-Extensions", "permessage-deflate");
    CHECK(net::check_upgraded(asked, answer) == socoro::errc::ws_bad_handshake);
    auto const without = net::accept_upgrade(asked);
    CHECK(!net::agreed_with(without, &negotiator)->codecs.out);

    http::request plain;
    net::ask_for_websocket(plain);
    CHECK(!plain.headers.contains("Sec-WebSocket-Extensions"));
    CHECK(
        net::check_upgraded(plain, net::accept_upgrade(plain, "permessage-deflate")) ==
        socoro::errc::ws_bad_handshake);
}

TEST_CASE(
    "deflate: answers to polls are compressed for clients that accept it, if it is worth it") {
    socoro::options opts;
    opts.http_compression = socoro::http_compression();
    scene s(opts);
    auto const gets = s.connection();
    auto const posts = s.connection();
    std::string const target = "/socket.io/?EIO=4&transport=polling";
    auto const opening = s.ask(gets, get(target, "Accept-Encoding: gzip\r\n"));
    CHECK(opening.body.starts_with("0{"));
    auto const here = target + "&sid=" + opening.body.substr(9, 20);
    CHECK(s.ask(posts, post(here, "40")).body == "ok");
    CHECK(s.ask(gets, get(here)).body.starts_with("40{"));

    s.sockets[0].emit("e", large);
    auto answer =
        s.ask(gets, get(here, "Accept-Encoding: deflate;q=0.5\r\nAccept-Encoding: gzip\r\n"));
    CHECK(
        answer.head ==
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=UTF-8\r\nContent-Encoding: gzip\r\n"
        "cache-control: no-store\r\nDate: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: " +
            std::to_string(answer.body.size()) + "\r\n\r\n");
    CHECK(answer.body.size() < 100);
    CHECK(inflated(answer.body, 10) == "42[\"e\",\"" + large + "\"]");

    s.sockets[0].emit("e", large);
    answer = s.ask(gets, get(here, "Accept-Encoding: deflate\r\n"));
    CHECK(answer.has("Content-Encoding: deflate"));
    CHECK(inflated(answer.body, 2) == "42[\"e\",\"" + large + "\"]");

    for (std::string_view fields : {"", "Accept-Encoding: br, gzip;q=0\r\n"}) {
        s.sockets[0].emit("e", large);
        answer = s.ask(gets, get(here, fields));
        CHECK(answer.body == "42[\"e\",\"" + large + "\"]");
        CHECK(answer.head.find("Content-Encoding") == std::string::npos);
    }
    s.sockets[0].emit("e", "small");
    CHECK(s.ask(gets, get(here, "Accept-Encoding: gzip\r\n")).body == "42[\"e\",\"small\"]");
    s.sockets[0].compress(false).emit("e", large);
    CHECK(s.ask(gets, get(here, "Accept-Encoding: gzip\r\n")).body.size() == large.size() + 10);
    // One packet that must not be compressed is enough.
    s.sockets[0].emit("e", large);
    s.sockets[0].compress(false).emit("e", "secret");
    answer = s.ask(gets, get(here, "Accept-Encoding: gzip\r\n"));
    CHECK(answer.head.find("Content-Encoding") == std::string::npos);
    CHECK(answer.body.ends_with("42[\"e\",\"secret\"]"));
}

TEST_CASE("deflate: without the option answers to polls are as they are") {
    scene s;
    auto const gets = s.connection();
    std::string const target = "/socket.io/?EIO=4&transport=polling";
    auto const opening = s.ask(gets, get(target, "Accept-Encoding: gzip\r\n"));
    auto const here = target + "&sid=" + opening.body.substr(9, 20);
    CHECK(s.ask(s.connection(), post(here, "40")).body == "ok");
    CHECK(s.ask(gets, get(here)).body.starts_with("40{"));
    s.sockets[0].emit("e", large);
    auto const answer = s.ask(gets, get(here, "Accept-Encoding: gzip\r\n"));
    CHECK(answer.body.size() == large.size() + 10);
}

TEST_CASE("deflate: numbers out of their bounds are refused") {
    using ws_options = socoro::per_message_deflate_options;
    using http_options = socoro::http_compression_options;
    auto const refuses = [](auto change) {
        ws_options options;
        change(options);
        CHECK_THROWS_AS(std::ignore = socoro::per_message_deflate(options), std::invalid_argument);
    };
    refuses([](auto& o) { o.level = 10; });
    refuses([](auto& o) { o.mem_level = 0; });
    refuses([](auto& o) { o.server_max_window_bits = 7; });
    refuses([](auto& o) { o.client_max_window_bits = 16; });
    CHECK_THROWS_AS(
        std::ignore = socoro::http_compression(http_options{1024, -2}),
        std::invalid_argument);
    CHECK(socoro::per_message_deflate(ws_options{0, true, true, 8, 8, 0, 1}) != nullptr);
    CHECK(socoro::http_compression(http_options{0, 9, 9}) != nullptr);
}
