// SPDX-License-Identifier: BSL-1.0
// What the connections with permessage-deflate share that live on one executor: streams of zlib,
// and what was made with them. `socoro.hpp` does not bring it; <socoro/deflate.hpp> does.
#pragma once

#include <socoro/base/zlib.hpp>
#include <socoro/ws/deflate_parameters.hpp>
#include <socoro/ws/deflated_messages.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace socoro::ws {

/// How an end compresses, and what it wishes to agree on.
struct deflate_settings {
    std::size_t threshold = 1024;
    int level = deflate_effort().level;
    int mem_level = deflate_effort().mem_level;
    deflate_parameters wished;
};

/// What the connections of one executor share: streams that keep nothing from one message to the
/// next, messages that go to many, and memory.
class deflate_pool {
public:
    explicit deflate_pool(deflate_settings const& settings) : settings_(settings) {}

    /// A new stream of an end that may refer back so far. zlib cannot do 8: with 9 it refers back
    /// by 250 bytes at most, which is what a window of 8 holds.
    [[nodiscard]] std::unique_ptr<deflater> make_deflater(int window_bits) const;

    /// The stream that forgets each message.
    [[nodiscard]] deflater& shared_deflater(int window_bits);

    /// A stream for one message, as new.
    [[nodiscard]] std::unique_ptr<inflater> take_inflater(int window_bits);
    void give_back(int window_bits, std::unique_ptr<inflater> used);

    /// An empty buffer for what is sent next.
    [[nodiscard]] std::string& buffer();

    [[nodiscard]] deflate_settings const& settings() const noexcept { return settings_; }
    [[nodiscard]] deflated_messages& messages() noexcept { return messages_; }

    /// How many messages were deflated, shared ones once.
    std::size_t deflated = 0;

private:
    static constexpr std::size_t most_spare_buffer = 64 * 1024;
    static constexpr std::size_t most_spare_inflaters = 4;

    deflate_settings settings_;
    std::array<std::unique_ptr<deflater>, most_window_bits + 1> deflaters_;
    std::array<std::vector<std::unique_ptr<inflater>>, most_window_bits + 1> inflaters_;
    deflated_messages messages_;
    std::string buffer_;
};

inline std::unique_ptr<deflater> deflate_pool::make_deflater(int window_bits) const {
    constexpr int least_of_zlib = 9;
    deflate_effort const effort{
        settings_.level,
        settings_.mem_level,
        std::max(window_bits, least_of_zlib)};
    return std::make_unique<deflater>(deflate_format::raw, effort);
}

inline deflater& deflate_pool::shared_deflater(int window_bits) {
    auto& stream = deflaters_.at(static_cast<std::size_t>(window_bits));
    if (!stream)
        stream = make_deflater(window_bits);
    return *stream;
}

inline std::unique_ptr<inflater> deflate_pool::take_inflater(int window_bits) {
    auto& spare = inflaters_.at(static_cast<std::size_t>(window_bits));
    if (spare.empty())
        return std::make_unique<inflater>(window_bits);
    auto taken = std::move(spare.back());
    spare.pop_back();
    return taken;
}

inline void deflate_pool::give_back(int window_bits, std::unique_ptr<inflater> used) {
    auto& spare = inflaters_.at(static_cast<std::size_t>(window_bits));
    if (spare.size() >= most_spare_inflaters)
        return;
    used->reset();
    spare.push_back(std::move(used));
}

inline std::string& deflate_pool::buffer() {
    if (buffer_.capacity() > most_spare_buffer)
        std::string().swap(buffer_);
    buffer_.clear();
    return buffer_;
}

}  // namespace socoro::ws
