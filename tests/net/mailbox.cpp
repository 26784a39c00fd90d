// SPDX-License-Identifier: BSL-1.0
#include <socoro/net/mailbox.hpp>
#include <socoro/net/shard.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace net = socoro::net;

namespace {

/// A shard that the thread of the test runs, while others do as they please.
struct crowd {
    std::unique_ptr<asio::io_context> context = std::make_unique<asio::io_context>();
    std::shared_ptr<net::shard> shard = net::shard::make(context->get_executor());

    /// Runs the shard until all of these threads have ended, and all that they left has run.
    template <typename F>
    void run_beside(int threads, F const& body) {
        auto const run_on = [&] {
            std::vector<std::thread> each;
            for (int i = 0; i < threads; ++i)
                each.emplace_back([&body, i] { body(i); });
            for (auto& thread : each)
                thread.join();
        };
        auto work = asio::make_work_guard(*context);
        std::thread all([&] {
            run_on();
            work.reset();
        });
        run();
        all.join();
    }
    void run() {
        context->restart();
        context->run();
    }
    /// Does something on the shard.
    template <typename F>
    void here(F const& body) {
        asio::post(*context, body);
        run();
    }
};

/// Says on which thread it was destroyed.
struct witness {
    explicit witness(std::thread::id& where) : where_(&where) {}
    witness(witness const&) = delete;
    witness& operator=(witness const&) = delete;
    ~witness() { *where_ = std::this_thread::get_id(); }
    std::thread::id* where_;
};

struct shared_witness : witness, std::enable_shared_from_this<shared_witness> {
    using witness::witness;
};

struct witness_clock : net::clock {
    explicit witness_clock(std::thread::id& where) : seen(where) {}
    [[nodiscard]] net::time_point now() const noexcept override { return {}; }
    [[nodiscard]] std::chrono::system_clock::time_point date() const noexcept override {
        return {};
    }
    void wake_at(std::optional<net::time_point>) override {}
    witness seen;
};

auto const nowhere = std::thread::id();

}  // namespace

TEST_CASE("net/mailbox: asks to be run once for all that is put in until then") {
    net::mailbox box;
    std::string ran;
    net::mailbox::task first = [&] { ran += "1"; };
    net::mailbox::task second = [&] { ran += "2"; };
    net::mailbox::task third = [&] { ran += "3"; };
    net::mailbox::task fourth = [&] { ran += "4"; };
    CHECK(box.is_empty());
    CHECK(box.put(first));
    CHECK_FALSE(box.put(second));
    CHECK_FALSE(box.is_empty());
    box.run();
    CHECK(ran == "12");
    CHECK(box.is_empty());
    // It has been asked for already.
    CHECK_FALSE(box.put(third));
    box.run_announced();
    CHECK(ran == "123");
    CHECK(box.put(fourth));
}

TEST_CASE("net/mailbox: a task may put in others, and run what follows it") {
    net::mailbox box;
    std::string ran;
    net::mailbox::task again = [&] { ran += "4"; };
    net::mailbox::task first = [&] {
        ran += "1";
        std::ignore = box.put(again);
        box.run();
        ran += "5";
    };
    net::mailbox::task second = [&] { ran += "2"; };
    net::mailbox::task third = [&] { ran += "3"; };
    for (auto* task : {&first, &second, &third})
        std::ignore = box.put(*task);
    box.run();
    CHECK(ran == "12345");
}

TEST_CASE("net/mailbox: a task that puts itself in again does not keep the reader for ever") {
    net::mailbox box;
    int ran = 0;
    std::function<void()> again = [&] {
        ++ran;
        auto next = again;
        std::ignore = box.put(next);
    };
    auto first = again;
    std::ignore = box.put(first);
    box.run();
    CHECK(ran == 1);
    box.run();
    CHECK(ran == 2);
}

TEST_CASE("net/mailbox: once closed it gives what has not run, and takes nothing") {
    net::mailbox box;
    auto const shared = std::make_shared<int>();
    net::mailbox::task first = [shared] {};
    net::mailbox::task second = [shared] {};
    std::ignore = box.put(first);
    auto left = box.close();
    CHECK(left.size() == 1);
    CHECK_FALSE(box.put(second));
    CHECK(second != nullptr);
    left.clear();
    CHECK(shared.use_count() == 2);
}

TEST_CASE("net/shard: what threads submit runs on the shard, each thread's in its own order") {
    static constexpr int threads = 4;
    static constexpr int each = 2000;
    crowd c;
    std::vector<std::vector<int>> seen(threads);
    bool elsewhere = false;
    c.run_beside(threads, [&](int thread) {
        for (int i = 0; i < each; ++i)
            c.shard->submit([&, thread, i] {
                seen[static_cast<std::size_t>(thread)].push_back(i);
                elsewhere = elsewhere || !c.shard->is_here();
            });
    });
    CHECK_FALSE(elsewhere);
    for (auto const& of_one : seen) {
        REQUIRE(of_one.size() == each);
        CHECK(std::is_sorted(of_one.begin(), of_one.end()));
    }
}

TEST_CASE("net/shard: what threads and the shard itself execute keeps its order, too") {
    static constexpr int each = 2000;
    crowd c;
    std::vector<std::vector<int>> seen(3);
    auto const count = [&](std::size_t who) {
        for (int i = 0; i < each; ++i)
            c.shard->execute([&, who, i] { seen[who].push_back(i); });
    };
    asio::post(*c.context, [&] { count(2); });
    c.run_beside(2, [&](int thread) { count(static_cast<std::size_t>(thread)); });
    for (auto const& of_one : seen) {
        REQUIRE(of_one.size() == each);
        CHECK(std::is_sorted(of_one.begin(), of_one.end()));
    }
}

