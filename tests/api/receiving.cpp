// SPDX-License-Identifier: BSL-1.0
#include <socoro/test.hpp>

#include <asio/experimental/awaitable_operators.hpp>

#include <doctest/doctest.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
namespace json = boost::json;

namespace {

using number = socoro::event<"number", int>;
using word = socoro::event<"word", std::string>;
using question = socoro::event<"question", int(int)>;
using never = socoro::event<"never">;

/// What happened, in order.
using journal = std::shared_ptr<std::vector<std::string>>;

[[nodiscard]] journal make_journal() {
    return std::make_shared<std::vector<std::string>>();
}

using log_entries = std::vector<std::string>;

asio::awaitable<void> stay(socoro::socket socket) {
    std::ignore = co_await socket.recv<never>();
}

/// A server whose one socket the test holds; its handler waits for nothing that comes.
struct stage {
    stage() {
        server.io().on_connection([this](socoro::socket s) -> asio::awaitable<void> {
            socket = std::make_unique<socoro::socket>(s);
            std::ignore = co_await s.recv<never>();
        });
        client = std::make_unique<socoro::test::client>(server.connect());
    }
    void spawn(asio::awaitable<void> task) {
        asio::co_spawn(server.get_executor(), std::move(task), asio::detached);
        server.run();
    }

    socoro::test::server server;
    std::unique_ptr<socoro::socket> socket;
    std::unique_ptr<socoro::test::client> client;
    journal log = make_journal();
};

}  // namespace

// ----------------------------------------------------------------------------------- as_tuple

TEST_CASE("api/recv: with as_tuple it gives the error beside the event, and never throws") {
    stage s;
    s.spawn([](stage& in) -> asio::awaitable<void> {
        for (int i = 0; i < 5; ++i) {
            auto const [error, event] = co_await in.socket->recv<number>(1s, socoro::as_tuple);
            in.log->push_back(error ? error.message() : std::to_string(std::get<0>(event)));
        }
    }(s));
    s.client->emit<number>(1);
    s.server.advance(999ms);
    s.client->emit<number>(2);
    s.server.advance(1s);
    s.client->vanish();
    s.server.run();
    auto const gone = std::string("transport close");
    CHECK(*s.log == log_entries{"1", "2", "operation has timed out", gone, gone});
}

TEST_CASE("api/recv: as_tuple goes with several types, with any, and without a deadline") {
    stage s;
    s.spawn([](stage& in) -> asio::awaitable<void> {
        auto const [error, event] = co_await in.socket->recv<number, word>(socoro::as_tuple);
        in.log->push_back(error ? "failed" : std::get<1>(event) == word("w") ? "word" : "other");
        auto const [error2, any] = co_await in.socket->recv(socoro::as_tuple);
        in.log->push_back(error2 ? "failed" : any.name);
        auto const [error3, reply] = co_await in.socket->call<question>(1, socoro::as_tuple);
        in.log->push_back(error3 ? "failed" : std::to_string(reply));
        auto const [error4, none] = co_await in.socket->call<question>(1, socoro::as_tuple);
        in.log->push_back(error4 == socoro::closed ? "closed" : "other");
    }(s));
    s.client->emit<word>("w");
    s.client->emit("anything", 1, 2);
    auto const asked = s.client->take<question>();
    REQUIRE(asked);
    asked->reply(7);
    REQUIRE(s.client->take<question>());
    s.client->vanish();
    s.server.run();
    CHECK(*s.log == log_entries{"word", "anything", "7", "closed"});
}

// ----------------------------------------------------------------------- several that wait

TEST_CASE("api/recv: several coroutines wait on one socket, each for its own, one for each event") {
    stage s;
    auto const listen = [](stage& in) -> asio::awaitable<void> {
        for (;;) {
            auto const event = co_await in.socket->recv<number>();
            in.log->push_back(std::to_string(std::get<0>(event)));
        }
    };
    auto const listen_to_words = [](stage& in) -> asio::awaitable<void> {
        for (;;) {
            auto const event = co_await in.socket->recv<word>();
            in.log->push_back(std::get<0>(event));
        }
    };
    s.spawn(listen(s));
    s.spawn(listen(s));
    s.spawn(listen_to_words(s));
    s.client->emit<number>(1);
    s.client->emit<word>("w");
    s.client->emit<number>(2);
    s.client->emit<number>(3);
    s.server.run();
    CHECK(*s.log == log_entries{"1", "w", "2", "3"});
}

