// SPDX-License-Identifier: BSL-1.0
#include <socoro/transport/polling_client.hpp>

#include "transport/scripted_polls.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace transport_test;
using namespace std::chrono_literals;
using socoro::errc;
using transport::ending;

TEST_CASE("transport/polling_client: it polls while somebody receives, and not otherwise") {
    polling t;
    CHECK(t.server->gets == 0);
    auto const first = t.spawn(t.subject->recv());
    CHECK(t.server->gets == 1);
    t.answer(
        "41\x1e"
        "3\x1e"
        "bAQI=");
    CHECK(text_of(first->value->value()) == "41");
    CHECK(t.subject->has_buffered());
    CHECK(text_of(t.spawn(t.subject->recv())->value->value()) == "3");
    CHECK(text_of(t.spawn(t.subject->recv())->value->value()) == "b\x01\x02");
    CHECK_FALSE(t.subject->has_buffered());
    CHECK(t.server->gets == 1);
    t.receive();
    CHECK(t.server->gets == 2);
    t.answer("6");
    CHECK(t.received == strings{"6"});
    CHECK(t.server->gets == 3);
}

TEST_CASE("transport/polling_client: a close packet ends it behind what came before") {
    polling t;
    t.receive();
    t.answer(
        "4a\x1e"
        "1\x1e"
        "4lost");
    CHECK(t.received == strings{"4a"});
    CHECK(t.why == errc::transport_close);
    CHECK_FALSE(t.subject->failure());
    CHECK(t.server->gets == 1);
    CHECK(t.server->closed);
}

TEST_CASE("transport/polling_client: what cannot be decoded ends it behind what came before") {
    socoro::limits three;
    three.eio_packets = 3;
    struct {
        std::string body;
        errc why;
    } const cases[] = {
        {"4a\x1e?", errc::eio_unknown_type},
        {"4a\x1e", errc::eio_empty_packet},
        {"4a\x1e\x1e"
         "4b",
         errc::eio_empty_packet},
        {"4a\x1e"
         "6\x1e"
         "6\x1e"
         "6",
         errc::eio_too_many_packets},
    };
    for (auto const& c : cases) {
        CAPTURE(c.body);
        polling t(three);
        t.receive();
        t.answer(c.body);
        CHECK(t.received.at(0) == "4a");
        CHECK(t.why == errc::parse_error);
        CHECK(t.subject->failure() == c.why);
    }
    polling within(three);
    within.receive();
    within.answer(
        "4a\x1e"
        "6\x1e"
        "6");
    CHECK(within.received.size() == 3);
    CHECK_FALSE(within.receiving->done());
}

TEST_CASE("transport/polling_client: a poll that fails ends it, and says why") {
    polling t;
    t.receive();
    t.answer(socoro::make_error_code(errc::http_body_too_large));
    CHECK(t.why == errc::transport_error);
    CHECK(t.subject->failure() == errc::http_body_too_large);
    CHECK_FALSE(t.subject->is_writable());
}

TEST_CASE("transport/polling_client: what is sent goes in one POST, and the next waits for it") {
    polling t;
    t.receive();
    auto const sent = t.send({"4a", "b\x01\x02", "3"});
    CHECK(
        t.server->take_posted() ==
        "4a\x1e"
        "bAQI=\x1e"
        "3");
    CHECK_FALSE(t.subject->is_writable());
    auto const writable = t.spawn(t.subject->writable());
    CHECK_FALSE(writable->done());
    t.took();
    CHECK(sent->value == std::error_code());
    CHECK(writable->value == true);
    CHECK(t.subject->is_writable());
}

