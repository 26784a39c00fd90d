// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/overlap.hpp>
#include <socoro/net/shard.hpp>

#include <doctest/doctest.h>

#include <array>
#include <atomic>
#include <exception>
#include <functional>
#include <string>
#include <string_view>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace net = socoro::net;

namespace {

/// What a program says to the error output before it ends, in a process of its own; empty if it
/// does not end with `std::terminate`.
std::string last_words(std::function<void()> const& program) {
    std::array<int, 2> ends{};
    REQUIRE(pipe(ends.data()) == 0);
    auto const child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        std::set_terminate([] { _exit(42); });
        alarm(30);
        dup2(ends[1], STDERR_FILENO);
        program();
        _exit(0);
    }
    close(ends[1]);
    std::string said;
    std::array<char, 512> part{};
    for (auto n = read(ends[0], part.data(), part.size()); n > 0;
         n = read(ends[0], part.data(), part.size()))
        said.append(part.data(), static_cast<std::size_t>(n));
    close(ends[0]);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 42 ? said : std::string();
}

constexpr std::string_view complaint = "two threads run what belongs on one executor";

/// Runs an `io_context` with two threads: one is in a task that `start` is given, for good, when
/// `second` runs in the other one.
void run_with_two_threads(
    std::function<void(net::shard&, std::function<void()>)> const& start,
    std::function<void(net::shard&)> const& second) {
    asio::io_context context;
    auto const shard = net::shard::make(context.get_executor());
    std::atomic<bool> inside = false;
    start(*shard, [&] {
        inside = true;
        for (;;)
            std::this_thread::yield();
    });
    std::jthread const first([&] { context.run(); });
    while (!inside)
        std::this_thread::yield();
    asio::post(context, [&] { second(*shard); });
    context.run();
}

void defer(net::shard& on, std::function<void()> task) {
    on.defer(std::move(task));
}
void submit(net::shard& on, std::function<void()> task) {
    on.submit(std::move(task));
}

}  // namespace

TEST_CASE(
    "net/overlap: an io_context of a shard that two threads run ends the program, with a reason") {
    for (auto const& start : {defer, submit}) {
        auto const words = last_words(
            [&] { run_with_two_threads(start, [](net::shard& on) { on.defer([] {}); }); });
        CHECK(words.find(complaint) != std::string::npos);
    }
    auto const words = last_words([&] {
        // The other thread finds what is submitted next.
        run_with_two_threads(defer, [](net::shard& on) {
            on.submit([] {});
            on.run_submitted();
        });
    });
    CHECK(words.find(complaint) != std::string::npos);
}

TEST_CASE("net/overlap: threads may take turns, and tasks may run tasks") {
    asio::io_context context;
    auto const shard = net::shard::make(context.get_executor());
    int ran = 0;
    auto const task = [&] {
        ++ran;
        shard->submit([&] { ++ran; });
        shard->run_submitted();
        shard->defer([&] { ++ran; });
    };
    for (int i = 0; i < 3; ++i) {
        shard->defer(task);
        context.restart();
        std::jthread([&] { context.run(); }).join();
    }
    CHECK(ran == 9);
}

TEST_CASE("net/overlap: what a task throws leaves nothing behind") {
    net::overlap checked;
    auto const fail = [] { throw 1; };
    CHECK_THROWS_AS(checked.run(fail), int);
    int ran = 0;
    std::jthread([&] { checked.run([&] { ++ran; }); }).join();
    CHECK(ran == 1);
}
