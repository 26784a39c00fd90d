// SPDX-License-Identifier: BSL-1.0
// Reaches a server as a client is told to: by means of another connector, through a proxy (RFC
// 9110 section 9.3.6) if there is one, and with TLS on top if it is asked for.
#pragma once

#include <socoro/base/base64.hpp>
#include <socoro/base/result.hpp>
#include <socoro/http/message.hpp>
#include <socoro/http/serializer.hpp>
#include <socoro/http/url.hpp>
#include <socoro/net/connector.hpp>
#include <socoro/net/http_client_connection.hpp>
#include <socoro/net/preread_stream.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/net/stop.hpp>
#include <socoro/net/stream.hpp>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>

namespace socoro::net {

/// A connector of up to three layers. What goes through the proxy is always a tunnel, also for
/// plain HTTP, so that the proxy sees no request and every connection is to one server. The URL of
/// the proxy gives its host, port, user and password.
///
/// Errors besides those of `below` and of `tls`: `errc::tls_unavailable` without `tls`, for a
/// server that wants it; `errc::proxy_refused` for any answer of the proxy but 2xx, and those of
/// the room `http` if it speaks something else. Throws `std::invalid_argument` for a proxy whose
/// scheme is not `http`.
[[nodiscard]] std::shared_ptr<connector> make_connector(
    std::shared_ptr<connector> below,
    std::optional<http::url> proxy,
    std::shared_ptr<stream_layer> tls);

namespace detail {

/// What asks a proxy for a tunnel to `to`.
[[nodiscard]] inline std::string tunnel_request(http::url const& proxy, remote const& to) {
    auto const host = to.host.find(':') == std::string::npos ? to.host : '[' + to.host + ']';
    http::request request;
    request.method = "CONNECT";
    request.target = host + ':' + std::to_string(to.port);
    request.headers.add("Host", request.target);
    if (!proxy.user.empty() || !proxy.password.empty())
        request.headers.add(
            "Proxy-Authorization",
            "Basic " + base64::encode(proxy.user + ':' + proxy.password));
    return http::serialize(request);
}

class layered_connector final : public connector {
public:
    layered_connector(
        std::shared_ptr<connector> below,
        std::optional<http::url> proxy,
        std::shared_ptr<stream_layer> tls)
        : below_(std::move(below))
        , proxy_(std::move(proxy))
        , tls_(std::move(tls)) {}

    [[nodiscard]] asio::awaitable<result<std::shared_ptr<stream>>>
    connect(std::shared_ptr<shard> on, remote to, std::shared_ptr<stop_source> stop) override {
        if (to.secure && !tls_)
            co_return make_error_code(errc::tls_unavailable);
        auto plain = proxy_ ? tunnel(on, to, stop) : below_->connect(on, to, stop);
        auto opened = co_await std::move(plain);
        if (!opened || !to.secure)
            co_return opened;
        co_return co_await tls_->wrap(on, std::move(*opened), to, stop);
    }

private:
    [[nodiscard]] asio::awaitable<result<std::shared_ptr<stream>>>
    tunnel(std::shared_ptr<shard> on, remote to, std::shared_ptr<stop_source> stop) {
        auto const request = tunnel_request(*proxy_, to);
        remote const proxy{proxy_->host, proxy_->port, false};
        auto const opened = co_await below_->connect(on, proxy, stop);
        if (!opened)
            co_return opened.error();
        auto const over = std::make_shared<http_client_connection>(on, *opened);
        http_client_lease const lease(stop, over);
        auto const ec = co_await over->ask("CONNECT", request);
        if (stop->stop_requested())
            co_return asio::error::make_error_code(asio::error::operation_aborted);
        if (ec)
            co_return ec;
        if (over->head().status / 100 != 2)
            co_return make_error_code(errc::proxy_refused);
        std::string rest;
        auto given = over->release(rest);
        co_return put_back(std::move(given), std::move(rest));
    }

    std::shared_ptr<connector> below_;
    std::optional<http::url> proxy_;
    std::shared_ptr<stream_layer> tls_;
};

}  // namespace detail

inline std::shared_ptr<connector> make_connector(
    std::shared_ptr<connector> below,
    std::optional<http::url> proxy,
    std::shared_ptr<stream_layer> tls) {
    if (proxy && proxy->scheme != "http")
        throw std::invalid_argument("socoro: a proxy is reached by http");
    return std::make_shared<detail::layered_connector>(
        std::move(below),
        std::move(proxy),
        std::move(tls));
}

}  // namespace socoro::net
