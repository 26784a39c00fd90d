// SPDX-License-Identifier: BSL-1.0
// How a client that comes back to another shard than the one that keeps the socket it was becomes a
// client of that shard: the socket moves, with what the client missed, and is kept there as if it had
// always been. Coming back is the same then as for any other.
#pragma once

#include <socoro/coming_back.hpp>
#include <socoro/namespaces.hpp>
#include <socoro/net/signal.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace socoro::detail {

/// What moves from one shard to another.
struct moving_socket {
    adapter::kept_session session;
    net::duration time_left;
    /// What the client missed, as far as the shard knew ...
    std::vector<adapter::sent_event> missed;
    /// ... which is all that shards sent together up to this.
    adapter::event_number up_to;
};

/// Takes out the socket that a client was, with what it missed; nothing if it cannot come back.
/// A connection of the same client that nobody has noticed to be dead makes way.
[[nodiscard]] inline std::optional<moving_socket>
move_out(namespace_core& nsp, claim const& claimed, std::size_t most_bytes) {
    if (auto* const old = nsp.connected_as(claimed.pid))
        old->make_way();
    auto origin = nsp.take_socket(claimed.pid);
    nsp.end_if_empty();
    auto const after = origin ? missed_after(nsp, *origin, claimed.last) : std::nullopt;
    if (!after)
        return std::nullopt;
    auto missed = find_missed(nsp, *after, {origin->sid, origin->rooms}, most_bytes);
    if (!missed)
        return std::nullopt;
    // Handlers of the old socket may still use what is theirs, and from now on here.
    auto& data = origin->data;
    if (data && data.use_count() > 1)
        data = std::make_shared<std::remove_cvref_t<decltype(*data)>>(*data);
    auto const left = origin->until - nsp.owner()->now();
    auto const up_to = nsp.recovery()->newest().number;
    return moving_socket{std::move(*origin), left, std::move(*missed), up_to};
}

/// The socket that has come from another shard, as one that was kept here. What the client missed is
/// sent again, so to speak: behind all that this shard has sent, and to this client alone.
[[nodiscard]] inline std::optional<comeback>
move_in(namespace_core& nsp, moving_socket&& moved, claim const& claimed, std::size_t most_bytes) {
    auto& session = moved.session;
    // The shard that it was on knew nothing of these when it left.
    room_list const in{session.sid, session.rooms};
    auto since = find_missed(nsp, adapter::end_of(moved.up_to), in, most_bytes);
    if (!since)
        return std::nullopt;
    auto& missed = moved.missed;
    std::move(since->begin(), since->end(), std::back_inserter(missed));
    auto const here = nsp.recovery()->newest();
    session.newest = here;
    session.begun = adapter::beginning{claimed.last, here, {}};
    for (auto const& event : missed)
        session.begun->missed.push_back(event.shown());
    nsp.keep_again(std::move(missed), session.sid);
    session.until = nsp.owner()->now() + moved.time_left;
    session.listed->move_to(nsp.recovery()->index());
    return comeback{std::move(session), claimed.last, here};
}

/// A question from one shard to another for a socket. It lives on the shard that asks.
class socket_request {
public:
    explicit socket_request(std::shared_ptr<net::shard> asking)
        : asking_(std::move(asking))
        , changed_(*asking_) {}

    void answer(std::optional<moving_socket>&& given) {
        given_ = std::move(given);
        answered_ = true;
        changed_.notify_all();
    }
    /// Waits for the answer; nothing if the socket cannot be had.
    [[nodiscard]] asio::awaitable<std::optional<moving_socket>> wait() {
        while (!answered_) {
            auto const ec = co_await changed_.wait();
            if (ec)
                break;
        }
        co_return std::move(given_);
    }
    [[nodiscard]] std::shared_ptr<net::shard> const& asking() const noexcept { return asking_; }

private:
    std::shared_ptr<net::shard> asking_;
    net::signal changed_;
    std::optional<moving_socket> given_;
    bool answered_ = false;
};

/// The answer that is owed. It is given when this goes, for the shard that is asked may be gone.
class owed_socket {
public:
    owed_socket(std::shared_ptr<event_order> order, std::shared_ptr<socket_request> to)
        : order_(std::move(order))
        , to_(std::move(to)) {}
    owed_socket(owed_socket const&) = delete;
    owed_socket& operator=(owed_socket const&) = delete;
    ~owed_socket() {
        auto const answer = std::make_shared<std::optional<moving_socket>>(std::move(found));
        order_->in_turn(
            [&] { to_->asking()->submit([to = to_, answer] { to->answer(std::move(*answer)); }); });
    }

    std::optional<moving_socket> found;

private:
    std::shared_ptr<event_order> order_;
    std::shared_ptr<socket_request> to_;
};

/// Asks the shard of this index for the socket that a client was. The answer comes behind all that
/// the shard has seen of what all send.
inline void ask_for_socket(
    namespace_core const& nsp,
    std::size_t shard,
    claim const& claimed,
    std::size_t most_bytes,
    std::shared_ptr<socket_request> const& from) {
    auto const whole = nsp.whole();
    auto const& shards = whole->shards();
    auto const owed = std::make_shared<owed_socket>(shards.order(), from);
    auto const find = [owed, whole, claimed, most_bytes](namespaces& among, std::size_t) {
        try {
            if (auto const there = among.find(whole->name()))
                owed->found = move_out(*there, claimed, most_bytes);
        } catch (...) {
            // What the program attached to it may refuse to be copied: the client starts anew.
            owed->found.reset();
        }
    };
    shards.order()->in_turn([&] { shards.submit(shard, find); });
}

/// The shard that keeps the socket that a client with these credentials was, if it is another.
[[nodiscard]] inline std::optional<std::size_t> kept_elsewhere(
    namespace_core const& nsp,
    json::value const& auth) {
    auto const& order = nsp.whole()->shards().order();
    auto const claimed = order ? read_claim(auth) : std::nullopt;
    auto const shard = claimed ? order->sessions()->find(claimed->pid) : std::nullopt;
    return shard && *shard != nsp.recovery()->index() ? shard : std::nullopt;
}

/// Has the socket that a client was move here from the shard of this index, if that is possible.
/// The namespace expects it since before this began.
[[nodiscard]] inline asio::awaitable<std::optional<comeback>> bring_here(
    std::shared_ptr<namespace_core> nsp,
    std::size_t shard,
    claim claimed,
    std::size_t most_bytes) {
    auto const request = net::make_on_shard<socket_request>(nsp->owner(), nsp->owner());
    ask_for_socket(*nsp, shard, claimed, most_bytes, request);
    auto moved = co_await request->wait();
    std::optional<comeback> arrived;
    if (moved)
        arrived = move_in(*nsp, std::move(*moved), claimed, most_bytes);
    co_return arrived;
}

}  // namespace socoro::detail
