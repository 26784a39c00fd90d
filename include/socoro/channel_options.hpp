// SPDX-License-Identifier: BSL-1.0
// What both ends of a namespace have options for.
#pragma once

#include <socoro/engine/session_options.hpp>
#include <socoro/sio/parser.hpp>

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

namespace socoro {

/// The options of a socket, at either end.
struct channel_options {
    /// The attachments that a packet announced have to come within this time.
    std::chrono::milliseconds attachment_timeout{30'000};
    /// Events that may wait for one socket; beyond, the peer has to wait. But not
    /// while another coroutine of the same connection waits for what only reading can bring, an event
    /// or a reply: then it is read on, and disconnected at twice the limit.
    std::size_t inbox_events = 1024;
    /// Bytes of events that may wait for one socket; beyond, the peer has to wait.
    std::size_t inbox_bytes = 4'000'000;
    /// Whether an event whose arguments do not fit disconnects its socket.
    bool disconnect_on_invalid_payload = false;
    /// Whether such an event is acknowledged, if it asked for that: with one object that has the
    /// member `error`, an object of `message`, `where` and `expected`.
    bool answer_invalid_payload = false;
    /// How packets are written into messages, such as `msgpack_parser()` (socoro/msgpack.hpp); null,
    /// the default: as JSON, which is the fastest. Both ends have to use the same: from anybody else
    /// the first packet makes no sense, and the connection ends.
    std::shared_ptr<sio::parser const> parser;
};

namespace detail {

/// The options of one end, as its sockets see them, whatever else they are options of.
class channel_settings {
public:
    template <typename Options>
    channel_settings(std::shared_ptr<Options const> all)  // NOLINT(google-explicit-constructor)
        : session_(all.get())
        , channel_(all.get())
        , all_(std::move(all)) {}

    [[nodiscard]] engine::session_options const& session() const noexcept { return *session_; }
    [[nodiscard]] channel_options const& channel() const noexcept { return *channel_; }
    /// Null for JSON.
    [[nodiscard]] sio::parser const* parser() const noexcept { return channel_->parser.get(); }
    [[nodiscard]] socoro::hooks const& hooks() const noexcept { return session_->hooks; }

private:
    engine::session_options const* session_;
    channel_options const* channel_;
    std::shared_ptr<void const> all_;
};

}  // namespace detail

}  // namespace socoro
