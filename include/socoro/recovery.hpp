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

/// An event as it is sent when it is kept: with the text of its place as its last argument.
struct placed_event {
    adapter::event_place place;
    frame_list frames;
};

/// Which of the shards of a server something is on.
struct shard_index {
    std::size_t index = 0;
    std::size_t of = 1;
};

/// The memory of one server, for all its namespaces; of several shards each has an equal part.
/// Lives on its shard.
class recovery : public std::enable_shared_from_this<recovery> {
public:
    /// `parser` is null for JSON.
    recovery(
        net::shard& owner,
        recovery_options const& opts,
        std::shared_ptr<sio::parser const> parser,
        shard_index on = {})
        : options_(opts)
        , parser_(std::move(parser))
        , on_(on)
        , clock_(owner.clock())
        , events_(opts.event_bytes / on.of)
        , sessions_((opts.sessions + on.of - 1) / on.of)
        , sweeper_(clock_, [this] { sweep(); }) {}

    [[nodiscard]] recovery_options const& opts() const noexcept { return options_; }

    /// Gives an event that this shard alone sends now its place, and keeps it.
    [[nodiscard]] placed_event
    keep(adapter::event_log& in, frame_list frames, broadcast_target const& target);

    /// Keeps an event that all shards send, and that has its place.
    void keep_shared(adapter::event_log& in, adapter::sent_event event) {
        append(in, std::move(event), on_.of);
    }

    /// Keeps an event that was sent on another shard for one socket, as if it were sent here now:
    /// in the place behind the newest.
    void keep_again(adapter::event_log& in, adapter::sent_event event, std::string const& sid);

    /// All shards send the event of this number, and this one does so now.
    void pass(adapter::event_number number) noexcept { newest_ = {number}; }
    /// The newest event of which there is nothing on this shard yet is behind this place.
    [[nodiscard]] adapter::event_place const& newest() const noexcept { return newest_; }
    /// Which shard it is.
    [[nodiscard]] std::size_t index() const noexcept { return on_.index; }

    /// Keeps a socket whose connection has broken: until that time, or from now on as long as the
    /// option allows.
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
    void append(adapter::event_log& in, adapter::sent_event event, std::size_t shares) {
        if (!closed_)
            in.append(std::move(event), shares, clock_->now());
        on_change();
    }
    [[nodiscard]] adapter::event_place next_place() {
        if (on_.of == 1)
            newest_ = {numbers_.next(clock_->date())};
        else
            newest_ = {newest_.number, newest_.behind + 1, on_.index};
        return newest_;
    }

    recovery_options options_;
    std::shared_ptr<sio::parser const> parser_;
    shard_index on_;
    std::shared_ptr<net::clock> clock_;
    adapter::event_numbers numbers_;
    adapter::event_place newest_;
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

/// The frames of an event with the text of its place. `parser` is null for JSON.
[[nodiscard]] inline frame_list
with_place(sio::parser const* parser, frame_list frames, adapter::event_place const& place) {
    auto const text = adapter::offset_text(place);
    return parser ? with_argument(*parser, std::move(frames), text)
                  : with_argument(std::move(frames), text);
}

inline placed_event
recovery::keep(adapter::event_log& in, frame_list frames, broadcast_target const& target) {
    auto const place = next_place();
    placed_event event{place, with_place(parser_.get(), std::move(frames), place)};
    append(in, {place, event.frames, target}, 1);
    return event;
}

inline void
recovery::keep_again(adapter::event_log& in, adapter::sent_event event, std::string const& sid) {
    adapter::sent_again const again{sid, event.shown()};
    event.again = std::make_shared<adapter::sent_again const>(again);
    event.place = next_place();
    append(in, std::move(event), on_.of);
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
