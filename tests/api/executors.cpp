// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/first_of.hpp>
#include <socoro/server.hpp>
#include <socoro/test.hpp>

#include "support/counting_executor.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <variant>
#include <vector>

using namespace std::chrono_literals;
namespace net = socoro::net;

namespace {

using bell = socoro::event<"bell">;
using said = socoro::event<"said", std::string>;
using ready = socoro::event<"ready", std::string>;
using half = socoro::event<"half", int(int)>;
using sum = socoro::event<"sum", int(int, int)>;
using chat = socoro::contract<socoro::receives<bell, said, sum>, socoro::sends<ready, half>>;

/// What came to pass, and whether all of it did on the executor.
struct transcript {
    void add(std::string_view line) {
        is_here = is_here && shard->is_here();
        lines.append(line).append("\n");
    }

    std::shared_ptr<net::shard> shard;
    std::string lines = {};
    bool is_here = true;
};

/// What only sends needs no type of executor.
void greet(socoro::socket const& socket, std::string const& what) {
    socket.emit<ready>(what);
}

/// The same program for any type of executor, and clients in memory that are coroutines on it.
template <typename Executor>
class scene {
    using task = asio::awaitable<void, Executor>;
    using server = socoro::basic_server<Executor>;
    using any_socket = socoro::basic_socket<Executor>;
    using socket = socoro::basic_socket<Executor, chat>;
    using client_core = socoro::test::detail::client_core;

    class visitor : public socoro::channel<client_core, Executor, socoro::no_contract> {
    public:
        explicit visitor(std::shared_ptr<client_core> core)
            : socoro::channel<client_core, Executor, socoro::no_contract>(std::move(core)) {}
    };

public:
    explicit scene(Executor ex) : seen_{net::shard::make<Executor>(std::move(ex), clock_)} {}

    [[nodiscard]] transcript const& seen() const { return seen_; }

    [[nodiscard]] task play() {
        server io(seen_.shard, *options_);
        open(io);
        auto const ann = connect(io, "/", "Ann");
        co_await speak(ann);
        auto const ben = connect(io, "/", "Ben");
        co_await hear(ben);
        ann.spawn(halve(ann));
        ben.spawn(halve(ben));
        auto const all = co_await io.template call<half>(8);
        auto const there = co_await io.to("people").timeout(1s).template call<half>(6);
        seen_.add(text_of(all) + ", " + text_of(there));
        co_await look_elsewhere(io);
        co_await io.close(1s);
        seen_.add("closed");
    }

private:
    void open(server& io) {
        io.use([this](any_socket& who) { return admit(who); });
        io.use_packets([this](any_socket&, socoro::any_event& event) { return inspect(event); });
        io.on_connection([this](socket who) { return talk(who); });
        auto const family = io.of(
            [this](std::string const& name, socoro::json::value const&) { return may_be(name); });
        family.on_connection([this](any_socket who) { return pass_by(who); });
    }

    /// Waits for a timer of the executor's own type.
    [[nodiscard]] static task pause() {
        using clock = std::chrono::steady_clock;
        auto const ex = co_await asio::this_coro::executor;
        asio::basic_waitable_timer<clock, asio::wait_traits<clock>, Executor> timer(ex, 0s);
        co_await timer.async_wait(asio::use_awaitable_t<Executor>());
    }

    [[nodiscard]] task admit(any_socket& who) {
        co_await pause();
        if (who.handshake().auth.at("name") == "nobody")
            throw socoro::refused("who are you?");
        who.join("people");
        seen_.add("admitted");
    }
    [[nodiscard]] task inspect(socoro::any_event& event) {
        co_await pause();
        seen_.add("inspected " + event.name);
    }
    [[nodiscard]] asio::awaitable<bool, Executor> may_be(std::string name) {
        co_await pause();
        co_return name == "/dynamic";
    }

    [[nodiscard]] task listen(socket who) {
        std::ignore = co_await who.template recv<bell>();
        seen_.add("the bell");
    }
    [[nodiscard]] task pass_by(any_socket who) {
        greet(who, who.nsp());
        co_return;
    }

    [[nodiscard]] task talk(socket who) {
        who.spawn(listen(who));
        greet(who, "hello");
        auto const first = co_await who.template recv<said>();
        seen_.add("said " + std::get<0>(first));
        greet(who, "waiting");
        auto const [late, none] = co_await who.template recv<said>(1s, socoro::as_tuple);
        seen_.add(late.message());
        auto const answered = co_await who.template call<half>(20);
        seen_.add("half " + std::to_string(answered));
        auto const [silent, zero] =
            co_await who.timeout(1s).template call<half>(1, socoro::as_tuple);
        seen_.add(silent.message());
        auto const won = co_await socoro::first_of(who.template recv<said>(), pause());
        seen_.add(won.index() == 1 ? "paused" : "said");
        greet(who, "serving");
        co_await who.drain();
        auto const add = [this](socoro::request<sum> asked) { return answer(std::move(asked)); };
        auto const note = [this](said const& what) { seen_.add("served " + std::get<0>(what)); };
        auto const ended = co_await who.serve(socoro::overloaded{add, note}).concurrently();
        seen_.add(ended.message());
    }
    [[nodiscard]] task answer(socoro::request<sum> asked) {
        co_await pause();
        asked.reply(std::get<0>(asked.args) + std::get<1>(asked.args));
    }

