// SPDX-License-Identifier: BSL-1.0
// Another way to write packets into messages than JSON, as the reference's option `parser`: both
// ends have to agree on it. JSON itself is no parser here: encoder.hpp and decoder.hpp are called
// directly, without a virtual function, by whoever has none.
#pragma once

#include <socoro/base/limits.hpp>
#include <socoro/base/message.hpp>
#include <socoro/base/result.hpp>
#include <socoro/sio/decoder.hpp>
#include <socoro/sio/encoder.hpp>
#include <socoro/sio/packet.hpp>
#include <socoro/sio/packet_rules.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace socoro::sio {

/// One peer's incoming packets, as a parser reads them. Used by one thread at a time. An error is
/// final: the connection ends, and the decoder is not fed again.
class packet_decoder {
public:
    explicit packet_decoder(limits const& bounds) : bounds_(bounds) {}
    packet_decoder(packet_decoder const&) = delete;
    packet_decoder& operator=(packet_decoder const&) = delete;
    virtual ~packet_decoder() = default;

    /// Takes one message; gives a packet when it is complete. Whatever `read` gives, this packet
    /// keeps the rules (packet_rules.hpp); an exception of its is `errc::sio_malformed`.
    [[nodiscard]] result<std::optional<packet>> feed(message&& m);

    /// Whether more messages belong to the packet that has begun; they have to come in time.
    [[nodiscard]] virtual bool incomplete() const noexcept { return false; }

protected:
    /// What a peer may make us hold. `json_depth`, `sio_attachments` and `sio_attachment_bytes` are
    /// to be kept while reading: afterwards is too late for the memory.
    [[nodiscard]] limits const& bounds() const noexcept { return bounds_; }

private:
    /// Reads one message, which is not trusted. Gives a packet when it is complete: its type never
    /// binary_event or binary_ack, binary data in `attachments`, each with its placeholder in the
    /// data (attachments.hpp). `errc::sio_malformed` for what is no packet at all.
    [[nodiscard]] virtual result<std::optional<packet>> read(message&& m) = 0;

    limits bounds_;
};

/// Writes packets into messages, and makes the decoders that read them. It is shared by all
/// connections, and any thread may call it, so it must not change.
///
/// What was written must be read again as the same packet by its own decoders: connection state
/// recovery does so to give an event its number. Packets must not mix: all messages of one leave
/// together, in order.
class parser {
public:
    parser() = default;
    parser(parser const&) = delete;
    parser& operator=(parser const&) = delete;
    virtual ~parser() = default;

    /// The messages of one packet, at least one. `h.type` is never binary_event or binary_ack.
    /// `json` is the packet's data as JSON text without white space, or empty for none. Where it has
    /// the placeholder of one of `attachments`, these bytes are meant; other objects that look like
    /// one are nothing but objects. What it throws, `emit` throws.
    [[nodiscard]] virtual std::vector<message> encode(
        header const& h,
        std::string_view json,
        std::vector<std::string>&& attachments) const = 0;

    /// Makes the decoder of a new connection.
    [[nodiscard]] virtual std::unique_ptr<packet_decoder> make_decoder(
        limits const& bounds) const = 0;
};

/// The incoming packets of one peer, by a parser or, without one, as JSON.
class chosen_decoder {
public:
    /// `by` may be null. The parser need not outlive this.
    chosen_decoder(parser const* by, limits const& bounds)
        : json_(bounds)
        , other_(by ? by->make_decoder(bounds) : nullptr) {}

    /// See decoder::feed.
    [[nodiscard]] result<std::optional<packet>> feed(message&& m) {
        return other_ ? other_->feed(std::move(m)) : json_.feed(std::move(m));
    }

    /// Whether more messages belong to the packet that has begun.
    [[nodiscard]] bool incomplete() const noexcept {
        return other_ ? other_->incomplete() : json_.incomplete();
    }

private:
    decoder json_;
    std::unique_ptr<packet_decoder> other_;
};

inline result<std::optional<packet>> packet_decoder::feed(message&& m) {
    try {
        auto next = read(std::move(m));
        if (next && *next)
            if (auto const wrong = check(**next, bounds_))
                return wrong;
        return next;
    } catch (...) {
        return errc::sio_malformed;
    }
}

}  // namespace socoro::sio
