// SPDX-License-Identifier: BSL-1.0
// A server on one `io_context` takes no lock, not even one that is free. The executable counts the
// locks of the whole process: it has nothing but this test.
#include <socoro/client.hpp>
#include <socoro/server.hpp>

#include "support/loopback.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <dlfcn.h>
#include <mutex>
#include <pthread.h>
#include <shared_mutex>
#include <string>
#include <tuple>
#include <vector>

namespace {

std::atomic<std::size_t> locks = 0;

template <typename Lock>
int count_and(char const* name, Lock* lock) {
    ++locks;
    auto* const real = reinterpret_cast<int (*)(Lock*)>(::dlsym(RTLD_NEXT, name));
    return real(lock);
}

}  // namespace

extern "C" {
int pthread_mutex_lock(pthread_mutex_t* lock) noexcept {
    return count_and("pthread_mutex_lock", lock);
}
int pthread_mutex_trylock(pthread_mutex_t* lock) noexcept {
    return count_and("pthread_mutex_trylock", lock);
}
int pthread_rwlock_rdlock(pthread_rwlock_t* lock) noexcept {
    return count_and("pthread_rwlock_rdlock", lock);
}
int pthread_rwlock_wrlock(pthread_rwlock_t* lock) noexcept {
    return count_and("pthread_rwlock_wrlock", lock);
}
}

namespace {

using echo = socoro::event<"echo", std::string>;
using ask = socoro::event<"ask", int(int)>;
/// Goes into a room or out of it, and is told to everybody in another.
using move = socoro::event<"move", bool>;
using moved = socoro::event<"moved", bool>;
/// Calls everybody.
using roll = socoro::event<"roll", std::size_t(int)>;

/// What each client does, and waits for.
struct guest {
    guest(asio::io_context& on, std::string const& url, std::vector<std::string> over)
        : client(on, url, with(std::move(over))) {}

    [[nodiscard]] static socoro::client_options with(std::vector<std::string> over) {
        socoro::client_options opts;
        opts.transports = std::move(over);
        return opts;
    }

    [[nodiscard]] asio::awaitable<void> listen() {
        auto const self = client.socket();
        auto const ears = socoro::overloaded{
            [this](moved const&) { ++news; },
            [](socoro::request<ask> const& asked) { asked.reply(asked.args); }};
        std::ignore = co_await self.serve(ears);
    }

    [[nodiscard]] asio::awaitable<void> talk(int rounds) {
        auto const self = client.socket();
        for (int i = 0; i < rounds; ++i) {
            self.emit<echo>("hello");
            std::ignore = co_await self.recv<echo>();
            auto const answer = co_await self.call<ask>(i);
            auto const heads = co_await self.call<roll>(i);
            if (answer == i && heads == 3)
                ++successes;
            self.emit<move>(i % 2 == 0);
        }
        ++talks;
    }

    socoro::client client;
    int talks = 0;
    int news = 0;
    int successes = 0;
};

/// The server's side.
[[nodiscard]] asio::awaitable<void> receive(socoro::server& io, socoro::socket guest) {
    guest.join("news");
    auto const tasks = socoro::overloaded{
        [&](echo const& heard) { guest.emit(heard); },
        [](socoro::request<ask> const& asked) { asked.reply(asked.args); },
        [&](socoro::request<roll> asked) -> asio::awaitable<void> {
            auto const found = co_await io.call<ask>(asked.args);
            asked.reply(found.values.size());
        },
        [&](move const& in) {
            std::get<0>(in) ? guest.join("hall") : guest.leave("hall");
            io.to("news").emit<moved>(std::get<0>(in));
            guest.to("hall").emit<moved>(true);
        }};
    std::ignore = co_await guest.serve(tasks);
}

/// How many locks are taken in the middle of a conversation.
[[nodiscard]] std::size_t locks_with(int hint) {
    constexpr int rounds = 40;
    asio::io_context context(hint);
    socoro::server io(context);
    io.on_connection([&io](socoro::socket guest) { return receive(io, std::move(guest)); });
    auto const port = io.listen(test::loopback()).port();
    auto const url = "http://127.0.0.1:" + std::to_string(port);
    std::deque<guest> guests;
    guests.emplace_back(context, url, std::vector<std::string>{"polling"});
    guests.emplace_back(context, url, std::vector<std::string>{"websocket"});
    guests.emplace_back(context, url, std::vector<std::string>{"polling", "websocket"});
    auto const all_have = [&guests](auto has) {
        return [&guests, has] { return std::all_of(guests.begin(), guests.end(), has); };
    };

    for (auto& each : guests)
        asio::co_spawn(context, each.client.connect(), asio::detached);
    REQUIRE(test::run_until(context, all_have([](guest const& each) {
                                auto const self = each.client.socket();
                                return self.connected();
                            })));
    REQUIRE(test::run_until(context, [&] {
        return guests[2].client.socket().transport() == "websocket";
    }));
    std::size_t before = 0;
    for (int talks = 1; talks <= 2; ++talks) {
        before = locks;
        for (auto& each : guests) {
            if (talks == 1)
                asio::co_spawn(context, each.listen(), asio::detached);
            asio::co_spawn(context, each.talk(rounds), asio::detached);
        }
        REQUIRE(test::run_until(context, all_have([talks](guest const& each) {
                                    return each.talks == talks;
                                })));
    }
    auto const taken = locks - before;
    for (auto const& each : guests) {
        CHECK(each.successes == 2 * rounds);
        CHECK(each.news > 2 * rounds);
    }
    for (auto& each : guests)
        each.client.close();
    io.close();
    context.restart();
    context.run();
    return taken;
}

}  // namespace

TEST_CASE("load/locks: a server on one io_context takes none while it talks with its clients") {
    CHECK(locks_with(ASIO_CONCURRENCY_HINT_UNSAFE) == 0);
    // Asio itself takes some where other threads may post, as they may by default.
    CHECK(locks_with(1) > 0);
}

TEST_CASE("load/locks: every kind of lock would be seen") {
    auto const before = locks.load();
    std::mutex mutex;
    std::shared_mutex shared;
    { std::lock_guard const held(mutex); }
    { std::unique_lock const held(mutex, std::try_to_lock); }
    { std::lock_guard const held(shared); }
    { std::shared_lock const held(shared); }
    CHECK(locks - before == 4);
}