    /// Receives one greeting.
    [[nodiscard]] task hear(visitor who) {
        auto const heard = co_await who.template recv<ready>();
        seen_.add(who.nsp() + " " + std::get<0>(heard));
    }

    /// The other end of `talk`.
    [[nodiscard]] task speak(visitor who) {
        co_await hear(who);
        who.template emit<bell>();
        who.template emit<said>("one");
        std::ignore = co_await who.template recv<ready>();
        clock_->advance(1s);
        auto const first = co_await who.template recv<half>();
        first.reply(first.args / 2);
        std::ignore = co_await who.template recv<half>();
        clock_->advance(1s);
        co_await hear(who);
        who.template emit<said>("two");
        auto const added = co_await who.template call<sum>(2, 3);
        seen_.add("sum " + std::to_string(added));
    }
    [[nodiscard]] task halve(visitor who) {
        for (;;) {
            auto const asked = co_await who.template recv<half>();
            asked.reply(asked.args / 2);
        }
    }

    /// Namespaces that come into being, or do not, and those that have a guard.
    [[nodiscard]] task look_elsewhere(server& io) {
        auto const cem = connect(io, "/dynamic", "Cem");
        co_await hear(cem);
        auto const [gone, none] = co_await cem.template recv<ready>(socoro::as_tuple);
        seen_.add("Cem: " + gone.message());
        auto const dot = connect(io, "/nowhere", "Dot");
        auto const [nowhere, nothing] = co_await dot.template recv<ready>(socoro::as_tuple);
        seen_.add("Dot: " + nowhere.message());
        auto const eve = connect(io, "/", "nobody");
        auto const [refused, neither] = co_await eve.template recv<ready>(socoro::as_tuple);
        seen_.add("Eve: " + refused.message());
    }

    [[nodiscard]] visitor connect(server& io, std::string nsp, std::string_view name) {
        auto const link = std::make_shared<socoro::test::memory_link>(seen_.shard);
        auto const core =
            std::make_shared<client_core>(std::move(nsp), seen_.shard, tasks_, options_, link);
        core->start(socoro::json::object{{"name", name}});
        socoro::http::request request;
        request.target = "/socket.io/?EIO=4&transport=websocket";
        io.adopt(socoro::transport::any_transport(link), std::move(request), "in memory");
        return visitor(core);
    }

    [[nodiscard]] static std::string text_of(socoro::replies<int> const& all) {
        std::string text = all.complete ? "all of" : "some of";
        for (auto const value : all.values)
            text += ' ' + std::to_string(value);
        return text;
    }

    std::shared_ptr<net::manual_clock> clock_ = std::make_shared<net::manual_clock>();
    std::shared_ptr<socoro::options const> options_ = std::make_shared<socoro::options const>();
    transcript seen_;
    std::shared_ptr<net::task_group> tasks_ = std::make_shared<net::task_group>(seen_.shard);
};

constexpr std::string_view expected = R"(admitted
/ hello
inspected bell
the bell
inspected said
said one
operation has timed out
half 10
operation has timed out
paused
/ serving
inspected said
served two
inspected sum
sum 5
admitted
/ hello
all of 4 4, all of 3 3
/dynamic /dynamic
Cem: server namespace disconnect
Dot: connection refused
Eve: connection refused
server shutting down
closed
)";

/// Plays the scene on an executor whose context `run` runs.
template <typename Executor, typename Run>
void play(Executor const& ex, Run run) {
    scene<Executor> here(ex);
    std::exception_ptr failure;
    bool ended = false;
    asio::co_spawn(ex, here.play(), [&](std::exception_ptr const& why) {
        failure = why;
        ended = true;
    });
    run();
    if (failure)
        std::rethrow_exception(failure);
    CHECK(ended);
    CHECK(here.seen().is_here);
    CHECK(here.seen().lines == expected);
}

}  // namespace

TEST_CASE("api/executors: on an io_context, whose executor is erased") {
    asio::io_context context;
    play(asio::any_io_executor(context.get_executor()), [&] { context.run(); });
}

TEST_CASE("api/executors: on an io_context") {
    asio::io_context context;
    play(context.get_executor(), [&] { context.run(); });
    using server = socoro::basic_server<asio::io_context::executor_type>;
    auto const strange = net::shard::make(asio::make_strand(context));
    CHECK_THROWS_AS(server{strange}, std::invalid_argument);
    CHECK(server{context}.clients_count() == 0);
}

TEST_CASE("api/executors: on a strand of the program") {
    asio::io_context context;
    play(asio::make_strand(context), [&] { context.run(); });
}

TEST_CASE("api/executors: on a strand of a pool of threads") {
    asio::thread_pool pool(2);
    auto const strand = asio::make_strand(pool);
    socoro::basic_server<std::decay_t<decltype(strand)>> several(pool);
    several.close();
    play(strand, [&] { pool.join(); });
}

TEST_CASE("api/executors: on an executor that the program has written") {
    asio::io_context context;
    test::counting_executor<> const ex(context.get_executor());
    play(ex, [&] { context.run(); });
    CHECK(ex.count() > 10);
}
