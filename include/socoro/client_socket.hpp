// SPDX-License-Identifier: BSL-1.0
// A socket of a client: the same verbs as the server's, and what it tells about its connection.
#pragma once

#include <socoro/channel.hpp>
#include <socoro/client_core.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro {

/// One namespace of a client: a handle, cheap to copy. With reconnection, which is the default, it
/// stays through the loss of a connection: `recv` and `serve` wait on, events and requests that are
/// sent meanwhile are kept up to `offline_bytes` and leave once it is connected again, and only a
/// `call` that waits for its reply ends at once. It ends, and with it all that waits, when the
/// server or the program has disconnected it, when the server refuses it, when the attempts to
/// connect are exhausted, or when the client is closed. `on_connect`, `on_disconnect`,
/// `connect_error` and `reconnect_attempt` can be received like events.
///
/// Any thread may copy it, use what it gives to send (`emit`, `send`, `volatile_`, `compress`) and `disconnect`;
/// everything else is used on the client's executor.
template <typename Executor, typename Contract>
class basic_client_socket : public channel<detail::client_socket_core, Executor, Contract> {
    using base = channel<detail::client_socket_core, Executor, Contract>;
    using base::core_;

public:
    using typename base::duration;

    /// Of nobody, to be assigned to: Asio makes one where a coroutine that is spawned fails.
    basic_client_socket() : base(nullptr) {}
    explicit basic_client_socket(std::shared_ptr<detail::client_socket_core> core)
        : base(std::move(core)) {}

    /// The same socket under another contract, that of the server mirrored:
    /// `chat::client_socket typed = co_await client.connect();`
    /// Or for `asio::any_io_executor`, where functions take a `socoro::client_socket` to send.
    template <typename From, typename Other>
    requires(detail::becomes<From, Other, Executor, Contract>)
        basic_client_socket(  // NOLINT(google-explicit-constructor)
            basic_client_socket<From, Other> const& other)
        : base(other.core_) {
        base::timeout_ = other.timeout_;
        base::is_volatile_ = other.is_volatile_;
        base::compress_ = other.compress_;
    }

    /// The identifier that the server has given it, 20 characters from servers of ours and of the
    /// reference; empty before the first connection, and that of the last one in between.
    [[nodiscard]] std::string const& id() const noexcept { return base::id(); }

    /// Why it is not connected, which may not last; empty while it is connected.
    [[nodiscard]] std::error_code reason() const noexcept {
        auto const why = base::connected() ? std::nullopt : core_->last_reason();
        return why ? make_error_code(*why) : std::error_code();
    }

    /// Whether it is connected or going to be; not once it has ended.
    [[nodiscard]] bool active() const noexcept { return !core_->reason(); }

    /// Whether the server has restored the session that there was before: see `on_connect`.
    [[nodiscard]] bool recovered() const noexcept { return core_->recovered(); }

    /// The name of the transport, `polling` or `websocket`, as it is now; empty without one.
    [[nodiscard]] std::string_view transport() const {
        auto const client = core_->client();
        return client && client->session() ? client->session()->transport_name() : "";
    }

    /// A handle of the same socket whose `call` gives up after this time.
    [[nodiscard]] basic_client_socket timeout(duration within) const {
        auto limited = *this;
        limited.timeout_ = within;
        return limited;
    }

    /// A handle of the same socket whose events are dropped unless they can leave at once.
    [[nodiscard]] basic_client_socket volatile_() const {
        auto careless = *this;
        careless.is_volatile_ = true;
        return careless;
    }

    /// A handle of the same socket whose events are compressed or not, where the connection can do
    /// that.
    [[nodiscard]] basic_client_socket compress(bool wanted) const {
        auto as_wanted = *this;
        as_wanted.compress_ = wanted;
        return as_wanted;
    }

    /// Leaves the namespace, for good, with the reason `io client disconnect`. What was sent before
    /// is still delivered; the connection ends with the last socket. Safe from any thread, in the
    /// order of each thread's calls. On the client's executor, those who wait for the socket are
    /// resumed before this returns.
    void disconnect() const {
        core_->owner().execute([core = core_] { core->disconnect(false); });
    }

private:
    template <typename, typename>
    friend class basic_client_socket;
};

}  // namespace socoro