TEST_CASE("transport/polling_client: no POST is larger than the server takes") {
    struct {
        std::size_t most;
        strings sent;
        std::string posts;
    } const cases[] = {
        {0,
         {"4aaaa", "4bbbb"},
         "4aaaa\x1e"
         "4bbbb"},
        {11,
         {"4aaaa", "4bbbb"},
         "4aaaa\x1e"
         "4bbbb"},
        {10, {"4aaaa", "4bbbb"}, "4aaaa | 4bbbb"},
        {10,
         {"4too large alone", "4b", "4c"},
         "4too large alone | 4b\x1e"
         "4c"},
        {8,
         {"4a", "bxx", "4c"},
         "4a\x1e"
         "beHg= | 4c"},
        {7, {"4a", "bxx", "4c"}, "4a | beHg= | 4c"},
        {11,
         {"4a", "bxx", "4c"},
         "4a\x1e"
         "beHg=\x1e"
         "4c"},
        {1, {"4a", "4", "4", "4b"}, "4a | 4 | 4 | 4b"},
        {3,
         {"4", "4", "4b"},
         "4\x1e"
         "4 | 4b"},
    };
    for (auto const& c : cases) {
        CAPTURE(c.posts);
        polling t;
        t.subject->limit_payload(c.most);
        auto const sent = t.send(c.sent);
        std::string posts = t.server->take_posted();
        while (!sent->done()) {
            CHECK_FALSE(t.subject->is_writable());
            t.took();
            if (auto const next = t.server->take_posted(); !next.empty())
                posts += " | " + next;
        }
        CHECK(sent->value == std::error_code());
        CHECK(posts == c.posts);
    }
}

TEST_CASE("transport/polling_client: a POST that fails ends it, and those behind it never go") {
    polling t;
    t.receive();
    t.subject->limit_payload(2);
    auto const sent = t.send({"4a", "4b", "4c"});
    t.took();
    t.took(asio::error::connection_reset);
    CHECK(t.server->take_posted() == "4a | 4b");
    CHECK(sent->value == asio::error::connection_reset);
    CHECK(t.why == errc::transport_error);
    CHECK(t.subject->failure() == asio::error::connection_reset);
    CHECK(*t.send({"4d"})->value);
    CHECK(t.server->take_posted().empty());
}

TEST_CASE("transport/polling_client: a pause waits for the poll, and for what it brings") {
    polling t;
    auto const first = t.spawn(t.subject->recv());
    auto const paused = t.spawn(t.subject->pause());
    CHECK_FALSE(paused->done());
    CHECK_FALSE(t.subject->is_writable());
    t.answer(
        "4a\x1e"
        "4b");
    CHECK(first->done());
    CHECK_FALSE(paused->done());
    t.receive();
    CHECK(t.received == strings{"4b"});
    CHECK(paused->value == true);
    CHECK(t.server->gets == 1);
    t.subject->resume();
    t.run();
    CHECK(t.server->gets == 2);
    CHECK(t.subject->is_writable());
}

TEST_CASE("transport/polling_client: a pause waits for all POSTs of what is being sent") {
    polling t;
    t.subject->limit_payload(2);
    auto const sent = t.send({"4a", "4b", "4c"});
    auto const paused = t.spawn(t.subject->pause());
    auto const writable = t.spawn(t.subject->writable());
    for (int i = 0; i < 3; ++i) {
        CHECK_FALSE(paused->done());
        t.took();
    }
    CHECK(sent->value == std::error_code());
    CHECK(paused->value == true);
    CHECK(t.server->take_posted() == "4a | 4b | 4c");
    CHECK_FALSE(writable->done());
    t.subject->resume();
    t.run();
    CHECK(writable->value == true);
}

TEST_CASE("transport/polling_client: a pause with nothing under way is there at once") {
    polling t;
    CHECK(t.spawn(t.subject->pause())->value == true);
    t.receive();
    CHECK(t.server->gets == 0);
}

TEST_CASE("transport/polling_client: a pause that is taken back, or too late, is none") {
    for (int const how : {0, 1, 2, 3, 4}) {
        CAPTURE(how);
        polling t;
        t.receive();
        auto const paused = t.spawn(t.subject->pause());
        if (how == 0)
            t.subject->resume();
        if (how == 1)
            CHECK(t.subject->close(ending::discard));
        if (how == 2)
            CHECK_FALSE(t.subject->close(ending::orderly));
        if (how == 3)
            t.answer("1");
        if (how == 4)
            t.answer(asio::error::make_error_code(asio::error::connection_reset));
        t.run();
        CHECK(paused->value == false);
        CHECK(t.receiving->done() == (how != 0 && how != 2));
        std::ignore = t.subject->close(ending::discard);
        CHECK(t.spawn(t.subject->pause())->value == false);
    }
}

