// SPDX-License-Identifier: BSL-1.0
// What a broadcast costs on a server of several shards, counted.
#include <socoro/broadcast.hpp>
#include <socoro/server.hpp>
#include <socoro/test/memory_link.hpp>

#include "support/counting_executor.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

namespace {

/// Packets as in JSON; counts the events among those that it encodes.
class counting_parser final : public socoro::sio::parser {
public:
    [[nodiscard]] std::vector<socoro::message> encode(
        socoro::sio::header const& h,
        std::string_view json,
        std::vector<std::string>&& attachments) const override {
        events += h.type == socoro::sio::packet_type::event;
        std::vector<socoro::message> out{{false, socoro::sio::encode(h, json)}};
        for (auto& data : attachments)
            out.push_back({true, std::move(data)});
        return out;
    }
    [[nodiscard]] std::unique_ptr<socoro::sio::packet_decoder> make_decoder(
        socoro::limits const& bounds) const override {
        return std::make_unique<decoder>(bounds);
    }

    mutable int events = 0;

private:
    class decoder final : public socoro::sio::packet_decoder {
    public:
        explicit decoder(socoro::limits const& bounds) : packet_decoder(bounds), inner_(bounds) {}
        [[nodiscard]] bool incomplete() const noexcept override { return inner_.incomplete(); }

    private:
        [[nodiscard]] socoro::result<std::optional<socoro::sio::packet>> read(
            socoro::message&& m) override {
            return inner_.feed(std::move(m));
        }
        socoro::sio::decoder inner_;
    };
};

/// A server on several executors that count what they are given, and its clients in memory.
class counted_server {
public:
    explicit counted_server(std::size_t shards) : seen_(shards) {
        for (std::size_t i = 0; i < shards; ++i) {
            executors_.emplace_back(contexts_.emplace_back().get_executor());
            shards_.push_back(
                socoro::net::shard::make<test::counting_executor<>>(executors_.back()));
        }
        socoro::options opts;
        opts.parser = parser_;
        io_ = std::make_unique<socoro::server>(shards_, opts);
        io_->on_connection([](socoro::socket socket) -> asio::awaitable<void> {
            socket.join("room");
            std::ignore = co_await socket.recv();
        });
        run_all();
    }
    ~counted_server() {
        io_->close();
        run_all();
    }

    /// A client on a shard, whose events are written down.
    void connect(std::size_t shard) {
        auto const link = std::make_shared<socoro::test::memory_link>(shards_[shard]);
        auto const note = [this](socoro::eio::packet const& packet) {
            if (packet.data.starts_with("2"))
                heard_ += packet.data + " | ";
        };
        link->connect(note, [] {});
        on(shard, [&] {
            io_->adopt(socoro::transport::any_transport(link), {}, "in memory");
            link->deliver(socoro::eio::packet::from({false, "0"}));
        });
        run_all();
    }

    /// Runs a step of the program on a shard, and what is to be done there then.
    void on(std::size_t shard, std::function<void()> const& step) {
        asio::post(contexts_[shard], step);
        while (run(contexts_[shard])) {
        }
    }
    /// Runs all that can run, wherever.
    void run_all() {
        while (std::count_if(contexts_.begin(), contexts_.end(), run) > 0) {
        }
    }

    [[nodiscard]] socoro::server& io() noexcept { return *io_; }
    /// How many tasks the shards were given since the last call.
    [[nodiscard]] std::vector<std::size_t> take_posts() {
        std::vector<std::size_t> posts;
        for (std::size_t i = 0; i < executors_.size(); ++i) {
            auto const now = executors_[i].count();
            posts.push_back(now - std::exchange(seen_[i], now));
        }
        return posts;
    }
    [[nodiscard]] int take_encodes() { return std::exchange(parser_->events, 0); }
    /// What the clients have got since the last call.
    [[nodiscard]] std::string take_heard() { return std::exchange(heard_, {}); }

private:
    /// Whether there was something to run.
    [[nodiscard]] static bool run(asio::io_context& context) {
        context.restart();
        return context.poll() > 0;
    }

    std::deque<asio::io_context> contexts_;
    std::vector<test::counting_executor<>> executors_;
    std::vector<std::size_t> seen_;
    std::shared_ptr<counting_parser> parser_ = std::make_shared<counting_parser>();
    std::vector<std::shared_ptr<socoro::net::shard>> shards_;
    std::unique_ptr<socoro::server> io_;
    std::string heard_;
};

/// What so many clients get of the same events.
[[nodiscard]] std::string by_each(std::size_t clients, std::string_view events) {
    std::string all;
    for (std::size_t i = 0; i < clients; ++i)
        all += events;
    return all;
}

}  // namespace

TEST_CASE("api/broadcast: it is encoded once, and costs one post for each other shard") {
    for (std::size_t const shards : {1U, 2U, 3U}) {
        CAPTURE(shards);
        counted_server server(shards);
        for (std::size_t i = 0; i < 4 * shards; ++i)
            server.connect(i % shards);
        REQUIRE(server.take_encodes() == 0);

        std::vector<std::size_t> posts;
        server.on(0, [&] {
            std::ignore = server.take_posts();
            server.io().to("room").emit("news", 1);
            posts = server.take_posts();
        });
        // Its own shard gets one as well, to send at the end of the turn what that has emitted.
        CHECK(posts == std::vector<std::size_t>(shards, 1));
        CHECK(server.take_heard() == by_each(4, R"(2["news",1] | )"));

        std::ignore = server.take_posts();
        server.run_all();
        CHECK(server.take_heard() == by_each(4 * (shards - 1), R"(2["news",1] | )"));
        CHECK(server.take_posts().front() == 0);  // nobody reports back
        CHECK(server.take_encodes() == 1);
    }
}

TEST_CASE("api/broadcast: several of one turn cost each other shard one post together") {
    counted_server server(3);
    for (std::size_t i = 0; i < 3; ++i)
        server.connect(i);
    std::vector<std::size_t> posts;
    server.on(1, [&] {
        std::ignore = server.take_posts();
        for (int i = 1; i <= 3; ++i)
            server.io().emit("news", i);
        posts = server.take_posts();
    });
    CHECK(posts == std::vector<std::size_t>{1, 1, 1});
    server.run_all();
    CHECK(server.take_heard() == by_each(3, R"(2["news",1] | 2["news",2] | 2["news",3] | )"));
    CHECK(server.take_encodes() == 3);
}

TEST_CASE("api/broadcast: from a thread that is no shard it costs each shard one post") {
    for (std::size_t const shards : {1U, 3U}) {
        CAPTURE(shards);
        counted_server server(shards);
        for (std::size_t i = 0; i < 2 * shards; ++i)
            server.connect(i % shards);
        std::ignore = server.take_posts();
        server.io().emit("news", 1);
        CHECK(server.take_posts() == std::vector<std::size_t>(shards, 1));
        CHECK(server.take_heard().empty());
        server.run_all();
        CHECK(server.take_heard() == by_each(2 * shards, R"(2["news",1] | )"));
        CHECK(server.take_encodes() == 1);
    }
}

TEST_CASE("api/broadcast: to one room it asks the other shards, which may have nobody there") {
    counted_server server(2);
    server.connect(0);
    server.connect(1);
    std::ignore = server.take_posts();
    server.on(0, [&] { server.io().to("nowhere").emit("news", 1); });
    server.run_all();
    CHECK(server.take_heard().empty());
    CHECK(server.take_posts() == std::vector<std::size_t>{0, 1});
    CHECK(server.take_encodes() == 1);
}
