// SPDX-License-Identifier: BSL-1.0
// A request that the program may look at before the server answers it.
#pragma once

#include <socoro/http/message.hpp>
#include <socoro/net/asio.hpp>

#include <functional>
#include <optional>
#include <string_view>

namespace socoro::engine {

/// A request under the path of a server, as `allow_request` and the steps of `use_requests` see it.
/// Its body has not been read. It lasts as long as the step runs.
struct pending_request {
    http::request const& request;
    std::string_view address;  ///< of the client, without port: see the option `trusted_proxies`
    /// The fields that the answer will have beside its own, those of CORS among them. As in the
    /// reference, a WebSocket that is refused does not get them.
    http::fields headers;
    /// What a step sets here is the answer: nobody else sees the request. A request for a
    /// WebSocket can be answered, too; then the connection ends.
    std::optional<http::response> answer;
};

/// Looks at a request: it may wait, add fields, answer it, or throw to have it refused. The client
/// may be gone, or the server closed, when it goes on after a wait; then nothing comes of it.
using request_step = std::function<asio::awaitable<void>(pending_request&)>;

}  // namespace socoro::engine
