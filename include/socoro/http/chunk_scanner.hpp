// SPDX-License-Identifier: BSL-1.0
// Collects what stands between the data of a chunked body (RFC 9112 section 7.1): the CRLF that
// ends the chunk before, the size line with its extensions, and behind the last one the trailer.
// Each such stretch is handed on whole, so that its meaning never depends on how it arrived.
#pragma once

#include <socoro/http/line_scanner.hpp>

#include <cstddef>
#include <string>
#include <string_view>

namespace socoro::http {

/// Scans the framing of one chunked body; the data itself passes by it.
class chunk_scanner {
public:
    /// For a body with at most `overhead` bytes of extensions and trailer fields altogether.
    explicit chunk_scanner(std::size_t overhead);

    /// Takes bytes up to the next chunk's data, or the end of the body, and returns how many.
    /// Errors: `http_malformed`, `http_body_too_large` when extensions and trailer exceed the limit.
    [[nodiscard]] result<std::size_t> feed(std::string_view bytes);

    /// Whether the framing before the next data, or the end of the body, is complete.
    [[nodiscard]] bool done() const noexcept { return part_ == part::complete; }

    /// The bytes of this stretch of framing.
    [[nodiscard]] std::string_view text() const noexcept { return text_; }

    /// Makes ready for the framing behind the chunk that was just announced.
    void next();

private:
    enum class part { separator, size_line, trailer, complete };

    [[nodiscard]] static line_scanner line_of(std::size_t limit);
    [[nodiscard]] std::error_code end_line();
    [[nodiscard]] std::error_code end_size_line();
    [[nodiscard]] std::error_code end_trailer_line();
    [[nodiscard]] std::error_code spend(std::size_t bytes);

    static constexpr std::size_t size_digits = 16;  // of a 64-bit size
    static constexpr std::size_t crlf = 2;

    std::size_t left_;  // of the overhead
    part part_ = part::size_line;
    line_scanner line_;
    std::string text_;
};

inline chunk_scanner::chunk_scanner(std::size_t overhead)
    : left_(overhead)
    , line_(line_of(overhead + size_digits)) {}

inline line_scanner chunk_scanner::line_of(std::size_t limit) {
    return {limit + crlf, errc::http_body_too_large};
}

inline void chunk_scanner::next() {
    text_.clear();
    part_ = part::separator;
    line_ = line_scanner(crlf, errc::http_malformed);
}

inline result<std::size_t> chunk_scanner::feed(std::string_view bytes) {
    std::size_t consumed = 0;
    while (consumed < bytes.size() && !done()) {
        auto const taken = line_.feed(bytes.substr(consumed));
        if (!taken)
            return taken;
        text_.append(bytes, consumed, *taken);
        consumed += *taken;
        if (part_ == part::separator && text_.front() != '\r')
            return std::error_code(errc::http_malformed);  // data beyond the size of its chunk
        if (!line_.done())
            continue;
        if (auto const error = end_line())
            return error;
    }
    return consumed;
}

inline std::error_code chunk_scanner::end_line() {
    switch (part_) {
    case part::separator: break;
    case part::size_line: return end_size_line();
    case part::trailer: return end_trailer_line();
    case part::complete: return {};
    }
    part_ = part::size_line;
    line_ = line_of(left_ + size_digits);
    return {};
}

inline std::error_code chunk_scanner::end_size_line() {
    auto const line = std::string_view(text_).substr(text_.size() - line_.size());
    auto const digits = line.find_first_not_of("0123456789abcdefABCDEF");
    if (digits == 0 || digits > size_digits)
        return errc::http_malformed;
    if (auto const error = spend(line.size() - digits - crlf))
        return error;
    bool const last = line.find_first_not_of('0') >= digits;
    part_ = last ? part::trailer : part::complete;
    line_ = line_of(left_);
    return {};
}

inline std::error_code chunk_scanner::end_trailer_line() {
    if (line_.empty()) {
        part_ = part::complete;
        return {};
    }
    if (auto const error = spend(line_.size()))
        return error;
    line_ = line_of(left_);
    return {};
}

inline std::error_code chunk_scanner::spend(std::size_t bytes) {
    if (bytes > left_)
        return errc::http_body_too_large;
    left_ -= bytes;
    return {};
}

}  // namespace socoro::http
