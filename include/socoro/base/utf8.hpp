// SPDX-License-Identifier: BSL-1.0
// UTF-8 checking in pieces (RFC 3629), failing at the first byte that cannot be completed.
#pragma once

#include <socoro/base/config.hpp>

#include <boost/beast/websocket/detail/utf8_checker.hpp>

#include <cstdint>
#include <string_view>

namespace socoro {

/// Checks text that arrives in pieces. Once it has said no, it is not to be fed again.
class utf8_checker {
public:
    /// Takes the next piece; false as soon as no continuation could make the text valid.
    [[nodiscard]] bool feed(std::string_view piece) {
        return checker_.write(reinterpret_cast<std::uint8_t const*>(piece.data()), piece.size());
    }

    /// Ends the text and starts anew; false if it ended inside a character.
    [[nodiscard]] bool finish() { return checker_.finish(); }

    /// Forgets the text so far.
    void reset() { checker_.reset(); }

private:
    boost::beast::websocket::detail::utf8_checker checker_;
};

/// Whether the whole text is valid.
[[nodiscard]] inline bool is_utf8(std::string_view text) {
    utf8_checker checker;
    return checker.feed(text) && checker.finish();
}

}  // namespace socoro
