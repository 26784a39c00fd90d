// SPDX-License-Identifier: BSL-1.0
// A client in a load: what it does, and what it saw.
#pragma once

#include <socoro/client.hpp>
#include <socoro/net/signal.hpp>

#include "load/host.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

namespace test::load {

/// The time in one of the rooms that visitors go into and out of, in numbers of each speaker.
struct stay {
    static constexpr int never = std::numeric_limits<int>::max();
    int room = 0;
    std::vector<int> from;   ///< what has at least this number was said while it was in
    std::vector<int> until;  ///< what it heard before it asked to leave; empty while it is in
    std::vector<int> gone;   ///< what has at least this number was said when it was out
};

/// One client. It is used on its executor, or when nothing runs.
class visitor {
public:
    /// `cut` loses every connection of the client at once.
    visitor(
        int id,
        int speakers,
        std::uint64_t seed,
        std::shared_ptr<socoro::net::shard> on,
        socoro::client& with,
        std::function<void()> cut)
        : id_(id)
        , random_(seed * 1000 + 500 + static_cast<std::uint64_t>(id))
        , heard(static_cast<std::size_t>(speakers))
        , shard_(std::move(on))
        , changed_(*shard_)
        , socket_(with.socket("/", socoro::credentials{{"id", id}}))
        , cut_(std::move(cut)) {}

    /// Comes, does so many things and stays, unless it leaves or is disconnected meanwhile.
    [[nodiscard]] asio::awaitable<void> live(int deeds) {
        socket_.spawn([this] { return listen(); });
        while (from.empty() && !has_ended)
            co_await changed_.wait();
        for (int i = 0; i < deeds && !has_ended; ++i)
            co_await act();
    }

    /// Waits until the server has done all that it was asked to.
    [[nodiscard]] asio::awaitable<void> finish() { std::ignore = co_await call<ask>(1); }

    /// When nobody speaks any more: from then on it has heard everything.
    [[nodiscard]] asio::awaitable<void> settle() {
        auto const [failed, number] = co_await call<ask>(1);
        has_settled = !failed;
    }

    /// When everybody who is still here has settled: gives who answers.
    [[nodiscard]] asio::awaitable<void> count_heads() {
        auto const [failed, who] = co_await call<survey>(-1);
        if (failed)
            fault("a survey failed: " + failed.message());
        heads = who;
    }

    /// Waits until it is disconnected.
    [[nodiscard]] asio::awaitable<void> wait_end() {
        while (!has_ended)
            co_await changed_.wait();
    }

    void leave() {
        has_left = true;
        socket_.disconnect();
    }

    [[nodiscard]] int id() const noexcept { return id_; }
    [[nodiscard]] asio::any_io_executor get_executor() const { return shard_->get_executor(); }

private:
    int id_;
    std::mt19937_64 random_;

public:
    // What it saw.
    std::vector<int> from;                ///< of its welcome
    std::vector<std::vector<int>> heard;  ///< the numbers that it heard of each speaker
    std::vector<stay> stays;
    std::vector<int> heads;
    std::vector<std::string> faults;
    int calls_begun = 0;
    int calls_ended = 0;
    bool has_settled = false;
    bool has_left = false;
    bool was_cut = false;
    std::error_code reason;
    /// Any thread may look at this, and at the reason behind it.
    std::atomic<bool> has_ended = false;

private:
    [[nodiscard]] int draw(int end) {
        return static_cast<int>(random_() % static_cast<std::uint64_t>(end));
    }
    void fault(std::string what) { faults.push_back(std::move(what)); }

    [[nodiscard]] asio::awaitable<void> listen() {
        auto const ears = socoro::overloaded{
            [this](welcome const& first) {
                from = std::get<0>(first);
                changed_.notify_all();
            },
            [this](said const& what) {
                heard.at(static_cast<std::size_t>(std::get<0>(what))).push_back(std::get<1>(what));
            },
            [this](socoro::request<question> const& asked) { asked.reply(asked.args * 100 + id_); },
            [this](socoro::request<ask> const& asked) { asked.reply(asked.args + 1); }};
        auto const why = co_await socket_.serve(ears);
        reason = why;
        has_ended = true;
        changed_.notify_all();
    }

    /// Calls the server; that has to end, one way or another.
    template <typename E>
    [[nodiscard]] asio::awaitable<std::tuple<std::error_code, typename E::reply>> call(int what) {
        ++calls_begun;
        auto result = co_await socket_.call<E>(what, socoro::as_tuple);
        ++calls_ended;
        auto const failed = std::get<0>(result);
        if (failed && failed != socoro::closed)
            fault("a call failed: " + failed.message());
        co_return result;
    }

    [[nodiscard]] asio::awaitable<void> act() {
        auto const deed = draw(40);
        if (deed < 8) {
            socket_.emit<speak>(1 + draw(5));
        } else if (deed < 14) {
            co_await ask_number();
        } else if (deed < 26) {
            co_await move();
        } else if (deed < 31) {
            std::ignore = co_await call<chat>(1 + draw(6));
        } else if (deed < 35) {
            co_await hold_survey();
        } else if (deed < 36) {
            socket_.emit<expel>(draw(static_cast<int>(heard.size())));
        } else if (deed == 36 && draw(2) == 0) {
            leave();
        } else if (deed == 37 && draw(2) == 0) {
            was_cut = true;
            cut_();
        } else {
            co_await asio::post(asio::use_awaitable);
        }
    }

    [[nodiscard]] asio::awaitable<void> ask_number() {
        auto const number = draw(1000);
        auto const [failed, answer] = co_await call<ask>(number);
        if (!failed && answer != number + 1)
            fault("the answer to another question");
    }

    /// Into a room, or out of it.
    [[nodiscard]] asio::awaitable<void> move() {
        auto const room = draw(2);
        auto const is_in = [room](stay const& each) {
            return each.room == room && each.until.empty();
        };
        auto const found = std::find_if(stays.begin(), stays.end(), is_in);
        auto const index = static_cast<std::size_t>(found - stays.begin());
        if (found == stays.end()) {
            stays.push_back({room, {}, {}, {}});
            auto const [failed, begun] = co_await call<enter>(room);
            stays[index].from = failed ? std::vector(heard.size(), stay::never) : begun;
        } else {
            for (auto const& numbers : heard)
                stays[index].until.push_back(numbers.empty() ? 0 : numbers.back() + 1);
            auto const [failed, begun] = co_await call<quit>(room);
            if (!failed)
                stays[index].gone = begun;
        }
    }

    [[nodiscard]] asio::awaitable<void> hold_survey() {
        auto const room = draw(5) - 1;
        auto const result = co_await call<survey>(room);
        auto who = std::get<1>(result);
        std::sort(who.begin(), who.end());
        if (std::adjacent_find(who.begin(), who.end()) != who.end())
            fault("one answered a survey twice");
        if (room >= 2 && std::any_of(who.begin(), who.end(), [room](int other) {
                return room_for_good(other) != room;
            }))
            fault("one answered a survey of another room");
    }

    std::shared_ptr<socoro::net::shard> shard_;
    socoro::net::signal changed_;
    socoro::client_socket socket_;
    std::function<void()> cut_;
};

}  // namespace test::load
