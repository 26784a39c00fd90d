// SPDX-License-Identifier: BSL-1.0
// The test's end of a WebSocket: frames as they are, in and out.
#pragma once

#include <socoro/ws/reader.hpp>
#include <socoro/ws/writer.hpp>

#include "support/memory_stream.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace test {

namespace ws = socoro::ws;

class websocket_peer {
public:
    explicit websocket_peer(memory_peer over, ws::role self = ws::role::client)
        : raw(std::move(over))
        , role_(self)
        , reader_(std::make_shared<ws::reader>(self)) {}

    [[nodiscard]] std::string frame(ws::opcode op, std::string_view payload) const {
        std::string bytes;
        ws::append_frame(bytes, op, payload, key());
        return bytes;
    }
    void send(ws::opcode op, std::string_view payload) const { raw.send(frame(op, payload)); }
    void text(std::string_view payload) const { send(ws::opcode::text, payload); }
    void fragment(ws::opcode op, bool fin, std::string_view payload) const {
        std::string bytes;
        ws::append_fragment(bytes, op, fin, payload, key());
        raw.send(bytes);
    }
    void close(std::optional<ws::close_code> code = std::nullopt) const {
        send(ws::opcode::close, code ? ws::encode_close(*code, {}) : std::string());
    }

    /// Whatever has arrived: `text:..`, `binary:..`, `ping:..`, `pong:..`, `close:<code>`.
    [[nodiscard]] std::vector<std::string> take() {
        std::vector<std::string> seen;
        auto const bytes = raw.take();
        std::string_view rest = bytes;
        while (!rest.empty()) {
            auto const consumed = reader_->feed(rest);
            if (!consumed) {
                seen.push_back("error:" + consumed.error().message());
                break;
            }
            rest.remove_prefix(*consumed);
            if (auto const event = reader_->next())
                seen.push_back(describe(*event));
        }
        return seen;
    }

    memory_peer raw;

private:
    [[nodiscard]] std::optional<ws::mask_key> key() const {
        return role_ == ws::role::client ? std::optional(ws::mask_key{}) : std::nullopt;
    }
    [[nodiscard]] static std::string describe(ws::event const& event) {
        switch (event.type) {
        case ws::event::kind::text: return "text:" + event.data;
        case ws::event::kind::binary: return "binary:" + event.data;
        case ws::event::kind::ping: return "ping:" + event.data;
        case ws::event::kind::pong: return "pong:" + event.data;
        case ws::event::kind::close: break;
        }
        return "close:" + std::to_string(static_cast<int>(event.code));
    }

    ws::role role_;
    /// Of the same wire: a copy of this reads on.
    std::shared_ptr<ws::reader> reader_;
};

}  // namespace test