TEST_CASE("api/recv: of two that wait side by side one takes an event, and none is lost") {
    stage s;
    using asio::experimental::awaitable_operators::operator||;
    using asio::experimental::awaitable_operators::operator&&;
    s.client->emit<number>(1);
    s.client->emit<word>("one");
    s.client->emit<number>(2);
    s.client->emit<word>("two");
    s.client->emit<number>(3);
    s.client->emit<word>("three");
    s.server.run();
    s.spawn([](stage& in) -> asio::awaitable<void> {
        // All are ready: what the first does not take must still be there.
        auto const either = co_await (in.socket->recv<number>() || in.socket->recv<word>());
        in.log->push_back("||" + std::to_string(either.index()));
        auto const first =
            co_await socoro::first_of(in.socket->recv<word>(), in.socket->recv<number>());
        in.log->push_back("first_of" + std::to_string(first.index()));
        auto const both = co_await (in.socket->recv<number>() && in.socket->recv<word>());
        in.log->push_back(
            std::to_string(std::get<0>(std::get<0>(both))) + std::get<0>(std::get<1>(both)));
        auto const last = co_await (in.socket->recv<number>(1s) && in.socket->recv<word>(1s));
        in.log->push_back(
            std::to_string(std::get<0>(std::get<0>(last))) + std::get<0>(std::get<1>(last)));
    }(s));
    CHECK(*s.log == log_entries{"||0", "first_of0", "2two", "3three"});
}

TEST_CASE("api/recv: an event that comes when first_of is decided stays for the next") {
    stage s;
    s.spawn([](stage& in) -> asio::awaitable<void> {
        for (;;) {
            auto const first =
                co_await socoro::first_of(in.socket->recv<word>(), in.socket->recv<number>());
            in.log->push_back(std::to_string(first.index()));
        }
    }(s));
    // They arrive in one turn.
    s.client->emit<number>(1);
    s.client->emit<word>("one");
    s.client->emit<word>("two");
    s.client->emit<number>(2);
    s.server.run();
    std::sort(s.log->begin(), s.log->end());
    CHECK(*s.log == log_entries{"0", "0", "1", "1"});
}

TEST_CASE("api/recv: first_of ends with the disconnect, where `||` would wait for the other") {
    stage s;
    s.spawn([](stage& in) -> asio::awaitable<void> {
        asio::steady_timer timer(in.server.get_executor());
        timer.expires_at(asio::steady_timer::time_point::max());
        try {
            std::ignore = co_await socoro::first_of(
                in.socket->recv<word>(),
                timer.async_wait(asio::use_awaitable));
        } catch (std::system_error const& e) {
            in.log->push_back(e.code().message());
        }
    }(s));
    s.client->vanish();
    s.server.run();
    CHECK(*s.log == log_entries{"transport close"});
}

TEST_CASE("api/recv: a cancellation slot ends it, and it has taken nothing") {
    stage s;
    asio::cancellation_signal cancel;
    auto const wait = [](stage& in) -> asio::awaitable<void> {
        try {
            std::ignore = co_await in.socket->recv<number>();
        } catch (std::system_error const& e) {
            in.log->push_back(e.code() == asio::error::operation_aborted ? "aborted" : "other");
        }
    };
    asio::co_spawn(
        s.server.get_executor(),
        wait(s),
        asio::bind_cancellation_slot(cancel.slot(), asio::detached));
    s.server.run();
    cancel.emit(asio::cancellation_type::all);
    s.client->emit<number>(1);
    s.server.run();
    CHECK(*s.log == log_entries{"aborted"});
    s.spawn([](stage& in) -> asio::awaitable<void> {
        auto const event = co_await in.socket->recv<number>();
        in.log->push_back(std::to_string(std::get<0>(event)));
    }(s));
    CHECK(s.log->back() == "1");
}

// ------------------------------------------------------------------------------------- serve

TEST_CASE("api/serve: each event goes to the handler of its type, in order, until the end") {
    auto const log = make_journal();
    auto [client, server] = socoro::test::pair([log](socoro::socket s) -> asio::awaitable<void> {
        auto const handlers = socoro::overloaded{
            [log](number n) -> asio::awaitable<void> {
                log->push_back("number " + std::to_string(std::get<0>(n)));
                co_return;
            },
            [log](socoro::any_event const& any) { log->push_back("any " + any.name); },
            [log](word const& w) { log->push_back("word " + std::get<0>(w)); },
            [log](socoro::request<question> asked) { asked.reply(asked.args * 2); }};
        auto const why = co_await s.serve(handlers);
        log->push_back(why.message());
    });
    client.emit<number>(1);
    client.emit<word>("two");
    client.emit("three", 3);
    client.emit("number", "no number");
    client.emit<number>(4);
    CHECK(client.ask<question>(21) == 42);
    client.disconnect();
    server.run();
    CHECK(
        *log == log_entries{
                    "number 1",
                    "word two",
                    "any three",
                    "number 4",
                    "client namespace disconnect"});
    CHECK(server.reports() == log_entries{"number: argument 1 is not a whole number"});
}

