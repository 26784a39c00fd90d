// SPDX-License-Identifier: BSL-1.0
// How an Engine.IO client writes its requests: URL, query, header fields and cookies.
#pragma once

#include <socoro/base/base64.hpp>
#include <socoro/base/random.hpp>
#include <socoro/engine/client_options.hpp>
#include <socoro/http/cookie_jar.hpp>
#include <socoro/http/grammar.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/percent.hpp>
#include <socoro/http/serializer.hpp>
#include <socoro/http/url.hpp>
#include <socoro/net/shard.hpp>

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

namespace socoro::engine {

/// Writes the requests of one client. Not thread-safe; it lives on the executor of its shard.
class http_caller {
public:
    /// Throws `std::invalid_argument` for a path, a query or header fields that cannot be in a
    /// request. Parameters that have the names of the protocol's own are left out.
    http_caller(
        std::shared_ptr<net::shard> owner,
        http::url server,
        std::shared_ptr<client_options const> opts);

    /// Asks for packets of a session; without a `sid`, for a session.
    [[nodiscard]] http::request poll(std::string_view sid) const;
    /// Brings packets of a session.
    [[nodiscard]] http::request post(std::string_view sid, std::string body) const;
    /// Asks for a WebSocket, but for the fields of its handshake; without a `sid`, for a session.
    [[nodiscard]] http::request connect(std::string_view sid) const {
        return request("GET", "websocket", sid);
    }

    /// Keeps the cookies that an answer sets.
    void learn(http::response const& answer);

    [[nodiscard]] http::url const& server() const noexcept { return server_; }

private:
    [[nodiscard]] http::request
    request(std::string method, std::string_view transport, std::string_view sid) const;
    [[nodiscard]] std::string target(std::string_view transport, std::string_view sid) const;
    [[nodiscard]] std::string path() const;
    [[nodiscard]] std::string own_parameters() const;
    [[nodiscard]] bool is_ours(std::string_view name) const {
        return name == "EIO" || name == "transport" || name == "sid" ||
               name == options_->timestamp_param;
    }

    std::shared_ptr<net::shard> shard_;
    http::url server_;
    std::shared_ptr<client_options const> options_;
    http::cookie_jar cookies_;
    std::string path_;
    /// What a program adds to each query, with an ampersand before each.
    std::string parameters_;
};

inline http_caller::http_caller(
    std::shared_ptr<net::shard> owner,
    http::url server,
    std::shared_ptr<client_options const> opts)
    : shard_(std::move(owner))
    , server_(std::move(server))
    , options_(std::move(opts))
    , cookies_(server_.host, server_.is_secure())
    , path_(path())
    , parameters_(own_parameters()) {
    std::ignore = http::serialize(poll({}));
    std::ignore = http::serialize(post({}, "1"));
}

inline http::request http_caller::poll(std::string_view sid) const {
    auto made = request("GET", "polling", sid);
    made.headers.set("Accept", "*/*");
    return made;
}

inline http::request http_caller::post(std::string_view sid, std::string body) const {
    auto made = request("POST", "polling", sid);
    made.headers.set("Accept", "*/*");
    made.headers.set("Content-type", "text/plain;charset=UTF-8");
    made.body = std::move(body);
    return made;
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
    auto made = path_;
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
    return made.append(parameters_);
}

inline std::string http_caller::path() const {
    auto made = options_->path;
    if (made.ends_with('/'))
        made.pop_back();
    if (options_->add_trailing_slash || made.empty())
        made += '/';
    if (!made.starts_with('/') || made.find_first_of("?#") != std::string::npos)
        throw std::invalid_argument("a path begins with a slash, and has no query behind it");
    return made;
}

/// Those of the URL are encoded already.
inline std::string http_caller::own_parameters() const {
    std::string made;
    std::string_view rest = server_.query;
    while (!rest.empty()) {
        auto const pair = http::detail::take_until(rest, '&');
        if (!pair.empty() && !is_ours(http::decode_form(pair.substr(0, pair.find('=')))))
            made.append("&").append(pair);
    }
    for (auto const& [name, value] : options_->query)
        if (!is_ours(name))
            made.append("&")
                .append(http::encode_component(name))
                .append("=")
                .append(http::encode_component(value));
    return made;
}

}  // namespace socoro::engine
