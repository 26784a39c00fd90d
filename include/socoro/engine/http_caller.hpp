// SPDX-License-Identifier: BSL-1.0
// How an Engine.IO client writes its requests: URL, query, header fields and cookies.
#pragma once

#include <socoro/base/base64.hpp>
#include <socoro/base/random.hpp>
#include <socoro/engine/client_options.hpp>
#include <socoro/http/cookie_jar.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/percent.hpp>
#include <socoro/http/serializer.hpp>
#include <socoro/http/url.hpp>
#include <socoro/net/shard.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::engine {

/// Writes the requests of one client. Not thread-safe; it lives on the executor of its shard.
class http_caller {
public:
    /// Throws `std::invalid_argument` for a path, a query or header fields that cannot be in a
    /// request.
    http_caller(
        std::shared_ptr<net::shard> owner,
        http::url server,
        std::shared_ptr<client_options const> opts);

    /// A request without a body, of a session that is open unless there is no `sid`.
    [[nodiscard]] http::request
    request(std::string method, std::string_view transport, std::string_view sid) const;

    /// Keeps the cookies that an answer sets.
    void learn(http::response const& answer);

    [[nodiscard]] http::url const& server() const noexcept { return server_; }

private:
    [[nodiscard]] std::string target(std::string_view transport, std::string_view sid) const;

    std::shared_ptr<net::shard> shard_;
    http::url server_;
    std::shared_ptr<client_options const> options_;
    http::cookie_jar cookies_;
};

inline http_caller::http_caller(
    std::shared_ptr<net::shard> owner,
    http::url server,
    std::shared_ptr<client_options const> opts)
    : shard_(std::move(owner))
    , server_(std::move(server))
    , options_(std::move(opts))
    , cookies_(server_.host, server_.is_secure()) {
    std::ignore = http::serialize_head(request("GET", "polling", {}));
}

inline http::request
http_caller::request(std::string method, std::string_view transport, std::string_view sid) const {
    http::request made;
    made.method = std::move(method);
    made.target = target(transport, sid);
    made.headers = options_->extra_headers;
    if (!made.headers.contains("Host"))
        made.headers.add("Host", server_.authority());
    if (!options_->with_credentials)
        return made;
    auto const path = made.path();
    auto kept = cookies_.header(path, shard_->clock()->date());
    auto const own = made.headers.get("Cookie");
    if (!kept.empty())
        made.headers.set("Cookie", own.empty() ? kept : std::string(own) + "; " + kept);
    return made;
}

inline void http_caller::learn(http::response const& answer) {
    if (!options_->with_credentials)
        return;
    for (auto const& field : answer.headers)
        if (http::detail::same_name(field.name, "Set-Cookie"))
            cookies_.store(field.value, shard_->clock()->date());
}

inline std::string http_caller::target(std::string_view transport, std::string_view sid) const {
    std::string made = options_->path;
    if (options_->add_trailing_slash && !made.ends_with('/'))
        made += '/';
    made.append("?EIO=4&transport=").append(transport);
    bool const stamped =
        transport == "polling" ? options_->timestamp_polls : options_->timestamp_requests;
    if (stamped)
        made.append("&")
            .append(http::encode_component(options_->timestamp_param))
            .append("=")
            .append(base64::encode_url(random_bytes(6)));
    if (!sid.empty())
        made.append("&sid=").append(http::encode_component(sid));
    if (!server_.query.empty())
        made.append("&").append(server_.query);
    for (auto const& [name, value] : options_->query)
        made.append("&")
            .append(http::encode_component(name))
            .append("=")
            .append(http::encode_component(value));
    return made;
}

}  // namespace socoro::engine