TEST_CASE("api/serve: the next event waits until the handler is done, concurrently it does not") {
    for (bool const concurrently : {false, true}) {
        CAPTURE(concurrently);
        auto const log = make_journal();
        auto [client, server] =
            socoro::test::pair([log, concurrently](socoro::socket s) -> asio::awaitable<void> {
                auto const slow = [log, s](number n) -> asio::awaitable<void> {
                    auto const name = std::to_string(std::get<0>(n));
                    log->push_back("begin " + name);
                    // Anything that takes a while: here the client is asked.
                    std::ignore = co_await s.call<question>(1);
                    log->push_back("end " + name);
                };
                if (concurrently) {
                    std::ignore = co_await s.serve(slow).concurrently(2);
                } else {
                    std::ignore = co_await s.serve(slow);
                }
                log->push_back("served");
            });
        for (int i = 1; i <= 3; ++i)
            client.emit<number>(i);
        auto const first = client.take<question>();
        auto const second = client.take<question>();
        CHECK(second.has_value() == concurrently);
        REQUIRE(first);
        first->reply(0);
        server.run();
        auto const expected = concurrently ? log_entries{"begin 1", "begin 2", "end 1", "begin 3"}
                                           : log_entries{"begin 1", "end 1", "begin 2"};
        CHECK(*log == expected);
        client.vanish();
        server.run();
        CHECK(log->back() == "served");
        CHECK(server.reports().empty());
    }
}

TEST_CASE("api/serve: an exception ends it; concurrently it is reported and disconnects") {
    for (bool const concurrently : {false, true}) {
        CAPTURE(concurrently);
        auto const log = make_journal();
        auto [client, server] =
            socoro::test::pair([log, concurrently](socoro::socket s) -> asio::awaitable<void> {
                auto const fails = [](number) -> asio::awaitable<void> {
                    throw std::runtime_error("broken");
                    co_return;
                };
                if (concurrently) {
                    auto const why = co_await s.serve(fails).concurrently();
                    log->push_back(why.message());
                } else {
                    std::ignore = co_await s.serve(fails);
                    log->push_back("not reached");
                }
            });
        client.emit<number>(1);
        CHECK(!client.connected());
        CHECK(server.reports() == log_entries{"/ failed: broken"});
        auto const expected =
            concurrently ? log_entries{"server namespace disconnect"} : log_entries{};
        CHECK(*log == expected);
    }
}

TEST_CASE("api/serve: it can be one of several that wait, and keeps its handlers alive") {
    auto const log = make_journal();
    auto [client, server] = socoro::test::pair([log](socoro::socket s) -> asio::awaitable<void> {
        auto serving = s.serve([log](number n) -> asio::awaitable<void> {
            log->push_back(std::to_string(std::get<0>(n)));
            co_return;
        });
        auto const first = co_await socoro::first_of(std::move(serving), s.recv<word>(10s));
        log->push_back("first " + std::to_string(first.index()));
        co_await stay(s);
    });
    client.emit<number>(1);
    client.emit<number>(2);
    client.emit<word>("stop");
    client.emit<number>(3);
    server.run();
    CHECK(*log == log_entries{"1", "2", "first 1"});
}

TEST_CASE("api/serve: no handler runs any more when it has ended, whatever ended it") {
    auto const log = make_journal();
    auto [client, server] = socoro::test::pair([log](socoro::socket s) -> asio::awaitable<void> {
        std::string local = "alive";
        auto const slow = [&](number) -> asio::awaitable<void> {
            try {
                std::ignore = co_await s.recv<never>();
            } catch (std::system_error const&) {
                log->push_back(local);
            }
        };
        auto const first = co_await socoro::first_of(s.serve(slow).concurrently(), s.recv<word>());
        log->push_back("stopped by " + std::to_string(first.index()));
        local = "dead";
        std::ignore = co_await s.recv<number>();
    });
    client.emit<number>(1);
    client.emit<number>(2);
    server.run();
    CHECK(log->empty());
    client.emit<word>("stop");
    server.run();
    CHECK(*log == log_entries{"alive", "alive", "stopped by 1"});
    // The next number is for the next who asks.
    client.emit<number>(3);
    CHECK(!client.connected());
    CHECK(server.reports().empty());
}

