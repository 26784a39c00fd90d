// SPDX-License-Identifier: BSL-1.0
// Writes the value of a `Set-Cookie` field (RFC 6265 section 4.1.1). What the attributes mean is
// known to browsers, and not here.
#pragma once

#include <socoro/http/grammar.hpp>

#include <algorithm>
#include <stdexcept>
#include <string>
#include <string_view>

namespace socoro::http {

/// One cookie, put together part by part. Throws `std::invalid_argument` for a part that would
/// be read as something else: a name that is no token, a value with a space, a quotation mark, a
/// comma or a backslash, anything with a semicolon or a control character.
class cookie_writer {
public:
    cookie_writer(std::string_view name, std::string_view value) {
        require(detail::is_token(name), "a cookie's name is not a token");
        require(value.find_first_of(" \t\",;\\") == std::string_view::npos, "a cookie's value");
        text_.append(name);
        append("=", value);
    }

    /// Adds an attribute with a value, such as `Path`.
    cookie_writer& add(std::string_view attribute, std::string_view value) {
        text_.append("; ").append(attribute);
        append("=", value);
        return *this;
    }

    /// Adds an attribute without a value, such as `Secure`.
    cookie_writer& add(std::string_view attribute) {
        text_.append("; ").append(attribute);
        return *this;
    }

    [[nodiscard]] std::string const& text() const noexcept { return text_; }

private:
    static void require(bool fits, char const* what) {
        if (!fits)
            throw std::invalid_argument(std::string("socoro: not fit for Set-Cookie: ") + what);
    }
    void append(std::string_view before, std::string_view value) {
        bool const fits = std::none_of(value.begin(), value.end(), [](char c) {
            return is_control(c) || c == ';';
        });
        require(fits, "a value with a semicolon or a control character");
        text_.append(before).append(value);
    }

    std::string text_;
};

}  // namespace socoro::http
