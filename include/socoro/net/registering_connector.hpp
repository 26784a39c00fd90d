// SPDX-License-Identifier: BSL-1.0
// Knows the streams that a connector opens, whoever uses them by now, so that they can all be waited
// for and ended.
#pragma once

#include <socoro/net/connector.hpp>
#include <socoro/net/open_streams.hpp>

#include <memory>
#include <utility>

namespace socoro::net {

/// Adds each stream that another connector opens to a registry.
class registering_connector final : public connector {
public:
    registering_connector(std::shared_ptr<connector> by, std::shared_ptr<open_streams> in)
        : by_(std::move(by))
        , in_(std::move(in)) {}

    [[nodiscard]] asio::awaitable<result<std::shared_ptr<stream>>>
    connect(std::shared_ptr<shard> on, remote to, std::shared_ptr<stop_source> stop) override {
        return connect(by_, in_, std::move(on), std::move(to), std::move(stop));
    }

private:
    [[nodiscard]] static asio::awaitable<result<std::shared_ptr<stream>>> connect(
        std::shared_ptr<connector> by,
        std::shared_ptr<open_streams> in,
        std::shared_ptr<shard> on,
        remote to,
        std::shared_ptr<stop_source> stop) {
        auto opened = co_await by->connect(std::move(on), std::move(to), std::move(stop));
        if (!opened)
            co_return opened.error();
        co_return in->add(std::move(*opened));
    }

    std::shared_ptr<connector> by_;
    std::shared_ptr<open_streams> in_;
};

}  // namespace socoro::net
