// SPDX-License-Identifier: BSL-1.0
// The extension permessage-deflate (RFC 7692) on zlib: messages that are deflated one by one, with
// or without what earlier ones contained. `socoro.hpp` does not bring it; <socoro/deflate.hpp> does.
#pragma once

#include <socoro/base/zlib.hpp>
#include <socoro/ws/compression.hpp>
#include <socoro/ws/deflate_parameters.hpp>
#include <socoro/ws/extension_list.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
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

/// Negotiates permessage-deflate for the connections of one executor.
class deflate_negotiator final : public negotiator {
public:
    explicit deflate_negotiator(deflate_settings const& settings)
        : pool_(std::make_shared<deflate_pool>(settings)) {}

    [[nodiscard]] std::string offer() const override;
    [[nodiscard]] result<agreement> accept_offer(std::string_view header) override;
    [[nodiscard]] result<agreement> accept_answer(std::string_view header) override;

    [[nodiscard]] deflate_pool& pool() noexcept { return *pool_; }

private:
    [[nodiscard]] codecs make_codecs(
        bool own_takeover,
        std::optional<int> own_window,
        bool other_takeover,
        std::optional<int> other_window) const;

    std::shared_ptr<deflate_pool> pool_;
};

namespace detail {

/// What each flush ends with, and no message on the wire does (RFC 7692 section 7.2.1).
inline constexpr std::string_view flush_end{"\0\0\xff\xff", 4};

/// Deflates one message behind those before; the stream is at a byte's boundary.
inline void deflate_message(
    deflater& stream,
    std::string_view prefix,
    std::string_view payload,
    std::string& out) {
    if (prefix.empty() && payload.empty()) {
        // Section 7.2.3.6. zlib does not flush twice in a row.
        out.push_back('\0');
        return;
    }
    stream.feed(prefix, out);
    stream.flush(payload, out);
    out.resize(out.size() - flush_end.size());
}

/// Keeps what it has sent: 256 KiB by default, once it has deflated its first message.
class context_compressor final : public compressor {
public:
    context_compressor(std::shared_ptr<deflate_pool> pool, int window_bits)
        : pool_(std::move(pool))
        , window_bits_(window_bits) {}

    [[nodiscard]] std::size_t threshold() const noexcept override {
        return pool_->settings().threshold;
    }
    [[nodiscard]] std::string_view compress(
        std::string_view prefix,
        std::string_view payload,
        std::shared_ptr<void const> const& /*source*/) override {
        if (!stream_)
            stream_ = pool_->make_deflater(window_bits_);
        auto& out = pool_->buffer();
        deflate_message(*stream_, prefix, payload, out);
        ++pool_->deflated;
        return out;
    }

private:
    std::shared_ptr<deflate_pool> pool_;
    std::unique_ptr<deflater> stream_;
    int window_bits_;
};

/// Keeps nothing, so that all share one stream, and what it made of one source.
class shared_compressor final : public compressor {
public:
    shared_compressor(std::shared_ptr<deflate_pool> pool, int window_bits)
        : pool_(std::move(pool))
        , window_bits_(window_bits) {}

    [[nodiscard]] std::size_t threshold() const noexcept override {
        return pool_->settings().threshold;
    }
    [[nodiscard]] std::string_view compress(
        std::string_view prefix,
        std::string_view payload,
        std::shared_ptr<void const> const& source) override {
        auto& out = pool_->buffer();
        // Two references are the caller's: its own, and what it made of that to pass it here.
        constexpr long of_caller = 2;
        bool const is_last = source.use_count() <= of_caller;
        if (auto const* const made = pool_->messages().find(source, window_bits_)) {
            if (!is_last)
                return *made;
            out = *made;
            pool_->messages().forget(source, window_bits_);
            return out;
        }
        auto& stream = pool_->shared_deflater(window_bits_);
        deflate_message(stream, prefix, payload, out);
        stream.reset();
        ++pool_->deflated;
        if (!is_last)
            pool_->messages().keep(source, window_bits_, out);
        return out;
    }

private:
    std::shared_ptr<deflate_pool> pool_;
    int window_bits_;
};

/// Inflates; between messages without context it has no stream.
class inflating_decompressor final : public decompressor {
public:
    inflating_decompressor(std::shared_ptr<deflate_pool> pool, int window_bits, bool keeps_context)
        : pool_(std::move(pool))
        , window_bits_(window_bits)
        , keeps_context_(keeps_context) {}

