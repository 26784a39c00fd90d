// SPDX-License-Identifier: BSL-1.0
// Puts Socket.IO packets together from the messages of a session, in time.
#pragma once

#include <socoro/channel_options.hpp>
#include <socoro/net/clock.hpp>
#include <socoro/sio/parser.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <utility>

namespace socoro::detail {

/// The receiving side of one connection. Not thread-safe; it lives on the executor of its clock.
class packet_reader {
public:
    /// A packet and the bytes of its messages.
    struct received {
        sio::packet packet;
        std::size_t bytes = 0;
    };

    /// `late` is called when the attachments of a packet have not come in time; it may destroy this.
    packet_reader(
        std::shared_ptr<net::clock> clock,
        channel_settings const& settings,
        std::function<void()> late)
        : timeout_(settings.channel().attachment_timeout)
        , decoder_(settings.parser(), settings.session().limits)
        , timer_(std::move(clock), std::move(late)) {}

    /// Takes a message. Gives the packet that it completes, if it does. Errors are final.
    [[nodiscard]] result<std::optional<received>> feed(message&& next) {
        bytes_ += next.data.size();
        auto packet = decoder_.feed(std::move(next));
        if (!packet)
            return packet.error();
        if (!decoder_.incomplete())
            timer_.cancel();
        else if (!timer_.armed())
            timer_.arm_after(timeout_);
        std::optional<received> complete;
        if (*packet)
            complete.emplace(received{std::move(**packet), std::exchange(bytes_, 0)});
        return complete;
    }

    /// Waits for no attachment any more.
    void stop() noexcept { timer_.cancel(); }

private:
    net::duration timeout_;
    sio::chosen_decoder decoder_;
    net::timer timer_;
    std::size_t bytes_ = 0;
};

}  // namespace socoro::detail
