// SPDX-License-Identifier: BSL-1.0
// The layer above a session, for tests: it keeps what comes, and does as it is told.
#pragma once

#include <socoro/engine/session_core.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace engine_test {

namespace eio = socoro::eio;
namespace engine = socoro::engine;
namespace net = socoro::net;
namespace transport = socoro::transport;
using strings = std::vector<std::string>;

class recorder final : public engine::sink {
public:
    void on_message(socoro::message&& received) override {
        messages.push_back((received.binary ? "b" : "") + received.data);
        if (react)
            react(messages.back());
    }
    [[nodiscard]] bool wants_more() const override { return wants; }
    void on_close(socoro::errc why) override {
        ++closes;
        reason = why;
        if (closed)
            closed();
    }

    strings messages;
    bool wants = true;
    int closes = 0;
    std::optional<socoro::errc> reason;
    std::function<void(std::string const&)> react;
    std::function<void()> closed;
};

/// Sends a text message.
inline void send(engine::session_core& to, std::string text) {
    engine::packet_ptr const packet =
        std::make_shared<eio::packet const>(eio::packet::from({false, std::move(text)}));
    to.send(std::span(&packet, 1));
}

}  // namespace engine_test
