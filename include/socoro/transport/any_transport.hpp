// SPDX-License-Identifier: BSL-1.0
// One type for every transport, so that a session is no template and can change its transport.
#pragma once

#include <socoro/transport/transport.hpp>

#include <memory>
#include <utility>

namespace socoro::transport {

/// A transport that often need not wait to send. `sends_at_once()` says whether it is so now; then
/// `send_now(packets)` may be called in place of `send`: it takes all packets, however many, and
/// afterwards `is_writable()` says whether all have left.
template <typename T>
concept sending_at_once = requires(T t, std::span<packet_ptr const> packets) {
    { t.sends_at_once() } -> std::convertible_to<bool>;
    { t.send_now(packets) } -> std::convertible_to<std::error_code>;
};

/// Holds any `packet_transport`, shared. Its calls go straight through.
class any_transport {
public:
    any_transport() = default;

    /// Shares `held`.
    template <packet_transport T>
    explicit any_transport(std::shared_ptr<T> held)
        : held_(std::make_shared<model<T>>(std::move(held))) {}

    [[nodiscard]] asio::awaitable<result<eio::packet>> recv() { return held_->recv(); }
    [[nodiscard]] std::error_code failure() const { return held_->failure(); }
    [[nodiscard]] bool has_buffered() const { return held_->has_buffered(); }
    [[nodiscard]] bool is_writable() const { return held_->is_writable(); }
    [[nodiscard]] asio::awaitable<bool> writable() { return held_->writable(); }
    [[nodiscard]] std::size_t batch_limit() const { return held_->batch_limit(); }
    [[nodiscard]] asio::awaitable<std::error_code> send(std::span<packet_ptr const> packets) {
        return held_->send(packets);
    }
    [[nodiscard]] bool sends_at_once() const { return held_ && held_->sends_at_once(); }
    [[nodiscard]] std::error_code send_now(std::span<packet_ptr const> packets) {
        return held_->send_now(packets);
    }
    [[nodiscard]] bool close(ending how) { return held_->close(how); }
    [[nodiscard]] std::string_view name() const { return held_->name(); }

    /// The transport itself if it is a `T`, else null.
    template <packet_transport T>
    [[nodiscard]] std::shared_ptr<T> target() const {
        auto const m = std::dynamic_pointer_cast<model<T>>(held_);
        return m ? m->held : nullptr;
    }

    [[nodiscard]] explicit operator bool() const noexcept { return held_ != nullptr; }

    /// Whether both share the same transport.
    [[nodiscard]] friend bool operator==(any_transport const& a, any_transport const& b) {
        return a.address() == b.address();
    }

private:
    struct interface {
        virtual ~interface() = default;
        virtual asio::awaitable<result<eio::packet>> recv() = 0;
        virtual std::error_code failure() const = 0;
        virtual bool has_buffered() const = 0;
        virtual bool is_writable() const = 0;
        virtual asio::awaitable<bool> writable() = 0;
        virtual std::size_t batch_limit() const = 0;
        virtual asio::awaitable<std::error_code> send(std::span<packet_ptr const> packets) = 0;
        virtual bool sends_at_once() const = 0;
        virtual std::error_code send_now(std::span<packet_ptr const> packets) = 0;
        virtual bool close(ending how) = 0;
        virtual std::string_view name() const = 0;
        virtual void const* address() const = 0;
    };

    template <typename T>
    struct model final : interface {
        explicit model(std::shared_ptr<T> t) : held(std::move(t)) {}
        asio::awaitable<result<eio::packet>> recv() override { return held->recv(); }
        std::error_code failure() const override { return held->failure(); }
        bool has_buffered() const override { return held->has_buffered(); }
        bool is_writable() const override { return held->is_writable(); }
        asio::awaitable<bool> writable() override { return held->writable(); }
        std::size_t batch_limit() const override { return held->batch_limit(); }
        asio::awaitable<std::error_code> send(std::span<packet_ptr const> packets) override {
            return held->send(packets);
        }
        bool sends_at_once() const override {
            if constexpr (sending_at_once<T>)
                return held->sends_at_once();
            return false;
        }
        std::error_code send_now(std::span<packet_ptr const> packets) override {
            if constexpr (sending_at_once<T>)
                return held->send_now(packets);
            return asio::error::make_error_code(asio::error::operation_not_supported);
        }
        bool close(ending how) override { return held->close(how); }
        std::string_view name() const override { return held->name(); }
        void const* address() const override { return held.get(); }

        std::shared_ptr<T> held;
    };

    [[nodiscard]] void const* address() const { return held_ ? held_->address() : nullptr; }

    std::shared_ptr<interface> held_;
};

/// Receives and forgets until the transport ends, so that its closing handshake takes place.
[[nodiscard]] inline asio::awaitable<void> linger(any_transport closed) {
    for (;;) {
        auto const received = co_await closed.recv();
        if (!received)
            co_return;
    }
}

}  // namespace socoro::transport
