// SPDX-License-Identifier: BSL-1.0
// How the identifiers of a server on several shards tell where somebody lives: their last two
// characters are the number of the shard, so that whoever gets a request can pass it on without
// asking anybody.
#pragma once

#include <socoro/base/base64.hpp>
#include <socoro/base/random.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace socoro::engine {

/// What two digits of base64 can tell apart.
inline constexpr std::size_t most_shards = 4096;

namespace detail {

inline constexpr std::string_view shard_digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

}  // namespace detail

/// Two characters for the shard of this number, below `most_shards`.
[[nodiscard]] inline std::string name_of_shard(std::size_t number) {
    auto const& digits = detail::shard_digits;
    return {digits[number / digits.size()], digits[number % digits.size()]};
}

/// The number of the shard that an identifier names; nothing if it names none.
[[nodiscard]] inline std::optional<std::size_t> shard_named_by(std::string_view id) {
    auto const& digits = detail::shard_digits;
    if (id.size() < 2)
        return std::nullopt;
    auto const high = digits.find(id[id.size() - 2]);
    auto const low = digits.find(id.back());
    if (high == digits.npos || low == digits.npos)
        return std::nullopt;
    return high * digits.size() + low;
}

/// A new identifier: 20 characters that nobody can guess, the last of them the name of the shard, if
/// it has one.
[[nodiscard]] inline std::string make_id(std::string_view shard = {}) {
    auto id = base64::encode_url(random_bytes(15));
    id.resize(id.size() - shard.size());
    return id.append(shard);
}

}  // namespace socoro::engine
