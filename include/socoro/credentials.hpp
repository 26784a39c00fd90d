// SPDX-License-Identifier: BSL-1.0
// What a client shows the server when it connects to a namespace: the `auth` of the handshake.
#pragma once

#include <socoro/net/asio.hpp>

#include <boost/json.hpp>

#include <functional>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>

namespace socoro {

/// A JSON object, or a coroutine that gives one. It runs at each connect, so that a token may be
/// renewed; an exception out of it ends the socket, as if the server had refused it.
class credentials {
public:
    /// Gives the object, each time; `null` for none.
    using source = std::function<asio::awaitable<boost::json::value>()>;

    /// None.
    credentials() = default;
    credentials(boost::json::value shown)  // NOLINT(google-explicit-constructor)
        : value_(std::move(shown)) {}
    credentials(boost::json::object shown)  // NOLINT(google-explicit-constructor)
        : value_(std::move(shown)) {}
    /// `{{"token", "abc"}}`
    credentials(std::initializer_list<boost::json::value_ref> shown) : value_(shown) {}
    /// The function is kept as long as the socket; it may be a lambda that captures.
    template <typename Function>
    requires std::is_invocable_r_v<asio::awaitable<boost::json::value>, Function&> credentials(
        Function ask)  // NOLINT(google-explicit-constructor)
        : source_(std::move(ask)) {}

    /// Whether they have to be asked for; else `value` has them.
    [[nodiscard]] bool is_asked_for() const noexcept { return source_ != nullptr; }
    [[nodiscard]] source const& ask() const noexcept { return source_; }
    [[nodiscard]] boost::json::value const& value() const noexcept { return value_; }

private:
    boost::json::value value_;
    source source_;
};

}  // namespace socoro