    [[nodiscard]] std::error_code
    feed(std::string_view piece, std::size_t most, std::string& message) override;
    [[nodiscard]] std::error_code finish(std::size_t most, std::string& message) override;

private:
    [[nodiscard]] std::error_code
    inflate(std::string_view piece, std::size_t most, std::string& message);

    std::shared_ptr<deflate_pool> pool_;
    std::unique_ptr<inflater> stream_;
    int window_bits_;
    bool keeps_context_;
    /// Nothing came behind a block that said it is the last.
    bool ended_ = false;
};

inline std::error_code
inflating_decompressor::feed(std::string_view piece, std::size_t most, std::string& message) {
    if (!stream_)
        stream_ = pool_->take_inflater(window_bits_);
    return inflate(piece, most, message);
}

inline std::error_code
inflating_decompressor::inflate(std::string_view piece, std::size_t most, std::string& message) {
    std::array<char, 16 * 1024> plain;
    bool more = !piece.empty();
    while (more) {
        if (std::exchange(ended_, false))
            stream_->go_on();
        std::span<char> room(plain);
        auto const state = stream_->run(piece, room);
        auto const made = plain.size() - room.size();
        auto const left = most - message.size();
        message.append(plain.data(), std::min(made, left));
        // What comes before the mistake counts first, however the message was cut.
        if (made > left)
            return errc::ws_message_too_large;
        if (state == inflater::state::bad)
            return errc::ws_bad_compression;
        ended_ = state == inflater::state::ended;
        // Without room there may be more, even if all was taken.
        more = !piece.empty() || (room.empty() && !ended_);
    }
    return {};
}

/// Section 7.2.2. A message that stops within a block is none; one that stops behind a block that
/// says it is the last is, for peers that leave out the empty block behind it.
inline std::error_code inflating_decompressor::finish(std::size_t most, std::string& message) {
    if (!stream_ || (!ended_ && !stream_->is_at_flush()))
        return errc::ws_bad_compression;
    if (!ended_)
        if (auto const ec = inflate(flush_end, most, message))
            return ec;
    if (std::exchange(ended_, false))
        stream_->go_on();
    if (!keeps_context_)
        pool_->give_back(window_bits_, std::move(stream_));
    return {};
}

}  // namespace detail

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
        buffer_ = {};
    buffer_.clear();
    return buffer_;
}

inline std::string deflate_negotiator::offer() const {
    return deflate_offer(pool_->settings().wished);
}

inline result<agreement> deflate_negotiator::accept_offer(std::string_view header) {
    auto const offers = parse_extensions(header);
    if (!offers)
        return offers.error();
    agreement made;
    auto accepted = accept_deflate_offer(*offers, pool_->settings().wished);
    if (!accepted)
        return made;
    auto const& p = accepted->agreed;
    made.answer = std::move(accepted->answer);
    made.codecs = make_codecs(
        !p.server_no_context_takeover,
        p.server_max_window_bits,
        !p.client_no_context_takeover,
        p.client_max_window_bits);
    return made;
}

inline result<agreement> deflate_negotiator::accept_answer(std::string_view header) {
    auto const answer = parse_extensions(header);
    if (!answer)
        return answer.error();
    auto const p = accept_deflate_answer(*answer, pool_->settings().wished);
    if (!p)
        return p.error();
    agreement made;
    made.codecs = make_codecs(
        !p->client_no_context_takeover,
        p->client_max_window_bits,
        !p->server_no_context_takeover,
        p->server_max_window_bits);
    return made;
}

inline codecs deflate_negotiator::make_codecs(
    bool own_takeover,
    std::optional<int> own_window,
    bool other_takeover,
    std::optional<int> other_window) const {
    codecs made;
    auto const own = own_window.value_or(most_window_bits);
    if (own_takeover)
        made.out = std::make_unique<detail::context_compressor>(pool_, own);
    else
        made.out = std::make_unique<detail::shared_compressor>(pool_, own);
    made.in = std::make_unique<detail::inflating_decompressor>(
        pool_,
        other_window.value_or(most_window_bits),
        other_takeover);
    return made;
}

}  // namespace socoro::ws
