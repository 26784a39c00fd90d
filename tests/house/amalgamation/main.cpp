// SPDX-License-Identifier: BSL-1.0
// A program with nothing of socoro but its one header: a server on a port of its own, asked for a
// session as a polling client would.
#define SOCORO_IMPLEMENTATION
#include <socoro.hpp>

#include "greet.hpp"

#include <asio/redirect_error.hpp>
#include <asio/write.hpp>

#include <array>
#include <cstdlib>
#include <iostream>
#include <string>
#include <utility>

namespace {

asio::awaitable<std::string> ask(unsigned short port, std::string request) {
    auto const executor = co_await asio::this_coro::executor;
    asio::ip::tcp::socket socket(executor);
    asio::ip::tcp::endpoint const server(asio::ip::address_v4::loopback(), port);
    co_await socket.async_connect(server, asio::use_awaitable);
    co_await asio::async_write(socket, asio::buffer(request), asio::use_awaitable);
    std::string answer;
    std::error_code ec;
    while (!ec) {
        std::array<char, 512> piece;
        auto const size = co_await socket.async_read_some(
            asio::buffer(piece),
            asio::redirect_error(asio::use_awaitable, ec));
        answer.append(piece.data(), size);
    }
    co_return answer;
}

}  // namespace

int main() {
    asio::io_context context;
    socoro::server io(context);
    io.on_connection(greet);
    auto const at = io.listen(0);
    std::string answer;
    std::string const request =
        "GET /socket.io/?EIO=4&transport=polling HTTP/1.1\r\nHost: localhost\r\n"
        "Connection: close\r\n\r\n";
    asio::co_spawn(
        context,
        ask(at.port(), request),
        [&](std::exception_ptr failure, std::string got) {
            answer = failure ? "an exception" : std::move(got);
            io.close();
            context.stop();
        });
    context.run();
    if (answer.find("0{\"sid\":\"") != std::string::npos)
        return EXIT_SUCCESS;
    std::cerr << "no session was opened: " << answer << '\n';
    return EXIT_FAILURE;
}
