// SPDX-License-Identifier: BSL-1.0
// Compression of messages over WebSocket and of HTTP answers, on zlib. `socoro.hpp` does not bring
// this header; programs that include it link libz.
#pragma once

#include <socoro/base/zlib.hpp>
#include <socoro/http/content_coding.hpp>
#include <socoro/ws/permessage_deflate.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace socoro {

/// How messages over WebSocket are compressed (permessage-deflate, RFC 7692), with the names and
/// defaults of the package `ws`.
///
/// What it costs: each connection keeps the last 32 KiB that it sent and received, which makes
/// similar messages very small. With the defaults that is 256 KiB of memory for each connection
/// that has sent a message as long as `threshold`, and up to 40 KiB for each that has received a
/// compressed one. With `server_no_context_takeover` (on a server) or `client_no_context_takeover`
/// (on a client) what we send is compressed by itself: all connections share 256 KiB, and a
/// broadcast is compressed once for all who get it.
///
/// Who can make us send a secret beside a text of their own can guess the secret from the length
/// of what is sent; `socket.compress(false)` is for such events.
struct per_message_deflate_options {
    /// Messages of fewer bytes are sent as they are; 1024, as in the reference, is about one packet
    /// of a network. Unlike the reference's server, also if there is context to refer to.
    std::size_t threshold = 1024;
    /// Whether the server forgets each message before it compresses the next. If not, a client may
    /// still ask for it.
    bool server_no_context_takeover = false;
    /// The same for the client.
    bool client_no_context_takeover = false;
    /// The most that what the server compresses may refer back, as the base-two logarithm: 8 to
    /// 15. Without a number 15, or what the client asks for.
    std::optional<int> server_max_window_bits = std::nullopt;
    /// The same for the client. With a number below 15 nothing is compressed for clients that
    /// cannot be told so.
    std::optional<int> client_max_window_bits = std::nullopt;
    /// From 1, fast, to 9, small; -1 is zlib's own choice, 6.
    int level = -1;
    /// From 1 to 9: more memory makes it faster and the result smaller. Each step doubles a part
    /// of it, which is half of those 256 KiB with 8.
    int mem_level = 8;
};

/// Compression for the option `per_message_deflate` of servers and clients; one serves any number
/// of them, in any threads. It is used with those peers that agree to it. What a peer sends is
/// never decompressed beyond the limit `max_http_buffer_size`, nor without need held in memory.
///
/// Throws `std::invalid_argument` for a number out of its bounds.
[[nodiscard]] std::shared_ptr<ws::extension const> per_message_deflate(
    per_message_deflate_options const& options = {});

/// How answers over HTTP are compressed.
struct http_compression_options {
    /// Bodies of fewer bytes are sent as they are; 1024, as in the reference, is about one packet
    /// of a network.
    std::size_t threshold = 1024;
    /// From 1, fast, to 9, small; -1 is zlib's own choice, 6.
    int level = -1;
    /// From 1 to 9: more memory, up to 256 KiB while a body is compressed, makes it faster and the
    /// result smaller.
    int mem_level = 8;
};

/// Compression for the option `http_compression` of servers; one serves any number of them, in any
/// threads. It is used for the answers to polls and for the browser's script, with those clients
/// that accept `gzip` or `deflate`.
///
/// Throws `std::invalid_argument` for a number out of its bounds.
[[nodiscard]] std::shared_ptr<http::compression const> http_compression(
    http_compression_options const& options = {});

namespace detail {

class deflate_extension final : public ws::extension {
public:
    explicit deflate_extension(ws::deflate_settings settings) : settings_(settings) {}
    [[nodiscard]] std::shared_ptr<ws::negotiator> make_negotiator() const override {
        return std::make_shared<ws::deflate_negotiator>(settings_);
    }

private:
    ws::deflate_settings settings_;
};

class zlib_compression final : public http::compression {
public:
    explicit zlib_compression(http_compression_options const& options) : options_(options) {}
    [[nodiscard]] std::size_t threshold() const noexcept override { return options_.threshold; }
    [[nodiscard]] std::string encode(http::coding as, std::string_view body) const override {
        bool const gzip = as == http::coding::gzip;
        deflater stream(
            gzip ? deflate_format::gzip : deflate_format::zlib,
            {options_.level, options_.mem_level});
        std::string out;
        stream.finish(body, out);
        return out;
    }

private:
    http_compression_options options_;
};

inline void check_window(std::optional<int> bits) {
    if (bits && (*bits < ws::least_window_bits || *bits > ws::most_window_bits))
        throw std::invalid_argument("the bits of a window are a number from 8 to 15");
}

}  // namespace detail

inline std::shared_ptr<ws::extension const> per_message_deflate(
    per_message_deflate_options const& options) {
    check(deflate_effort{options.level, options.mem_level});
    detail::check_window(options.server_max_window_bits);
    detail::check_window(options.client_max_window_bits);
    ws::deflate_settings settings;
    settings.threshold = options.threshold;
    settings.level = options.level;
    settings.mem_level = options.mem_level;
    settings.wished = {
        options.server_no_context_takeover,
        options.client_no_context_takeover,
        options.server_max_window_bits,
        options.client_max_window_bits};
    return std::make_shared<detail::deflate_extension>(settings);
}

inline std::shared_ptr<http::compression const> http_compression(
    http_compression_options const& options) {
    check(deflate_effort{options.level, options.mem_level});
    return std::make_shared<detail::zlib_compression>(options);
}

}  // namespace socoro
