// SPDX-License-Identifier: BSL-1.0
// The extension permessage-deflate (RFC 7692) on zlib: messages that are deflated one by one, with
// or without what earlier ones contained. `socoro.hpp` does not bring it; <socoro/deflate.hpp> does.
#pragma once

#include <socoro/base/zlib.hpp>
#include <socoro/ws/compression.hpp>
#include <socoro/ws/deflate_parameters.hpp>
#include <socoro/ws/deflate_pool.hpp>
#include <socoro/ws/extension_list.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::ws {

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

/// What both kinds of compressors have of their pool.
class pooled_compressor : public compressor {
public:
    pooled_compressor(std::shared_ptr<deflate_pool> pool, int window_bits)
        : pool_(std::move(pool))
        , window_bits_(window_bits) {}

    [[nodiscard]] std::size_t threshold() const noexcept final {
        return pool_->settings().threshold;
    }

protected:
    std::shared_ptr<deflate_pool> pool_;
    int window_bits_;
};

/// Keeps what it has sent: 256 KiB by default, once it has deflated its first message.
class context_compressor final : public pooled_compressor {
public:
    using pooled_compressor::pooled_compressor;

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
    std::unique_ptr<deflater> stream_;
};

/// Keeps nothing, so that all share one stream, and what it made of one source.
class shared_compressor final : public pooled_compressor {
public:
    using pooled_compressor::pooled_compressor;

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
