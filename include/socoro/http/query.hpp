// SPDX-License-Identifier: BSL-1.0
// The parameters of a query string, decoded as the URL standard does (urlencoded, section 5.1).
// Names are only names: there are no nested or repeated structures, and none is special.
#pragma once

#include <socoro/http/grammar.hpp>
#include <socoro/http/name_values.hpp>
#include <socoro/http/percent.hpp>

#include <string_view>

namespace socoro::http {

/// The decoded parameters in their order; names and values are bytes, not necessarily UTF-8.
class query : public name_values {
public:
    query() = default;

    /// Parses what follows the `?`, which `request::query()` returns. Never fails.
    explicit query(std::string_view raw);
};

inline query::query(std::string_view raw) {
    while (!raw.empty()) {
        auto pair = detail::take_until(raw, '&');
        if (pair.empty())
            continue;
        auto const name = detail::take_until(pair, '=');
        add(decode_form(name), decode_form(pair));
    }
}

}  // namespace socoro::http
