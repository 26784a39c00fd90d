// SPDX-License-Identifier: BSL-1.0
// A client's options as the end-to-end tests write them down: JSON, under the reference's names.
#pragma once

#include <socoro/client_options.hpp>

#include "parser_option.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace caller {

namespace json = boost::json;

/// Shown as `{"count": 1}` at the first connect, then `{"count": 2}`; each time only after a moment.
class counter {
public:
    [[nodiscard]] asio::awaitable<json::value> operator()() const {
        auto const count = count_;
        auto const here = co_await asio::this_coro::executor;
        co_await asio::post(here, asio::use_awaitable);
        json::value shown = json::object{{"count", ++*count}};
        co_return shown;
    }

private:
    std::shared_ptr<int> count_ = std::make_shared<int>(0);
};

/// An object is shown as it is; "counter" and "broken" are coroutines.
[[nodiscard]] inline socoro::credentials to_credentials(json::value const& given) {
    if (given == "counter")
        return counter();
    if (given == "broken")
        return []() -> asio::awaitable<json::value> {
            throw std::runtime_error("no token today");
            co_return nullptr;
        };
    return given;
}

inline void read(json::value const& from, bool& into) {
    into = from.as_bool();
}
inline void read(json::value const& from, double& into) {
    into = from.to_number<double>();
}
inline void read(json::value const& from, std::size_t& into) {
    into = from.to_number<std::size_t>();
}
inline void read(json::value const& from, std::string& into) {
    into = from.as_string();
}
inline void read(json::value const& from, std::chrono::milliseconds& into) {
    into = std::chrono::milliseconds(from.to_number<std::int64_t>());
}
inline void read(json::value const& from, std::vector<std::string>& into) {
    into = json::value_to<std::vector<std::string>>(from);
}
inline void read(json::value const& from, std::vector<socoro::http::name_value>& into) {
    for (auto const& [name, value] : from.as_object())
        into.push_back({name, std::string(value.as_string())});
}
inline void read(json::value const& from, socoro::http::fields& into) {
    for (auto const& [name, value] : from.as_object())
        into.add(name, std::string(value.as_string()));
}
inline void read(json::value const& from, socoro::credentials& into) {
    into = to_credentials(from);
}
inline void read(json::value const& from, std::shared_ptr<socoro::sio::parser const>& into) {
    into = parser_of(from.as_string());
}
template <typename T>
void read(json::value const& from, std::optional<T>& into) {
    read(from, into.emplace());
}

/// Throws for a name that it does not know: a test that means another option tests nothing.
[[nodiscard]] inline socoro::client_options to_options(json::object const& given) {
    socoro::client_options options;
    std::size_t known = 0;
    auto const option = [&](std::string_view name, auto& into) {
        auto const* const value = given.if_contains(name);
        if (!value)
            return;
        read(*value, into);
        ++known;
    };
    option("path", options.path);
    option("addTrailingSlash", options.add_trailing_slash);
    option("transports", options.transports);
    option("tryAllTransports", options.try_all_transports);
    option("upgrade", options.upgrade);
    option("rememberUpgrade", options.remember_upgrade);
    option("timeout", options.timeout);
    option("upgradeTimeout", options.upgrade_timeout);
    option("query", options.query);
    option("extraHeaders", options.extra_headers);
    option("withCredentials", options.with_credentials);
    option("reconnection", options.reconnection);
    option("reconnectionAttempts", options.reconnection_attempts);
    option("reconnectionDelay", options.backoff.delay);
    option("reconnectionDelayMax", options.backoff.delay_max);
    option("randomizationFactor", options.backoff.randomization_factor);
    option("auth", options.auth);
    option("retries", options.retries);
    option("ackTimeout", options.ack_timeout);
    option("parser", options.parser);
    if (known != given.size())
        throw std::invalid_argument("an unknown option among " + json::serialize(given));
    return options;
}

}  // namespace caller
