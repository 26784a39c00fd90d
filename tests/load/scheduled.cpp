// SPDX-License-Identifier: BSL-1.0
// The load in one thread: shards, clients and the threads of a program are tasks in an order that
// a seed decides, connections are in memory, and time moves when nothing else does.
//
//     SOCORO_LOAD_SEED=7 test_load      one seed alone, the one that failed
//     SOCORO_LOAD_SEEDS=10000 test_load so many of them
#include <socoro/net/manual_clock.hpp>

#include "load/play.hpp"
#include "support/memory_wire.hpp"
#include "support/random_scheduler.hpp"

#include <asio/bind_executor.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

using namespace std::chrono_literals;

namespace {

std::mt19937_64 entropy;

}  // namespace

/// The only randomness that would not come from the seed.
extern "C" int getentropy(void* into, std::size_t count) noexcept {
    for (std::size_t i = 0; i < count; ++i)
        static_cast<unsigned char*>(into)[i] = static_cast<unsigned char>(entropy());
    return 0;
}

namespace {

namespace net = socoro::net;
namespace load = test::load;

/// One core: a shard with a clock of its own.
struct core {
    core(test::random_scheduler& on, int lane)
        : shard(net::shard::make(on.get_executor(static_cast<std::size_t>(lane)), clock)) {}

    std::shared_ptr<net::manual_clock> clock = std::make_shared<net::manual_clock>();
    std::shared_ptr<net::shard> shard;
};

/// Connects a client to whichever shard of the server the lot falls on.
class network final : public net::connector {
public:
    network(test::random_scheduler& by, socoro::server& io, std::vector<core> const& cores)
        : scheduler_(by)
        , io_(io)
        , cores_(cores) {}

    [[nodiscard]] asio::awaitable<socoro::result<std::shared_ptr<net::stream>>> connect(
        std::shared_ptr<net::shard> on,
        net::remote,
        std::shared_ptr<net::stop_source>) override {
        auto const& at = cores_[scheduler_.draw(cores_.size())].shard;
        test::memory_wire const wire(on, at, scheduler_.draw(1'000'000));
        wires_.push_back(wire.up);
        wires_.push_back(wire.down);
        asio::post(at->get_executor(), [this, accepted = wire.second] {
            io_.serve(accepted, std::string());
        });
        co_return std::shared_ptr<net::stream>(wire.first);
    }

    /// Loses all of them.
    void cut() {
        for (auto const& each : wires_)
            if (auto const wire = each.lock())
                wire->finish(asio::error::connection_reset);
    }
    [[nodiscard]] bool is_empty() const {
        return std::all_of(wires_.begin(), wires_.end(), [](auto const& each) {
            return each.expired();
        });
    }

private:
    test::random_scheduler& scheduler_;
    socoro::server& io_;
    std::vector<core> const& cores_;
    std::vector<std::weak_ptr<test::wire_half>> wires_;
};

/// A client on a core of its own.
struct caller {
    caller(
        int id,
        load::extent const& size,
        std::uint64_t seed,
        test::random_scheduler& on,
        socoro::client_options opts,
        std::shared_ptr<network> const& by)
        : self(on, id)
        , way(by)
        , client(self.shard, "http://server", with(std::move(opts), by))
        , visitor(id, size.speakers(), seed, self.shard, client, [by] { by->cut(); }) {}

    [[nodiscard]] static socoro::client_options with(
        socoro::client_options opts,
        std::shared_ptr<network> const& by) {
        opts.connector = by;
        return opts;
    }

    core self;
    std::shared_ptr<network> way;
    socoro::client client;
    load::visitor visitor;
};

/// What there was to see, over all runs: without it they would prove little.
struct sights {
    int upgrades = 0;
    /// Sessions, by shard.
    std::array<int, 3> sessions{};
};

/// One run.
class scheduled_play final : public load::play {
public:
    scheduled_play(std::uint64_t seed, sights& seen) : play(seed, {}), scheduler_(seed) {
        entropy.seed(seed);
        std::vector<std::shared_ptr<net::shard>> shards;
        for (int i = 0; i < shard_count; ++i) {
            cores_.emplace_back(scheduler_, size().visitors + i);
            shards.push_back(cores_.back().shard);
        }
        auto opts = options();
        opts.hooks.upgraded = [&seen](socoro::upgraded_session const&) { ++seen.upgrades; };
        opts.hooks.session_opened = [this, &seen](socoro::opened_session const&) {
            for (std::size_t i = 0; i < cores_.size(); ++i)
                seen.sessions.at(i) += cores_[i].shard->is_here();
        };
        io_.emplace(shards, opts);
        for (int id = 0; id < size().visitors; ++id) {
            auto const by = std::make_shared<network>(scheduler_, *io_, cores_);
            callers_.emplace_back(id, size(), seed, scheduler_, options_of(id), by);
        }
        open();
    }

