// SPDX-License-Identifier: BSL-1.0
// The examples that are clients, with servers of ours at the other end of a connection in memory.
#include "api/client_scene.hpp"
#include "chat/chat.hpp"
#include "client/guest.hpp"
#include "reconnect/station.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

// ------------------------------------------------------------------------------------- client

namespace {

using texts = std::vector<std::string>;

/// A guest who says this, and then goes; without lines, stays.
class visit {
public:
    explicit visit(test::client_scene& scene, std::string name, std::deque<std::string> typed = {})
        : scene_(scene)
        , client_(scene.world.shard, "http://localhost", scene.options())
        , stays_(typed.empty())
        , typed_(std::move(typed))
        , guest_(
              scene.world.context->get_executor(),
              client_.socket(),
              std::move(name),
              "lobby",
              [this](std::string const& line) { shown.push_back(line); }) {
        asio::co_spawn(*scene.world.context, run(), [this](std::exception_ptr const& e) {
            is_there = false;
            failure = e;
        });
        scene.world.run();
    }
    visit(visit const&) = delete;
    visit& operator=(visit const&) = delete;
    ~visit() {
        client_.close();
        scene_.world.run();
    }

    [[nodiscard]] std::ptrdiff_t count(std::string const& line) const {
        return std::count(shown.begin(), shown.end(), line);
    }

    bool is_there = true;
    std::exception_ptr failure;
    texts shown;

private:
    [[nodiscard]] asio::awaitable<void> run() {
        chat::line_source const next = [this] { return next_line(); };
        co_await socoro::first_of(guest_.listen(), guest_.talk(next));
    }
    [[nodiscard]] asio::awaitable<std::optional<std::string>> next_line() {
        asio::steady_timer never(
            co_await asio::this_coro::executor,
            asio::steady_timer::time_point::max());
        if (stays_)
            co_await never.async_wait(asio::use_awaitable);
        if (typed_.empty())
            co_return std::nullopt;
        std::string line = std::move(typed_.front());
        typed_.pop_front();
        co_return line;
    }

    test::client_scene& scene_;
    socoro::client client_;
    bool stays_;
    std::deque<std::string> typed_;
    chat::guest guest_;
};

/// What was said in the chat so far; what was said again because nobody acknowledged it counts once.
texts said_in(test::client_scene& scene) {
    visit const witness(scene, "Walls");
    texts said;
    for (auto const& line : witness.shown)
        if (line.starts_with("Ann"))
            said.push_back(line.substr(line.find(": ") + 2));
    said.erase(std::unique(said.begin(), said.end()), said.end());
    return said;
}

}  // namespace

TEST_CASE("examples/client: whatever fails, what is typed is said in order, and that is all") {
    std::size_t most = 1;
    for (std::size_t nth = 0; nth < most; ++nth) {
        CAPTURE(nth);
        test::client_scene scene;
        chat::open(scene.io());
        scene.plan->nth = nth;
        visit const ann(scene, "Ann", {"one", "two", "three"});
        scene.world.advance(10s);
        most = std::max(most, scene.plan->operations);
        CHECK(!ann.failure);
        CHECK(!ann.is_there);
        scene.plan->nth = test::faults::never;
        CHECK(said_in(scene) == texts{"one", "two", "three"});
    }
    CHECK(most > 10);
}

TEST_CASE("examples/client: who comes back sees what was said meanwhile, and nothing twice") {
    test::client_scene scene;
    chat::open(scene.io());
    visit const ann(scene, "Ann");
    visit const ben(scene, "Ben", {"first", "second"});
    CHECK(!ben.is_there);
    CHECK(ann.count("Ben: second") == 1);
    CHECK(ann.shown.back() == "* Ben left lobby");

    scene.cut();
    CHECK(ann.shown.back().starts_with("* disconnected: "));
    scene.world.advance(10s);
    CHECK(ann.shown.back() == "* in lobby: Ann");
    CHECK(ann.count("Ben: first") == 1);
    CHECK(ann.is_there);
}

TEST_CASE("examples/client: who was not let in at first ends with the reason") {
    test::client_scene scene;
    chat::open(scene.io());
    visit const ann(scene, "Ann");
    visit const other(scene, "Ann");
    CHECK(ann.is_there);
    REQUIRE(other.failure);
    CHECK_THROWS_WITH(std::rethrow_exception(other.failure), "This name is taken.");
}

// ---------------------------------------------------------------------------------- reconnect

TEST_CASE("examples/reconnect: a measurement that comes twice counts once") {
    texts shown;
    test::client_scene scene;
    station::open(scene.io(), [&](std::string const& line) { shown.push_back(line); });
    socoro::client io(scene.world.shard, "http://localhost", scene.options());
    auto const socket = io.socket();
    texts replies;
    auto const measure = [&](station::number n) -> asio::awaitable<void> {
        auto const is_new = co_await socket.call<station::measured>(n);
        replies.push_back(is_new ? "new" : "known");
    };
    for (station::number const n : {1u, 2u, 2u, 1u, 3u})
        asio::co_spawn(*scene.world.context, measure(n), asio::detached);
    scene.world.run();
    CHECK(replies == texts{"new", "new", "known", "known", "new"});
    CHECK(shown == texts{"measured 1", "measured 2", "measured 3"});
    io.close();
    scene.world.run();
}

TEST_CASE(
    "examples/reconnect: a question that waits ends with the connection, and is asked again") {
    texts shown;
    auto const show = [&](std::string const& line) { shown.push_back(line); };
    test::client_scene scene;
    scene.io().on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        std::ignore = co_await socket.recv<station::forecast>();  // and no reply
        co_await socket.recv<station::note>();
    });
    socoro::client io(scene.world.shard, "http://localhost", scene.options());
    auto const socket = io.socket();
    socket.spawn(station::ask(socket, show));
    scene.world.run();
    CHECK(shown.empty());
    scene.cut();
    REQUIRE(shown.size() == 1);
    CHECK(shown.front().starts_with("no forecast: transport "));
    io.close();
    scene.world.run();
    CHECK(shown.back() == "no forecast: io client disconnect");
}
