// SPDX-License-Identifier: BSL-1.0
// Serves examples/ticker: ticker [--port N]
#include "../support/program.hpp"
#include "ticker.hpp"

#include <thread>

int main(int argc, char** argv) {
    using namespace std::chrono_literals;
    asio::io_context context;
    socoro::server io(context);
    socoro::http_server http(context, [&](auto request) { return ticker::post(io, request); });
    io.attach(http);
    asio::steady_timer timer(context);
    asio::co_spawn(context, ticker::count(io, timer, 100ms), asio::detached);
    std::jthread const meter(ticker::measure, std::ref(io), 100ms);

    auto const listen = [&] { return http.listen(example::port(argc, argv)); };
    auto const close = [&]() -> asio::awaitable<void> {
        timer.cancel();
        http.stop_listening();
        co_await io.close(2s);
        co_await http.close(2s);
    };
    return example::run(context, listen, close);
}
