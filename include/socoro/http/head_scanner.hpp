// SPDX-License-Identifier: BSL-1.0
// Finds the end of a message head (RFC 9112 section 2.1): lines up to and with the first empty one.
// It knows nothing of what the lines say; the parser reads them once the head is whole.
#pragma once

#include <socoro/http/line_scanner.hpp>

#include <cstddef>
#include <string_view>

namespace socoro::http {

/// Scans one head, fed in any pieces; it goes on where it stopped, so time is linear in the bytes.
class head_scanner {
public:
    /// For a head of at most `limit` bytes, the empty line included.
    explicit head_scanner(std::size_t limit)
        : limit_(limit)
        , line_(limit, errc::http_head_too_large) {}

    /// Takes bytes up to the end of the head and returns how many they were.
    /// Errors: `http_malformed` (see line_scanner), `http_head_too_large`.
    [[nodiscard]] result<std::size_t> feed(std::string_view bytes);

    /// Whether the empty line has been seen.
    [[nodiscard]] bool done() const noexcept { return line_.empty(); }

    /// Whether the head is done and nothing stood before the empty line.
    [[nodiscard]] bool blank() const noexcept { return done() && before_ == 0; }

    /// Bytes of the head so far.
    [[nodiscard]] std::size_t size() const noexcept { return before_ + line_.size(); }

private:
    std::size_t limit_;
    std::size_t before_ = 0;  // bytes of the finished lines
    line_scanner line_;
};

inline result<std::size_t> head_scanner::feed(std::string_view bytes) {
    std::size_t consumed = 0;
    while (consumed < bytes.size() && !done()) {
        auto const taken = line_.feed(bytes.substr(consumed));
        if (!taken)
            return taken;
        consumed += *taken;
        if (line_.done() && !line_.empty()) {
            before_ += line_.size();
            line_ = line_scanner(limit_ - before_, errc::http_head_too_large);
        }
    }
    return consumed;
}

}  // namespace socoro::http
