// SPDX-License-Identifier: BSL-1.0
#include "tls/scene.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstdint>

using socoro::tls_errc;
using test::tls_world;

namespace {

/// Bytes of which no piece can be taken for another.
std::string long_text(std::size_t size) {
    std::string text;
    for (std::uint32_t i = 0; text.size() < size; ++i)
        text += std::to_string(i) + ' ';
    text.resize(size);
    return text;
}

struct met_world : tls_world {
    explicit met_world(int version = TLS1_3_VERSION) : tls_world(options(version)) {
        meet();
        REQUIRE(client);
        REQUIRE(server);
        read_tickets();
    }

    static socoro::tls_options options(int version) {
        auto made = test::trusting();
        made.configure = test::at_most(version);
        return made;
    }
    /// What the server's side of TLS still had to say is out of the way.
    void read_tickets() { CHECK(pass(server, client, "ready") == "ready"); }

    [[nodiscard]] static test::net::io_result try_write(
        test::stream_ptr const& to,
        std::string const& text) {
        std::array<asio::const_buffer, 1> const buffers{asio::buffer(text)};
        return to->try_write(buffers);
    }
    [[nodiscard]] static SSL* openssl(test::stream_ptr const& of) {
        return dynamic_cast<test::net::tls_stream&>(*of).native_handle();
    }
};

}  // namespace

TEST_CASE("tls/stream: both directions carry large data at once, however narrow the way") {
    std::size_t size = 300'000;
    int version = TLS1_3_VERSION;
    std::size_t capacity = std::numeric_limits<std::size_t>::max();
    bool bytewise = false;
    SUBCASE("as it comes") {}
    SUBCASE("as it comes, in TLS 1.2") {
        version = TLS1_2_VERSION;
    }
    SUBCASE("through narrow pipes") {
        capacity = 1000;
    }
    SUBCASE("through narrow pipes, in TLS 1.2") {
        capacity = 1000;
        version = TLS1_2_VERSION;
    }
    SUBCASE("byte by byte") {
        bytewise = true;
        size = 40'000;
        capacity = 7;
    }
    met_world w(version);
    CHECK(SSL_version(w.openssl(w.client)) == version);
    w.pair.forth->capacity = w.pair.back->capacity = capacity;
    w.plan->bytewise = bytewise;
    auto const text = long_text(size);
    auto const other_text = long_text(size + 1).substr(1);
    std::string got;
    std::string other_got;
    auto const writing = w.write(w.client, text);
    auto const other_writing = w.write(w.server, other_text);
    auto const reading = w.read(w.server, got, size);
    auto const other_reading = w.read(w.client, other_got, size);
    CHECK(writing->value == std::error_code());
    CHECK(other_writing->value == std::error_code());
    CHECK(reading->value == std::error_code());
    CHECK(other_reading->value == std::error_code());
    CHECK(got == text);
    CHECK(other_got == other_text);
}

TEST_CASE("tls/stream: the handshake goes through narrow pipes, byte by byte") {
    tls_world w;
    w.pair.forth->capacity = w.pair.back->capacity = 5;
    w.plan->bytewise = true;
    w.serving_side = w.accept(w.pair.second);
    w.client_side = w.wrap(w.client_layer, w.pair.first, "localhost");
    REQUIRE(w.client_side->done());
    REQUIRE(w.serving_side->done());
    CHECK(w.pass(**w.client_side->value, **w.serving_side->value, "hello") == "hello");
}

