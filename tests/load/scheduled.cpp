// SPDX-License-Identifier: BSL-1.0
// The load in one thread: shards, clients and the threads of a program are tasks in an order that
// a seed decides, connections are in memory, and time moves when nothing else does.
//
//     SOCORO_LOAD_SEED=7 test_load      one seed alone, the one that failed
//     SOCORO_LOAD_SEEDS=10000 test_load so many of them
#include <socoro/net/manual_clock.hpp>

#include "load/verdict.hpp"
#include "support/memory_wire.hpp"
#include "support/random_scheduler.hpp"

#include <asio/bind_executor.hpp>

#include <doctest/doctest.h>

#include <algorithm>
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
    core(test::random_scheduler& on, std::size_t lane)
        : shard(net::shard::make(on.get_executor(lane), clock)) {}

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
        int speakers,
        std::uint64_t seed,
        test::random_scheduler& on,
        socoro::server& io,
        std::vector<core> const& cores)
        : self(on, cores.size() + static_cast<std::size_t>(id))
        , way(std::make_shared<network>(on, io, cores))
        , client(self.shard, "http://server", options(id))
        , visitor(id, speakers, seed, self.shard, client, [this] { way->cut(); }) {}

    [[nodiscard]] socoro::client_options options(int id) const {
        socoro::client_options opts;
        opts.reconnection = false;
        opts.connector = way;
        if (id % 4 == 1)
            opts.transports = {"polling"};
        if (id % 4 == 2)
            opts.transports = {"websocket"};
        return opts;
    }

    core self;
    std::shared_ptr<network> way;
    socoro::client client;
    load::visitor visitor;
};

/// One run.
class run {
public:
    explicit run(std::uint64_t seed) : seed_(seed), scheduler_(seed) {
        entropy.seed(seed);
        for (std::size_t i = 0; i < 3; ++i)
            cores_.emplace_back(scheduler_, i);
        std::vector<std::shared_ptr<net::shard>> shards;
        for (auto const& each : cores_)
            shards.push_back(each.shard);
        io_.emplace(shards, options());
        host_.emplace(*io_, ledger_, guests_, seed);
        for (int id = 0; id < visitors; ++id)
            callers_.emplace_back(id, speakers, seed, scheduler_, *io_, cores_);
    }

    /// What went wrong.
    [[nodiscard]] std::vector<std::string> whole() {
        visit();
        if (wrong_.empty())
            settle();
        if (wrong_.empty())
            end();
        for (auto const& each : callers_)
            load::judge(each.visitor, ledger_, wrong_);
        return wrong_;
    }

    /// What everybody heard, and how long it took: the same for the same seed.
    [[nodiscard]] std::string trace() const {
        std::string text = std::to_string(scheduler_.tasks_run());
        for (auto const& each : callers_)
            for (auto const& heard : each.visitor.heard)
                for (auto const number : heard)
                    text.append(" ").append(std::to_string(number));
        return text;
    }

private:
    static constexpr int visitors = 6;
    static constexpr int outsiders = 2;
    static constexpr int speakers = 2 * visitors + outsiders;

    [[nodiscard]] socoro::options options() {
        socoro::options opts;
        opts.hooks.connection_error = nullptr;
        opts.hooks.violated = [this](socoro::violation const& e) {
            wrong_.push_back("violated: " + e.why.message());
        };
        opts.hooks.dropped = [this](socoro::dropped_event const& e) {
            wrong_.push_back("dropped: " + e.why.message());
        };
        opts.hooks.invalid = [this](socoro::invalid_payload const& e) {
            wrong_.push_back("invalid: " + std::string(e.event));
        };
        opts.hooks.handler_failed = [this](std::string_view, std::string_view what) {
            wrong_.push_back("failed: " + std::string(what));
        };
        return opts;
    }

    /// Starts a coroutine on an executor, and counts it until it has ended.
    void start(asio::any_io_executor ex, asio::awaitable<void> task) {
        ++running_;
        asio::co_spawn(ex, std::move(task), [this](std::exception_ptr const& failure) {
            --running_;
            try {
                if (failure)
                    std::rethrow_exception(failure);
            } catch (std::exception const& e) {
                wrong_.push_back(std::string("thrown: ") + e.what());
            }
        });
    }

