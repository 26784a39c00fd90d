// SPDX-License-Identifier: BSL-1.0
// The shared state of a namespace: its sockets and their rooms, its middleware and its handler.
#pragma once

#include <socoro/adapter/memory.hpp>
#include <socoro/base/hooks.hpp>
#include <socoro/handles.hpp>
#include <socoro/namespace_ref.hpp>
#include <socoro/net/shard.hpp>
#include <socoro/recovery.hpp>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

namespace socoro {

class any_event;

/// Runs before a socket is connected; an exception refuses it.
using middleware = std::function<asio::awaitable<void>(socket&)>;

/// Runs before an event can be received; an exception refuses the event.
using packet_middleware = std::function<asio::awaitable<void>(socket&, any_event&)>;

namespace detail {

class socket_core;

/// The hook that is told about rooms.
using room_hook = std::function<void(room_event const&)>;

/// Starts the handler of a socket, whatever type of executor its coroutine is on.
using handler_starter = std::function<void(std::shared_ptr<socket_core> const&)>;

/// Runs for one event of another server, whose arguments these are; gives those of the answer.
/// Throws for arguments that do not fit, and what the program throws.
using server_side_receiver =
    std::function<asio::awaitable<adapter::answer_values>(adapter::answer_values const& args)>;

/// What happens to those who connect to a namespace. Coroutines hold their own share of what they
/// run, so that all of it may be changed meanwhile.
struct namespace_rules {
    std::shared_ptr<handler_starter const> handler;
    std::vector<std::shared_ptr<middleware const>> middlewares;
    std::vector<std::shared_ptr<packet_middleware const>> packet_middlewares;
    /// Who receives events of other servers, by their names.
    std::map<std::string, std::vector<server_side_receiver>, std::less<>> server_side;
};

/// What a namespace has on one shard of a server: the sockets that live there. Not thread-safe; it
/// lives on that shard.
class namespace_core final : public adapter::session_owner,
                             private adapter::room_listener,
                             public std::enable_shared_from_this<namespace_core> {
public:
    /// `kept_in` is what its clients may come back from; null if they may not. `watching` is told
    /// about rooms; null if nobody is.
    namespace_core(
        std::shared_ptr<namespace_ref const> whole,
        std::shared_ptr<net::shard> owner,
        std::shared_ptr<detail::recovery> kept_in = nullptr,
        std::shared_ptr<room_hook const> watching = nullptr,
        namespace_rules given = {});
    namespace_core(namespace_core const&) = delete;
    namespace_core& operator=(namespace_core const&) = delete;
    ~namespace_core() override;

    /// Sends the frames of the event `event` to every connected socket here that the target names.
    void deliver(
        frame_list const& frames,
        std::string_view event,
        broadcast_target const& target,
        bool is_volatile);

    /// The same for an event that all shards send and keep, and that has its place.
    void deliver(adapter::sent_event const& sent, std::string_view event);

    /// A socket is connected: it is in the room of its own id.
    void add(std::shared_ptr<socket_core> const& socket);

    /// A socket is disconnected: it is in no room.
    void remove(socket_core& socket);

    [[nodiscard]] std::shared_ptr<socket_core> find(std::string const& id) const;

    /// Ids of acknowledgements are counted per namespace, as in the reference.
    [[nodiscard]] std::uint64_t next_ack_id() noexcept { return next_ack_id_++; }

    [[nodiscard]] std::string const& name() const noexcept { return whole_->name(); }
    /// The namespace on all shards.
    [[nodiscard]] std::shared_ptr<namespace_ref const> const& whole() const noexcept {
        return whole_;
    }
    [[nodiscard]] std::shared_ptr<net::shard> const& owner() const noexcept { return shard_; }
    [[nodiscard]] adapter::memory& adapter() noexcept { return adapter_; }
    [[nodiscard]] std::size_t size() const noexcept { return sockets_.size(); }
    [[nodiscard]] auto const& sockets() const noexcept { return sockets_; }
    /// Whether nobody is in it, nor on the way into it, nor may come back to it.
    [[nodiscard]] bool is_empty() const noexcept {
        return adapter_.sockets() == 0 && sessions_ == 0;
    }

    /// What its clients may come back from; null if they may not.
    [[nodiscard]] detail::recovery* recovery() const noexcept { return recovery_.get(); }
    /// The events that its clients may miss, if they may come back.
    [[nodiscard]] adapter::event_log const& log() const noexcept { return *log_; }

    /// Gives an event that is sent now on this shard its place, and keeps it.
    [[nodiscard]] placed_event keep_event(
        frame_list const& frames,
        broadcast_target const& target) {
        return recovery_->keep(*log_, frames, target);
    }
    /// The same, and sends it.
    void
    send_kept(frame_list const& frames, std::string_view event, broadcast_target const& target);

    /// Keeps events that were sent on another shard, and not received, for a socket that is brought
    /// here.
    void keep_again(std::vector<adapter::sent_event>&& events, std::string const& sid) {
        for (auto& event : events)
            recovery_->keep_again(*log_, std::move(event), sid);
    }

    /// A socket that is kept elsewhere is expected here, until the guard goes: events are kept.
    [[nodiscard]] std::shared_ptr<void> expect_socket() {
        ++sessions_;
        return {nullptr, [self = shared_from_this()](void*) { self->on_session_dropped(); }};
    }

    /// Keeps a socket whose client may come back: see `recovery::keep`.
    void keep_socket(adapter::kept_session&& socket, std::optional<net::time_point> until);
    /// Takes out the socket that a client wants to be again, if it was kept here.
    [[nodiscard]] std::optional<adapter::kept_session> take_socket(std::string_view pid);
    /// Ends a namespace that does not stay, if nobody is in it.
    void end_if_empty() {
        if (on_empty && is_empty())
            on_empty();
    }
    /// Which connected socket has this secret, so that it can make way; null if there is none.
    [[nodiscard]] socket_core* connected_as(std::string_view pid);

    /// Lets go of all that may hold it: its server is gone.
    void release() noexcept {
        on_empty = nullptr;
        rules = {};
        sockets_.clear();
        by_pid_.clear();
    }

    namespace_rules rules;
    /// Called when the last socket has gone; empty in a namespace that stays.
    std::function<void()> on_empty;

private:
    void on_session_dropped() override;
    void on_join(socket_core& member, std::string_view room, bool is_first) override;
    void on_leave(socket_core& member, std::string_view room, bool is_last) override;
    void report(room_change what, std::string_view room, std::string_view id = {}) const {
        (*room_hook_)({what, name(), room, id});
    }

    std::shared_ptr<namespace_ref const> whole_;
    std::shared_ptr<net::shard> shard_;
    std::shared_ptr<room_hook const> room_hook_;
    adapter::memory adapter_;
    std::unordered_map<std::string, std::shared_ptr<socket_core>> sockets_;
    std::uint64_t next_ack_id_ = 0;
    std::shared_ptr<detail::recovery> recovery_;
    std::optional<adapter::event_log> log_;
    adapter::secret_map<socket_core*> by_pid_;
    /// How many sockets are kept for clients that may come back.
    std::size_t sessions_ = 0;
};

inline namespace_core::namespace_core(
    std::shared_ptr<namespace_ref const> whole,
    std::shared_ptr<net::shard> owner,
    std::shared_ptr<detail::recovery> kept_in,
    std::shared_ptr<room_hook const> watching,
    namespace_rules given)
    : rules(std::move(given))
    , whole_(std::move(whole))
    , shard_(std::move(owner))
    , room_hook_(std::move(watching))
    , adapter_(room_hook_ ? this : nullptr)
    , recovery_(std::move(kept_in)) {
    if (recovery_)
        log_.emplace(recovery_->events());
}

inline namespace_core::~namespace_core() {
    log_.reset();
    if (recovery_)
        recovery_->on_change();
}

inline void namespace_core::keep_socket(
    adapter::kept_session&& socket,
    std::optional<net::time_point> until) {
    ++sessions_;
    socket.owner = weak_from_this();
    recovery_->keep(std::move(socket), until);
}

inline std::optional<adapter::kept_session> namespace_core::take_socket(std::string_view pid) {
    auto taken = recovery_->take(pid, *this);
    if (taken)
        --sessions_;
    return taken;
}

inline socket_core* namespace_core::connected_as(std::string_view pid) {
    auto* const found = by_pid_.find(pid);
    return found ? *found : nullptr;
}

inline void namespace_core::on_session_dropped() {
    --sessions_;
    end_if_empty();
}

inline std::shared_ptr<socket_core> namespace_core::find(std::string const& id) const {
    auto const found = sockets_.find(id);
    return found == sockets_.end() ? nullptr : found->second;
}

}  // namespace detail

}  // namespace socoro