TEST_CASE("tls/stream: who is idle keeps no memory for the largest record that there was") {
    met_world w;
    auto const kept = [&] {
        std::size_t most = 0;
        for (auto const& side : {w.client, w.server})
            for (auto* const buffer :
                 {SSL_get_rbio(w.openssl(side)), SSL_get_wbio(w.openssl(side))}) {
                BUF_MEM* memory = nullptr;
                BIO_get_mem_ptr(buffer, &memory);
                most = std::max(most, memory->max);
            }
        return most;
    };
    auto const text = long_text(100'000);
    auto const before = kept();
    CHECK(w.pass(w.client, w.server, text) == text);
    CHECK(w.pass(w.server, w.client, text) == text);
    CHECK(w.pass(w.client, w.server, "x") == "x");
    CHECK(before > 0);
    CHECK(kept() <= 4096);
}

TEST_CASE("tls/stream: one record serves several reads") {
    met_world w;
    CHECK(w.try_write(w.client, "abcdef").bytes == 6);
    std::string got;
    std::ignore = w.read(w.server, got, 2, 2);
    CHECK(got == "ab");
    // All that was under way is in the stream.
    CHECK(w.pair.forth->bytes.empty());
    std::ignore = w.read(w.server, got, 6, 3);
    CHECK(got == "abcdef");
}

TEST_CASE("tls/stream: several buffers are written in their order") {
    met_world w;
    std::array<asio::const_buffer, 3> const buffers{
        asio::buffer("abc", 3),
        asio::buffer("", 0),
        asio::buffer("de", 2)};
    CHECK(w.client->try_write(buffers).bytes == 5);
    std::string got;
    std::ignore = w.read(w.server, got, 5);
    CHECK(got == "abcde");
}

TEST_CASE("tls/stream: nothing can be read into no room, and it does not wait") {
    met_world w;
    auto const read = w.spawn(w.client->read_some(asio::mutable_buffer()));
    REQUIRE(read->done());
    CHECK(read->value->bytes == 0);
    CHECK_FALSE(read->value->error);
}

TEST_CASE("tls/stream: while one record waits for a peer that does not read, none is taken") {
    met_world w;
    w.pair.forth->capacity = 100;
    auto const text = long_text(50'000);
    auto const first = w.try_write(w.client, text);
    CHECK_FALSE(first.error);
    CHECK(first.bytes == 16'384);
    CHECK(w.try_write(w.client, "x").bytes == 0);
    auto const writable = w.spawn(w.client->wait_writable());
    CHECK_FALSE(writable->done());
    std::string got;
    auto const reading = w.read(w.server, got, first.bytes);
    REQUIRE(writable->done());
    CHECK(*writable->value == std::error_code());
    CHECK(reading->done());
    CHECK(got == text.substr(0, first.bytes));
    CHECK(w.try_write(w.client, "x").bytes == 1);
}

TEST_CASE("tls/stream: what was taken arrives though nobody waits for it") {
    met_world w;
    w.pair.forth->capacity = 10;
    CHECK(w.try_write(w.client, "hello").bytes == 5);
    std::string got;
    auto const reading = w.read(w.server, got, 5);
    CHECK(reading->done());
    CHECK(got == "hello");
}

TEST_CASE("tls/stream: a stream moves to another shard with what it has not sent, or not read") {
    met_world w;
    w.pair.back->capacity = 100;
    auto const text = long_text(5'000);
    CHECK(w.try_write(w.server, text).bytes == text.size());
    // Of two records that came in one piece, one has been read.
    std::string got, rest, received;
    CHECK(w.try_write(w.client, "one").bytes == 3);
    CHECK(w.try_write(w.client, "two").bytes == 3);
    CHECK(w.read(w.server, got, 3)->done());
    CHECK(got == "one");
    auto const elsewhere =
        test::net::shard::make(asio::make_strand(w.context->get_executor()), w.clock);
    auto const moving = w.server->depart();
    REQUIRE(moving);
    CHECK_FALSE(w.server->depart());
    w.server = moving(elsewhere);
    CHECK(w.server->is_encrypted());
    auto const reading = w.read(w.server, rest, 3);
    CHECK(rest == "two");
    auto const receiving = w.read(w.client, received, text.size());
    CHECK(receiving->done());
    CHECK(received == text);
    CHECK(w.pass(w.client, w.server, "hello") == "hello");
    CHECK(w.pass(w.server, w.client, "there") == "there");
}

TEST_CASE("tls/stream: what cannot move below does not move, and goes on") {
    met_world w;
    w.pair.second->movable = false;
    CHECK_FALSE(w.server->depart());
    CHECK(w.pass(w.server, w.client, "still") == "still");
}

TEST_CASE("tls/stream: the peer's word that nothing follows is an end, and no word is none") {
    met_world w;
    std::string got;
    CHECK(w.try_write(w.server, "last").bytes == 4);
    SUBCASE("said") {
        w.server->shutdown_send();
        auto const reading = w.read(w.client, got, 100);
        CHECK(reading->value == asio::error::eof);
        // It stays the end.
        CHECK(w.read(w.client, got, 100)->value == asio::error::eof);
    }
    SUBCASE("not said") {
        w.server->close();
        auto const reading = w.read(w.client, got, 100);
        CHECK(reading->value == tls_errc::truncated);
        CHECK(w.read(w.client, got, 100)->value == tls_errc::truncated);
        // Who has an end of his own need not know TLS.
        CHECK(*reading->value == socoro::net::end_of_stream());
        CHECK(*reading->value != asio::error::eof);
    }
    SUBCASE("in the middle of a record") {
        w.run();
        w.pair.back->bytes.pop_back();
        w.server->close();
        auto const reading = w.read(w.client, got, 100);
        CHECK(reading->value == tls_errc::truncated);
        CHECK(got.empty());
        return;
    }
    CHECK(got == "last");
}

TEST_CASE("tls/stream: who said that nothing follows writes no more, and goes on reading") {
    met_world w;
    w.pair.forth->capacity = 10;
    CHECK(w.try_write(w.client, "last").bytes == 4);
    w.client->shutdown_send();
    CHECK(w.try_write(w.client, "x").error == asio::error::broken_pipe);
    CHECK(w.spawn(w.client->wait_writable())->value == asio::error::broken_pipe);
    std::string got;
    auto const reading = w.read(w.server, got, 100);
    CHECK(reading->value == asio::error::eof);
    CHECK(got == "last");
    CHECK(w.pass(w.server, w.client, "answer") == "answer");
}

TEST_CASE("tls/stream: close ends what is awaited") {
    met_world w;
    w.pair.forth->capacity = 0;
    std::string got;
    auto const reading = w.read(w.client, got, 1);
    auto const writing = w.write(w.client, long_text(20'000));
    CHECK_FALSE(reading->done());
    CHECK_FALSE(writing->done());
    w.client->close();
    w.run();
    CHECK(reading->value == asio::error::operation_aborted);
    CHECK(writing->value == asio::error::operation_aborted);
    CHECK(w.pair.back->ended);
}

TEST_CASE("tls/stream: after close nothing is read or written, though something was left") {
    met_world w;
    CHECK(w.try_write(w.server, "ab").bytes == 2);
    std::string got;
    std::ignore = w.read(w.client, got, 1, 1);
    CHECK(got == "a");
    w.client->close();
    CHECK(w.read(w.client, got, 2)->value == asio::error::operation_aborted);
    CHECK(w.try_write(w.client, "x").error == asio::error::operation_aborted);
    w.client->shutdown_send();
    w.client->close();
    CHECK(w.pair.forth->bytes.empty());
}

TEST_CASE("tls/stream: who lets go of a stream ends the one below, also while a record waits") {
    met_world w;
    w.pair.forth->capacity = 1;
    CHECK(w.try_write(w.client, "hello").bytes == 5);
    std::weak_ptr const below = w.pair.first;
    std::weak_ptr const client = w.client;
    w.pair.first.reset();
    w.client.reset();
    w.client_side.reset();
    CHECK(client.expired());
    w.run();
    CHECK(below.expired());
    std::string got;
    CHECK(w.read(w.server, got, 1)->value == tls_errc::truncated);
}

TEST_CASE("tls/stream: a world that ends takes along what waits in it") {
    std::weak_ptr<test::net::stream> client;
    std::string got;
    {
        met_world w;
        w.pair.forth->capacity = 1;
        client = w.client;
        std::ignore = w.read(w.client, got, 1);
        std::ignore = w.write(w.client, long_text(20'000));
        w.context.reset();
    }
    CHECK(client.expired());
}

TEST_CASE("tls/stream: a changed record is an error, and the peer is told") {
    met_world w;
    CHECK(w.try_write(w.server, "hello").bytes == 5);
    w.pair.back->bytes.back() ^= 1;
    std::string got;
    CHECK(w.read(w.client, got, 5)->value->message() == "TLS: decryption failed or bad record mac");
    CHECK(got.empty());
    CHECK(w.try_write(w.client, "x").error.category() == socoro::tls_category());
    CHECK(w.read(w.server, got, 1)->value->message() == "TLS: sslv3 alert bad record mac");
}

TEST_CASE("tls/stream: keys may be changed between any two records") {
    met_world w;
    std::string sent;
    std::string back;
    for (int i = 0; i < 5; ++i) {
        REQUIRE(SSL_key_update(w.openssl(w.server), SSL_KEY_UPDATE_REQUESTED) == 1);
        auto const text = std::to_string(i);
        sent += w.pass(w.server, w.client, text);
        back += w.pass(w.client, w.server, text);
    }
    CHECK(sent == "01234");
    CHECK(back == "01234");
}

TEST_CASE("tls/stream: a peer that only has us answer, and does not read, is not read any more") {
    met_world w;
    w.pair.forth->capacity = 0;
    std::string got;
    std::string sent;
    auto const reading = w.read(w.client, got, 1'000'000);
    for (int i = 0; i < 3000; ++i) {
        REQUIRE(SSL_key_update(w.openssl(w.server), SSL_KEY_UPDATE_REQUESTED) == 1);
        sent += 'x';
        CHECK(w.try_write(w.server, "x").bytes == 1);
        w.run();
    }
    CHECK(got.size() < 2500);
    CHECK(!w.pair.back->bytes.empty());
    // Once it reads, all of it goes on.
    w.pair.forth->capacity = 1'000'000;
    w.pair.forth->touch();
    std::string answers;
    std::ignore = w.read(w.server, answers, 1);
    CHECK(got == sent);
    CHECK_FALSE(reading->done());
}

TEST_CASE("tls/stream: with TLS 1.2 neither side can negotiate again") {
    met_world w(TLS1_2_VERSION);
    auto asking = w.client;
    auto refusing = w.server;
    SUBCASE("the client") {}
    SUBCASE("the server") {
        std::swap(asking, refusing);
    }
    SSL_clear_options(w.openssl(asking), SSL_OP_NO_RENEGOTIATION);
    REQUIRE(SSL_renegotiate(w.openssl(asking)) == 1);
    std::ignore = w.try_write(asking, "x");
    std::string got;
    std::ignore = w.read(refusing, got, 1);
    // It is refused politely; OpenSSL does not go on after that.
    std::string back;
    auto const refusal = w.read(asking, back, 1);
    REQUIRE(refusal->done());
    CHECK(refusal->value->message() == "TLS: no renegotiation");
}

TEST_CASE("tls/stream: TLS goes through TLS") {
    met_world w;
    w.serving_side = w.accept(w.server);
    w.client_side = w.wrap(w.client_layer, w.client, "localhost");
    REQUIRE(w.client_side->value->has_value());
    REQUIRE(w.serving_side->value->has_value());
    auto const text = long_text(100'000);
    CHECK(w.pass(**w.client_side->value, **w.serving_side->value, text) == text);
}

TEST_CASE("tls/stream: whichever operation below fails, everything ends and nothing is left") {
    auto const text = long_text(20'000);
    std::array<std::error_code, 2> const errors{asio::error::connection_reset, asio::error::eof};
    for (auto const& error : errors) {
        bool failed = true;
        for (std::size_t nth = 0; failed; ++nth) {
            CAPTURE(nth);
            std::weak_ptr<test::net::stream> client;
            std::weak_ptr<test::net::stream> below;
            {
                tls_world w;
                below = w.pair.first;
                w.plan->nth = nth;
                w.plan->error = error;
                w.pair.forth->capacity = 3000;
                w.meet();
                REQUIRE(w.client_side->done());
                client = w.client;
                bool arrived = false;
                if (w.client && w.server) {
                    std::string got;
                    std::string back;
                    auto const writing = w.write(w.client, text);
                    auto const reading = w.read(w.server, got, text.size());
                    CHECK(writing->done());
                    w.server->shutdown_send();
                    auto const ending = w.read(w.client, back, 1);
                    CHECK(ending->done());
                    arrived = got == text && ending->value == asio::error::eof;
                }
                failed = w.plan->operations > nth;
                CHECK(arrived != failed);
                w.pair.first.reset();
                w.client_side.reset();
                w.client.reset();
                w.run();
                CHECK(w.serving_side->done());
                CHECK(below.expired());
            }
            CHECK(client.expired());
            REQUIRE(nth < 1000);
        }
    }
}
