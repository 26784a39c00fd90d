// SPDX-License-Identifier: BSL-1.0
// What a connection asks of an extension that makes messages smaller (RFC 6455 section 9): a bit in
// the header of a message's first frame, RSV1, says that it was used. How it is done, and with
// which library, is not known here.
#pragma once

#include <socoro/base/result.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>

namespace socoro::ws {

/// Compresses the messages that one end of one connection sends, in their order.
class compressor {
public:
    virtual ~compressor() = default;

    /// Messages of fewer bytes are sent as they are.
    [[nodiscard]] virtual std::size_t threshold() const noexcept = 0;

    /// The compressed form of `prefix` and `payload`, which has to be sent; the view lasts until
    /// the next call to any compressor of the same negotiator. Whoever has the same two for several
    /// connections has one `source` for them, which is not used for anything else: if the
    /// connections keep nothing of earlier messages, they share the result. It may be null.
    [[nodiscard]] virtual std::string_view compress(
        std::string_view prefix,
        std::string_view payload,
        std::shared_ptr<void const> const& source) = 0;
};

/// Decompresses the messages that one end of one connection receives. Errors are final.
class decompressor {
public:
    virtual ~decompressor() = default;

    /// Takes a piece of a message, appends what it stands for, and makes `message` no longer than
    /// `most`. Errors: `ws_message_too_large`, `ws_bad_compression`; what came before the mistake
    /// is appended.
    [[nodiscard]] virtual std::error_code
    feed(std::string_view piece, std::size_t most, std::string& message) = 0;

    /// The same at the end of a message.
    [[nodiscard]] virtual std::error_code finish(std::size_t most, std::string& message) = 0;
};

/// The two directions of one connection; null ones are not compressed.
struct codecs {
    std::unique_ptr<compressor> out;
    std::unique_ptr<decompressor> in;
};

/// What both ends have agreed on.
struct agreement {
    /// What a server answers in `Sec-WebSocket-Extensions`; empty if nothing was agreed on.
    std::string answer;
    ws::codecs codecs;
};

/// Negotiates for the connections of one executor, and keeps what they share. The codecs hold what
/// they need of it. Not thread-safe.
class negotiator {
public:
    virtual ~negotiator() = default;

    /// What a client offers in `Sec-WebSocket-Extensions`.
    [[nodiscard]] virtual std::string offer() const = 0;

    /// As a server: takes the first acceptable of the offers in `header`. No acceptable offer is no
    /// error: nothing is agreed on then. `ws_bad_extensions` for what breaks the grammar.
    [[nodiscard]] virtual result<agreement> accept_offer(std::string_view header) = 0;

    /// As a client: the answer to `offer`. `ws_bad_extensions` for what is no answer to it.
    [[nodiscard]] virtual result<agreement> accept_answer(std::string_view header) = 0;
};

/// An extension with its parameters, as options hold it. Any thread may use it.
class extension {
public:
    virtual ~extension() = default;
    [[nodiscard]] virtual std::shared_ptr<negotiator> make_negotiator() const = 0;
};

}  // namespace socoro::ws