TEST_CASE("net/shard: executing on the shard is immediate, elsewhere it is not") {
    crowd c;
    std::string ran;
    c.shard->execute([&] { ran += "1"; });
    CHECK(ran.empty());
    c.here([&] {
        ran += "2";
        c.shard->execute([&] { ran += "3"; });
        ran += "4";
    });
    CHECK(ran == "1234");
}

TEST_CASE("net/shard: a thread that submits and then runs the shard finds its tasks done") {
    crowd c;
    std::string ran;
    asio::post(*c.context, [&] {
        c.shard->execute([&] { ran += "3"; });
        ran += "4";
    });
    c.shard->submit([&] { ran += "1"; });
    c.shard->submit([&] { ran += "2"; });
    c.run();
    CHECK(ran == "1234");
}

TEST_CASE("net/shard: a submitted task may execute, submit, and drop the shard") {
    crowd c;
    std::string ran;
    std::weak_ptr<net::shard> const seen = c.shard;
    c.shard->submit([&] {
        c.shard->submit([&] { ran += "4"; });
        c.shard->execute([&] { ran += "5"; });
        c.shard.reset();
    });
    c.shard->submit([&] { ran += "1"; });
    c.shard->submit([&] { ran += "2"; });
    c.shard->submit([&] { ran += "3"; });
    c.run();
    CHECK(ran == "12345");
    CHECK(seen.expired());
}

TEST_CASE("net/shard: tasks that have not run when the context ends are destroyed") {
    crowd c;
    bool ran = false;
    auto const held = std::make_shared<int>();
    for (int i = 0; i < 3; ++i)
        c.shard->submit([&ran, held] { ran = true; });
    CHECK(held.use_count() == 4);
    c.context.reset();
    CHECK(held.use_count() == 1);
    c.shard->submit([&ran, held] { ran = true; });
    c.shard->execute([&ran, held] { ran = true; });
    CHECK(held.use_count() == 1);
    CHECK_FALSE(c.shard->is_here());
    CHECK_FALSE(ran);
}

TEST_CASE("net/shard: an object whose last share another thread drops is destroyed on the shard") {
    crowd c;
    std::thread::id where = nowhere;
    auto object = net::make_on_shard<shared_witness>(c.shard, where);
    CHECK(object->shared_from_this() == object);
    c.run_beside(1, [own = &object](int) { own->reset(); });
    CHECK(where == std::this_thread::get_id());
    CHECK(object == nullptr);
}

TEST_CASE("net/shard: it is destroyed on its executor, whoever drops the last share") {
    std::thread::id where = nowhere;
    crowd c;
    c.shard = net::shard::make(c.context->get_executor(), std::make_shared<witness_clock>(where));
    c.run_beside(1, [&c](int) { c.shard.reset(); });
    CHECK(where == std::this_thread::get_id());
}

TEST_CASE("net/shard: many threads may drop shares at once, of the shard as well") {
    std::thread::id where = nowhere;
    std::thread::id clock_where = nowhere;
    crowd c;
    c.shard =
        net::shard::make(c.context->get_executor(), std::make_shared<witness_clock>(clock_where));
    auto object = net::make_on_shard<witness>(c.shard, where);
    std::weak_ptr<net::shard> const seen = c.shard;
    std::vector<std::pair<std::shared_ptr<witness>, std::shared_ptr<net::shard>>> shares(
        4,
        {object, c.shard});
    object.reset();
    c.shard.reset();
    c.run_beside(4, [&shares](int i) {
        auto& own = shares[static_cast<std::size_t>(i)];
        own.second.reset();
        own.first.reset();
    });
    CHECK(where == std::this_thread::get_id());
    CHECK(clock_where == std::this_thread::get_id());
    CHECK(seen.expired());
}

TEST_CASE("net/shard: on the shard an object is destroyed at once") {
    crowd c;
    std::thread::id where = nowhere;
    auto object = net::make_on_shard<witness>(c.shard, where);
    c.here([&] {
        object.reset();
        CHECK(where == std::this_thread::get_id());
    });
}

TEST_CASE("net/shard: when the context is over, shares can be dropped anywhere") {
    crowd c;
    std::thread::id early = nowhere;
    std::thread::id late = nowhere;
    auto first = net::make_on_shard<witness>(c.shard, early);
    auto second = net::make_on_shard<witness>(c.shard, late);
    // On its way to the shard when that ends.
    first.reset();
    CHECK(early == nowhere);
    c.context.reset();
    CHECK(early == std::this_thread::get_id());
    std::thread other([&] {
        second.reset();
        CHECK(late == std::this_thread::get_id());
        c.shard.reset();
    });
    other.join();
    CHECK(late != nowhere);
}

TEST_CASE("net/shard: it may be on its way to be destroyed when the context ends") {
    std::thread::id where = nowhere;
    crowd c;
    c.shard =
        net::shard::make(asio::make_strand(*c.context), std::make_shared<witness_clock>(where));
    c.shard->submit([] {});
    c.shard.reset();
    CHECK(where == nowhere);
    c.context.reset();
    CHECK(where == std::this_thread::get_id());
}
