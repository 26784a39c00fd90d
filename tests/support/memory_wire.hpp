// SPDX-License-Identifier: BSL-1.0
// A connection in memory between two shards: what is written on one arrives on the other, some time
// later and in pieces of any size.
#pragma once

#include <socoro/net/signal.hpp>
#include <socoro/net/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace test {

namespace net = socoro::net;

/// One direction of a wire.
class wire_half : public std::enable_shared_from_this<wire_half> {
public:
    /// One end: who waits there, and on which shard.
    class end {
    public:
        explicit end(std::shared_ptr<net::shard> on) { move_to(std::move(on)); }

        /// Nobody may wait meanwhile.
        void move_to(std::shared_ptr<net::shard> to) {
            changed_ = std::make_unique<net::signal>(*to);
            shard_ = std::move(to);
        }
        [[nodiscard]] asio::awaitable<std::error_code> wait() { return changed_->wait(); }
        void wake(std::shared_ptr<wire_half> const& kept) {
            auto const ex = shard_->get_executor();
            if (ex)
                asio::post(ex, [kept, this] { changed_->notify_all(); });
        }

    private:
        std::shared_ptr<net::shard> shard_;
        std::unique_ptr<net::signal> changed_;
    };

    wire_half(std::shared_ptr<net::shard> from, std::shared_ptr<net::shard> to, std::uint64_t seed)
        : writer(std::move(from))
        , reader(std::move(to))
        , random_(seed) {}

    /// Everything, or sometimes less.
    [[nodiscard]] std::size_t some(std::size_t of) {
        return of > 1 && random_() % 4 == 0 ? 1 + random_() % of : of;
    }
    void wake_both() {
        writer.wake(shared_from_this());
        reader.wake(shared_from_this());
    }
    void finish(std::error_code why) {
        if (!ended)
            ended = why;
        wake_both();
    }

    static constexpr std::size_t capacity = 2000;
    std::string bytes;
    std::optional<std::error_code> ended;  ///< what the reader gets behind the bytes
    end writer;
    end reader;

private:
    std::mt19937_64 random_;
};

/// One end of a wire.
class wire_stream final : public net::stream {
public:
    wire_stream(std::shared_ptr<wire_half> in, std::shared_ptr<wire_half> out)
        : in_(std::move(in))
        , out_(std::move(out)) {}
    ~wire_stream() override { close(); }

    [[nodiscard]] asio::awaitable<net::io_result> read_some(asio::mutable_buffer into) override {
        auto const in = in_;
        while (!closed_ && in->bytes.empty() && !in->ended) {
            auto const ec = co_await in->reader.wait();
            if (ec)
                co_return net::io_result{ec, 0};
        }
        if (closed_)
            co_return net::io_result{asio::error::operation_aborted, 0};
        if (in->bytes.empty())
            co_return net::io_result{*in->ended, 0};
        auto const count = in->some(std::min(into.size(), in->bytes.size()));
        std::copy_n(in->bytes.data(), count, static_cast<char*>(into.data()));
        in->bytes.erase(0, count);
        in->writer.wake(in);
        co_return net::io_result{{}, count};
    }

    [[nodiscard]] net::io_result try_write(std::span<asio::const_buffer const> from) override {
        if (closed_ || out_->ended)
            return {asio::error::broken_pipe, 0};
        std::size_t written = 0;
        for (auto const& buffer : from) {
            auto const room = wire_half::capacity - out_->bytes.size();
            auto const count = out_->some(std::min(room, buffer.size()));
            out_->bytes.append(static_cast<char const*>(buffer.data()), count);
            written += count;
            if (count < buffer.size())
                break;
        }
        if (written > 0)
            out_->reader.wake(out_);
        return {{}, written};
    }

    [[nodiscard]] asio::awaitable<std::error_code> wait_writable() override {
        auto const out = out_;
        while (!closed_ && !out->ended && out->bytes.size() >= wire_half::capacity) {
            auto const ec = co_await out->writer.wait();
            if (ec)
                co_return ec;
        }
        co_return closed_ ? asio::error::make_error_code(asio::error::operation_aborted)
                          : std::error_code();
    }

    void shutdown_send() noexcept override {
        if (!closed_)
            out_->finish(asio::error::eof);
    }
    void close() noexcept override {
        if (std::exchange(closed_, true))
            return;
        out_->finish(asio::error::eof);
        in_->finish(asio::error::eof);
    }
    [[nodiscard]] net::departure depart() override {
        if (closed_)
            return nullptr;
        auto const travelling = std::make_shared<wire_stream>(std::move(in_), std::move(out_));
        closed_ = true;
        return [travelling](std::shared_ptr<net::shard> const& on) {
            travelling->in_->reader.move_to(on);
            travelling->out_->writer.move_to(on);
            ++journeys;
            return travelling;
        };
    }
    [[nodiscard]] std::string remote_address() const override { return "192.0.2.1"; }

    /// How many have gone on on another shard.
    static inline std::size_t journeys = 0;

private:
    std::shared_ptr<wire_half> in_;
    std::shared_ptr<wire_half> out_;
    bool closed_ = false;
};

/// A connection between two shards.
struct memory_wire {
    memory_wire(
        std::shared_ptr<net::shard> const& client,
        std::shared_ptr<net::shard> const& server,
        std::uint64_t seed)
        : up(std::make_shared<wire_half>(client, server, seed))
        , down(std::make_shared<wire_half>(server, client, seed + 1))
        , first(std::make_shared<wire_stream>(down, up))
        , second(std::make_shared<wire_stream>(up, down)) {}

    std::shared_ptr<wire_half> up;
    std::shared_ptr<wire_half> down;
    std::shared_ptr<wire_stream> first;   ///< the client's end
    std::shared_ptr<wire_stream> second;  ///< the server's
};

}  // namespace test
