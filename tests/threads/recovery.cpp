// SPDX-License-Identifier: BSL-1.0
// Clients come back to other shards while all shards, each in a thread of its own, and a thread that
// is none of them send to everybody, and rooms come and go. Built with ThreadSanitizer as well.
#include <socoro/server.hpp>
#include <socoro/test/memory_link.hpp>

#include <boost/json.hpp>

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

namespace eio = socoro::eio;
namespace net = socoro::net;
namespace json = boost::json;

constexpr std::size_t shard_count = 3;
constexpr std::size_t returns = 60;

using never = socoro::event<"never">;
/// Who sent it, and its number among what that one sent.
using tick = socoro::event<"tick", std::string, int>;

/// A server with a thread for each of its shards.
class running_server {
public:
    explicit running_server(socoro::options opts) {
        std::vector<std::shared_ptr<net::shard>> owners;
        for (std::size_t i = 0; i < shard_count; ++i) {
            auto& context = contexts_.emplace_back(1);
            work_.push_back(asio::make_work_guard(context));
            owners.push_back(net::shard::make(context.get_executor()));
        }
        shards = owners;
        io = std::make_unique<socoro::server>(std::move(owners), std::move(opts));
    }
    void start() {
        for (auto& context : contexts_)
            threads_.emplace_back([&context] { context.run(); });
    }
    /// Waits until nothing runs any more.
    void finish() {
        io->close();
        work_.clear();
        for (auto& thread : threads_)
            thread.join();
    }
    void on(std::size_t shard, std::function<void()> task) {
        asio::post(contexts_[shard], std::move(task));
    }

    std::vector<std::shared_ptr<net::shard>> shards;
    std::unique_ptr<socoro::server> io;

private:
    std::deque<asio::io_context> contexts_;
    std::vector<asio::executor_work_guard<asio::io_context::executor_type>> work_;
    std::vector<std::thread> threads_;
};

/// A client that goes from shard to shard, and checks what it gets there.
class roamer : public std::enable_shared_from_this<roamer> {
public:
    explicit roamer(running_server& in) : server_(&in) {}

    /// Connects to a shard, and waits until it is connected and has got what it missed.
    void visit(std::size_t shard) {
        std::unique_lock lock(mutex_);
        auto const turn = ++turn_;
        is_in_ = false;
        json::object auth;
        if (!pid_.empty())
            auth = {{"pid", pid_}, {"offset", offset_}};
        auto const claim = "0" + json::serialize(auth);
        server_->on(shard, [self = shared_from_this(), shard, turn, claim] {
            self->open(shard, turn, claim);
        });
        changed_.wait(lock, [&] { return is_in_ || failed_; });
    }

    /// Waits for the first event of all: without an offset nobody comes back.
    void await_event() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return !offset_.empty(); });
    }

    /// The connection is lost: what is on its way does not arrive any more.
    void vanish(std::size_t shard) {
        std::lock_guard const lock(mutex_);
        ++turn_;
        server_->on(shard, [link = std::exchange(link_, nullptr)] { link->end(); });
    }

    [[nodiscard]] std::string failure() {
        std::lock_guard const lock(mutex_);
        return failed_ ? why_ : "";
    }

    int recovered = 0;

private:
    void open(std::size_t shard, int turn, std::string const& claim) {
        auto const link = std::make_shared<socoro::test::memory_link>(server_->shards[shard]);
        link->connect(
            [weak = weak_from_this(), turn](eio::packet const& packet) {
                auto const self = weak.lock();
                if (self && packet.type == eio::packet_type::message)
                    self->on_message(turn, packet.data);
            },
            [] {});
        {
            std::lock_guard const lock(mutex_);
            link_ = link;
        }
        server_->io->adopt(socoro::transport::any_transport(link), {}, "in memory");
        link->deliver(eio::packet::of(eio::packet_type::message, claim));
    }

    void on_message(int turn, std::string const& text) {
        std::lock_guard const lock(mutex_);
        if (turn != turn_)
            return;
        auto const data = json::parse(text.substr(1));
        if (text.front() == '0')
            on_connect(data);
        else
            on_event(data.as_array());
        changed_.notify_all();
    }

    void on_connect(json::value const& answer) {
        std::string const pid(answer.at("pid").as_string());
        if (!pid_.empty() && pid_ != pid)
            fail("it started anew");
        recovered += pid_ == pid;
        pid_ = pid;
        is_in_ = true;
    }

    void on_event(json::array const& event) {
        std::string const sender(event[1].as_string());
        auto const number = static_cast<int>(event[2].as_int64());
        auto const next = next_.find(sender);
        if (next != next_.end() && next->second != number)
            fail(
                sender + " " + std::to_string(number) + " came in place of " +
                std::to_string(next->second));
        next_[sender] = number + 1;
        offset_ = std::string(event.back().as_string());
    }

    void fail(std::string why) {
        if (!std::exchange(failed_, true))
            why_ = std::move(why);
    }

    running_server* server_;
    std::mutex mutex_;
    std::condition_variable changed_;
    int turn_ = 0;
    bool is_in_ = false;
    bool failed_ = false;
    std::string why_, pid_, offset_;
    std::map<std::string, int> next_;
    std::shared_ptr<socoro::test::memory_link> link_;
};

