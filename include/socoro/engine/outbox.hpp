// SPDX-License-Identifier: BSL-1.0
// What waits for a session's transport, and what happens when that becomes too much. It decides;
// disconnecting is the session's business.
#pragma once

#include <socoro/engine/queue.hpp>
#include <socoro/engine/session_options.hpp>
#include <socoro/engine/topic_queue.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

namespace socoro::engine {

/// How one group of packets, such as the text and the attachments of one event, may be treated.
struct delivery {
    /// What the event is about: of two with one topic the newer makes the older obsolete. 0: it
    /// is no event but indispensable, such as an acknowledgement, and never dropped.
    std::uint64_t topic = 0;
    /// Dropped unless it can leave at once.
    bool is_volatile = false;
};

/// What became of a group of packets that was sent.
enum class sent {
    queued,    ///< it will be sent
    dropped,   ///< it will not
    replaced,  ///< it will be sent, and older events were dropped for it
};

/// A bounded queue of groups of packets. A group is kept or dropped as a whole, and nothing comes
/// between its packets.
class outbox {
public:
    outbox(outbox_policy policy, std::size_t most_bytes) noexcept
        : policy_(policy)
        , most_bytes_(most_bytes)
        , hard_limit_(
              policy == outbox_policy::drop_newest ? 2 * std::min(most_bytes, SIZE_MAX / 2)
                                                   : most_bytes) {}

    /// Queues one group, or drops it. It may be too much afterwards.
    sent push(std::span<packet_ptr const> packets, std::uint64_t topic);

    /// Does not queue a group that could not leave at once.
    sent skip() noexcept {
        ++dropped_;
        return sent::dropped;
    }

    /// Takes the first packets, at most `most`.
    [[nodiscard]] std::vector<packet_ptr> take(std::size_t most) {
        return keeps_topics() ? topics_.take(most) : queue_.take(most);
    }

    /// Takes all packets into an empty vector.
    void take_all(std::vector<packet_ptr>& into) {
        if (keeps_topics())
            into = topics_.take(std::numeric_limits<std::size_t>::max());
        else
            queue_.take_all(into);
    }

    /// More waits than may wait: the client has to be disconnected.
    [[nodiscard]] bool is_overfull() const noexcept { return bytes() > hard_limit_; }

    void clear() noexcept {
        queue_.clear();
        topics_.clear();
    }

    [[nodiscard]] bool empty() const noexcept { return queue_.empty() && topics_.empty(); }
    /// What waits, in bytes: payloads, and what it costs to keep them.
    [[nodiscard]] std::size_t bytes() const noexcept { return queue_.bytes() + topics_.bytes(); }
    /// How many groups were dropped.
    [[nodiscard]] std::size_t dropped() const noexcept { return dropped_; }

private:
    [[nodiscard]] bool keeps_topics() const noexcept {
        return policy_ == outbox_policy::keep_latest;
    }
    [[nodiscard]] sent push_keeping_latest(
        std::span<packet_ptr const> packets,
        std::uint64_t topic);

    outbox_policy policy_;
    std::size_t most_bytes_;
    std::size_t hard_limit_;
    // Only one of them is ever used.
    queue queue_;
    topic_queue topics_;
    std::size_t dropped_ = 0;
};

inline sent outbox::push(std::span<packet_ptr const> packets, std::uint64_t topic) {
    if (policy_ != outbox_policy::disconnect) {
        if (keeps_topics())
            return push_keeping_latest(packets, topic);
        if (topic != 0 && bytes() + cost_of(packets) > most_bytes_)
            return skip();
    }
    queue_.push(packets);
    return sent::queued;
}

inline sent outbox::push_keeping_latest(std::span<packet_ptr const> packets, std::uint64_t topic) {
    topics_.push(packets, topic);
    auto const replaced = topics_.bytes() > most_bytes_ ? topics_.drop_outdated() : 0;
    dropped_ += replaced;
    return replaced > 0 ? sent::replaced : sent::queued;
}

}  // namespace socoro::engine
