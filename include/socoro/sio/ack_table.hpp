// SPDX-License-Identifier: BSL-1.0
// Who waits for which acknowledgement (Socket.IO protocol v5, "Acknowledgement"). Not the waiting
// itself: what a waiter is, and its timeout, are the caller's.
#pragma once

#include <socoro/base/config.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace socoro::sio {

/// Pending acknowledgements by id. What the peer sends can only take out what we put in: an id
/// that is unknown or was answered before is nobody's, and costs nothing.
template <typename T>
class ack_table {
public:
    /// Keeps `waiter` under the next id, and returns it: 0, 1, 2 and so on, always above every
    /// id the caller gave.
    std::uint64_t add(T waiter);

    /// Keeps `waiter` under an id the caller counts, as a namespace does for all its sockets.
    /// Throws std::invalid_argument if that id is still pending.
    void add(std::uint64_t id, T waiter);

    /// Takes out the waiter for an answer, or after its timeout; nothing if there is none.
    [[nodiscard]] std::optional<T> take(std::uint64_t id);

    /// Takes out all waiters, the lowest id first: the peer is gone.
    [[nodiscard]] std::vector<T> take_all();

    [[nodiscard]] std::size_t size() const noexcept { return waiters_.size(); }
    [[nodiscard]] bool empty() const noexcept { return waiters_.empty(); }

private:
    std::map<std::uint64_t, T> waiters_;
    std::uint64_t next_ = 0;
};

template <typename T>
std::uint64_t ack_table<T>::add(T waiter) {
    auto const id = next_;
    add(id, std::move(waiter));
    return id;
}

template <typename T>
void ack_table<T>::add(std::uint64_t id, T waiter) {
    if (!waiters_.try_emplace(id, std::move(waiter)).second)
        throw std::invalid_argument("this acknowledgement is still pending");
    if (id >= next_)
        next_ = id + 1;
}

template <typename T>
std::optional<T> ack_table<T>::take(std::uint64_t id) {
    auto const found = waiters_.find(id);
    if (found == waiters_.end())
        return std::nullopt;
    std::optional<T> waiter(std::move(found->second));
    waiters_.erase(found);
    return waiter;
}

template <typename T>
std::vector<T> ack_table<T>::take_all() {
    std::vector<T> all;
    all.reserve(waiters_.size());
    for (auto& [id, waiter] : waiters_)
        all.push_back(std::move(waiter));
    waiters_.clear();
    return all;
}

}  // namespace socoro::sio