    /// Lets everything run until `done`; time passes when nothing else happens, and sometimes when
    /// something does.
    template <typename Done>
    void until(char const* what, Done done) {
        constexpr std::size_t between_leaps = 2000;
        constexpr auto patience = 10min;
        auto const give_up = cores_[0].clock->now() + patience;
        while (!done()) {
            bool const leaps = scheduler_.draw(between_leaps) == 0;
            if (!leaps && scheduler_.run_one())
                continue;
            auto const next = next_deadline();
            if ((!leaps && !next) || cores_[0].clock->now() > give_up) {
                wrong_.push_back(std::string("stuck in: ") + what);
                return;
            }
            advance(leaps ? 1ms * scheduler_.draw(150) : *next);
        }
    }
    template <typename Do>
    void with_cores(Do act) {
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
            asio::post(each.shard->get_executor(), [clock = each.clock, by] {
                clock->advance(by);
            });
        });
    }

    [[nodiscard]] asio::awaitable<void> speak_from_outside(int id) {
        load::speaker self(id, seed_, *io_, ledger_, guests_);
        for (int i = 0; i < 30; ++i) {
            self.speak();
            co_await asio::post(asio::use_awaitable);
        }
    }

    void visit() {
        for (auto& each : callers_)
            start(each.self.shard->get_executor(), each.visitor.live(25));
        for (int i = 0; i < outsiders; ++i) {
            auto const lane = cores_.size() + callers_.size() + static_cast<std::size_t>(i);
            start(scheduler_.get_executor(lane), speak_from_outside(2 * visitors + i));
        }
        until("visits", [this] { return running_ == 0; });
        // A visitor that left may have left somebody at work.
        until("work", [this] { return host_->present() == staying(); });
        for (auto const& each : callers_)
            check_end(each.visitor);
    }
    [[nodiscard]] int staying() const {
        return static_cast<int>(
            std::count_if(callers_.begin(), callers_.end(), [](caller const& each) {
                return !each.visitor.has_ended;
            }));
    }
    /// Nobody ends but by what somebody did.
    void check_end(load::visitor const& by) {
        auto const why = by.reason;
        if (by.has_ended && !by.was_cut && !by.has_left &&
            why != socoro::errc::io_server_disconnect && why != socoro::errc::transport_close)
            wrong_.push_back("visitor " + std::to_string(by.id()) + ": " + why.message());
    }

    void settle() {
        for (auto& each : callers_)
            if (!each.visitor.has_ended)
                start(each.self.shard->get_executor(), each.visitor.settle());
        until("settling", [this] { return running_ == 0; });
        std::vector<int> staying;
        for (auto& each : callers_)
            if (!each.visitor.has_ended) {
                staying.push_back(each.visitor.id());
                start(each.self.shard->get_executor(), each.visitor.count_heads());
            }
        until("counting", [this] { return running_ == 0; });
        for (auto& each : callers_) {
            std::sort(each.visitor.heads.begin(), each.visitor.heads.end());
            if (!each.visitor.has_ended && each.visitor.heads != staying)
                wrong_.push_back("a survey did not reach everybody, once");
        }
    }

    void end() {
        for (auto& each : callers_) {
            auto const how = scheduler_.draw(3);
            auto const ex = each.self.shard->get_executor();
            if (how == 0)
                asio::post(ex, [&each] { each.visitor.leave(); });
            if (auto const guest = guests_.find(each.visitor.id()); guest && how == 1)
                guest->disconnect(scheduler_.draw(2) == 0);
            start(ex, each.visitor.wait_end());
        }
        start(scheduler_.get_executor(0), io_->close(5s));
        until("closing", [this] { return running_ == 0; });
        if (host_->present() != 0)
            wrong_.push_back("handlers are left");
        if (io_->clients_count() != 0)
            wrong_.push_back("sessions are left");
        for (auto& each : callers_)
            start(each.self.shard->get_executor(), each.client.close(1s));
        until("leaving", [this] { return running_ == 0; });
        while (scheduler_.run_one()) {
        }
        with_cores([this](core const& each) {
            if (each.clock->armed() != 0)
                wrong_.push_back("timers are left");
        });
        for (auto const& each : callers_)
            if (!each.way->is_empty())
                wrong_.push_back("connections are left");
    }

    std::uint64_t seed_;
    load::ledger ledger_{speakers};
    load::guests guests_{visitors};
    std::vector<std::string> wrong_;
    int running_ = 0;
    std::optional<load::host> host_;
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
    auto const first = number_from("SOCORO_LOAD_SEED", 1);
    auto const count = std::getenv("SOCORO_LOAD_SEED") ? 1 : number_from("SOCORO_LOAD_SEEDS", 200);
    for (auto seed = first; seed < first + count; ++seed) {
        run one(seed);
        for (auto const& what : one.whole())
            FAIL_CHECK("seed " << seed << ": " << what);
    }
}

TEST_CASE("load/scheduled: a seed gives the same run again") {
    for (std::uint64_t seed = 1; seed <= 10; ++seed) {
        run first(seed);
        run again(seed);
        std::ignore = first.whole();
        entropy.seed(seed);
        std::ignore = again.whole();
        CHECK(first.trace() == again.trace());
    }
}
