// SPDX-License-Identifier: BSL-1.0
// A connection in memory: one end is a `net::stream`, the other a stream as well or the test
// itself. Operations can be made to fail, to end the stream, or to take one byte at a time.
#pragma once

#include <socoro/net/signal.hpp>
#include <socoro/net/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace test {

namespace net = socoro::net;

/// What goes wrong, counted over all the streams that share it.
struct faults {
    static constexpr auto never = std::numeric_limits<std::size_t>::max();
    /// The operation that fails, from 0: reads, writes and waits alike.
    std::size_t nth = never;
    /// How: `asio::error::eof` makes the peer vanish in an orderly way.
    std::error_code error = asio::error::connection_reset;
    /// Reads and writes take one byte.
    bool bytewise = false;
    /// How many operations there were.
    std::size_t operations = 0;

    [[nodiscard]] bool hit() { return operations++ == nth; }
};

/// One direction of a connection.
class memory_pipe : public std::enable_shared_from_this<memory_pipe> {
public:
    explicit memory_pipe(std::shared_ptr<net::shard> owner)
        : changed(*owner)
        , shard_(std::move(owner)) {}

    /// Wakes those who wait, later, as an operating system would.
    void touch() {
        shard_->defer([self = shared_from_this()] { self->changed.notify_all(); });
    }
    void end(std::error_code why) {
        if (!ended)
            ended = why;
        touch();
    }

    std::string bytes;
    std::size_t capacity = std::numeric_limits<std::size_t>::max();
    std::optional<std::error_code> ended;  ///< what a reader gets behind the bytes
    net::signal changed;

private:
    std::shared_ptr<net::shard> shard_;
};

class memory_stream final : public net::stream {
public:
    memory_stream(
        std::shared_ptr<memory_pipe> in,
        std::shared_ptr<memory_pipe> out,
        std::shared_ptr<faults> plan)
        : in_(std::move(in))
        , out_(std::move(out))
        , plan_(std::move(plan)) {}
    ~memory_stream() override { close(); }

    [[nodiscard]] asio::awaitable<net::io_result> read_some(asio::mutable_buffer into) override {
        auto const in = in_;
        fail_if_planned();
        while (!broken_ && in->bytes.empty() && !in->ended) {
            auto const ec = co_await in->changed.wait();
            if (ec)
                co_return net::io_result{ec, 0};
        }
        if (broken_)
            co_return net::io_result{broken_, 0};
        if (in->bytes.empty())
            co_return net::io_result{*in->ended, 0};
        auto const count = std::min(plan_->bytewise ? 1 : into.size(), in->bytes.size());
        std::copy_n(in->bytes.data(), count, static_cast<char*>(into.data()));
        in->bytes.erase(0, count);
        in->touch();
        co_return net::io_result{{}, count};
    }

    [[nodiscard]] net::io_result try_write(std::span<asio::const_buffer const> from) override {
        fail_if_planned();
        if (broken_)
            return {broken_, 0};
        if (out_->ended)
            return {asio::error::broken_pipe, 0};
        std::size_t written = 0;
        for (auto const& buffer : from) {
            auto const room = out_->capacity - std::min(out_->capacity, out_->bytes.size());
            auto const most = plan_->bytewise ? std::size_t{1} - std::min(written, std::size_t{1})
                                              : buffer.size();
            auto const count = std::min({room, most, buffer.size()});
            out_->bytes.append(static_cast<char const*>(buffer.data()), count);
            written += count;
        }
        if (written > 0)
            out_->touch();
        return {{}, written};
    }

    [[nodiscard]] asio::awaitable<std::error_code> wait_writable() override {
        auto const out = out_;
        fail_if_planned();
        while (!broken_ && !out->ended && out->bytes.size() >= out->capacity) {
            auto const ec = co_await out->changed.wait();
            if (ec)
                co_return ec;
        }
        co_return broken_;
    }

    void shutdown_send() noexcept override { out_->end(asio::error::eof); }

    /// The pipes stay what they are: only this end of them changes hands.
    [[nodiscard]] net::departure depart() override {
        if (!movable || broken_ || moved_)
            return nullptr;
        auto const moved = std::make_shared<memory_stream>(in_, out_, plan_);
        moved->encrypted = encrypted;
        moved->certificate = certificate;
        moved_ = true;
        return [moved](std::shared_ptr<net::shard> const&) { return moved; };
    }

