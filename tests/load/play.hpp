// SPDX-License-Identifier: BSL-1.0
// A load from its first visitor to its last: what happens in which order, whoever runs it, and what
// must be left over, which is nothing.
#pragma once

#include "load/verdict.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace test::load {

/// How much happens.
struct extent {
    int visitors = 6;
    int outsiders = 2;  ///< threads of the program that run none of the shards
    int deeds = 15;     ///< of each visitor
    int speeches = 20;  ///< of each outsider

    [[nodiscard]] int speakers() const noexcept { return 2 * visitors + outsiders; }
};

/// Derived classes make the server and the clients, and run everything.
class play {
public:
    play(play const&) = delete;
    play& operator=(play const&) = delete;
    virtual ~play() = default;

    /// Everything, and what was wrong with it.
    [[nodiscard]] std::vector<std::string> whole();

protected:
    play(std::uint64_t seed, extent size)
        : seed_(seed)
        , size_(size)
        , ledger_(size.speakers())
        , guests_(size.visitors)
        , random_(seed) {}

    [[nodiscard]] virtual socoro::server& io() = 0;
    [[nodiscard]] virtual socoro::client& client_of(int visitor) = 0;
    [[nodiscard]] virtual visitor& visitor_of(int visitor) = 0;
    /// Lets one who speaks from outside do so; counted by `enter_stage` and `leave_stage`.
    virtual void start_outsider(int speaker) = 0;
    /// Waits, or makes things happen, until `done`. Gives up at some time, with a `fault`.
    virtual void until(char const* what, std::function<bool()> done) = 0;
    /// Looks for what is left over.
    virtual void inspect() = 0;

    /// Options of a server that nothing must go wrong with.
    [[nodiscard]] socoro::options options();
    [[nodiscard]] static socoro::client_options options_of(int visitor);
    /// Before anything runs.
    void open() { host_.emplace(io(), ledger_, guests_, seed_); }

    void fault(std::string what) {
        std::lock_guard const lock(mutex_);
        faults_.push_back(std::move(what));
    }
    void enter_stage() { ++running_; }
    void leave_stage() { --running_; }
    void start(asio::any_io_executor const& ex, asio::awaitable<void> task);
    [[nodiscard]] speaker make_outsider(int id) { return {id, seed_, io(), ledger_, guests_}; }
    [[nodiscard]] std::uint64_t seed() const noexcept { return seed_; }
    [[nodiscard]] extent const& size() const noexcept { return size_; }

private:
    void visit();
    [[nodiscard]] asio::awaitable<void> ask_around();
    [[nodiscard]] asio::awaitable<void> count_heads(std::vector<int> here);
    void settle();
    void end();
    void check_end(visitor const& by);
    [[nodiscard]] bool is_over();
    [[nodiscard]] std::vector<int> staying();
    template <typename Act>
    void each(std::vector<int> const& who, char const* what, Act act);
    [[nodiscard]] std::vector<int> everybody() const;

    std::uint64_t seed_;
    extent size_;
    ledger ledger_;
    guests guests_;
    std::mt19937_64 random_;
    std::optional<host> host_;
    std::atomic<int> running_ = 0;
    std::mutex mutex_;
    std::vector<std::string> faults_;
};

inline socoro::options play::options() {
    socoro::options opts;
    // Who is expelled may have asked for something.
    opts.hooks.connection_error = nullptr;
    opts.hooks.violated = [this](socoro::violation const& e) {
        fault("violated: " + e.why.message());
    };
    opts.hooks.dropped = [this](socoro::dropped_event const& e) {
        fault("dropped: " + e.why.message());
    };
    opts.hooks.invalid = [this](socoro::invalid_payload const& e) {
        fault("invalid: " + std::string(e.event));
    };
    opts.hooks.handler_failed = [this](std::string_view, std::string_view what) {
        fault("failed: " + std::string(what));
    };
    return opts;
}

inline socoro::client_options play::options_of(int visitor) {
    socoro::client_options opts;
    opts.reconnection = false;
    // The others begin with polling and go on over WebSocket.
    if (visitor % 4 == 1)
        opts.transports = {"polling"};
    if (visitor % 4 == 2)
        opts.transports = {"websocket"};
    return opts;
}

inline void play::start(asio::any_io_executor const& ex, asio::awaitable<void> task) {
    enter_stage();
    asio::co_spawn(ex, std::move(task), [this](std::exception_ptr const& failure) {
        try {
            if (failure)
                std::rethrow_exception(failure);
        } catch (std::exception const& e) {
            fault(std::string("thrown: ") + e.what());
        }
        leave_stage();
    });
}

