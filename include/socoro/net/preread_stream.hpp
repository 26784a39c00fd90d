// SPDX-License-Identifier: BSL-1.0
// A stream of which somebody has read too much: they read the words of one protocol, and behind
// them are those of the next.
#pragma once

#include <socoro/net/stream.hpp>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <system_error>
#include <utility>

namespace socoro::net {

/// Gives the bytes that were read already, and then those of the stream itself.
class preread_stream final : public stream {
public:
    preread_stream(std::shared_ptr<stream> of, std::string already_read)
        : stream_(std::move(of))
        , read_(std::move(already_read)) {}

    [[nodiscard]] asio::awaitable<io_result> read_some(asio::mutable_buffer into) override;
    [[nodiscard]] io_result try_write(std::span<asio::const_buffer const> from) override {
        return stream_->try_write(from);
    }
    [[nodiscard]] asio::awaitable<std::error_code> wait_writable() override {
        return stream_->wait_writable();
    }
    void shutdown_send() noexcept override { stream_->shutdown_send(); }
    void close() noexcept override {
        read_.clear();
        stream_->close();
    }
    [[nodiscard]] std::string remote_address() const override { return stream_->remote_address(); }
    [[nodiscard]] bool is_encrypted() const override { return stream_->is_encrypted(); }
    [[nodiscard]] std::shared_ptr<certificate const> peer_certificate() const override {
        return stream_->peer_certificate();
    }

private:
    std::shared_ptr<stream> stream_;
    std::string read_;
};

/// The stream itself if nothing was read already.
[[nodiscard]] inline std::shared_ptr<stream> put_back(
    std::shared_ptr<stream> of,
    std::string already_read) {
    if (already_read.empty())
        return of;
    return std::make_shared<preread_stream>(std::move(of), std::move(already_read));
}

inline asio::awaitable<io_result> preread_stream::read_some(asio::mutable_buffer into) {
    if (read_.empty()) {
        auto const under = stream_;
        co_return co_await under->read_some(into);
    }
    auto const count = std::min(into.size(), read_.size());
    std::copy_n(read_.data(), count, static_cast<char*>(into.data()));
    read_.erase(0, count);
    co_return io_result{{}, count};
}

}  // namespace socoro::net
