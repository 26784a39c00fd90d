// SPDX-License-Identifier: BSL-1.0
// Lines of the standard input, waited for by a coroutine, and lines for the terminal.
#pragma once

#include <socoro/net/asio.hpp>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>

#include <fcntl.h>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <unistd.h>

namespace example {

/// What is typed, or comes through a pipe or from a file. A wait that is cancelled loses nothing.
class lines {
public:
    explicit lines(asio::io_context& context) : input_(context, open()) {}

    /// Waits for a line. At the end of the input there is none.
    [[nodiscard]] asio::awaitable<std::optional<std::string>> next() {
        std::error_code ec;
        auto token = asio::redirect_error(asio::use_awaitable, ec);
        auto size =
            co_await asio::async_read_until(input_, asio::dynamic_buffer(read_), '\n', token);
        if (ec && ec != asio::error::eof)
            throw std::system_error(ec);
        if (ec)
            size = read_.size();  // the last line may do without an end
        if (size == 0)
            co_return std::nullopt;
        std::string line = read_.substr(0, size);
        read_.erase(0, size);
        while (line.ends_with('\n') || line.ends_with('\r'))
            line.pop_back();
        co_return line;
    }

private:
    /// Asio makes the descriptor one that never blocks. A terminal is opened anew for that: what is
    /// printed to it shall wait.
    [[nodiscard]] static int open() {
        int const terminal = ::isatty(STDIN_FILENO) ? ::open("/dev/tty", O_RDONLY | O_NOCTTY) : -1;
        return terminal >= 0 ? terminal : ::dup(STDIN_FILENO);
    }

    asio::posix::stream_descriptor input_;
    std::string read_;
};

/// Without control characters, which the terminal would obey.
inline std::string printable(std::string_view text) {
    std::string safe;
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f)
            safe += ' ';
        else if (byte >= 0x80 && byte < 0xa0 && safe.ends_with('\xc2'))  // beyond ASCII, in UTF-8
            safe.back() = ' ';
        else
            safe += c;
    }
    return safe;
}

/// Prints a line that others may have written.
inline void print(std::string const& line) {
    std::cout << printable(line) << std::endl;
}

}  // namespace example