    void close() noexcept override {
        if (moved_)
            return;
        if (!broken_)
            broken_ = asio::error::operation_aborted;
        out_->end(asio::error::eof);
        in_->end(asio::error::eof);
    }

    [[nodiscard]] std::string remote_address() const override { return "192.0.2.1"; }
    [[nodiscard]] bool is_encrypted() const override { return encrypted; }
    [[nodiscard]] std::shared_ptr<net::certificate const> peer_certificate() const override {
        return certificate;
    }

    /// What it says of itself, and of its peer.
    bool encrypted = false;
    std::shared_ptr<net::certificate const> certificate;
    /// Whether it can go to another shard.
    bool movable = true;

private:
    void fail_if_planned() {
        if (!plan_->hit() || broken_)
            return;
        if (plan_->error == asio::error::eof) {
            in_->bytes.clear();
            in_->end(asio::error::eof);
        } else {
            broken_ = plan_->error;
            in_->end(plan_->error);
            out_->end(plan_->error);
        }
    }

    std::shared_ptr<memory_pipe> in_;
    std::shared_ptr<memory_pipe> out_;
    std::shared_ptr<faults> plan_;
    std::error_code broken_;
    bool moved_ = false;
};

/// The test's end of a connection: everything happens at once, nothing waits.
class memory_peer {
public:
    memory_peer(std::shared_ptr<memory_pipe> in, std::shared_ptr<memory_pipe> out)
        : in_(std::move(in))
        , out_(std::move(out)) {}

    void send(std::string_view bytes) const {
        out_->bytes.append(bytes);
        out_->touch();
    }
    /// All bytes that have arrived.
    [[nodiscard]] std::string take() const {
        in_->touch();
        return std::exchange(in_->bytes, {});
    }
    /// Takes bytes back to the front of what has arrived.
    void put_back(std::string_view bytes) const { in_->bytes.insert(0, bytes); }
    /// Looks at what has arrived and leaves it there.
    [[nodiscard]] std::string const& arrived() const { return in_->bytes; }
    /// How much of what was sent has not been read.
    [[nodiscard]] std::size_t unread() const { return out_->bytes.size(); }
    /// Nothing follows; reading goes on.
    void end() const { out_->end(asio::error::eof); }
    /// The connection is gone at once, with an error if one is given.
    void vanish(std::error_code why = asio::error::eof) const {
        out_->end(why);
        in_->end(why);
    }
    /// Whether the other side has ended the connection, in its direction at least.
    [[nodiscard]] bool ended() const { return in_->ended.has_value(); }
    /// Whether it does not read any more either.
    [[nodiscard]] bool closed() const { return ended() && out_->ended.has_value(); }
    /// How many bytes may be under way to this peer: it reads no more for now.
    void limit(std::size_t bytes) const {
        in_->capacity = bytes;
        in_->touch();
    }

private:
    std::shared_ptr<memory_pipe> in_;
    std::shared_ptr<memory_pipe> out_;
};

/// A stream and the test's end of it.
struct memory_connection {
    explicit memory_connection(
        std::shared_ptr<net::shard> const& owner,
        std::shared_ptr<faults> plan = std::make_shared<faults>())
        : memory_connection(
              std::make_shared<memory_pipe>(owner),
              std::make_shared<memory_pipe>(owner),
              std::move(plan)) {}

    std::shared_ptr<memory_stream> stream;
    memory_peer peer;

private:
    memory_connection(
        std::shared_ptr<memory_pipe> to,
        std::shared_ptr<memory_pipe> from,
        std::shared_ptr<faults> plan)
        : stream(std::make_shared<memory_stream>(to, from, std::move(plan)))
        , peer(from, to) {}
};

/// Two streams, each the other's peer.
struct memory_pair {
    explicit memory_pair(
        std::shared_ptr<net::shard> const& owner,
        std::shared_ptr<faults> plan = std::make_shared<faults>())
        : forth(std::make_shared<memory_pipe>(owner))
        , back(std::make_shared<memory_pipe>(owner))
        , first(std::make_shared<memory_stream>(back, forth, plan))
        , second(std::make_shared<memory_stream>(forth, back, std::make_shared<faults>())) {}

    std::shared_ptr<memory_pipe> forth;
    std::shared_ptr<memory_pipe> back;
    std::shared_ptr<memory_stream> first;
    std::shared_ptr<memory_stream> second;
};

}  // namespace test
