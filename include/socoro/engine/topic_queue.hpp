// SPDX-License-Identifier: BSL-1.0
// Packets that wait for a session's transport and belong to topics, so that older events can be
// given up for newer ones. It costs more to keep than `queue`.
#pragma once

#include <socoro/engine/queue.hpp>

#include <boost/intrusive/list.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <map>
#include <span>
#include <utility>
#include <vector>

namespace socoro::engine {

/// A first-in first-out queue of groups of packets. Of the groups of one topic all but the newest
/// are outdated; topic 0 is none. Only whole groups are dropped: what is left of a group of which
/// some packets were taken stays.
class topic_queue {
public:
    void push(std::span<packet_ptr const> packets, std::uint64_t topic);

    /// Takes the first packets, at most `most`.
    [[nodiscard]] std::vector<packet_ptr> take(std::size_t most);

    /// Drops all groups that are outdated and says how many. Each group is dropped once at most,
    /// and none that stays is looked at, so that however often this is called it costs no more
    /// than the pushes did.
    std::size_t drop_outdated();

    void clear() noexcept;

    [[nodiscard]] bool empty() const noexcept { return groups_.empty(); }
    /// What waits, in bytes: payloads, and what it costs to keep them.
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    using hook = boost::intrusive::list_base_hook<
        boost::intrusive::link_mode<boost::intrusive::auto_unlink>>;

    struct group : hook {
        std::vector<packet_ptr> packets;
        std::uint64_t topic = 0;
        std::size_t taken = 0;
        std::list<group>::iterator place;
    };

    using outdated_list =
        boost::intrusive::list<group, boost::intrusive::constant_time_size<false>>;

    /// From now on the group belongs to no topic, and so is not dropped.
    void detach(group& g);

    std::list<group> groups_;
    /// The newest group of each topic; it is not outdated.
    std::map<std::uint64_t, group*> newest_;
    outdated_list outdated_;
    std::size_t bytes_ = 0;
};

inline void topic_queue::push(std::span<packet_ptr const> packets, std::uint64_t topic) {
    if (packets.empty())
        return;
    bytes_ += cost_of(packets);
    auto& added = groups_.emplace_back();
    added.packets.assign(packets.begin(), packets.end());
    added.topic = topic;
    added.place = std::prev(groups_.end());
    if (topic == 0)
        return;
    auto const [entry, is_first] = newest_.emplace(topic, &added);
    if (!is_first)
        outdated_.push_back(*std::exchange(entry->second, &added));
}

inline std::vector<packet_ptr> topic_queue::take(std::size_t most) {
    std::vector<packet_ptr> taken;
    while (!groups_.empty() && taken.size() < most) {
        auto& first = groups_.front();
        detach(first);
        auto const end = std::min(first.packets.size(), first.taken + most - taken.size());
        for (; first.taken < end; ++first.taken) {
            bytes_ -= cost_of(*first.packets[first.taken]);
            taken.push_back(std::move(first.packets[first.taken]));
        }
        if (end == first.packets.size())
            groups_.pop_front();
    }
    return taken;
}

inline void topic_queue::detach(group& g) {
    auto const entry = newest_.find(std::exchange(g.topic, 0));
    if (g.is_linked())
        g.unlink();
    else if (entry != newest_.end())
        newest_.erase(entry);
}

inline std::size_t topic_queue::drop_outdated() {
    std::size_t dropped = 0;
    for (; !outdated_.empty(); ++dropped) {
        auto const& first = outdated_.front();
        bytes_ -= cost_of(first.packets);
        groups_.erase(first.place);
    }
    return dropped;
}

inline void topic_queue::clear() noexcept {
    newest_.clear();
    groups_.clear();
    bytes_ = 0;
}

}  // namespace socoro::engine
