// SPDX-License-Identifier: BSL-1.0
// A session as its handler sees it: messages in, messages out, by coroutine.
#pragma once

#include <socoro/engine/session_core.hpp>

#include <cstddef>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::engine {

namespace detail {

/// Keeps what a session received until its handler asks for it.
class inbox final : public sink {
public:
    /// Beyond this many bytes the session stops reading until the handler has caught up.
    static constexpr std::size_t most_bytes = 1'000'000;

    explicit inbox(net::shard& owner) : changed(owner) {}

    void on_message(message&& received) override {
        bytes += received.data.size() + sizeof(message);
        messages.push_back(std::move(received));
        changed.notify_all();
    }
    [[nodiscard]] bool wants_more() const override { return bytes < most_bytes; }
    void on_close(errc why) override {
        reason = why;
        changed.notify_all();
    }

    std::deque<message> messages;
    std::size_t bytes = 0;
    std::optional<errc> reason;
    net::signal changed;
};

}  // namespace detail

/// One client of an Engine.IO server: a handle, cheap to copy, that stays valid after the end.
/// Not thread-safe; it is used on the server's executor.
class session {
public:
    session(std::shared_ptr<session_core> core, std::shared_ptr<detail::inbox> inbox)
        : core_(std::move(core))
        , inbox_(std::move(inbox)) {}

    /// Waits for the next message. What came before the end is still received; then it throws
    /// `std::system_error` with the reason, which equals `socoro::closed`. One call at a time.
    [[nodiscard]] asio::awaitable<message> recv() const { return recv(core_, inbox_); }

    /// Sends text. Never waits: what cannot leave at once is queued, up to the outbox limit, or
    /// dropped if `how` and the option `when_outbox_full` say so.
    sent send(std::string text, delivery how = {}) const {
        return send(message{false, std::move(text)}, how);
    }

    /// Sends a message, text or binary. Without a topic it is indispensable.
    sent send(message content, delivery how = {}) const {
        packet_ptr const packet =
            std::make_shared<eio::packet const>(eio::packet::from(std::move(content)));
        return core_->send(std::span(&packet, 1), how);
    }

    /// Waits until everything sent has left, or the session has ended.
    [[nodiscard]] asio::awaitable<void> drain() const { return core_->drain(); }

    /// How many messages the client missed: volatile ones, and those that the option
    /// `when_outbox_full` dropped.
    [[nodiscard]] std::size_t dropped() const noexcept { return core_->dropped(); }

    /// Ends the session after what was sent; its reason will be `forced close`.
    void close() const { core_->close(); }

    /// The session's identifier.
    [[nodiscard]] std::string const& id() const noexcept { return core_->sid(); }
    /// The request that opened the session.
    [[nodiscard]] http::request const& request() const noexcept { return core_->request(); }
    /// The client's address, without port.
    [[nodiscard]] std::string const& address() const noexcept { return core_->address(); }
    /// `polling` or `websocket`, as it is now.
    [[nodiscard]] std::string_view transport() const { return core_->transport_name(); }
    [[nodiscard]] bool is_open() const noexcept { return core_->is_open(); }

private:
    [[nodiscard]] static asio::awaitable<message> recv(
        std::shared_ptr<session_core> core,
        std::shared_ptr<detail::inbox> inbox);

    std::shared_ptr<session_core> core_;
    std::shared_ptr<detail::inbox> inbox_;
};

inline asio::awaitable<message> session::recv(
    std::shared_ptr<session_core> core,
    std::shared_ptr<detail::inbox> inbox) {
    while (inbox->messages.empty()) {
        if (inbox->reason)
            throw std::system_error(*inbox->reason);
        if (auto const ec = co_await inbox->changed.wait())
            throw std::system_error(ec);
    }
    message first = std::move(inbox->messages.front());
    inbox->messages.pop_front();
    inbox->bytes -= first.data.size() + sizeof(message);
    core->resume();
    co_return first;
}

}  // namespace socoro::engine
