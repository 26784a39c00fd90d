// SPDX-License-Identifier: BSL-1.0
// Reads the requests of a whole connection in pieces of any sizes, for the tests of the parser.
#pragma once

#include <socoro/http/parser.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string_view>
#include <system_error>
#include <vector>

namespace reading {

struct outcome {
    std::vector<socoro::http::request> requests;
    std::error_code error;  // of the parser, or of the end of the connection
    friend bool operator==(outcome const&, outcome const&) = default;
};

template <typename PieceSize>
outcome in_pieces(std::string_view bytes, PieceSize next_size, socoro::limits const& bounds = {}) {
    socoro::http::request_parser parser(bounds);
    outcome seen;
    while (!bytes.empty()) {
        auto piece = bytes.substr(0, std::max<std::size_t>(1, next_size()));
        bytes.remove_prefix(piece.size());
        while (!piece.empty()) {
            auto const consumed = parser.feed(piece);
            if (!consumed) {
                seen.error = consumed.error();
                return seen;
            }
            piece.remove_prefix(*consumed);
            if (parser.done())
                seen.requests.push_back(parser.take());
        }
    }
    seen.error = parser.finish();
    return seen;
}

inline outcome whole(std::string_view bytes, socoro::limits const& bounds = {}) {
    return in_pieces(
        bytes,
        [&] { return bytes.size(); },
        bounds);
}

inline outcome byte_by_byte(std::string_view bytes, socoro::limits const& bounds = {}) {
    return in_pieces(
        bytes,
        [] { return std::size_t(1); },
        bounds);
}

inline outcome split(std::string_view bytes, unsigned seed, socoro::limits const& bounds = {}) {
    std::minstd_rand random(seed);
    return in_pieces(
        bytes,
        [&] { return std::size_t(random() % 40); },
        bounds);
}

/// One outcome for all ways of feeding; an error code of another category when they differ.
inline outcome any_way(std::string_view bytes, socoro::limits const& bounds = {}) {
    auto const seen = whole(bytes, bounds);
    bool same = byte_by_byte(bytes, bounds) == seen;
    for (unsigned seed = 1; seed <= 8; ++seed)
        same = same && split(bytes, seed, bounds) == seen;
    return same ? seen : outcome{{}, std::make_error_code(std::errc::state_not_recoverable)};
}

}  // namespace reading