TEST_CASE("api/serve: concurrently, a function that fails does as a coroutine does") {
    auto const log = make_journal();
    auto [client, server] = socoro::test::pair([log](socoro::socket s) -> asio::awaitable<void> {
        auto const handlers = socoro::overloaded{
            [](number) { throw std::runtime_error("broken"); },
            [&](word) -> asio::awaitable<void> { co_await stay(s); }};
        auto const why = co_await s.serve(handlers).concurrently();
        log->push_back(why.message());
    });
    client.emit<word>("w");
    client.emit<number>(1);
    server.run();
    CHECK(*log == log_entries{"server namespace disconnect"});
    CHECK(server.reports() == log_entries{"/ failed: broken"});
}

TEST_CASE("api/serve: what came before the disconnect is served, though a handler was told of it") {
    for (bool const concurrently : {false, true}) {
        CAPTURE(concurrently);
        auto const log = make_journal();
        auto [client, server] =
            socoro::test::pair([log, concurrently](socoro::socket s) -> asio::awaitable<void> {
                auto const handlers = socoro::overloaded{
                    [s](word) -> asio::awaitable<void> {
                        std::ignore = co_await s.call<question>(1);
                    },
                    [log](number n) { log->push_back(std::to_string(std::get<0>(n))); }};
                if (concurrently) {
                    std::ignore = co_await s.serve(handlers).concurrently();
                } else {
                    std::ignore = co_await s.serve(handlers);
                }
            });
        client.emit<word>("ask");
        for (int i = 1; i <= 3; ++i)
            client.emit<number>(i);
        client.disconnect();
        server.run();
        CHECK(*log == log_entries{"1", "2", "3"});
        CHECK(server.reports().empty());
    }
}

// ------------------------------------------------------------------------------------- spawn

TEST_CASE("api/spawn: a child ends with its socket, and keeps what it captures") {
    auto const log = make_journal();
    auto [client, server] = socoro::test::pair([log](socoro::socket s) -> asio::awaitable<void> {
        auto const count = [log, s]() -> asio::awaitable<void> {
            for (;;) {
                auto const n = co_await s.recv<number>();
                log->push_back(std::to_string(std::get<0>(n)));
            }
        };
        s.spawn(count);
        s.spawn([](socoro::socket of, journal to) -> asio::awaitable<void> {
            auto const w = co_await of.recv<word>();
            to->push_back(std::get<0>(w));
        }(s, log));
        co_await stay(s);
    });
    client.emit<number>(1);
    client.emit<word>("w");
    client.emit<number>(2);
    server.run();
    CHECK(*log == log_entries{"1", "w", "2"});
    CHECK(client.connected());
    client.disconnect();
    server.run();
    CHECK(server.reports().empty());
    // Nobody holds the journal any more but the test, and the handler itself.
    CHECK(log.use_count() == 2);
}

TEST_CASE("api/spawn: a child that fails is reported and disconnects its socket alone") {
    auto [client, server] = socoro::test::pair([](socoro::socket s) -> asio::awaitable<void> {
        s.spawn([](socoro::socket of) -> asio::awaitable<void> {
            std::ignore = co_await of.recv<number>();
            throw std::runtime_error("broken");
        }(s));
        co_await stay(s);
    });
    auto const other = server.connect();
    client.emit<number>(1);
    CHECK(!client.connected());
    CHECK(other.connected());
    CHECK(server.reports() == log_entries{"/ failed: broken"});
}

TEST_CASE("api/spawn: when the handler returns, what its children wait for ends") {
    auto const log = make_journal();
    auto [client, server] = socoro::test::pair([log](socoro::socket s) -> asio::awaitable<void> {
        auto const child = [log, s]() -> asio::awaitable<void> {
            try {
                std::ignore = co_await s.recv<word>();
            } catch (std::system_error const& e) {
                log->push_back(e.code().message());
            }
        };
        s.spawn(child);
        std::ignore = co_await s.recv<number>();
    });
    client.emit<number>(1);
    CHECK(!client.connected());
    CHECK(*log == log_entries{"server namespace disconnect"});
}