inline std::vector<std::string> play::whole() {
    for (auto const act : {&play::visit, &play::settle, &play::end})
        if (faults_.empty())
            (this->*act)();
    if (is_over())
        for (auto const id : everybody())
            judge(visitor_of(id), ledger_, faults_);
    return faults_;
}

inline bool play::is_over() {
    return running_ == 0;
}

inline std::vector<int> play::everybody() const {
    std::vector<int> all;
    for (int id = 0; id < size_.visitors; ++id)
        all.push_back(id);
    return all;
}

inline std::vector<int> play::staying() {
    auto all = everybody();
    std::erase_if(all, [this](int id) { return visitor_of(id).has_ended.load(); });
    return all;
}

/// Lets each of them do something, side by side, and waits until all have done it.
template <typename Act>
void play::each(std::vector<int> const& who, char const* what, Act act) {
    for (auto const id : who)
        start(visitor_of(id).get_executor(), act(visitor_of(id)));
    until(what, [this] { return is_over(); });
}

inline void play::visit() {
    for (int i = 0; i < size_.outsiders; ++i)
        start_outsider(2 * size_.visitors + i);
    start(visitor_of(0).get_executor(), ask_around());
    each(everybody(), "visits", [this](visitor& one) { return one.live(size_.deeds); });
    // A visitor that left may have left somebody at work, and who was expelled has to notice.
    until("work", [this] { return host_->present() == static_cast<int>(staying().size()); });
    for (auto const id : everybody())
        if (visitor_of(id).has_ended)
            check_end(visitor_of(id));
}

/// Nobody ends but by what somebody did.
inline void play::check_end(visitor const& by) {
    auto const why = by.reason;
    bool const was_expelled =
        why == socoro::errc::io_server_disconnect || why == socoro::errc::transport_close;
    if (!by.was_cut && !by.has_left && !was_expelled)
        fault("visitor " + std::to_string(by.id()) + " ended by itself: " + why.message());
}

/// Asks everybody, and who they are, on an executor that is none of the server's.
inline asio::awaitable<void> play::ask_around() {
    for (int i = 0; i < size_.deeds / 2; ++i) {
        auto const whom = io().timeout(std::chrono::seconds(2));
        auto const found = co_await whom.call<question>(i);
        auto answers = found.values;
        std::sort(answers.begin(), answers.end());
        if (std::adjacent_find(answers.begin(), answers.end()) != answers.end())
            fault("one answered a survey from outside twice");
        if (!answers.empty() && (answers.front() < i * 100 || answers.back() >= (i + 1) * 100))
            fault("a survey from outside got the answer to another question");
        auto const sockets = co_await whom.fetch_sockets();
        std::set<std::string> ids;
        for (auto const& each : sockets)
            ids.insert(each.id);
        if (ids.size() != sockets.size())
            fault("one was found twice");
    }
}

/// When nobody comes or goes, everybody is found.
inline asio::awaitable<void> play::count_heads(std::vector<int> here) {
    auto const whom = io().timeout(std::chrono::seconds(2));
    auto const found = co_await whom.call<question>(0);
    auto answers = found.values;
    std::sort(answers.begin(), answers.end());
    auto const sockets = co_await whom.fetch_sockets();
    if (answers != here || sockets.size() != here.size())
        fault("a survey from outside did not find everybody");
}

inline void play::settle() {
    // First what they set out to do has to be done: only then has everything been said.
    each(staying(), "finishing", [](visitor& one) { return one.finish(); });
    each(staying(), "settling", [](visitor& one) { return one.settle(); });
    auto const here = staying();
    start(visitor_of(0).get_executor(), count_heads(here));
    each(here, "counting", [](visitor& one) { return one.count_heads(); });
    for (auto const id : here) {
        auto heads = visitor_of(id).heads;
        std::sort(heads.begin(), heads.end());
        if (heads != here)
            fault("a survey of visitor " + std::to_string(id) + " did not reach everybody once");
    }
}

inline void play::end() {
    auto const here = staying();
    for (auto const id : here) {
        auto const how = random_() % 4;
        auto& one = visitor_of(id);
        if (how == 0)
            asio::post(one.get_executor(), [&one] { one.leave(); });
        if (auto const guest = guests_.find(id); guest && how == 1)
            guest->disconnect(random_() % 2 == 0);
    }
    start(visitor_of(0).get_executor(), io().close(std::chrono::seconds(5)));
    each(here, "closing", [](visitor& one) { return one.wait_end(); });
    if (host_->present() != 0)
        fault("handlers are left");
    if (io().clients_count() != 0)
        fault("sessions are left");
    for (auto const id : everybody())
        start(visitor_of(id).get_executor(), client_of(id).close(std::chrono::seconds(1)));
    until("leaving", [this] { return is_over(); });
    inspect();
}

}  // namespace test::load