TEST_CASE("transport/polling_client: an orderly close is posted behind what was sent") {
    polling t;
    t.receive();
    t.subject->limit_payload(2);
    auto const sent = t.send({"4a", "4b"});
    CHECK_FALSE(t.subject->close(ending::orderly));
    CHECK_FALSE(t.subject->close(ending::orderly));
    t.run();
    CHECK_FALSE(t.subject->is_writable());
    CHECK(t.spawn(t.subject->writable())->value == false);
    t.took();
    CHECK(t.server->take_posted() == "4a | 4b");
    t.took();
    CHECK(sent->value == std::error_code());
    CHECK(t.server->take_posted() == "1");
    // What the server still had to say, and no further poll.
    t.answer("4last");
    CHECK(t.received == strings{"4last"});
    CHECK(t.server->gets == 1);
    CHECK_FALSE(t.receiving->done());
    t.took();
    CHECK(t.why == errc::transport_close);
    CHECK_FALSE(t.subject->failure());
    CHECK(t.server->closed);
    CHECK(t.clock->armed() == 0);
}

TEST_CASE("transport/polling_client: a server that does not answer the close is not waited for") {
    for (bool const busy : {false, true}) {
        polling t;
        t.receive();
        if (busy)
            std::ignore = t.send({"4a"});
        CHECK_FALSE(t.subject->close(ending::orderly));
        t.advance(transport::polling_client::close_timeout - 1ms);
        CHECK_FALSE(t.receiving->done());
        t.advance(1ms);
        CHECK(t.why == errc::transport_close);
        CHECK(t.server->closed);
        CHECK(t.clock->armed() == 0);
    }
}

TEST_CASE("transport/polling_client: an orderly close during a pause tells the server as well") {
    polling t;
    CHECK(t.spawn(t.subject->pause())->value == true);
    t.receive();
    CHECK_FALSE(t.subject->close(ending::orderly));
    t.run();
    CHECK(t.server->take_posted() == "1");
    t.took();
    CHECK(t.why == errc::transport_close);
    CHECK(t.server->gets == 0);
}

TEST_CASE("transport/polling_client: to discard it ends all that waits, at once") {
    for (bool const closing : {false, true}) {
        polling t;
        t.receive();
        auto const sent = t.send({"4a"});
        auto const writable = t.spawn(t.subject->writable());
        auto const paused = t.spawn(t.subject->pause());
        if (closing)
            CHECK_FALSE(t.subject->close(ending::orderly));
        CHECK(t.subject->close(ending::discard));
        t.run();
        CHECK(t.why == errc::transport_close);
        CHECK(*sent->value);
        CHECK(writable->value == false);
        CHECK(paused->value == false);
        CHECK(t.server->take_posted() == "4a");
        CHECK(t.subject->close(ending::orderly));
        CHECK(t.clock->armed() == 0);
    }
}

TEST_CASE("transport/polling_client: to cancel a poll ends it, for packets may be lost with it") {
    polling t;
    one_recv waiting(t);
    waiting.cancel.emit(asio::cancellation_type::all);
    t.run();
    CHECK(waiting.ended);
    CHECK_FALSE(t.subject->is_writable());
    t.receive();
    CHECK(t.why == errc::transport_error);
    CHECK(t.server->gets == 1);
}

TEST_CASE("transport/polling_client: to cancel who waits beside a poll ends nothing") {
    polling t;
    t.receive();
    one_recv second(t);
    second.cancel.emit(asio::cancellation_type::all);
    t.run();
    CHECK(second.ended);
    t.answer("4a");
    CHECK(t.received == strings{"4a"});
}

TEST_CASE("transport/polling_client: whoever waits keeps it") {
    polling t;
    t.receive();
    auto const sent = t.send({"4a"});
    auto const paused = t.spawn(t.subject->pause());
    auto const writable = t.spawn(t.subject->writable());
    CHECK_FALSE(t.subject->close(ending::orderly));
    std::weak_ptr<transport::polling_client> const watched = t.subject;
    t.subject.reset();
    t.took();
    t.took();
    t.run();
    CHECK(t.why == errc::transport_close);
    CHECK(writable->value == false);
    CHECK(watched.expired());
}

TEST_CASE("transport/polling_client: the end of the context takes all waits along") {
    polling t;
    t.receive();
    std::ignore = t.send({"4a"});
    auto const paused = t.spawn(t.subject->pause());
    CHECK_FALSE(t.subject->close(ending::orderly));
    std::weak_ptr<transport::polling_client> const watched = t.subject;
    t.subject.reset();
    t.context.reset();
    CHECK_FALSE(t.receiving->done());
    CHECK_FALSE(paused->done());
    CHECK(watched.expired());
}