/// Sends from a shard, or from a thread of its own, never far ahead of the clients.
class sender : public std::enable_shared_from_this<sender> {
public:
    sender(
        running_server& in,
        std::string name,
        std::atomic<int> const& visits,
        std::atomic<bool> const& stop)
        : server_(&in)
        , nsp_(in.io->of("/"))
        , name_(std::move(name))
        , visits_(&visits)
        , stop_(&stop) {}

    void run_on(std::size_t shard) {
        send();
        if (!*stop_)
            server_->on(shard, [self = shared_from_this(), shard] { self->run_on(shard); });
    }
    void run() {
        while (!*stop_) {
            send();
            std::this_thread::yield();
        }
    }

private:
    void send() {
        if (sent_ < *visits_ * 10 + 10)
            nsp_.emit<tick>(name_, sent_++);
    }

    running_server* server_;
    socoro::nsp nsp_;
    std::string name_;
    std::atomic<int> const* visits_;
    std::atomic<bool> const* stop_;
    int sent_ = 0;
};

}  // namespace

TEST_CASE("threads/recovery: clients roam over the shards, and get all once and in order") {
    socoro::options opts;
    opts.connection_state_recovery.enabled = true;
    // The calls of the hook do not overlap.
    std::map<std::string, int> rooms;
    bool alternates = true;
    opts.hooks.room = [&](socoro::room_event const& e) {
        std::string const room(e.room);
        if (e.change == socoro::room_change::created)
            alternates = alternates && rooms.emplace(room, 0).second;
        else if (e.change == socoro::room_change::deleted)
            alternates = alternates && rooms.at(room) == 0 && rooms.erase(room) == 1;
        else
            rooms.at(room) += e.change == socoro::room_change::joined ? 1 : -1;
    };
    running_server server(opts);
    server.io->on_connection([](socoro::socket socket) -> asio::awaitable<void> {
        socket.join("everybody");
        std::ignore = co_await socket.recv<never>();
    });
    server.start();

    std::vector<std::shared_ptr<roamer>> roamers;
    for (std::size_t i = 0; i < 3; ++i) {
        roamers.push_back(std::make_shared<roamer>(server));
        roamers.back()->visit(i);
    }
    std::atomic<int> visits = 0;
    std::atomic<bool> stop = false;
    for (std::size_t i = 0; i < shard_count; ++i) {
        auto const name = "shard " + std::to_string(i);
        auto const by = std::make_shared<sender>(server, name, visits, stop);
        server.on(i, [by, i] { by->run_on(i); });
    }
    sender outside(server, "outside", visits, stop);
    std::thread sending([&] { outside.run(); });

    std::vector<std::thread> roaming;
    for (std::size_t i = 0; i < 3; ++i)
        roaming.emplace_back([self = roamers[i], &visits, i] {
            self->await_event();
            for (std::size_t turn = 0; turn < returns && self->failure().empty(); ++turn) {
                self->vanish((i + turn) % shard_count);
                self->visit((i + turn + 1) % shard_count);
                ++visits;
            }
        });
    for (auto& each : roaming)
        each.join();
    stop = true;
    sending.join();
    server.finish();
    for (auto const& each : roamers) {
        CHECK(each->failure() == "");
        CHECK(each->recovered == static_cast<int>(returns));
    }
    CHECK(alternates);
    CHECK(rooms.empty());
}
