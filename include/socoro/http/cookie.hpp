// SPDX-License-Identifier: BSL-1.0
// The cookies of a request (RFC 6265 section 5.4), read as leniently as servers do.
// Setting cookies is a header field like any other, and not here.
#pragma once

#include <socoro/http/grammar.hpp>
#include <socoro/http/name_values.hpp>

#include <string>
#include <string_view>

namespace socoro::http {

/// The cookies of one `Cookie` field in their order; values without the quotes they may have had,
/// not percent-decoded. Of several with one name the first is found: browsers send the one with
/// the most specific path first.
class cookies : public name_values {
public:
    cookies() = default;

    /// Parses the value of a `Cookie` field; parts without a name are passed over. Never fails.
    explicit cookies(std::string_view header);
};

namespace detail {

[[nodiscard]] inline std::string_view unquoted(std::string_view text) {
    bool const quoted = text.size() >= 2 && text.front() == '"' && text.back() == '"';
    return quoted ? text.substr(1, text.size() - 2) : text;
}

}  // namespace detail

inline cookies::cookies(std::string_view header) {
    while (!header.empty()) {
        auto const pair = detail::take_until(header, ';');
        auto const equals = pair.find('=');
        auto const name = detail::trimmed(pair.substr(0, equals));
        if (equals == std::string_view::npos || name.empty())
            continue;
        auto const value = detail::unquoted(detail::trimmed(pair.substr(equals + 1)));
        add(std::string(name), std::string(value));
    }
}

}  // namespace socoro::http
