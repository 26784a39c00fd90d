// SPDX-License-Identifier: BSL-1.0
// Finds the end of one protocol line of HTTP/1.1 (RFC 9112 section 2.2), fed in any pieces.
// Every line that frames a message passes here first, so what lax parsers make smuggling of never
// gets further: bare CR, bare LF, NUL and other control characters, lines that begin with space.
#pragma once

#include <socoro/base/result.hpp>
#include <socoro/http/grammar.hpp>

#include <cstddef>
#include <string_view>

namespace socoro::http {

/// Scans one line, its CRLF included; each byte is looked at once.
class line_scanner {
public:
    /// For a line of at most `limit` bytes; a longer one is the error `too_long`.
    line_scanner(std::size_t limit, errc too_long) : limit_(limit), too_long_(too_long) {}

    /// Takes bytes up to the end of the line and returns how many they were.
    /// Errors: `http_malformed`, and the constructor's at the first byte over the limit.
    [[nodiscard]] result<std::size_t> feed(std::string_view bytes);

    /// Whether the CRLF has been seen.
    [[nodiscard]] bool done() const noexcept { return done_; }

    /// Whether the line is done and nothing stood before its CRLF.
    [[nodiscard]] bool empty() const noexcept { return done_ && size_ == 2; }

    /// Bytes so far, with the CRLF.
    [[nodiscard]] std::size_t size() const noexcept { return size_; }

private:
    [[nodiscard]] bool accepts(char c) noexcept;

    std::size_t limit_;
    std::size_t size_ = 0;
    errc too_long_;
    bool after_cr_ = false;
    bool done_ = false;
};

inline result<std::size_t> line_scanner::feed(std::string_view bytes) {
    std::size_t taken = 0;
    while (taken < bytes.size() && !done_) {
        if (size_ == limit_)
            return std::error_code(too_long_);
        if (!accepts(bytes[taken]))
            return std::error_code(errc::http_malformed);
        ++taken;
        ++size_;
    }
    return taken;
}

inline bool line_scanner::accepts(char c) noexcept {
    if (after_cr_)
        return done_ = c == '\n';
    if (c == '\r')
        return after_cr_ = true;
    if (c == ' ' || c == '\t')
        return size_ > 0;  // at the start it would continue the line before (obs-fold)
    return !is_control(c);
}

}  // namespace socoro::http
