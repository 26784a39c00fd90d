// SPDX-License-Identifier: BSL-1.0
// From bytes to messages and control frames (RFC 6455 sections 5 and 8.1), in either role.
// It answers nothing: pongs and close frames in return are the transport's.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/result.hpp>
#include <socoro/base/utf8.hpp>
#include <socoro/ws/close.hpp>
#include <socoro/ws/compression.hpp>
#include <socoro/ws/frame.hpp>
#include <socoro/ws/mask.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace socoro::ws {

/// What the peer sent: a whole message, or a control frame.
struct event {
    enum class kind : std::uint8_t { text, binary, ping, pong, close };

    kind type = kind::binary;
    std::string data;                         ///< the message, the ping's data, or the close reason
    close_code code = close_code::no_status;  ///< of a close

    [[nodiscard]] friend bool operator==(event const&, event const&) = default;
};

/// Puts frames together. Control frames between the fragments of a message are delivered when
/// they arrive, before the message. Memory grows with what has arrived, never with what a header
/// announces; a message is collected in one buffer, which the event takes along. A compressed
/// message is decompressed as it arrives.
///
/// The loop is: `feed` what is left of the input, take the event of `next`, until all is consumed.
class reader {
public:
    /// Reads what `self` receives. Of `bounds` it keeps `max_http_buffer_size` (bytes of one
    /// message, on the wire and decompressed) and `ws_fragments`. Without `with` no message may be
    /// compressed.
    explicit reader(
        role self,
        limits const& bounds = {},
        std::unique_ptr<decompressor> with = nullptr);

    /// Takes bytes until an event is complete or the input ends, and returns how many it took:
    /// none while an event waits to be taken, all of them (unread) after a close frame.
    /// Errors are final and come back from every later call: those of `decode_header` and
    /// `decode_close`, `ws_bad_continuation`, `ws_bad_utf8` as soon as no further byte could make
    /// the text valid, `ws_message_too_large` and `ws_too_many_fragments` at the header, and those
    /// of the decompressor.
    [[nodiscard]] result<std::size_t> feed(std::string_view bytes);

    /// The event that `feed` completed, moved out.
    [[nodiscard]] std::optional<event> next() { return std::exchange(ready_, std::nullopt); }

private:
    [[nodiscard]] result<std::size_t> take_header(std::string_view bytes);
    [[nodiscard]] result<std::size_t> take_payload(std::string_view bytes);
    [[nodiscard]] std::error_code collect(std::string_view piece);
    [[nodiscard]] std::error_code decompress(std::string_view piece);
    [[nodiscard]] std::error_code check_text(std::size_t begin);
    [[nodiscard]] std::error_code check_fragment() const;
    [[nodiscard]] std::error_code begin_frame();
    [[nodiscard]] std::error_code begin_fragment();
    [[nodiscard]] std::error_code end_frame();
    [[nodiscard]] std::error_code end_message();
    [[nodiscard]] std::error_code end_close();
    void deliver(event::kind type, std::string& data);

    std::size_t max_message_;
    std::size_t max_fragments_;
    role self_;
    bool in_payload_ = false;  // of the current frame
    bool in_message_ = false;  // more fragments of it have to come
    bool text_ = false;        // what the message is
    bool compressed_ = false;  // so is the message
    bool closed_ = false;
    frame_header header_;  // of the current frame
    std::uint64_t remaining_ = 0;
    std::size_t fragments_ = 0;
    std::size_t announced_ = 0;  // bytes of the message on the wire, as far as headers told
    std::unique_ptr<decompressor> decompressor_;
    std::string head_;  // the beginning of a header that came in pieces
    std::string message_;
    std::string control_;
    utf8_checker utf8_;
    std::error_code failure_;
    std::optional<event> ready_;
};

inline reader::reader(role self, limits const& bounds, std::unique_ptr<decompressor> with)
    : max_message_(bounds.max_http_buffer_size)
    , max_fragments_(bounds.ws_fragments)
    , self_(self)
    , decompressor_(std::move(with)) {}

inline result<std::size_t> reader::feed(std::string_view bytes) {
    if (failure_)
        return failure_;
    if (closed_)
        return bytes.size();
    std::size_t taken = 0;
    while (!ready_ && taken < bytes.size()) {
        auto const rest = bytes.substr(taken);
        auto const step = in_payload_ ? take_payload(rest) : take_header(rest);
        if (!step)
            return failure_ = step.error();
        taken += *step;
    }
    return taken;
}

