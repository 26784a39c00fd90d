// SPDX-License-Identifier: BSL-1.0
// Reads the messages of a whole connection in pieces of any sizes, for the tests of the parsers.
#pragma once

#include <socoro/http/parser.hpp>

#include <algorithm>
#include <cstddef>
#include <random>
#include <string_view>
#include <system_error>
#include <vector>

namespace reading {

template <typename Message>
struct outcome {
    std::vector<Message> messages;
    std::error_code error;  // of the parser, or of the end of the connection
    friend bool operator==(outcome const&, outcome const&) = default;
};

/// What is done to a parser before each message.
struct nothing {
    void operator()(auto&) const {}
};

template <typename Parser, typename PieceSize, typename Prepare>
auto in_pieces(
    std::string_view bytes,
    PieceSize next_size,
    socoro::limits const& bounds,
    Prepare prepare) {
    Parser parser(bounds);
    outcome<typename Parser::message_type> seen;
    prepare(parser);
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
            if (parser.done()) {
                seen.messages.push_back(parser.take());
                prepare(parser);
            }
        }
    }
    seen.error = parser.finish();
    if (parser.done())
        seen.messages.push_back(parser.take());
    return seen;
}

template <typename Parser = socoro::http::request_parser, typename Prepare = nothing>
auto whole(std::string_view bytes, socoro::limits const& bounds = {}, Prepare prepare = {}) {
    return in_pieces<Parser>(
        bytes,
        [&] { return bytes.size(); },
        bounds,
        prepare);
}

template <typename Parser = socoro::http::request_parser, typename Prepare = nothing>
auto byte_by_byte(std::string_view bytes, socoro::limits const& bounds = {}, Prepare prepare = {}) {
    return in_pieces<Parser>(
        bytes,
        [] { return std::size_t(1); },
        bounds,
        prepare);
}

template <typename Parser = socoro::http::request_parser, typename Prepare = nothing>
auto split(
    std::string_view bytes,
    unsigned seed,
    socoro::limits const& bounds = {},
    Prepare prepare = {}) {
    std::minstd_rand random(seed);
    return in_pieces<Parser>(
        bytes,
        [&] { return std::size_t(random() % 40); },
        bounds,
        prepare);
}

/// One outcome for all ways of feeding; an error code of another category when they differ.
template <typename Parser = socoro::http::request_parser, typename Prepare = nothing>
auto any_way(std::string_view bytes, socoro::limits const& bounds = {}, Prepare prepare = {}) {
    auto seen = whole<Parser>(bytes, bounds, prepare);
    bool same = byte_by_byte<Parser>(bytes, bounds, prepare) == seen;
    for (unsigned seed = 1; seed <= 8; ++seed)
        same = same && split<Parser>(bytes, seed, bounds, prepare) == seen;
    if (!same)
        seen = {{}, std::make_error_code(std::errc::state_not_recoverable)};
    return seen;
}

}  // namespace reading