    /// What everybody heard, and how much was done for it.
    [[nodiscard]] std::string trace() const {
        std::string text = std::to_string(scheduler_.tasks_run());
        for (auto const& each : callers_)
            for (auto const& heard : each.visitor.heard)
                for (auto const number : heard)
                    text.append(" ").append(std::to_string(number));
        return text;
    }

private:
    static constexpr int shard_count = 3;

    [[nodiscard]] socoro::server& io() override { return *io_; }
    [[nodiscard]] socoro::client& client_of(int id) override { return callers_[index(id)].client; }
    [[nodiscard]] load::visitor& visitor_of(int id) override { return callers_[index(id)].visitor; }
    [[nodiscard]] static std::size_t index(int id) { return static_cast<std::size_t>(id); }

    void start_outsider(int id) override {
        auto const lane = index(size().visitors + shard_count + id);
        start(scheduler_.get_executor(lane), speak_from_outside(id));
    }
    [[nodiscard]] asio::awaitable<void> speak_from_outside(int id) {
        auto self = make_outsider(id);
        for (int i = 0; i < size().speeches; ++i) {
            self.speak();
            co_await asio::post(asio::use_awaitable);
        }
    }

    /// Time passes when nothing else happens, and sometimes when something does.
    void until(char const* what, std::function<bool()> done) override {
        constexpr std::size_t between_leaps = 2000;
        constexpr auto patience = 10min;
        auto const give_up = cores_[0].clock->now() + patience;
        while (!done()) {
            bool const leaps = scheduler_.draw(between_leaps) == 0;
            if (!leaps && scheduler_.run_one())
                continue;
            auto const next = leaps ? 1ms * scheduler_.draw(150) : next_deadline();
            if (!next || cores_[0].clock->now() > give_up)
                return fault(std::string("stuck in ") + what);
            advance(*next);
        }
    }
    template <typename Act>
    void with_cores(Act act) {
        for (auto& each : cores_)
            act(each);
        for (auto& each : callers_)
            act(each.self);
    }
    [[nodiscard]] std::optional<net::duration> next_deadline() {
        std::optional<net::duration> first;
        with_cores([&](core const& each) {
            if (auto const at = each.clock->next_deadline()) {
                auto const left = std::max(*at - each.clock->now(), net::duration{});
                first = std::min(first.value_or(left), left);
            }
        });
        return first;
    }
    /// Every core comes to it in its own time.
    void advance(net::duration by) {
        with_cores([by](core& each) {
            auto const move = [clock = each.clock, by] { clock->advance(by); };
            asio::post(each.shard->get_executor(), move);
        });
    }

    void inspect() override {
        while (scheduler_.run_one()) {
        }
        with_cores([this](core const& each) {
            if (each.clock->armed() != 0)
                fault("timers are left");
        });
        for (auto const& each : callers_)
            if (!each.way->is_empty())
                fault("connections are left");
    }

    test::random_scheduler scheduler_;
    std::vector<core> cores_;
    std::optional<socoro::server> io_;
    std::deque<caller> callers_;
};

[[nodiscard]] std::uint64_t number_from(char const* variable, std::uint64_t otherwise) {
    auto const* const text = std::getenv(variable);
    return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

}  // namespace

TEST_CASE(
    "load/scheduled: whatever order things happen in, nothing is lost, doubled or reordered") {
    bool const is_one = std::getenv("SOCORO_LOAD_SEED");
    auto const first = number_from("SOCORO_LOAD_SEED", 1);
    auto const count = is_one ? 1 : number_from("SOCORO_LOAD_SEEDS", 100);
    test::wire_stream::journeys = 0;
    sights seen;
    for (auto seed = first; seed < first + count; ++seed) {
        scheduled_play one(seed, seen);
        for (auto const& what : one.whole())
            FAIL_CHECK("seed " << seed << ": " << what);
    }
    if (is_one)
        return;
    CHECK(seen.upgrades > static_cast<int>(count));
    CHECK(test::wire_stream::journeys > count);
    for (auto const sessions : seen.sessions)
        CHECK(sessions > static_cast<int>(count));
}

TEST_CASE("load/scheduled: a seed gives the same run again") {
    sights seen;
    for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        scheduled_play first(seed, seen);
        std::ignore = first.whole();
        scheduled_play again(seed, seen);
        std::ignore = again.whole();
        CHECK(first.trace() == again.trace());
    }
}
