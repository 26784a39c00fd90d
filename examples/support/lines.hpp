// SPDX-License-Identifier: BSL-1.0
// Lines of the standard input, waited for by a coroutine.
#pragma once

#include <socoro/net/asio.hpp>

#include <asio/posix/stream_descriptor.hpp>
#include <asio/read_until.hpp>
#include <asio/redirect_error.hpp>

#include <fcntl.h>
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

}  // namespace example