inline result<std::size_t> reader::take_header(std::string_view bytes) {
    auto const kept = head_.size();
    if (kept > 0)
        head_.append(bytes.substr(0, max_header_size - kept));
    auto const known = kept > 0 ? std::string_view(head_) : bytes;
    auto const size = decode_header(known, self_, header_, decompressor_ ? compressed_bit : 0);
    if (!size)
        return size;
    if (has_length(known))
        if (auto const ec = check_fragment())
            return ec;
    if (*size == 0) {
        if (kept == 0)
            head_ = bytes;
        return bytes.size();
    }
    head_.clear();
    if (auto const ec = begin_frame())
        return ec;
    return *size - kept;
}

inline result<std::size_t> reader::take_payload(std::string_view bytes) {
    auto const size = static_cast<std::size_t>(std::min<std::uint64_t>(remaining_, bytes.size()));
    auto const piece = bytes.substr(0, size);
    bool const plain = !compressed_ || is_control(header_.op);
    if (auto const ec = plain ? collect(piece) : decompress(piece))
        return ec;
    remaining_ -= size;
    if (remaining_ == 0)
        if (auto const ec = end_frame())
            return ec;
    return size;
}

inline std::error_code reader::collect(std::string_view piece) {
    bool const control = is_control(header_.op);
    auto& buffer = control ? control_ : message_;
    auto const begin = buffer.size();
    buffer.append(piece);
    if (header_.masked)
        apply_mask(std::span(buffer).subspan(begin), header_.key, header_.length - remaining_);
    return control ? std::error_code() : check_text(begin);
}

inline std::error_code reader::decompress(std::string_view piece) {
    std::array<char, 4096> unmasked;
    auto offset = header_.length - remaining_;
    for (; !piece.empty(); piece.remove_prefix(std::min(piece.size(), unmasked.size()))) {
        auto const part = std::span(unmasked).first(piece.copy(unmasked.data(), unmasked.size()));
        if (header_.masked)
            apply_mask(part, header_.key, offset);
        offset += part.size();
        auto const begin = message_.size();
        auto const failed = decompressor_->feed({part.data(), part.size()}, max_message_, message_);
        if (auto const ec = check_text(begin))
            return ec;
        if (failed)
            return failed;
    }
    return {};
}

/// Checks what of the message is new.
inline std::error_code reader::check_text(std::size_t begin) {
    if (text_ && !utf8_.feed(std::string_view(message_).substr(begin)))
        return errc::ws_bad_utf8;
    return {};
}

/// What a data frame may not be is refused as soon as its length is known.
inline std::error_code reader::check_fragment() const {
    if (is_control(header_.op))
        return {};
    if ((header_.op != opcode::continuation) == in_message_)
        return errc::ws_bad_continuation;
    // The subtraction cannot wrap: what was announced before passed this very test.
    if (header_.length > max_message_ - announced_)
        return errc::ws_message_too_large;
    return {};
}

inline std::error_code reader::begin_frame() {
    if (!is_control(header_.op))
        if (auto const ec = begin_fragment())
            return ec;
    in_payload_ = true;
    remaining_ = header_.length;
    return remaining_ == 0 ? end_frame() : std::error_code{};
}

inline std::error_code reader::begin_fragment() {
    if (header_.op != opcode::continuation) {
        text_ = header_.op == opcode::text;
        compressed_ = header_.rsv != 0;
        fragments_ = 0;
    }
    announced_ += static_cast<std::size_t>(header_.length);
    if (++fragments_ > max_fragments_)
        return errc::ws_too_many_fragments;
    in_message_ = !header_.fin;
    return {};
}

inline std::error_code reader::end_frame() {
    in_payload_ = false;
    switch (header_.op) {
    case opcode::ping: deliver(event::kind::ping, control_); return {};
    case opcode::pong: deliver(event::kind::pong, control_); return {};
    case opcode::close: return end_close();
    default: return in_message_ ? std::error_code{} : end_message();
    }
}

inline std::error_code reader::end_message() {
    announced_ = 0;
    if (compressed_) {
        auto const begin = message_.size();
        if (auto const ec = decompressor_->finish(max_message_, message_))
            return ec;
        if (auto const ec = check_text(begin))
            return ec;
    }
    if (text_ && !utf8_.finish())
        return errc::ws_bad_utf8;
    deliver(text_ ? event::kind::text : event::kind::binary, message_);
    return {};
}

inline std::error_code reader::end_close() {
    auto status = decode_close(control_);
    if (!status)
        return status.error();
    deliver(event::kind::close, status->reason);
    ready_->code = status->code;
    closed_ = true;
    return {};
}

inline void reader::deliver(event::kind type, std::string& data) {
    ready_.emplace();
    ready_->type = type;
    ready_->data = std::exchange(data, {});
}

}  // namespace socoro::ws
