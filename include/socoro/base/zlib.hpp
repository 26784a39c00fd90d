// SPDX-License-Identifier: BSL-1.0
// The one header that includes zlib, 1.2.9 or newer: the streams of DEFLATE (RFC 1951) as objects.
// `socoro.hpp` does not bring it; programs that include it link libz.
#pragma once

#include <socoro/base/config.hpp>

#include <zlib.h>

#include <algorithm>
#include <cstddef>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace socoro {

/// What is around deflated data.
enum class deflate_format {
    raw,   ///< nothing
    zlib,  ///< RFC 1950, which HTTP calls `deflate`
    gzip,  ///< RFC 1952
};

/// How much memory and time a stream of zlib is worth.
struct deflate_effort {
    /// From 1, fast, to 9, small; 0 does not compress; -1 is zlib's own choice, 6.
    int level = Z_DEFAULT_COMPRESSION;
    /// From 1, little memory, to 9, fast.
    int mem_level = 8;
    /// The base-two logarithm of the window, 9 to 15. zlib takes 4 * 2^window_bits bytes, and
    /// 2^(mem_level + 9) more.
    int window_bits = MAX_WBITS;
};

/// Throws `std::invalid_argument` for what zlib would not take.
inline void check(deflate_effort const& effort) {
    if (effort.level < -1 || effort.level > 9)
        throw std::invalid_argument("the level of compression is a number from -1 to 9");
    if (effort.mem_level < 1 || effort.mem_level > MAX_MEM_LEVEL)
        throw std::invalid_argument("the memory level of compression is a number from 1 to 9");
}

/// Compresses. Throws `std::bad_alloc`, and `std::invalid_argument` for an effort out of bounds.
class deflater {
public:
    deflater(deflate_format format, deflate_effort const& effort);
    deflater(deflater const&) = delete;
    deflater& operator=(deflater const&) = delete;
    ~deflater() { deflateEnd(&stream_); }

    /// Takes a piece; what of it is not ready yet comes later.
    void feed(std::string_view piece, std::string& out) { run(piece, Z_NO_FLUSH, out); }

    /// Takes a piece and appends all there is, up to the empty block without compression
    /// (`00 00 ff ff` at its end) that every flush ends with.
    void flush(std::string_view piece, std::string& out) { run(piece, Z_SYNC_FLUSH, out); }

    /// Takes the last piece and appends the end of the stream.
    void finish(std::string_view piece, std::string& out) { run(piece, Z_FINISH, out); }

    /// Forgets everything, and is as new.
    void reset() noexcept { deflateReset(&stream_); }

private:
    void run(std::string_view piece, int flush, std::string& out);
    void run_once(std::string_view piece, int flush, std::string& out);

    z_stream stream_{};
};

/// Decompresses raw data. Throws `std::bad_alloc`. Memory for the window is taken when it is used.
class inflater {
public:
    enum class state {
        good,
        ended,  ///< behind a block that says it is the last
        bad,    ///< this is no deflated data; nothing more can be read
    };

    /// `window_bits`, 8 to 15, is how far data may refer back.
    explicit inflater(int window_bits);
    inflater(inflater const&) = delete;
    inflater& operator=(inflater const&) = delete;
    ~inflater() { inflateEnd(&stream_); }

    /// Takes from the front of `in` and fills `out` from its front, as much as possible of either;
    /// both are what is left of them then.
    [[nodiscard]] state run(std::string_view& in, std::span<char>& out);

    /// Whether all but the last four bytes of a flush have been taken.
    [[nodiscard]] bool is_at_flush() noexcept { return inflateSyncPoint(&stream_) == 1; }

    /// What follows the last block is read as more blocks, which may refer to those before.
    void go_on() noexcept { inflateResetKeep(&stream_); }

    /// Forgets everything, and is as new.
    void reset() noexcept { inflateReset(&stream_); }

private:
    z_stream stream_{};
};

namespace detail {

/// zlib counts in `unsigned int`.
inline constexpr std::size_t most_for_zlib = std::size_t{1} << 30U;

[[nodiscard]] inline Bytef* bytes_for_zlib(char const* text) noexcept {
    return reinterpret_cast<Bytef*>(const_cast<char*>(text));
}

inline void check_zlib(int code) {
    if (code == Z_MEM_ERROR)
        throw std::bad_alloc();
    if (code != Z_OK)
        throw std::invalid_argument("zlib does not take these parameters");
}

}  // namespace detail

inline deflater::deflater(deflate_format format, deflate_effort const& effort) {
    constexpr int gzip = 16;
    auto bits = effort.window_bits;
    if (format == deflate_format::raw)
        bits = -bits;
    else if (format == deflate_format::gzip)
        bits += gzip;
    detail::check_zlib(deflateInit2(
        &stream_,
        effort.level,
        Z_DEFLATED,
        bits,
        effort.mem_level,
        Z_DEFAULT_STRATEGY));
}

inline void deflater::run(std::string_view piece, int flush, std::string& out) {
    for (; piece.size() > detail::most_for_zlib; piece.remove_prefix(detail::most_for_zlib))
        run_once(piece.substr(0, detail::most_for_zlib), Z_NO_FLUSH, out);
    run_once(piece, flush, out);
}

inline void deflater::run_once(std::string_view piece, int flush, std::string& out) {
    // More than a flush needs, so that it is not written twice.
    constexpr std::size_t least_room = 256;
    auto const room = std::max(least_room, piece.size() / 4);
    stream_.next_in = detail::bytes_for_zlib(piece.data());
    stream_.avail_in = static_cast<uInt>(piece.size());
    do {
        auto const before = out.size();
        out.resize(before + room);
        stream_.next_out = detail::bytes_for_zlib(out.data() + before);
        stream_.avail_out = static_cast<uInt>(room);
        ::deflate(&stream_, flush);
        out.resize(out.size() - stream_.avail_out);
    } while (stream_.avail_out == 0);
}

inline inflater::inflater(int window_bits) {
    detail::check_zlib(inflateInit2(&stream_, -window_bits));
}

inline inflater::state inflater::run(std::string_view& in, std::span<char>& out) {
    auto const taken_at_once = std::min(in.size(), detail::most_for_zlib);
    auto const given_at_once = std::min(out.size(), detail::most_for_zlib);
    stream_.next_in = detail::bytes_for_zlib(in.data());
    stream_.avail_in = static_cast<uInt>(taken_at_once);
    stream_.next_out = detail::bytes_for_zlib(out.data());
    stream_.avail_out = static_cast<uInt>(given_at_once);
    auto const code = ::inflate(&stream_, Z_SYNC_FLUSH);
    in.remove_prefix(taken_at_once - stream_.avail_in);
    out = out.subspan(given_at_once - stream_.avail_out);
    if (code == Z_MEM_ERROR)
        throw std::bad_alloc();
    if (code == Z_STREAM_END)
        return state::ended;
    // Z_BUF_ERROR: there is nothing to take, or no room.
    return code == Z_OK || code == Z_BUF_ERROR ? state::good : state::bad;
}

}  // namespace socoro
