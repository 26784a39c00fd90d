// SPDX-License-Identifier: BSL-1.0
// The server's side of a load: what its handlers do for those who visit.
#pragma once

#include "load/ledger.hpp"

#include <asio/post.hpp>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace test::load {

/// The first a visitor hears: how much each speaker had begun to say when it was let in.
using welcome = socoro::event<"welcome", std::vector<int>>;
/// Answered with the number after it, by either end.
using ask = socoro::event<"ask", int(int)>;
/// Goes into a room, or out of it; gives how much each had begun to say by then.
using enter = socoro::event<"enter", std::vector<int>(int)>;
using quit = socoro::event<"quit", std::vector<int>(int)>;
/// The handler says so many things, ...
using speak = socoro::event<"speak", int>;
/// ... or a child of the socket does, which answers when it has.
using chat = socoro::event<"chat", bool(int)>;
/// Asks everybody in a room, or everybody at all for -1; gives who answered.
using survey = socoro::event<"survey", std::vector<int>(int)>;
/// Disconnects the visitor of this number, if there is one.
using expel = socoro::event<"expel", int>;
/// What a survey asks; answered with the number times 100 and the visitor's own.
using question = socoro::event<"question", int(int)>;

/// The handlers. It outlives the server.
class host {
public:
    host(socoro::server& io, ledger& in, guests& whom, std::uint64_t seed)
        : io_(&io)
        , ledger_(&in)
        , guests_(&whom) {
        for (int id = 0; id < 2 * whom.most(); ++id)
            speakers_.emplace_back(id, seed, io, in, whom);
        io.on_connection([this](socoro::socket visitor) { return receive(std::move(visitor)); });
    }

    /// How many handlers and children run.
    [[nodiscard]] int present() const noexcept { return present_; }

private:
    struct presence {
        explicit presence(std::atomic<int>& count) : count_(count) { ++count_; }
        presence(presence const&) = delete;
        presence& operator=(presence const&) = delete;
        ~presence() { --count_; }
        std::atomic<int>& count_;
    };

    [[nodiscard]] asio::awaitable<void> receive(socoro::socket visitor) {
        presence const here(present_);
        auto const id = static_cast<int>(visitor.handshake().auth.at("id").as_int64());
        auto& self = speakers_.at(static_cast<std::size_t>(id));
        visitor.join(rooms.at(static_cast<std::size_t>(room_for_good(id))));
        visitor.emit<welcome>(ledger_->begun());
        guests_->put(id, visitor);
        auto const tasks = socoro::overloaded{
            [](socoro::request<ask> const& asked) { asked.reply(asked.args + 1); },
            [&](socoro::request<enter> const& asked) {
                visitor.join(rooms.at(static_cast<std::size_t>(asked.args)));
                asked.reply(ledger_->begun());
            },
            [&](socoro::request<quit> const& asked) {
                visitor.leave(rooms.at(static_cast<std::size_t>(asked.args)));
                asked.reply(ledger_->begun());
            },
            [&](speak const& so_many) {
                for (int i = 0; i < std::get<0>(so_many); ++i)
                    self.speak();
            },
            [&](socoro::request<chat> asked) { visitor.spawn(chatter(id, std::move(asked))); },
            [&](socoro::request<survey> asked) { return hold(std::move(asked)); },
            [&](expel const& whom) { show_out(std::get<0>(whom), self.draw(4)); }};
        std::ignore = co_await visitor.serve(tasks);
        guests_->put(id, std::nullopt);
    }

    void show_out(int whom, int how) {
        auto const guest = whom < guests_->most() ? guests_->find(whom) : std::nullopt;
        bool const closes = how % 2 == 0;
        if (guest && how < 2)
            guest->disconnect(closes);
        else if (guest)
            io_->to(guest->id()).disconnect_sockets(closes);
    }

    [[nodiscard]] asio::awaitable<void> chatter(int id, socoro::request<chat> asked) {
        presence const here(present_);
        auto& self = speakers_.at(static_cast<std::size_t>(guests_->most() + id));
        for (int i = 0; i < asked.args; ++i) {
            self.speak();
            co_await asio::post(asio::use_awaitable);
        }
        asked.reply(true);
    }

    [[nodiscard]] asio::awaitable<void> hold(socoro::request<survey> asked) {
        constexpr auto patience = std::chrono::seconds(1);
        constexpr int number = 7;
        auto const everybody = io_->timeout(patience);
        auto const whom = asked.args < 0
                              ? everybody
                              : everybody.to(rooms.at(static_cast<std::size_t>(asked.args)));
        auto const found = co_await whom.call<question>(number);
        std::vector<int> who;
        for (auto const value : found.values)
            who.push_back(value - number * 100);
        asked.reply(who);
    }

    socoro::server* io_;
    ledger* ledger_;
    guests* guests_;
    std::vector<speaker> speakers_;
    std::atomic<int> present_ = 0;
};

}  // namespace test::load
