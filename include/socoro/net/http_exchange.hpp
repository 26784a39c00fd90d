// SPDX-License-Identifier: BSL-1.0
// One request and its answer, as whoever answers it sees them, wherever the connection is: here
// (http_connection), or on another shard (forwarded_exchange).
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/http/message.hpp>
#include <socoro/net/asio.hpp>
#include <socoro/net/stream.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <system_error>

namespace socoro::net {

/// A request whose head has been read. One coroutine at a time uses it. Not thread-safe; it lives
/// on the executor of the shard that answers.
class http_exchange {
public:
    http_exchange() = default;
    http_exchange(http_exchange const&) = delete;
    http_exchange& operator=(http_exchange const&) = delete;
    virtual ~http_exchange() = default;

    /// The head of the request.
    [[nodiscard]] virtual http::request const& head() const = 0;

    /// Waits for the rest of the request and gives its body, of at most `limit` bytes.
    /// Fails with `errc::http_body_too_large` as soon as the body cannot fit, with another
    /// error of the room `http` when it is malformed, or with `errc::http_truncated`.
    [[nodiscard]] virtual asio::awaitable<result<std::string>> read_body(std::size_t limit) = 0;

    /// Sends the answer to the request. The connection ends after it if the request asked for
    /// that, or if its body was not read. Throws `std::invalid_argument` for what cannot be written.
    [[nodiscard]] virtual asio::awaitable<std::error_code> respond(
        http::response const& answer) = 0;

    /// Calls `on_gone` if the connection ends before the answer is sent, by the peer or by
    /// `close`, though not from within `close`; never once the exchange is destroyed. Does
    /// nothing while bytes of a next request wait: then the end shows when the answer is sent.
    virtual void watch(std::function<void()> on_gone) = 0;

    /// Whether the request can still be answered, and another may follow.
    [[nodiscard]] virtual bool is_open() const noexcept = 0;

    /// Ends the connection now; what is awaited on it ends with an error.
    virtual void close() noexcept = 0;

    /// The peer's address without port, as text.
    [[nodiscard]] virtual std::string const& remote_address() const noexcept = 0;

    /// The stream, to ask it about the peer; null once it was given away, and if it is on another
    /// shard.
    [[nodiscard]] virtual stream const* over() const noexcept = 0;

    /// Gives the stream away, to speak another protocol; `rest` receives what was read behind
    /// the head. Not once `watch` was called for this request. Null if it is on another shard:
    /// connections whose requests ask for another protocol are moved, not forwarded.
    [[nodiscard]] virtual std::shared_ptr<stream> release(std::string& rest) = 0;
};

}  // namespace socoro::net
