// SPDX-License-Identifier: BSL-1.0
// The contract of `packet_transport`, kept by every transport.
#include <socoro/transport/transport.hpp>

#include "transport/fixtures.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace transport_test;
using socoro::errc;
using transport::ending;

#define EVERY_TRANSPORT over_memory, over_websocket, over_polling

TEST_CASE_TEMPLATE("transport: packets arrive in order", T, EVERY_TRANSPORT) {
    T t;
    t.receive();
    t.client_sends({"41", "3", "b\x01\x02", "4two words"});
    t.client_sends({"4last"});
    CHECK(t.received == strings{"41", "3", "b\x01\x02", "4two words", "4last"});
    CHECK_FALSE(t.receiving->done());
}

TEST_CASE_TEMPLATE("transport: what has arrived is buffered until received", T, EVERY_TRANSPORT) {
    T t;
    CHECK_FALSE(t.subject->has_buffered());
    t.client_sends({"4a", "4b"});
    auto const first = t.spawn(t.subject->recv());
    REQUIRE(first->done());
    CHECK(text_of(first->value->value()) == "4a");
    CHECK(t.subject->has_buffered());
    auto const second = t.spawn(t.subject->recv());
    CHECK(text_of(second->value->value()) == "4b");
    CHECK_FALSE(t.subject->has_buffered());
}

TEST_CASE_TEMPLATE("transport: what is sent arrives in order, whatever it is", T, EVERY_TRANSPORT) {
    T t;
    t.client_is_ready();
    CHECK(t.send({"0{}", "4text", std::string("b\x00\xff", 3)})->value == std::error_code());
    CHECK(t.client_takes() == strings{"0{}", "4text", std::string("b\x00\xff", 3)});
    t.client_is_ready();
    CHECK(t.send({"2"})->value == std::error_code());
    CHECK(t.client_takes() == strings{"2"});
}

TEST_CASE_TEMPLATE("transport: a whole batch goes in one send", T, EVERY_TRANSPORT) {
    T t;
    REQUIRE(t.subject->batch_limit() > 0);
    strings batch;
    for (std::size_t i = 0; i < t.subject->batch_limit(); ++i)
        batch.push_back("4" + std::to_string(i));
    t.client_is_ready();
    CHECK(t.send(batch)->value == std::error_code());
    CHECK(t.client_takes() == batch);
}

TEST_CASE_TEMPLATE("transport: waiting for room ends when there is room", T, EVERY_TRANSPORT) {
    T t;
    t.client_is_busy();
    CHECK_FALSE(t.subject->is_writable());
    t.client_is_ready();
    std::ignore = t.client_takes();
    for (int i = 0; i < 500 && !t.subject->is_writable(); ++i) {
        t.run();
        std::ignore = t.client_takes();
    }
    auto const writable = t.spawn(t.subject->writable());
    CHECK(writable->value == true);
    CHECK(t.subject->is_writable());
}

TEST_CASE_TEMPLATE("transport: the client's end follows what it sent", T, EVERY_TRANSPORT) {
    T t;
    t.client_sends({"4before"});
    t.receive();
    t.client_closes();
    CHECK(t.received == strings{"4before"});
    CHECK(t.why == errc::transport_close);
}

TEST_CASE_TEMPLATE("transport: a client that breaks off is an error", T, EVERY_TRANSPORT) {
    T t;
    t.receive();
    t.client_sends({"4before"});
    t.client_breaks();
    CHECK(t.received == strings{"4before"});
    CHECK(t.why == errc::transport_error);
}

TEST_CASE_TEMPLATE("transport: an undecodable packet follows the good ones", T, EVERY_TRANSPORT) {
    T t;
    t.receive();
    t.client_sends({"4a", "4b"});
    t.client_garbles();
    t.run();
    CHECK(t.received == strings{"4a", "4b"});
    CHECK(t.why == errc::parse_error);
}

TEST_CASE_TEMPLATE("transport: errors are final", T, EVERY_TRANSPORT) {
    void (*ends[])(T&) = {
        [](T& t) { t.client_closes(); },
        [](T& t) { t.client_breaks(); },
        [](T& t) { t.client_garbles(); },
    };
    for (auto const end : ends) {
        T t;
        t.receive();
        end(t);
        t.run();
        REQUIRE(t.receiving->done());
        auto const reason = t.why;
        CHECK(reason == socoro::closed);
        t.receive();
        CHECK(t.receiving->done());
        CHECK(t.why == reason);
        CHECK_FALSE(t.subject->is_writable());
        CHECK(t.spawn(t.subject->writable())->value == false);
        auto const sent = t.send({"4late"});
        REQUIRE(sent->done());
        CHECK(*sent->value);
        CHECK(t.subject->close(ending::discard));
        CHECK(t.subject->close(ending::orderly));
        t.settle();
        t.receive();
        CHECK(t.why == reason);
        CHECK(t.clock->armed() == 0);
    }
}

TEST_CASE_TEMPLATE("transport: closing while writable tells the client", T, EVERY_TRANSPORT) {
    for (auto const how : {ending::orderly, ending::discard}) {
        T t;
        t.receive();
        t.client_is_ready();
        CHECK(t.send({"4last"})->value == std::error_code());
        std::ignore = t.client_takes();
        t.client_is_ready();
        auto const writable = t.spawn(t.subject->writable());
        CHECK(t.subject->close(how));
        t.run();
        CHECK(t.client_was_told());
        t.client_answers_close();
        CHECK(t.why == errc::transport_close);
        CHECK(t.received.empty());
        CHECK(writable->done());
        CHECK_FALSE(t.subject->is_writable());
        t.settle();
        CHECK(t.clock->armed() == 0);
    }
}

TEST_CASE_TEMPLATE("transport: closing ends all waits, told or not", T, EVERY_TRANSPORT) {
    for (auto const how : {ending::orderly, ending::discard}) {
        T t;
        t.receive();
        t.client_is_busy();
        // A WebSocket is always writable between two sends.
        bool const waits = T::waits_for_room;
        auto const writable = t.spawn(t.subject->writable());
        CHECK(writable->done() == !waits);
        std::ignore = t.subject->close(how);
        t.run();
        CHECK(writable->value == !waits);
        CHECK(t.spawn(t.subject->writable())->value == false);
        t.settle();
        CHECK(t.receiving->done());
        CHECK(t.why == errc::transport_close);
        CHECK(t.clock->armed() == 0);
    }
}

TEST_CASE_TEMPLATE("transport: closing again changes nothing", T, EVERY_TRANSPORT) {
    T t;
    t.receive();
    std::ignore = t.subject->close(ending::orderly);
    std::ignore = t.subject->close(ending::orderly);
    CHECK(t.subject->close(ending::discard));
    CHECK(t.subject->close(ending::discard));
    CHECK(t.subject->close(ending::orderly));
    t.settle();
    CHECK(t.why == errc::transport_close);
}

TEST_CASE_TEMPLATE("transport: the end of the context takes all waits along", T, EVERY_TRANSPORT) {
    T t;
    t.receive();
    t.client_is_busy();
    auto const writable = t.spawn(t.subject->writable());
    t.subject.reset();
    t.context.reset();
    CHECK_FALSE(t.receiving->done());
    CHECK(writable->done() == !T::waits_for_room);
}
