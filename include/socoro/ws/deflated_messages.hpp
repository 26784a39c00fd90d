// SPDX-License-Identifier: BSL-1.0
// Compressed messages that several connections may need, so that what goes to many is compressed
// once. It does not compress.
#pragma once

#include <socoro/base/config.hpp>

#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace socoro::ws {

/// Messages that were deflated without regard to others, while several connections may need them.
/// The bytes are bounded: those that nobody waits for any more go first, then all.
class deflated_messages {
public:
    /// More than this stays only until the next message.
    static constexpr std::size_t most_bytes = 1'000'000;
    static constexpr std::size_t most_messages = 256;

    using source_ptr = std::shared_ptr<void const>;

    /// What was kept for this source and window; null if nothing was.
    [[nodiscard]] std::string const* find(source_ptr const& source, int window_bits);

    void keep(source_ptr const& source, int window_bits, std::string_view deflated);

    /// Nobody else will need what was made of this source.
    void forget(source_ptr const& source, int window_bits);

    [[nodiscard]] std::size_t size() const noexcept { return kept_.size(); }

private:
    using key = std::pair<void const*, int>;
    struct entry {
        std::weak_ptr<void const> source;
        std::string deflated;
    };
    using iterator = std::map<key, entry>::iterator;

    [[nodiscard]] bool is_full() const noexcept {
        return bytes_ > most_bytes || kept_.size() >= most_messages;
    }
    iterator erase(iterator which);
    void make_room();

    std::map<key, entry> kept_;
    std::size_t bytes_ = 0;
};

inline std::string const* deflated_messages::find(source_ptr const& source, int window_bits) {
    if (kept_.empty())
        return nullptr;
    auto const found = kept_.find({source.get(), window_bits});
    if (found == kept_.end())
        return nullptr;
    if (found->second.source.lock() == source)
        return &found->second.deflated;
    erase(found);
    return nullptr;
}

inline void
deflated_messages::keep(source_ptr const& source, int window_bits, std::string_view deflated) {
    if (is_full())
        make_room();
    kept_.insert_or_assign(key{source.get(), window_bits}, entry{source, std::string(deflated)});
    bytes_ += deflated.size();
}

inline void deflated_messages::forget(source_ptr const& source, int window_bits) {
    auto const found = kept_.find({source.get(), window_bits});
    if (found != kept_.end())
        erase(found);
}

inline deflated_messages::iterator deflated_messages::erase(iterator which) {
    bytes_ -= which->second.deflated.size();
    return kept_.erase(which);
}

inline void deflated_messages::make_room() {
    for (auto each = kept_.begin(); each != kept_.end();)
        each = each->second.source.expired() ? erase(each) : std::next(each);
    if (!is_full())
        return;
    kept_.clear();
    bytes_ = 0;
}

}  // namespace socoro::ws
