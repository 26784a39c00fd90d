// SPDX-License-Identifier: BSL-1.0
// What a server keeps so that clients whose connections broke can come back as the sockets they
// were: the sockets, the events they may miss, and how long.
#pragma once

#include <socoro/adapter/event_log.hpp>
#include <socoro/adapter/session_store.hpp>
#include <socoro/base/error.hpp>
#include <socoro/frames.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/options.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::detail {

/// Whether a client whose socket ended for this reason may come back as the same.
[[nodiscard]] constexpr bool is_recoverable(errc reason) noexcept {
    switch (reason) {
    case errc::transport_error:
    case errc::transport_close:
    case errc::forced_close:
    case errc::ping_timeout:
    case errc::server_shutting_down:
    case errc::forced_server_close: return true;
    default: return false;
    }
}

/// An event as it is sent when it is kept: with the text of its number as its last argument.
struct numbered_event {
    adapter::event_number number;
    frame_list frames;
};

/// The memory of one server, for all its namespaces. Lives on its shard.
class recovery : public std::enable_shared_from_this<recovery> {
public:
    /// `parser` is null for JSON.
    recovery(
        net::shard& owner,
        recovery_options const& opts,
        std::shared_ptr<sio::parser const> parser)
        : options_(opts)
        , parser_(std::move(parser))
        , clock_(owner.clock())
        , events_(opts.event_bytes)
        , sessions_(opts.sessions)
        , sweeper_(clock_, [this] { sweep(); }) {}

    [[nodiscard]] recovery_options const& opts() const noexcept { return options_; }

    /// Gives the event that is sent now its number, and keeps it.
    [[nodiscard]] numbered_event
    keep(adapter::event_log& in, frame_list frames, broadcast_target const& target);

    /// Keeps a socket whose connection has broken: until the time it says, or from now on as long
    /// as the option allows.
    void keep(adapter::kept_session&& session, std::optional<net::time_point> until);

    /// Takes out the socket that a client wants to be again.
    [[nodiscard]] std::optional<adapter::kept_session> take(
        std::string_view pid,
        adapter::session_owner const& owner);

    /// Keeps nothing any more. What the program attached to sockets is destroyed.
    void close() noexcept;

    /// What the logs of namespaces are parts of.
    [[nodiscard]] adapter::event_memory& events() noexcept { return events_; }
    [[nodiscard]] adapter::session_store const& sessions() const noexcept { return sessions_; }

    /// Some of it may be gone.
    void on_change();

private:
    void sweep();

    recovery_options options_;
    std::shared_ptr<sio::parser const> parser_;
    std::shared_ptr<net::clock> clock_;
    adapter::event_numbers numbers_;
    adapter::event_memory events_;
    adapter::session_store sessions_;
    net::timer sweeper_;
    bool closed_ = false;
};

/// The same frames, of JSON, with one more argument behind the others.
[[nodiscard]] inline frame_list with_argument(frame_list frames, std::string_view text) {
    std::string data;
    auto const& before = frames.front()->data;
    data.reserve(before.size() + text.size() + 3);
    // It ends as an array that has at least the name of the event.
    data.append(before, 0, before.size() - 1).append(",\"").append(text).append("\"]");
    frames.front() = make_frame(false, std::move(data), frames.front()->compress);
    return frames;
}

/// The event in these frames, as the parser that wrote them reads it; nothing if it does not.
[[nodiscard]] inline std::optional<sio::packet> read_back(
    sio::parser const& by,
    frame_list const& frames) {
    // What we sent ourselves is no danger.
    constexpr auto any = std::numeric_limits<std::size_t>::max();
    limits bounds;
    bounds.sio_attachments = bounds.sio_attachment_bytes = bounds.json_depth = any;
    auto const decoder = by.make_decoder(bounds);
    for (auto const& frame : frames) {
        auto read = decoder->feed(message{frame->binary, frame->data});
        if (!read)
            return std::nullopt;
        if (*read && (*read)->type == sio::packet_type::event && (*read)->data)
            return std::move(*read);
    }
    return std::nullopt;
}

/// As above, whatever the parser that wrote them; the same frames if it cannot read them.
[[nodiscard]] inline frame_list
with_argument(sio::parser const& by, frame_list frames, std::string_view text) {
    auto event = read_back(by, frames);
    if (!event)
        return frames;
    event->data->get_array().emplace_back(text);
    encoded_event content;
    sio::append_json(content.json, *event->data);
    content.binary = std::move(event->attachments);
    content.compress = frames.front()->compress;
    return make_frames(&by, {.nsp = event->nsp, .id = event->id}, std::move(content));
}

inline numbered_event
recovery::keep(adapter::event_log& in, frame_list frames, broadcast_target const& target) {
    auto const number = numbers_.next(clock_->date());
    auto const text = adapter::offset_text(number);
    numbered_event event{
        number,
        parser_ ? with_argument(*parser_, std::move(frames), text)
                : with_argument(std::move(frames), text)};
    if (!closed_)
        in.append(number, event.frames, target, clock_->now());
    on_change();
    return event;
}

inline void recovery::keep(adapter::kept_session&& session, std::optional<net::time_point> until) {
    if (closed_)
        return;
    session.until = until.value_or(clock_->now() + options_.max_disconnection_duration);
    auto const dropped = sessions_.keep(std::move(session));
    on_change();
    auto const owner = dropped ? dropped->owner.lock() : nullptr;
    if (owner)
        owner->on_session_dropped();
}

inline std::optional<adapter::kept_session> recovery::take(
    std::string_view pid,
    adapter::session_owner const& owner) {
    auto taken = sessions_.take(pid, owner, clock_->now());
    on_change();
    return taken;
}

inline void recovery::close() noexcept {
    closed_ = true;
    events_.clear();
    auto const dropped = std::exchange(sessions_, adapter::session_store(0));
    on_change();
}

/// Keeps the timer armed as long as there is something to drop. It may come late, so that it comes
/// seldom: who wants to come back too late is told by the clock.
inline void recovery::on_change() {
    auto due = sessions_.earliest();
    if (auto const oldest = events_.oldest()) {
        auto const over = *oldest + options_.max_disconnection_duration;
        due = due ? std::min(*due, over) : over;
    }
    if (!due)
        sweeper_.cancel();
    else if (!sweeper_.armed())
        sweeper_.arm(std::max(*due, clock_->now() + options_.max_disconnection_duration / 16));
}

inline void recovery::sweep() {
    // What the program attached to a socket may hold the server.
    auto const keep = shared_from_this();
    auto const now = clock_->now();
    events_.drop_until(now - options_.max_disconnection_duration);
    auto const expired = sessions_.take_expired(now);
    on_change();
    for (auto const& session : expired)
        if (auto const owner = session.owner.lock())
            owner->on_session_dropped();
}

}  // namespace socoro::detail
