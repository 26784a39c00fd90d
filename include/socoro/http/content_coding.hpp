// SPDX-License-Identifier: BSL-1.0
// Content codings (RFC 9110 sections 8.4 and 12.5.3): which of those we may have a client accepts.
// How a body is compressed, and with which library, is not known here.
#pragma once

#include <socoro/http/fields.hpp>
#include <socoro/http/grammar.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace socoro::http {

/// What was done to a body.
enum class coding : std::uint8_t {
    identity,  ///< nothing
    gzip,
    deflate,  ///< the format `zlib`, whatever the name says
};

/// The name of a coding in `Content-Encoding`.
[[nodiscard]] constexpr std::string_view name_of(coding c) noexcept {
    return c == coding::gzip ? "gzip" : c == coding::deflate ? "deflate" : "identity";
}

/// The coding to use for a client that sent this `Accept-Encoding`; one of several fields is as if
/// they were one. As in the reference a client that accepts a coding at all gets it, the heaviest
/// first; of those that weigh the same the one that it names, the first in its list, before one
/// that is only meant by `*`. A weight that breaks the grammar is none.
[[nodiscard]] coding preferred_coding(std::string_view accepted);

/// Compresses the bodies of answers. Any thread may use it.
class compression {
public:
    virtual ~compression() = default;

    /// Bodies of fewer bytes are sent as they are.
    [[nodiscard]] virtual std::size_t threshold() const noexcept = 0;

    /// The body in that coding, which is not `identity`.
    [[nodiscard]] virtual std::string encode(coding as, std::string_view body) const = 0;
};

namespace detail {

/// A weight of RFC 9110 section 12.4.2 in thousandths; 0 for what is none.
[[nodiscard]] constexpr int thousandths_of(std::string_view weight) noexcept {
    constexpr std::size_t most_digits = 3;
    if (weight.empty() || (weight[0] != '0' && weight[0] != '1'))
        return 0;
    int sum = (weight[0] - '0') * 1000;
    auto const fraction = weight.size() > 1 ? weight.substr(2) : std::string_view();
    if ((weight.size() > 1 && weight[1] != '.') || fraction.size() > most_digits ||
        !is_made_of(fraction, digits))
        return 0;
    int worth = 100;
    for (char c : fraction) {
        sum += (c - '0') * worth;
        worth /= 10;
    }
    return sum <= 1000 ? sum : 0;
}

/// The weight among the parameters behind a coding; without one it is the whole.
[[nodiscard]] constexpr int weight_among(std::string_view parameters) noexcept {
    while (!parameters.empty()) {
        auto parameter = take_until(parameters, ';');
        auto const name = trimmed(take_until(parameter, '='));
        if (same_name(name, "q"))
            return thousandths_of(trimmed(parameter));
    }
    return 1000;
}

/// How much a client wants a coding, in the order of what decides.
struct preference {
    int weight = 0;
    bool named = false;
    std::size_t place = 0;

    [[nodiscard]] constexpr bool is_before(preference const& other) const noexcept {
        if (weight != other.weight)
            return weight > other.weight;
        if (named != other.named)
            return named;
        return place < other.place;
    }
};

[[nodiscard]] constexpr preference preference_for(std::string_view name, std::string_view list) {
    preference best;
    for (std::size_t place = 0; !list.empty(); ++place) {
        auto element = take_until(list, ',');
        auto const coding = trimmed(take_until(element, ';'));
        bool const named = same_name(coding, name);
        if (!named && (coding != "*" || best.named))
            continue;
        preference const next{weight_among(element), named, place};
        // Its own name says more than `*`, and of equals the heaviest counts.
        if (named != best.named || next.weight > best.weight)
            best = next;
    }
    return best;
}

}  // namespace detail

inline coding preferred_coding(std::string_view accepted) {
    auto const gzip = detail::preference_for("gzip", accepted);
    auto const deflate = detail::preference_for("deflate", accepted);
    if (gzip.weight == 0 && deflate.weight == 0)
        return coding::identity;
    return deflate.is_before(gzip) ? coding::deflate : coding::gzip;
}

}  // namespace socoro::http
